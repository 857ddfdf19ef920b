"""What each feed must meet and becomes: its domain, and its suite of the catalogue's checks and the study's own.

The catalogue's come first, with the study's sites and limits. All are Great Expectations in its own JSON form: ours
say in ``meta`` what they are called, whether they block the feed, quarantine rows or warn, and in a sentence what to
do; a study's own (``expectations/<domain>.json`` beside the protocol) say the same, and run in the same checkpoint.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from checks import tables
from checks.measurements import VITALS
from checks.protocol import StudyProtocol
from checks.tables import Table
from checks.validation import administrations, adverse_events, laboratory, subjects, vital_signs
from checks.validation.catalogue import ROWS, STRUCTURE
from checks.validation.catalogue.check import Check, Expected, between, in_set
from checks.validation.judging import great_expectations
from checks.validation.raw import Needed, Prepared, Source, key_of, time_of
from checks.validation.study_suite import read_study_suite


@dataclass(frozen=True, slots=True)
class Domain:
    """How one domain becomes a typed table."""

    table: Table
    needed: tuple[Needed, ...]
    prepare: Callable[[Source], Prepared]


DOMAINS: Final[Mapping[str, Domain]] = {
    "DM": Domain(tables.SUBJECTS, subjects.NEEDED, subjects.prepare),
    "EX": Domain(tables.ADMINISTRATIONS, administrations.NEEDED, administrations.prepare),
    "VS": Domain(tables.MEASUREMENTS, vital_signs.NEEDED, vital_signs.prepare),
    "AE": Domain(tables.ADVERSE_EVENTS, adverse_events.NEEDED, adverse_events.prepare),
    "LB": Domain(tables.MEASUREMENTS, laboratory.NEEDED, laboratory.prepare),
}
"""In the order in which they are judged: each needs the ones before it."""


@dataclass(frozen=True, slots=True)
class WholeSuite:
    """What a feed must meet: the columns it needs, its checks, and the problems of the study's own expectations."""

    needed: tuple[Needed, ...]
    checks: tuple[Check, ...]
    problems: tuple[str, ...]


def suite_of(domain: str, protocol: StudyProtocol) -> WholeSuite:
    """Return the suite of one feed, by its domain in upper case."""
    known_at = protocol.feeds.by_domain()[domain].known_at
    needed = DOMAINS[domain].needed + ((Needed("known_at", (known_at.upper(),)),) if known_at else ())
    own = [read_study_suite(one) for one in protocol.suites if one.domain == domain]
    return WholeSuite(
        needed,
        (*_catalogue_checks(domain, needed, protocol), *(check for one in own for check in one.checks)),
        tuple(problem for one in own for problem in one.problems),
    )


def suite_problems(protocol: StudyProtocol) -> tuple[str, ...]:
    """Return every problem of the study's own expectations, each with its file: such a file stops its feed."""
    return tuple(problem for one in protocol.suites for problem in read_study_suite(one).problems)


def suite_texts(protocol: StudyProtocol) -> dict[str, str]:
    """Return the suite of each feed that the protocol names, as Great Expectations writes it, by file name."""
    domains = [name for name in DOMAINS if name in protocol.feeds.by_domain()]
    return {f"{name.lower()}.json": _text(name, protocol) for name in domains}


def _text(domain: str, protocol: StudyProtocol) -> str:
    configs = [one.config() for one in suite_of(domain, protocol).checks]
    notes = f"What postdose asks of {domain} in the study {protocol.study.id}."
    text: str = great_expectations().suite_text(domain, configs, notes)
    return text


def _catalogue_checks(domain: str, needed: Sequence[Needed], protocol: StudyProtocol) -> Iterator[Check]:
    """Yield the checks of the catalogue that a feed of this study must meet, in the catalogue's order."""
    for entry in STRUCTURE:
        yield _structural(entry, needed)
    for entry in ROWS:
        if domain in entry.domains:
            yield from _of_rows(entry, domain, protocol)


def _structural(entry: Check, needed: Sequence[Needed]) -> Check:
    """Apply a check of a whole feed: what it asks for, and, where the rows tell it, of which columns."""
    names = tuple(str(one) for one in needed)
    sets = {"column_present": names, "column_filled": tuple(one.filled for one in needed)}
    if entry.name not in sets:
        return entry
    expected = Expected(entry.expected.type, {"column_set": list(sets[entry.name]), **entry.expected.kwargs})
    return replace(entry, expected=expected, columns=names if entry.name == "column_filled" else ())


def _of_rows(entry: Check, domain: str, protocol: StudyProtocol) -> Iterator[Check]:
    """Apply a check of each row: the sites, and the limits of each vital, are those of the study."""
    (template,) = entry.columns
    column = template.format(domain=domain, time=time_of(domain), key=key_of(domain))
    if entry.name == "value_plausible":
        for vital in sorted(vital_signs.vitals_used(protocol)):
            yield entry.on(column.format(test=vital), between(*VITALS[vital].plausible))
    else:
        yield entry.on(column, in_set(*protocol.sites) if entry.name == "site_known" else entry.expected)
