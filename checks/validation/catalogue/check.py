"""A check: one expectation of Great Expectations, in its own terms, with what it counts and says.

It judges a column of the table that a domain prepares (``checks.validation.subjects`` and its neighbours). A row
without a value there is no concern of that check, so its denominator leaves the row out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from checks.tables import WITHHELD, tells_arm
from checks.validation.results import Category, ExpectationConfig, Severity


@dataclass(frozen=True, slots=True)
class Expected:
    """What Great Expectations is asked: the type of expectation, and its arguments but for the column."""

    type: str
    kwargs: Mapping[str, object] = field(default_factory=dict)


def in_set(*values: str) -> Expected:
    """Expect one of these values."""
    return Expected("expect_column_values_to_be_in_set", {"value_set": list(values)})


def between(minimum: float | None = None, maximum: float | None = None) -> Expected:
    """Expect a number within these limits, which it may equal."""
    limits = {"min_value": minimum, "max_value": maximum}
    named = {name: limit for name, limit in limits.items() if limit is not None}
    return Expected("expect_column_values_to_be_between", named)


UNIQUE: Final = Expected("expect_column_values_to_be_unique")
FILLED: Final = Expected("expect_column_values_to_not_be_null")
HAS_ROWS: Final = Expected("expect_table_row_count_to_be_between", {"min_value": 1})
HAS_COLUMNS: Final = Expected("expect_table_columns_to_match_set", {"exact_match": False})

OF_EVENTS: Final = ("EX", "VS", "AE", "LB")
ALL: Final = ("DM", *OF_EVENTS)


GREAT_SEVERITY: Final[Mapping[Severity, str]] = {
    "blocks": "critical",
    "quarantines": "warning",
    "warns": "info",
}
"""What each effect of ours is called in Great Expectations."""


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, with what it counts and says: an entry of the catalogue, or applied to a feed.

    Attributes
    ----------
    columns
        The prepared columns that are judged (where it asks whether columns are filled, those); none for a check of
        the whole table. In the catalogue ``{domain}`` is the SDTM domain, ``{time}`` the variable that dates its
        rows, ``{key}`` the one that names them, ``{test}`` each vital in turn.
    numerator, denominator
        What the two counts of its result count.
    message
        For the study team: what is wrong, what is allowed, what to do. ``{column}`` is the column as
        delivered, ``{reason}`` the state that was found (never a value of a subject).
    beside
        The columns that its row condition names.
    file
        The study's own, empty for a check of the catalogue.
    """

    name: str
    domains: tuple[str, ...]
    category: Category
    severity: Severity
    columns: tuple[str, ...]
    expected: Expected
    numerator: str
    denominator: str
    message: str
    beside: tuple[str, ...] = ()
    file: str = ""

    def on(self, column: str, expected: Expected) -> "Check":
        """Return the check as it is applied to a column, with the limits of a study."""
        judged = Expected(expected.type, {"column": column, **expected.kwargs})
        return replace(self, columns=(column,), expected=judged)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that Great Expectations reads for it."""
        return (*self.columns, *self.beside)

    @property
    def is_structural(self) -> bool:
        """Whether it asks for the form of the whole feed, without which no row can be judged."""
        return self.severity == "blocks" and not self.file

    def sentence(self, column: str, reason: str) -> str:
        """Return the message about a column as delivered; a study's own stands as its author wrote it."""
        return self.message if self.file else self.message.format(column=column, reason=reason)

    @property
    def names_reason(self) -> bool:
        """Whether the message says which state was found."""
        return not self.file and "{reason}" in self.message

    def config(self) -> ExpectationConfig:
        """Return the expectation as Great Expectations writes it; ``meta`` is what it carries for us."""
        meta = {
            "name": self.name,
            "category": self.category,
            "severity": self.severity,
            "counts": f"{self.numerator}, of {self.denominator}",
            "notes": self.message,
        }
        return ExpectationConfig(
            self.expected.type, self.expected.kwargs, meta, GREAT_SEVERITY[self.severity]
        )

    def shown_config(self) -> ExpectationConfig:
        """Return the expectation as a look may show it: no column there has a name that tells the arm."""
        kwargs = {
            name: [_blind(one) for one in value] if isinstance(value, list) else _blind(value)
            for name, value in self.expected.kwargs.items()
        }
        return replace(self.config(), kwargs=kwargs)


def _blind(value: object) -> object:
    named = re.findall(r"\w+", value) if isinstance(value, str) else ()
    return WITHHELD if any(map(tells_arm, named)) else value
