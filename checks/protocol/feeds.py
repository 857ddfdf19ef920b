"""The feeds of a study protocol: where each domain's deliveries arrive, how they are read, what is known of them."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from checks.fields import Frozen, NotEmpty, Positive, Section, Text
from checks.measurements import VITALS
from checks.problems import ProblemAt, one_of, refuse, refuse_all, shown
from checks.protocol.date_formats import DateFormats
from checks.protocol.layout import Layout


def _encoding(name: str) -> str:
    try:
        "A".encode(name)
    except (LookupError, ValueError) as error:
        raise refuse(shown(name), "a character encoding such as UTF-8 or WINDOWS-1252") from error
    return name


_VARIABLE = re.compile(r"env:POSTDOSE_[A-Z0-9_]+")
_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")


def _feed_path(text: str) -> str:
    if _PASSWORD.search(text):
        allowed = "one without; for a query env:POSTDOSE_NAME, the variable that holds the database's URL"
        raise refuse("an address with a password (not repeated here)", allowed)
    if text.startswith("env:") and not _VARIABLE.fullmatch(text):
        raise refuse(shown(text), "env:POSTDOSE_NAME, of A-Z 0-9 _")
    return text


Precision = Literal["day", "hour", "minute"]


def _time_column(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}(ST|EN)?DTC", text):
        raise refuse(shown(text), "a variable of times in upper case, such as AESTDTC, AEENDTC or VSDTC")
    return text


class TimePrecision(Section):
    """How exactly the times of a feed are known, whatever their clocks show: in all its ``columns``, or in those."""

    known_to: Precision
    rationale: Text
    columns: Annotated[tuple[Annotated[Text, AfterValidator(_time_column)], ...], NotEmpty] | None = None


class TestCodes(Section):
    """Which vital (VSTESTCD) each of some codes of VS means, whatever its name; null for none that is needed."""

    means: Annotated[Mapping[Text, Text | None], *Frozen]
    rationale: Text

    @model_validator(mode="after")
    def _are_vitals(self) -> Self:
        refuse_all(
            [
                ProblemAt(("means", code), shown(vital), one_of(tuple(VITALS), vital))
                for code, vital in self.means.items()
                if vital is not None and vital not in VITALS
            ]
        )
        return self


class FeedSource(Section):
    """Where one domain's deliveries arrive (relative to the protocol's folder) and how to read them.

    A feed that is a query of a database has ``path: env:POSTDOSE_NAME`` for the variable that holds its URL.
    ``known_at`` is the column that says when a row was entered. ``date_format`` says how its dates are written where
    that is not ISO 8601, ``time_precision`` how exactly its times are known, and, beside vs alone, ``test_codes``
    what its codes mean. ``site``, beside dm alone, is that of the subjects of whom the feed names none.
    """

    path: Annotated[Text, AfterValidator(_feed_path)]
    mode: Literal["cumulative", "incremental"] = "cumulative"
    max_age_hours: Positive | None = None
    encoding: Annotated[Text, AfterValidator(_encoding)] | None = None
    known_at: Text | None = None
    decimal: Literal[".", ","] = "."
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    format: Literal["sdtm", "fhir", "edc"] = "sdtm"
    subject_system: Text | None = None
    layout: Layout | None = None
    query: Text | None = None
    time_precision: TimePrecision | None = None
    date_format: DateFormats | None = None
    site: Text | None = None
    test_codes: TestCodes | None = None

    def precision_of(self, column: str) -> Precision | None:
        """Return how exactly the protocol says that the times of a column are known; None where it does not."""
        told = self.time_precision
        return told.known_to if told and column in (told.columns or (column,)) else None

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        refuse_all([*self._separators(), *self._format_keys(), *self._query_keys()])
        return self

    @property
    def variable(self) -> str | None:
        """The environment variable that holds the URL of the database, for a feed that is a query."""
        return None if self.query is None else self.path.removeprefix("env:")

    def _separators(self) -> Iterator[ProblemAt]:
        if self.delimiter in '"\r\n ':
            yield ProblemAt(("delimiter",), shown(self.delimiter), "one character, such as ',' or ';'")

    def _format_keys(self) -> Iterator[ProblemAt]:
        if (self.format == "edc") != (self.layout is not None):
            found = f"{'nothing' if self.layout is None else 'a layout'} beside format {self.format}"
            yield ProblemAt(("layout",), found, "format edc and a layout, or neither")
        if self.date_format is not None and self.format != "sdtm":
            yield ProblemAt(
                ("date_format",), f"it beside format {self.format}", "format sdtm; edc has it in `layout`"
            )
        if self.subject_system is not None and self.format != "fhir":
            yield ProblemAt(("subject_system",), f"it beside format {self.format}", "format fhir")

    def _query_keys(self) -> Iterator[ProblemAt]:
        if (self.query is not None) != self.path.startswith("env:"):
            found = shown(self.path) + (" without a query" if self.query is None else " with a query")
            yield ProblemAt(("path",), found, "env:POSTDOSE_NAME with a query, or neither")
        if self.query is not None and self.format == "fhir":
            yield ProblemAt(("format",), "fhir with a query", "sdtm or edc: a query gives columns")
        for name in ("encoding", "delimiter") if self.query is not None else ():
            if name in self.model_fields_set:
                yield ProblemAt((name,), f"{name} with a query", "leave it out: a query gives no file")


class Feeds(Section):
    """The feeds of the study, by domain."""

    dm: FeedSource
    ex: FeedSource
    vs: FeedSource | None = None
    ae: FeedSource | None = None
    lb: FeedSource | None = None
    pc: FeedSource | None = None
    is_: FeedSource | None = Field(default=None, alias="is")
    cm: FeedSource | None = None

    def by_domain(self) -> Mapping[str, FeedSource]:
        """Return the declared feeds by upper-case SDTM domain, in the order of this class."""
        sources = ((name.rstrip("_").upper(), getattr(self, name)) for name in type(self).model_fields)
        return {domain: source for domain, source in sources if source is not None}
