"""The whole suite of each feed of a study: what the catalogue asks, then what the study itself does; and its JSON."""

from dataclasses import dataclass

from checks.protocol import StudyProtocol
from checks.validation.domains import DOMAINS
from checks.validation.judging import great_expectations
from checks.validation.raw import Needed
from checks.validation.study_suite import read_study_suite
from checks.validation.suites import Check, catalogue_checks


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
        catalogue_checks(domain, needed, protocol) + tuple(check for one in own for check in one.checks),
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
