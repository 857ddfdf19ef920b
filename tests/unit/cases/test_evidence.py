"""What was found becomes counts, weights and paths, in the best case, as counted, and in the worst case."""

from pathlib import Path

import pandas as pd

from checks.cases import Case, Findings, gather_evidence
from checks.cases.dose_windows import DOSES
from checks.cases.opportunity import DoseOpportunity
from checks.cases.placing import ControlEvent
from checks.protocol import load_protocol
from checks.rules import RuleVerdict
from checks.rules.conditioned import Strata, conditioned
from checks.rules.kinds.rate import RateRule
from checks.rules.rate_looks import subject_path, window_path
from checks.scenario import ByScenario
from checks.tables import MEASUREMENTS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DAY = pd.Timestamp("2026-03-02", tz="UTC")
START = int(DAY.timestamp())
MORE = (3.0, 45.0, False, True, 1, "1", 0.0, 1, "", DAY)
"""Of every dose: observed hours at risk and in control, no death, and one row of EX."""


def case(subject, dose, window, *, surely=False, hour=6.0, certainty=None, able=True):
    sure = certainty or ("definite" if window == "yes" else "possible")
    hours = (0.0, 23.0) if hour is None else (hour, hour)
    seen = START + int(hours[1] * 3600)
    return Case(subject, dose, DAY, sure, window, surely, hour, hours, {}, {}, seen, 1, able)


def control_event(subject, *, counted=True, surely=True, hour=20.0, before=2, able=True):
    seen = START + int(hour * 3600)
    return ControlEvent(subject, 1, counted, surely, hour, before, seen, None, able)


def findings(doses, cases=(), control=()):
    """Doses are (subject, number, window, day it closes, trusted)."""
    rows = [
        (subject, number, DAY, DAY, 0.0, trusted, window, DAY + pd.Timedelta(days=day), *MORE)
        for subject, number, window, day, trusted in doses
    ]
    table = DOSES.conform(pd.DataFrame(rows, columns=list(DOSES.columns)))
    seen = tuple(
        DoseOpportunity(subject, number, 3.0, 45.0, 18.0, {1: (3.0, 0.0)}, ((6.5, 3.0), (30.0, 36.0)))
        for subject, number, *_, trusted in doses
        if trusted
    )
    return Findings(table, tuple(cases), tuple(control), seen, seconds_in_risk=3 * 3600 * len(rows))


def gathered(*args, unplaced=(), **kwargs):
    return gather_evidence(
        findings(*args, **kwargs), MEASUREMENTS.empty(), PROTOCOL, unplaced=frozenset(unplaced)
    )


def shown(path):
    """The weight of each unit, and the first letters of the scenarios in which it is a case."""
    return [
        (unit.weight, "".join(name[0] for name, case in unit.case.items() if case is not None))
        for unit in path
    ]


def evaluable(subject, number, day):
    return (subject, number, "evaluable", day, True)


def test_subjects_count_once_and_windows_once():
    doses = [evaluable("A", 1, 1), evaluable("A", 2, 4), evaluable("B", 1, 1)]
    cases = [
        case("A", 1, "yes", surely=True),
        case("A", 1, "possible"),
        case("A", 2, "yes"),
        case("B", 1, "possible"),
        case("B", 1, "no"),
    ]
    evidence = gathered(doses, cases)
    assert evidence.subjects_with_case() == ByScenario(1, 1, 2)
    assert evidence.events_in_risk() == ByScenario(1, 2, 3)


def test_the_best_case_for_the_drug_has_every_possible_control_event():
    control = [
        control_event("A"),
        control_event("A", surely=False),
        control_event("B", counted=False, surely=False),
    ]
    assert gathered([evaluable("A", 1, 1)], control=control).events_in_control() == ByScenario(3, 2, 1)


def test_windows_are_elapsed_unless_open_and_never_in_quarantine():
    doses = [
        evaluable("A", 1, 1),
        ("A", 2, "unobserved", 4, True),
        ("A", 3, "open", 7, True),
        ("B", 1, "unobserved", 1, False),
    ]
    evidence = gathered(doses)
    assert (evidence.windows_elapsed, evidence.windows_unobserved, evidence.subjects_evaluable) == (2, 1, 1)


