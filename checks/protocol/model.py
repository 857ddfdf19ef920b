"""The study protocol file as a frozen model: its sections, their keys, types and defaults."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from checks.fields import (
    Cron,
    Frozen,
    Name,
    NotEmpty,
    NotNegative,
    Pair,
    Positive,
    Rate,
    Section,
    Share,
    Text,
    Whole,
    Zone,
)
from checks.measurements import VITALS
from checks.problems import ProblemAt, one_of, refuse, refuse_all, shown
from checks.protocol.case_definition import CaseDefinition
from checks.protocol.date_formats import DateFormats
from checks.protocol.layout import Layout
from checks.protocol.suite_files import SuiteFile
from checks.rules import AnyRule
from checks.rules.evidence import AssumedRate
from checks.rules.plan import per_subject, per_window


class Study(Section):
    """Which study this is; its id names folders. What is made of a simulated one says so on every page."""

    id: Name
    timezone: Zone
    title: Text | None = None
    registry_id: Text | None = None
    simulated: bool = False

    @model_validator(mode="before")
    @classmethod
    def _by_title(cls, given: object) -> object:
        """Take a study for simulated by its title where the file does not say, as files before this key do not."""
        if isinstance(given, Mapping) and "SIMULATED" in str(given.get("title", "")):
            return {"simulated": True, **given}
        return given


class Schedule(Section):
    """When looks are started, and how old the last one may become."""

    cron: Cron = "*/30 * * * *"
    max_look_age_hours: Positive = 2.0


class Treatment(Section):
    """Which administrations are study drug."""

    names: Annotated[tuple[Text, ...], NotEmpty]
    planned_doses: Whole | None = None
    active_arms: tuple[Text, ...] = ()


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
    """How exactly the times of a feed are known, whatever their clocks show: in all its columns, or in some."""

    known_to: Precision
    rationale: Text
    columns: Annotated[tuple[Annotated[Text, AfterValidator(_time_column)], ...], NotEmpty] | None = None


class TestCodes(Section):
    """Which vital each of some codes of VS means, whatever its name: null for one that is none that is needed."""

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

    A feed that is a query of a database has ``path: env:POSTDOSE_NAME`` for the variable that holds its URL. ``site``
    is that of the subjects of DM of whom the feed names none.
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


class Limits(Section):
    """How much may be withheld or unobserved before a look says so; ``max_gap_hours`` is of earlier files."""

    max_quarantined: Share = 0.2
    max_unobserved: Share = 0.5
    max_gap_hours: Positive = Field(default=4.0, json_schema_extra={"deprecated": True})


class Background(Section):
    """How often a case would be seen without the drug, and how sure that is."""

    rate: Rate
    unit: Literal["subject", "window"]
    rationale: Text
    source: Text
    range: tuple[Rate, Rate] | None = None

    @model_validator(mode="after")
    def _range_holds_rate(self) -> Self:
        low, high = self.range or (0.0, 1.0)
        found = f"{low:g} to {high:g}"
        if not low < high:
            refuse_all([ProblemAt(("range",), found, "an increasing range")])
        if not low <= self.rate <= high:
            refuse_all([ProblemAt(("range",), found, f"a range that contains the rate {self.rate:g}")])
        return self


class Multiplicity(Section):
    """How alpha is shared among the rules; sharing none needs a rationale."""

    familywise_alpha: Rate = 0.05
    method: Literal["bonferroni", "none"] = "bonferroni"
    rationale: Text | None = None

    @model_validator(mode="after")
    def _none_is_explained(self) -> Self:
        if self.method == "none" and self.rationale is None:
            refuse_all([ProblemAt(("rationale",), "nothing", "a rationale: method none needs one")])
        return self


class Watch(Section):
    """How near to its boundary a rule asks for attention."""

    cases_short_of_boundary: Annotated[int, Field(ge=0)] = 1


CHANNEL_FORMS = "env:NAME (the address is kept in that environment variable), file:DIR or console:"


def _channel(text: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:(?!.*://)\S.*|console:", text):
        raise refuse("a channel of another form (not repeated here: it may hold a password)", CHANNEL_FORMS)
    return text


class Route(Section):
    """Who is told of which verdicts, through which channels, and who follows when nobody answers."""

    role: Name
    verdicts: Annotated[tuple[Literal["watch", "signal", "not_assessable"], ...], NotEmpty]
    channels: Annotated[tuple[Annotated[str, AfterValidator(_channel)], ...], NotEmpty]
    ack_within_minutes: Positive | None = None
    escalate_to: Name | None = None
    brief: bool = False

    @model_validator(mode="after")
    def _escalates_in_time(self) -> Self:
        if self.escalate_to is not None and self.ack_within_minutes is None:
            found = f"escalate_to {self.escalate_to} without ack_within_minutes"
            refuse_all([ProblemAt(("escalate_to",), found, "both, or neither")])
        return self


class Alerts(Section):
    """How alerts are routed, and how often one is repeated."""

    repeat_hours: Positive = 24.0
    routes: tuple[Route, ...] = ()


def _schema(version: int) -> int:
    if version != 1:
        raise refuse(str(version), "1, the only schema this version reads")
    return version


def _length(given: object) -> object:
    """Take the pair of an earlier file, hours around the dose, for its length."""
    if not isinstance(given, list | tuple):
        return given
    try:
        start, end = map(float, given)
    except (TypeError, ValueError):
        return given  # no pair of numbers, and no number: refused as such
    if not start < end:
        raise refuse(f"[{start:g}, {end:g}]", "a start before the end")
    if end > 0:
        raise refuse(f"[{start:g}, {end:g}]", "an end at the dose (0) or before it")
    return end - start


Length = Annotated[Positive, BeforeValidator(_length, json_schema_input_type=Positive | Pair)]


class StudyProtocol(Section):
    """The study protocol file, whole; attributes have the names of the file's keys.

    Two differ: ``feeds.is_`` from ``is``, which Python reserves, and ``ends_``, from which a component's ``ends`` are
    made. ``baseline_hours`` are those before each measurement to which its relative criteria refer. Rows of EX within
    ``same_dose_within_hours`` are one administration, of ``max_administration_hours`` at most; ``hours_from`` its
    start or its end a dose's hours are counted. Reports of the last ``reporting_lag_hours`` are not complete yet.
    """

    schema_version: Annotated[int, AfterValidator(_schema)]
    study: Study
    sites: Annotated[Mapping[Text, Zone], NotEmpty, *Frozen]
    treatment: Treatment
    feeds: Feeds
    case_definition: CaseDefinition
    baseline_hours: Length = 12.0
    risk_window_hours: Pair
    control_windows_hours: Annotated[tuple[Pair, ...], NotEmpty]
    rules: Annotated[tuple[AnyRule, ...], NotEmpty]
    schedule: Schedule = Schedule()
    limits: Limits = Limits()
    same_dose_within_hours: NotNegative = 2.0
    max_administration_hours: Positive = 12.0
    hours_from: Literal["start", "end"] = "start"
    reporting_lag_hours: NotNegative = 24.0
    background: Background | None = None
    multiplicity: Multiplicity | None = None
    watch: Watch = Watch()
    alerts: Alerts = Alerts()

    _sha256: str = PrivateAttr(default="")
    _folder: Path = PrivateAttr(default=Path())
    _suites: tuple[SuiteFile, ...] = PrivateAttr(default=())
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal; empty for a protocol that is not from a file.

        Where the study brings expectations of its own it covers these too (``suite_files.combined_sha256``).
        """
        return self._sha256

    @property
    def folder(self) -> Path:
        """The folder that holds the file, to which the paths of feeds are relative."""
        return self._folder

    @property
    def suites(self) -> tuple[SuiteFile, ...]:
        """The study's own expectations, a file for a feed."""
        return self._suites

    @property
    def notes(self) -> tuple[str, ...]:
        """What the file says that is read in another way than it seems, each with its file and line."""
        return self._notes

    @property
    def planned_subjects(self) -> int | None:
        """The most subjects that a rule plans for; None where none does."""
        planned = (rule.planned for rule in self.rules)
        return max((subjects for subjects, _ in filter(None, planned)), default=None)

    def assumed_rates(self) -> Mapping[str, AssumedRate]:
        """Return the background by unit, as declared and, over the planned doses, per the other unit."""
        declared, doses = self.background, self.treatment.planned_doses
        if declared is None:
            return {}
        assumed: dict[str, AssumedRate] = {declared.unit: AssumedRate(declared.rate, declared.range)}
        if doses is not None:
            unit, convert = ("subject", per_subject) if declared.unit == "window" else ("window", per_window)
            spread = declared.range and (convert(declared.range[0], doses), convert(declared.range[1], doses))
            assumed[unit] = AssumedRate(convert(declared.rate, doses), spread)
        return assumed

    def read_from(
        self,
        folder: Path,
        sha256: str,
        suites: tuple[SuiteFile, ...] | None = None,
        notes: tuple[str, ...] | None = None,
    ) -> Self:
        """Return this protocol, with the folder, the hash, the expectations and the notes that it was read with."""
        copy = self.model_copy()
        copy._folder, copy._sha256 = folder, sha256
        copy._suites = self._suites if suites is None else suites
        copy._notes = self._notes if notes is None else notes
        return copy
