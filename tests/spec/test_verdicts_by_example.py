"""Worked examples of whole looks: best and worst case of a rule, once crossed, and the verdict of the look.

Each subject has one dose at 08:00 on day 2 (2026-03-02), hourly temperatures and saturations for two days around it,
and an episode, or none: fever and a low saturation at two measurements in a row, the first at the hour that is named.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from small_studies import COUNT_TWO, WHY, Row, charted, frames, look_at_study, small_protocol

DOSE = datetime(2026, 3, 2, 8, tzinfo=UTC)
CUTOFF = datetime(2026, 3, 9, tzinfo=UTC)
COUNT_ONE = {**COUNT_TWO, "id": "one_case", "cases": 1}
RATE = {
    "id": "rate", "kind": "rate", "method": "pocock", "unit": "subject", "n_max": 10, "null_rate": 0.02,
    "alpha": 0.05, **WHY,
}  # fmt: skip
NAUSEA = {"AETERM": "NAUSEA", "AESTDTC": "2026-03-02"}


def hours_around(start: datetime, first: float, last: float, step: float = 1) -> list[datetime]:
    count = round((last - first) / step) + 1
    return [start + timedelta(hours=first + step * place) for place in range(count)]


def subject(
    name: str, ill_at: float | None = None, lone: bool = False, start: datetime = DOSE, step: float = 1
) -> list[Row]:
    """The chart of one subject, 30 h before and 50 h after a dose; ill for two measurements, or for a lone one."""
    ill = () if ill_at is None else (ill_at,) if lone else (ill_at, ill_at + step)
    when = {start + timedelta(hours=hour) for hour in ill}
    hours = hours_around(start, -30, 50, step)
    fever = {at: 39.0 if at in when else 37.0 for at in hours}
    distress = {at: 85.0 if at in when else 97.0 for at in hours}
    return [*charted(name, "TEMP", fever), *charted(name, "OXYSAT", distress)]


def study(charts: Mapping[str, Sequence[Row]], later: Sequence[Row] = (), ae: Sequence[Row] = ()) -> Any:
    """Frames of these charts, each subject dosed at 08:00; ``later`` are further rows of EX."""
    ex = [{"USUBJID": name, "EXSTDTC": f"{DOSE:%Y-%m-%dT%H:%M}"} for name in charts]
    vs = [row for chart in charts.values() for row in chart]
    return frames([*ex, *later], vs, [{"USUBJID": next(iter(charts)), **NAUSEA}, *ae])


# --- best and worst case --------------------------------------------------------------------------------------


class Scenario(NamedTuple):
    """The chart of the one subject; the verdicts of a rule of one case: main, best, worst."""

    definition: str
    chart: list[Row]
    expected: tuple[str, str, str]


YES, NO = "crossed", "not_crossed"
SCENARIOS = {
    "surely in the window": Scenario("In [5, 6], ends before hour 8.", subject("S1-1", 6), (YES, YES, YES)),
    "yes, not surely": Scenario("In [7, 8]: hour 7.5, may be hour 8.", subject("S1-1", 8), (YES, NO, YES)),
    "possibly in the window": Scenario("In [4, 5]: hour 4.5 touches it.", subject("S1-1", 5), (NO, NO, YES)),
    "a possible case": Scenario(
        "Fever and saturation at hour 6 alone, normal an hour later: both are lone.",
        [
            *charted("S1-1", "TEMP", {at: 39.0 if at == DOSE + timedelta(hours=6) else 37.0
                                      for at in hours_around(DOSE, -30, 50, 0.5)}),
            *charted("S1-1", "OXYSAT", {at: 85.0 if at == DOSE + timedelta(hours=6) else 97.0
                                        for at in hours_around(DOSE, -30, 50, 0.5)}),
        ],
        (NO, NO, YES),
    ),
    "not in the window": Scenario("In [19, 20].", subject("S1-1", 20), (NO, NO, NO)),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_best_and_worst_case_of_a_count(name: str, tmp_path: Path) -> None:
    example = SCENARIOS[name]
    document = look_at_study(
        study({"S1-1": example.chart}), small_protocol(COUNT_ONE), CUTOFF, tmp_path
    ).document()
    (rule,) = document["rules"]
    told = (rule["verdict"], rule["best_case"], rule["worst_case"])
    assert told == example.expected, example.definition


def test_two_possible_cases_of_one_subject_are_one(tmp_path: Path) -> None:
    """At most one a subject: two doses, a possible case after each, and a rule of two."""
    second = DOSE + timedelta(days=2)
    chart = [*subject("S1-1", 5)[:100], *subject("S1-1", 5, start=second)]
    later = [{"USUBJID": "S1-1", "EXSTDTC": f"{second:%Y-%m-%dT%H:%M}"}]
    document = look_at_study(study({"S1-1": chart}, later), small_protocol(), CUTOFF, tmp_path).document()
    assert document["rules"][0]["worst_case"] == NO


# --- verdict --------------------------------------------------------------------------------------------------

HEALTHY = {f"S1-{place}": subject(f"S1-{place}") for place in (3, 4)}
TWO_CASES = {"S1-1": subject("S1-1", 6), "S1-2": subject("S1-2", 6), **HEALTHY}
ONE_CASE = {"S1-1": subject("S1-1", 6), "S1-2": subject("S1-2"), **HEALTHY}
ONE_AND_A_POSSIBLE = {"S1-1": subject("S1-1", 6), "S1-2": subject("S1-2", 5), **HEALTHY}
UNCHARTED: dict[str, list[Row]] = {name: [] for name in TWO_CASES}


class Verdict(NamedTuple):
    """``beneath`` are the rules that would make a look that is not assessable a watch."""

    definition: str
    charts: Mapping[str, Sequence[Row]]
    keys: Mapping[str, Any]
    expected: str
    beneath: tuple[str, ...] = ()


VERDICTS = {
    "a rule has crossed": Verdict("Two definite cases, a rule of two.", TWO_CASES, {}, "signal"),
    "a rule's worst case crosses": Verdict(
        "One definite case, one that may lie in the window.", ONE_AND_A_POSSIBLE, {}, "watch"
    ),
    "one case short of the boundary": Verdict(
        "The protocol watches one case short.", ONE_CASE, {"watch": {"cases_short_of_boundary": 1}}, "watch"
    ),
    "one case, nothing watched": Verdict("Not crossed, best and worst.", ONE_CASE, {}, "no_signal"),
    "too little observed": Verdict(
        "No window was charted: nobody can say that there was no signal.", UNCHARTED, {}, "not_assessable"
    ),
    "too little observed, and a signal": Verdict(
        "Two of four windows were not charted, more than a tenth: it never un-says a signal.",
        {**TWO_CASES, "S1-3": [], "S1-4": []},
        {"limits": {"max_quarantined": 0.5, "max_unobserved": 0.1}},
        "signal",
    ),
    "too little observed, and none": Verdict(
        "Two of four windows were not charted, more than a tenth.",
        {**ONE_CASE, "S1-3": [], "S1-4": []},
        {"limits": {"max_quarantined": 0.5, "max_unobserved": 0.1}},
        "not_assessable",
    ),
    "too little observed, and a watch": Verdict(
        "The same, with a case that may lie in the window: nothing may be said, but the watch is not hidden.",
        {**ONE_AND_A_POSSIBLE, "S1-3": [], "S1-4": []},
        {"limits": {"max_quarantined": 0.5, "max_unobserved": 0.1}},
        "not_assessable",
        ("two_cases",),
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_follows_from_the_study(name: str, tmp_path: Path) -> None:
    example = VERDICTS[name]
    protocol = small_protocol(**example.keys)
    found = look_at_study(study(example.charts), protocol, CUTOFF, tmp_path)
    assert found.verdict == example.expected, example.definition
    assert tuple(found.document().get("watch_beneath", ())) == example.beneath, example.definition


# --- once crossed, crossed ------------------------------------------------------------------------------------

SIX = {f"S1-{place}": subject(f"S1-{place}", 6 if place < 4 else None) for place in range(1, 7)}
LATER = [
    {"USUBJID": name, "EXSTDTC": f"{DOSE + timedelta(days=3.5 * number):%Y-%m-%dT%H:%M}"}
    for name in SIX
    for number in (1, 2, 3)
]
"""Three further doses of each subject, which nobody charted."""


def test_doses_that_nobody_charted_remove_no_signal(tmp_path: Path) -> None:
    """Three of six subjects are definite cases; 18 unobserved windows later the rate is as crossed as before."""
    protocol = small_protocol(RATE, treatment={"names": ["STUDYDRUG"], "planned_doses": 4})
    for later, cutoff in (((), CUTOFF), (LATER, CUTOFF + timedelta(days=10))):
        found = look_at_study(study(SIX, later), protocol, cutoff, tmp_path).document()
        assert (found["verdict"], found["rules"][0]["verdict"]) == ("signal", "crossed")


def test_a_late_row_corrects_a_case(tmp_path: Path) -> None:
    """The saturation was normal ten minutes after; before, the next one known was 3 h after: possible now."""
    rows = charted("S1-1", "OXYSAT", {DOSE + timedelta(hours=6, minutes=10): 97.0})
    unknown = ("2026-03-02T15:00", "2026-03-02T16:00")
    chart = [row for row in subject("S1-1", 6) if row["VSTESTCD"] == "TEMP" or row["VSDTC"] not in unknown]
    protocol = small_protocol(COUNT_ONE)
    before = look_at_study(study({"S1-1": chart}), protocol, CUTOFF, tmp_path)
    after = look_at_study(study({"S1-1": [*chart, *rows]}), protocol, CUTOFF, tmp_path)
    assert (before.verdict, after.verdict) == ("signal", "watch")


# --- the timing rule compares within the subject ---------------------------------------------------------------

TIMING = {
    "id": "timing", "kind": "timing", "method": "self_controlled", "looks": 1, "alpha": 0.05, "min_events": 1,
    "min_subjects": 1, **WHY,
}  # fmt: skip


def pool(healthy: int) -> dict[str, list[Row]]:
    """Seven sick subjects charted from 16 h before the dose to hour 8, and some healthy ones charted for long."""
    starts = (6, 6.5, 7, -9, -8, -9.5, -8.5)
    first, last = (
        f"{DOSE - timedelta(hours=16):%Y-%m-%dT%H:%M}",
        f"{DOSE + timedelta(hours=8):%Y-%m-%dT%H:%M}",
    )
    sick = {
        f"A{place}": [row for row in subject(f"A{place}", ill_at, step=0.25) if first <= row["VSDTC"] <= last]
        for place, ill_at in enumerate(starts)
    }
    return sick | {f"H{place}": subject(f"H{place}") for place in range(healthy)}


@pytest.mark.parametrize("healthy", [0, 20])
def test_healthy_subjects_do_not_turn_the_timing_of_the_sick(healthy: int, tmp_path: Path) -> None:
    """Each of the sick has 3 h of risk and 10 h of control (-16 to -6): 3 of 7 events in risk is no excess.

    P(S >= 3) of seven events, each in risk with 3/13, is 1 - (10/13)^7 - 7 (3/13)(10/13)^6 - 21 (3/13)^2 (10/13)^5
    = 0.2048 to four digits; the healthy have no event and no part in it.
    """
    found = look_at_study(study(pool(healthy)), small_protocol(TIMING), CUTOFF, tmp_path).document()
    assert found["timing"]["events_in_risk"] == 3
    assert found["timing"]["events_in_control"] == 4
    assert found["timing"]["p_value"] == pytest.approx(0.2048, abs=5e-5)
