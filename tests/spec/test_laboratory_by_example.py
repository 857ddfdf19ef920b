"""Worked examples of a component that names a laboratory test: a result above a multiple of its own upper limit.

The dose is at 08:00 on day 1, so the risk window, hours 5 to 8, is 13:00 to 16:00. The component is lymphocytes above
2.5 times their upper limit of normal; hours in the expected rows are worked out by hand beside the example.
"""

from collections.abc import Callable

import pytest

from checks.cases import Findings
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component

Look = Callable[..., Findings]
LYMPHOCYTES = {"lab": "LYM", "above_times_uln": 2.5}
FEVER = {"vital": "TEMP", "at_least": 38.3, "unit": "C"}
NEW_FEVER = "dose 08:00\nTEMP 07:00 37.0  10:00 37.0  13:00 37.1  14:00 38.5"


def naming(protocol: StudyProtocol, **components: dict[str, list[dict[str, object]]]) -> StudyProtocol:
    made = {name: Component.model_validate(one) for name, one in components.items()}
    definition = protocol.case_definition.model_copy(update={"components": made})
    return protocol.model_copy(update={"case_definition": definition})


@pytest.fixture(scope="module")
def lymphocytosis(protocol: StudyProtocol) -> StudyProtocol:
    return naming(protocol, fever={"any_of": [FEVER]}, lymphocytosis={"any_of": [LYMPHOCYTES]})


EXAMPLES = {
    "above the multiple of its limit": (
        # 11.0 is above 2.5 x 4.0; last seen below at 13:00 (hour 5), first above at 14:15 (hour 6.25)
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 11.0/4.0",
        [("definite", "yes", True, 5.625, (5.0, 6.25))],
    ),
    "at the multiple, not above it": (
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 10.0/4.0",
        [],
    ),
    "each result has a limit of its own": (
        # another laboratory: 9.0 is above 2.5 x 3.5 = 8.75, though not above 2.5 x 4.0
        "LB:LYM 07:00 2.0/4.0  10:00 9.0/4.0  13:00 9.0/4.0  14:15 9.0/3.5",
        [("definite", "yes", True, 5.625, (5.0, 6.25))],
    ),
    "above it all along": (
        # fever, new in [13:00, 14:00], beside it: half a case
        "LB:LYM 05:00 11.0/4.0  07:00 11.0/4.0  10:00 11.0/4.0  13:00 11.0/4.0  14:15 12.0/4.0",
        [("possible", "possible", False, 5.5, (5.0, 6.0))],
    ),
    "a result without its limit may have been above": (
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 11.0/",
        [("possible", "possible", False, 5.625, (5.0, 6.25))],
    ),
    "a normal result is fresh for two days": (
        # 07:00 shows it below: it began in [07:00, 14:15], fever in [13:00, 14:00]
        "LB:LYM 07:00 2.0/4.0  14:15 11.0/4.0",
        [("definite", "yes", True, 5.625, (5.0, 6.25))],
    ),
    "no normal result before": (
        # it was never seen below
        "LB:LYM 14:15 11.0/4.0",
        [("possible", "possible", False, 5.625, (5.0, 6.25))],
    ),
    "of two results at one time the one above counts": (
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 11.0/4.0  14:15 2.0/4.0",
        [("definite", "yes", True, 5.625, (5.0, 6.25))],
    ),
    "whichever of the two comes first": (
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 2.0/4.0  14:15 11.0/4.0",
        [("definite", "yes", True, 5.625, (5.0, 6.25))],
    ),
    "a result in quarantine": (
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 11.0/4.0?",
        [("possible", "possible", False, 5.625, (5.0, 6.25))],
    ),
    "measured as normal without a limit in between changes nothing": (
        "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  14:15 2.0/4.0",
        [],
    ),
}


@pytest.mark.parametrize(("results", "expected"), EXAMPLES.values(), ids=list(EXAMPLES))
def test_a_laboratory_component(
    results: str, expected: list[tuple[object, ...]], look: Look, lymphocytosis: StudyProtocol
) -> None:
    found = look(f"{NEW_FEVER}\n{results}", under=lymphocytosis)
    rows = [
        (case.certainty, case.in_risk_window, case.surely, case.hour, case.onset_hours)
        for case in found.cases
    ]
    assert rows == expected


def test_the_evidence_names_the_results(look: Look, lymphocytosis: StudyProtocol) -> None:
    results = "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 11.0/4.0"
    (case,) = look(f"{NEW_FEVER}\n{results}", under=lymphocytosis).cases
    assert case.components["lymphocytosis"].evidence == ("LB:LBSEQ=LYM-4",)
    assert case.components["fever"].evidence == ("VS:VSSEQ=TEMP-4",)


def test_a_limitless_result_between_dates_nothing(look: Look, lymphocytosis: StudyProtocol) -> None:
    """13:00 has no limit and cannot be judged: last below at 10:00, hour 2."""
    results = "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/  14:15 11.0/4.0"
    (case,) = look(f"{NEW_FEVER}\n{results}", under=lymphocytosis).cases
    assert (case.certainty, case.in_risk_window) == ("definite", "yes")
    assert case.components["lymphocytosis"].onset_hours == (2.0, 6.25)


def test_a_result_of_a_day_without_a_time_is_a_possible_onset(
    look: Look, lymphocytosis: StudyProtocol
) -> None:
    results = "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  1/ 11.0/4.0"
    (case,) = look(f"{NEW_FEVER}\n{results}", under=lymphocytosis).cases
    assert (case.certainty, case.in_risk_window) == ("possible", "possible")
    assert case.components["lymphocytosis"].evidence == ("LB:LBSEQ=LYM-4",)


def test_hours_are_observed_by_results_with_their_limits(look: Look, lymphocytosis: StudyProtocol) -> None:
    """Two hours of the risk window lie between results at most 4 h apart; without limits none does."""
    vitals = "dose 08:00\nTEMP 07:00..20:00 37.0"
    seen = look(f"{vitals}\nLB:LYM 10:00 2.0/4.0  13:00 2.0/4.0  16:00 2.0/4.0", under=lymphocytosis)
    assert seen.doses["window"].tolist() == ["evaluable"]
    assert seen.hours_in_risk == 3.0
    unseen = look(f"{vitals}\nLB:LYM 10:00 2.0/  13:00 2.0/  16:00 2.0/", under=lymphocytosis)
    assert unseen.hours_in_risk == 0.0
    assert unseen.doses["window"].tolist() == ["unobserved"]


def test_a_result_and_a_vital_may_both_be_needed(look: Look, protocol: StudyProtocol) -> None:
    """Fever at 14:00; the lymphocytes follow at 14:15, and only then does the component begin."""
    both = naming(protocol, reaction={"all_of": [FEVER, LYMPHOCYTES]})
    above = "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 11.0/4.0"
    (case,) = look(f"{NEW_FEVER}\n{above}", under=both).cases
    assert (case.certainty, case.hour, case.onset_hours) == ("definite", 6.125, (6.0, 6.25))
    below = "LB:LYM 07:00 2.0/4.0  10:00 2.0/4.0  13:00 2.0/4.0  14:15 3.0/4.0"
    assert look(f"{NEW_FEVER}\n{below}", under=both).cases == ()


def test_a_vital_sign_of_the_same_code_is_another_test(look: Look, lymphocytosis: StudyProtocol) -> None:
    chart = f"{NEW_FEVER}\nLYM 14:15 11.0"
    assert look(chart, under=lymphocytosis).cases == ()
