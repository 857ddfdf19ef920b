"""What a study protocol file leaves unsaid, or says in the words of earlier versions: how each is read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from checks.criteria import Measured
from checks.measurements import VITALS
from checks.problems import Place
from checks.protocol.model import StudyProtocol
from checks.rules.kinds.timing import TimingRule
from checks.rules.methods.self_controlled import numbers_of_looks

Values = Mapping[str, object]
"""The file as written, all of it text."""


@dataclass(frozen=True, slots=True)
class Note:
    """How one value is read; its place is from the top of the file."""

    place: Place
    said: str


def pair_of_baseline_hours(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Say of a pair that its length is what counts."""
    given = values.get("baseline_hours")
    if isinstance(given, list):
        said = f"[{', '.join(map(str, given))}] is read as {protocol.baseline_hours:g} hours before each measurement"
        yield Note(("baseline_hours",), said)


def gap_between_measurements(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Say that the one gap for all tests gave way to one for each."""
    limits = values.get("limits")
    if isinstance(limits, Mapping) and "max_gap_hours" in limits:
        fresh = {
            code: protocol.case_definition.hours_of((domain, code)).fresh for domain, code in _tests(protocol)
        }
        listed = ", ".join(f"{code} {hours:g}" for code, hours in fresh.items())
        yield Note(
            ("limits", "max_gap_hours"),
            f"not used: fresh_hours of the case definition say it by test ({listed})",
        )


def timing_methods(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Say what a method of earlier files is read as, and when planned looks are taken."""
    given = values.get("rules")
    for place, (written, rule) in enumerate(
        zip(given if isinstance(given, list) else (), protocol.rules, strict=True)
    ):
        if not isinstance(rule, TimingRule) or not isinstance(written, Mapping):
            continue
        if written.get("method") != rule.method:
            said = f"read as {rule.method}: an event is held against the hours of its own dose"
            yield Note(("rules", place, "method"), f"{written.get('method')} is {said}")
        if rule.method == "self_controlled":
            numbers = numbers_of_looks(rule, protocol.planned_subjects, protocol.treatment.planned_doses)
            yield Note(("rules", place, "looks"), f"taken at {', '.join(map(str, numbers))} closed doses")


def tests_that_never_worsen(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Say of a test without ``worse_by`` that it has no worse onset."""
    for test, place in _tests(protocol).items():
        if protocol.case_definition.worse(test) is None:
            yield Note(
                place, f"{test[1]} has no worse_by, so that no onset is counted where it only becomes worse"
            )


def tests_that_are_not_scored(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Say of a test without a floor that severity does not score it, where a rule asks for severity."""
    if not any(rule.scores_severity for rule in protocol.rules):
        return
    for (domain, code), place in _tests(protocol).items():
        if domain != "VS" or VITALS[code].severity_floor is None:
            yield Note(place, f"{code} has no floor, so that severity does not score it")


def permutations_of_severity(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Say that the permutation test of severity is exact, and draws none."""
    for at, rule in enumerate(protocol.rules):
        if rule.scores_severity and "permutations" in rule.model_fields_set:
            said = "not used: the p-value is that of all permutations, exact and without a seed"
            yield Note(("rules", at, "permutations"), said)


def _tests(protocol: StudyProtocol) -> dict[tuple[str, str], Place]:
    """Return each test of the case definition, with the first criterion that names it."""
    first: dict[tuple[str, str], Place] = {}
    for name, component in protocol.case_definition.components.items():
        listed = "any_of" if component.any_of else "all_of"
        for at, criterion in enumerate(component.criteria):
            if isinstance(criterion, Measured):
                first.setdefault(criterion.test, ("case_definition", "components", name, listed, at))
    return first


NOTES: tuple[Callable[[Values, StudyProtocol], Iterator[Note]], ...] = (
    pair_of_baseline_hours,
    gap_between_measurements,
    timing_methods,
    tests_that_never_worsen,
    tests_that_are_not_scored,
    permutations_of_severity,
)


def notes_on(values: Values, protocol: StudyProtocol) -> Iterator[Note]:
    """Yield how a file is read where it says less, or other, than the protocol that was made of it."""
    for note in NOTES:
        yield from note(values, protocol)
