"""The suite of one domain of one study: the catalogue's checks with the study's sites and limits, then its own.

Both are Great Expectations in its own JSON form: ours say in ``meta`` what they are called, whether they block the
feed, quarantine rows or warn, and in a sentence what to do; a study's own (``expectations/<domain>.json`` beside the
protocol) say the same, and are run by the same checkpoint.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from checks.measurements import VITALS
from checks.protocol import StudyProtocol
from checks.tables import WITHHELD, tells_arm
from checks.validation.catalogue import (
    ROWS,
    STRUCTURE,
    Entry,
    Expected,
    between,
    in_set,
)
from checks.validation.raw import Needed, key_of, time_of
from checks.validation.results import Category, ExpectationConfig, Severity
from checks.validation.vital_signs import vitals_used

GREAT_SEVERITY: Final[Mapping[Severity, str]] = {
    "blocks": "critical",
    "quarantines": "warning",
    "warns": "info",
}
"""What each effect of ours is called in Great Expectations."""


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation of a suite, with what it counts and says.

    ``message`` may hold ``{column}`` and ``{reason}`` (see ``catalogue.Entry``). ``columns`` are those that the
    expectation judges (where it asks whether columns are filled, those), ``beside`` those that its row condition
    names. ``file`` is the study's own, empty for
    a check of the catalogue.
    """

    name: str
    category: Category
    severity: Severity
    type: str
    kwargs: Mapping[str, object]
    columns: tuple[str, ...]
    numerator: str
    denominator: str
    message: str
    beside: tuple[str, ...] = ()
    file: str = ""

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
        return ExpectationConfig(self.type, self.kwargs, meta, GREAT_SEVERITY[self.severity])

    def shown_config(self) -> ExpectationConfig:
        """Return the expectation as a look may show it: no column there has a name that tells the arm."""
        kwargs = {
            name: [_blind(one) for one in value] if isinstance(value, list) else _blind(value)
            for name, value in self.kwargs.items()
        }
        return replace(self.config(), kwargs=kwargs)


def _blind(value: object) -> object:
    named = re.findall(r"\w+", value) if isinstance(value, str) else ()
    return WITHHELD if any(map(tells_arm, named)) else value


def catalogue_checks(domain: str, needed: Sequence[Needed], protocol: StudyProtocol) -> tuple[Check, ...]:
    """Return the checks of the catalogue that a feed of this study must meet, in the catalogue's order.

    Parameters
    ----------
    domain
        The SDTM domain, in upper case.
    needed
        The columns that the feed must have.
    protocol
        The study protocol: its sites, and the vitals that its case definition names.
    """
    of_rows = [(entry, _of_rows(entry, domain, protocol)) for entry in ROWS if domain in entry.domains]
    return (
        *(_structural(entry, needed) for entry in STRUCTURE),
        *(_applied(entry, expected, column) for entry, each in of_rows for column, expected in each),
    )


def _structural(entry: Entry, needed: Sequence[Needed]) -> Check:
    """Apply a check of a whole feed: what it asks for, and, where the rows tell it, of which columns."""
    names = tuple(str(one) for one in needed)
    sets = {"column_present": names, "column_filled": tuple(filled(one) for one in needed)}
    if entry.name not in sets:
        return _applied(entry, entry.expected)
    kwargs = {"column_set": list(sets[entry.name])} | dict(entry.expected.kwargs)
    check = _applied(entry, Expected(entry.expected.type, kwargs))
    return replace(check, columns=names) if entry.name == "column_filled" else check


def filled(needed: Needed) -> str:
    """Return the name of the column that the prepared table has where a needed one is filled on some row.

    One expectation can then ask for all of them: Great Expectations takes 5 ms for each, whatever the rows.
    """
    return f"{needed}, filled on some row"


def _of_rows(entry: Entry, domain: str, protocol: StudyProtocol) -> list[tuple[str, Expected]]:
    column = entry.column.format(domain=domain, time=time_of(domain), key=key_of(domain))
    if entry.name in _OF_THE_STUDY:
        return list(_OF_THE_STUDY[entry.name](column, protocol))
    return [(column, entry.expected)]


def _sites(column: str, protocol: StudyProtocol) -> Iterator[tuple[str, Expected]]:
    yield column, in_set(*protocol.sites)


def _limits(column: str, protocol: StudyProtocol) -> Iterator[tuple[str, Expected]]:
    for vital in sorted(vitals_used(protocol)):
        yield column.format(test=vital), between(*VITALS[vital].plausible)


_OF_THE_STUDY: Final[Mapping[str, Callable[[str, StudyProtocol], Iterator[tuple[str, Expected]]]]] = {
    "site_known": _sites,
    "value_plausible": _limits,
}
"""The checks whose sets and limits depend on the study."""


def _applied(entry: Entry, expected: Expected, column: str = "") -> Check:
    kwargs = ({"column": column} if column else {}) | dict(expected.kwargs)
    return Check(
        entry.name,
        entry.category,
        entry.severity,
        expected.type,
        kwargs,
        (column,) if column else (),
        entry.numerator,
        entry.denominator,
        entry.message,
    )