def test_subjects_enter_in_order_of_the_closing_of_their_first_window():
    """C closes first; A and B close together, in order of USUBJID; weights are closed windows of six planned."""
    doses = [
        evaluable("B", 1, 3),
        evaluable("A", 1, 3),
        evaluable("A", 2, 9),
        evaluable("C", 1, 2),
        ("C", 2, "open", 5, True),
    ]
    path = subject_path(gathered(doses, [case("B", 1, "yes")]))
    assert shown(path) == [(1 / 6, ""), (2 / 6, ""), (1 / 6, "mw")]


def test_more_doses_than_planned_weigh_one():
    doses = [evaluable("A", number, number) for number in range(1, 9)]
    assert [unit.weight for unit in subject_path(gathered(doses))] == [1.0]


def test_windows_without_observation_are_no_events_but_may_be_in_the_worst_case():
    doses = [
        ("A", 1, "unobserved", 1, True),
        ("B", 1, "unobserved", 2, True),
        evaluable("C", 1, 3),
        ("D", 1, "open", 4, True),
    ]
    path = window_path(gathered(doses, [case("B", 1, "possible"), case("C", 1, "no")]))
    assert shown(path) == [(0.0, "w"), (1.0, "")]


def test_rows_that_no_dose_can_hold_are_a_case_of_their_subject_in_every_worst_case():
    """A has a case in her one window; of A and of Z there are rows without a dose, each at worst another case."""
    evidence = gathered([evaluable("A", 1, 1)], [case("A", 1, "yes", surely=True)], unplaced="AZ")
    assert evidence.subjects_with_case() == ByScenario(1, 1, 2)
    assert evidence.events_in_risk() == ByScenario(1, 1, 3)
    path = window_path(evidence)
    assert shown(path) == [(1.0, "bmw"), (0.0, "w"), (0.0, "w")]
    assert [unit.subject for unit in path] == [0, 0, 1]
    known = ByScenario.of(lambda scenario: conditioned(evidence, scenario, Strata()))
    assert known.map(lambda one: one.elsewhere).worst == 2, "no dose, and so no hours to compare with"


def test_each_scenario_has_its_own_events():
    """Three cases: surely, yes, possible; three events in control hours: surely, counted, possible."""
    cases = [case("A", 1, "yes", surely=True), case("B", 1, "yes"), case("C", 1, "possible")]
    control = [
        control_event("A"),
        control_event("B", surely=False),
        control_event("C", counted=False, surely=False),
    ]
    evidence = gathered([evaluable(name, 1, 1) for name in "ABC"], cases, control)
    assert (evidence.events_in_risk(), evidence.events_in_control()) == (
        ByScenario(1, 2, 3),
        ByScenario(3, 2, 1),
    )


def test_a_case_is_an_onset_on_the_clock_of_its_dose_wherever_its_hour_lies():
    """Outside the risk window the best case has every possible onset, the others the definite ones."""
    cases = [
        case("A", 1, "yes", hour=6.0, surely=True),
        case("A", 1, "yes", hour=5.0),
        case("A", 1, "possible", hour=7.0),
        case("A", 1, "no", hour=20.0, certainty="definite"),
        case("A", 1, "no", hour=30.0),
        case("A", 1, "possible", hour=None),
        case("A", 1, "no", hour=48.01, certainty="definite"),  # beyond the last hour that a window names
        case("A", 1, "no", hour=-0.01, certainty="definite"),
    ]
    found = {event.hour: event.on_clock for event in gathered([evaluable("A", 1, 1)], cases).events}
    nowhere = ByScenario(best=False, main=False, worst=False)
    assert found == {
        6.0: ByScenario(best=True, main=True, worst=True),
        5.0: ByScenario(best=False, main=True, worst=True),
        7.0: ByScenario(best=False, main=False, worst=True),
        20.0: ByScenario(best=True, main=True, worst=True),
        30.0: ByScenario(best=True, main=False, worst=False),
        None: nowhere,
        48.01: nowhere,
        -0.01: nowhere,
    }


def test_events_keep_when_they_were_seen_and_whether_they_were_able():
    """Subjects are numbered by their names; the dose of an event in control hours is the nearest, and the next."""
    doses = [evaluable("A", 1, 1), evaluable("B", 1, 1)]
    evidence = gathered(doses, [case("B", 1, "yes", able=False)], [control_event("A", hour=-10.0, before=1)])
    at_risk, beside = evidence.events
    assert (at_risk.subject, at_risk.dose, at_risk.hour, at_risk.known_at) == (1, 1, 6.0, START + 6 * 3600)
    assert (at_risk.able, at_risk.block, at_risk.closes) == (False, 1, 8.0)
    assert (beside.subject, beside.dose, beside.before, beside.hour) == (0, 1, 1, -10.0)
    assert (beside.able, beside.known_at) == (True, START - 10 * 3600)


