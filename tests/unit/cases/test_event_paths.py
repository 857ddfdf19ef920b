"""Events reach the rules in the order in which they were first seen, and as hours on the clock of their dose."""

from pathlib import Path

import pandas as pd

from checks.cases import Case, Findings, gather_evidence
from checks.cases.case_finding import DoseHours
from checks.cases.dose_windows import DOSES
from checks.cases.placing import ControlEvent
from checks.protocol import load_protocol
from checks.rules.courses import Step, events_in_order
from checks.rules.rate_looks import window_path
from checks.rules.scan_looks import DoseClock, clocks_of
from checks.scenario import ByScenario
from checks.tables import MEASUREMENTS

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
DAY = pd.Timestamp("2026-03-02", tz="UTC")
START = int(DAY.timestamp())


def case(subject, dose, window, *, day=0, hour=6.0, until=6.0, surely=False, certainty=None):
    """A case of a dose given so many days after the first day."""
    sure = certainty or ("definite" if window == "yes" else "possible")
    start = DAY + pd.Timedelta(days=day)
    return Case(subject, dose, start, sure, window, surely, hour, (0.0, until), {})


def control(subject, hours, *, counted=True, surely=True):
    return ControlEvent(subject, counted, surely, START + int(hours * 3600))


def gathered(cases=(), events=(), hours=()):
    names = sorted({one.USUBJID for one in (*cases, *events, *hours)} | {"A"})
    rows = [(n, k, DAY, DAY, 0.0, True, "evaluable", DAY, 3.0, 45.0) for n in names for k in (1, 2)]
    doses = DOSES.conform(pd.DataFrame(rows, columns=list(DOSES.columns)))
    found = Findings(doses, tuple(cases), tuple(events), 6.0, 90.0, tuple(hours))
    return gather_evidence(found, MEASUREMENTS.empty(), PROTOCOL)


def paths(*args):
    evidence = gathered(*args)
    return ByScenario.of(lambda scenario: events_in_order(evidence, scenario))


def test_events_are_in_the_order_in_which_they_were_first_seen():
    cases = [case("B", 1, "yes", day=1), case("A", 1, "yes", hour=7.0)]
    path = paths(cases, [control("A", 20), control("C", -10)])
    assert path.main == (
        Step(False, 2),
        Step(True, 0),
        Step(False, 0),
        Step(True, 1),
    )


def test_of_events_seen_at_once_the_one_in_control_hours_is_first():
    path = paths([case("A", 1, "yes", hour=6.0)], [control("B", 6.0)])
    assert [step.in_risk for step in path.main] == [False, True]


def test_a_window_holds_one_event_first_seen_with_its_first_case():
    cases = [case("A", 1, "possible", hour=5.0), case("A", 1, "yes", hour=7.0), case("A", 2, "yes", day=4)]
    path = paths(cases, [control("B", 6.0)])
    assert [step.in_risk for step in path.main] == [False, True, True]
    assert [step.in_risk for step in path.worst] == [True, False, True]


def test_a_case_of_which_only_dates_are_known_is_seen_at_its_latest():
    cases = [case("A", 1, "possible", hour=None, until=23.0)]
    path = paths(cases, [control("B", 22.0), control("B", 24.0)])
    assert [step.in_risk for step in path.worst] == [False, True, False]
    assert [step.in_risk for step in path.main] == [False, False]


def test_each_scenario_has_its_own_events():
    cases = [case("A", 1, "yes", surely=True), case("B", 1, "yes"), case("C", 1, "possible")]
    events = [control("A", 20), control("B", 20, surely=False), control("C", 20, counted=False, surely=False)]
    path = paths(cases, events)
    counts = [
        (sum(step.in_risk for step in one), sum(not step.in_risk for step in one))
        for one in (path.best, path.main, path.worst)
    ]
    assert counts == [(1, 3), (2, 2), (3, 1)]


def test_a_dose_clock_has_onsets_in_and_outside_the_risk_window():
    """Outside the risk window the best case has every possible onset, the others the definite ones."""
    cases = [
        case("A", 1, "yes", hour=6.0, surely=True),
        case("A", 1, "no", hour=20.0, certainty="definite"),
        case("A", 1, "no", hour=30.0, certainty="possible"),
        case("A", 1, "possible", hour=7.0),
        case("A", 1, "possible", hour=None),
        case("A", 1, "no", hour=60.0, certainty="definite"),
        case("A", 2, "yes", hour=5.0),
    ]
    hours = [DoseHours("A", 1, ((0.0, 48.0),)), DoseHours("A", 2, ((2.0, 9.0),)), DoseHours("B", 1, ())]
    clocks = clocks_of(gathered(cases, hours=hours))
    assert clocks == (
        DoseClock(0, ((0.0, 48.0),), ByScenario((6.0, 20.0, 30.0), (6.0, 20.0), (6.0, 20.0, 7.0))),
        DoseClock(0, ((2.0, 9.0),), ByScenario((), (5.0,), (5.0,))),
        DoseClock(1, (), ByScenario((), (), ())),
    )


def test_the_study_alone_decides_the_seed():
    other = PROTOCOL.model_copy(update={"study": PROTOCOL.study.model_copy(update={"id": "OTHER"})})
    found = Findings(DOSES.empty(), (), (), 0.0, 0.0)
    seeds = [
        gather_evidence(found, MEASUREMENTS.empty(), protocol).seed
        for protocol in (PROTOCOL, PROTOCOL, other)
    ]
    assert seeds[0] == seeds[1] != seeds[2]


def test_units_of_a_path_know_which_belong_to_one_subject():
    units = window_path(gathered([case("B", 1, "yes")]))
    assert [unit.subject for unit in units] == [0, 0, 1, 1]