def test_opportunity_is_known_when_the_windows_of_its_dose_have_closed():
    """The dose is the study's first: its risk window closes at 8 h, its last control hours at 48 h."""
    (one,) = gathered([evaluable("A", 1, 1), ("A", 2, "evaluable", 4, False)]).opportunities
    assert (one.in_risk, one.in_control, one.before) == (3.0, 45.0, 18.0)
    assert (one.risk_closes, one.closes) == (8.0, 48.0)
    assert one.spans == ((5.0, 8.0), (12.0, 48.0))
    assert one.by_block == {1: (3.0, 0.0)}


def test_the_background_rests_on_able_events_of_control_hours():
    """One of three counts: the others are only possible, or not able. Beside two doses lie 90 h of opportunity."""
    control = [control_event("A"), control_event("A", counted=False), control_event("B", able=False)]
    background = gathered([evaluable("A", 1, 1), evaluable("B", 1, 1)], control=control).background
    assert (background.events, background.hours) == (1, 90.0)


def test_the_study_alone_decides_the_seed():
    other = PROTOCOL.model_copy(update={"study": PROTOCOL.study.model_copy(update={"id": "OTHER"})})
    seeds = [
        gather_evidence(findings([]), MEASUREMENTS.empty(), protocol).seed
        for protocol in (PROTOCOL, PROTOCOL, other)
    ]
    assert seeds[0] == seeds[1] != seeds[2]


def test_units_of_a_path_know_which_belong_to_one_subject():
    doses = [evaluable(name, number, number) for name in "AB" for number in (1, 2)]
    assert [unit.subject for unit in window_path(gathered(doses, [case("B", 1, "yes")]))] == [0, 1, 0, 1]


def test_a_rate_of_windows_crosses_at_worst_where_rows_without_a_dose_are_cases():
    """P(Bin(3, .05) >= 1) = .143 and >= 2 is .0073: two events of three windows cross, one does not."""
    source = {"rationale": "an example", "source": "no charter"}
    rule = RateRule.model_validate(
        {"id": "rate", "kind": "rate", "method": "pocock", "unit": "window", "n_max": 3, "looks": [3],
         "null_rate": 0.05, "alpha": 0.05, **source}
    )  # fmt: skip
    doses = [evaluable("A", 1, 1), evaluable("B", 1, 2)]
    found = [
        rule.evaluate(gathered(doses, [case("A", 1, "yes", surely=True)], unplaced=some))
        for some in ("", "Z")
    ]
    assert [one.worst_case for one in found] == [RuleVerdict.NOT_EVALUABLE, RuleVerdict.CROSSED]
    assert [one.verdict for one in found] == [RuleVerdict.NOT_EVALUABLE] * 2


def labs(*rows):
    """Rows of (subject, value, upper limit, day from, day to, trusted)."""
    table = pd.DataFrame(
        [
            (
                "LB",
                name,
                str(n),
                "LYM",
                value,
                float("nan"),
                "10^9/L",
                limit,
                DAY + pd.Timedelta(days=low),
                DAY + pd.Timedelta(days=high),
                sure,
            )
            for n, (name, value, limit, low, high, sure) in enumerate(rows)
        ],
        columns=list(MEASUREMENTS.columns),
    )
    return MEASUREMENTS.conform(table)


def lab_evidence(*rows):
    doses = [evaluable(name, 1, 1) for name in "ABCD"]
    (rule,) = (rule for rule in PROTOCOL.rules if rule.kind == "lab_limit")
    return rule.count(gather_evidence(findings(doses), labs(*rows), PROTOCOL).labs["LYM"])


def test_a_lab_result_counts_above_its_own_limit_after_the_first_dose():
    """2.5 times 4.0 is 10.0, not exceeded by 10.0; before the dose nothing counts."""
    assert lab_evidence(
        ("A", 10.1, 4.0, 1, 1, True), ("B", 10.0, 4.0, 1, 1, True), ("C", 20.0, 4.0, -1, -1, True)
    ) == (ByScenario(1, 1, 1), 2)


def test_a_lab_result_that_may_precede_the_dose_or_is_withheld_is_in_the_worst_case():
    assert lab_evidence(
        ("A", 11.0, 4.0, -0.5, 0.5, True),
        ("B", 11.0, 4.0, 1, 1, False),
        ("C", float("nan"), 4.0, 1, 1, False),
    ) == (ByScenario(0, 0, 3), 0)
