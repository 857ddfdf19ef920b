"""Rules in simulated charting: what is too liberal crosses there, what holds does not, and when each has crossed."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from checks.protocol import load_protocol
from checks.rules.evidence import DoseWindow, Event, Evidence, Opportunity
from checks.rules.kinds.count import CountRule
from checks.rules.kinds.timing import TimingRule
from checks.scenario import ByScenario
from flows.pages.design.in_worlds import exceeds_alpha, worlds_tables
from flows.pages.design.page import write_design
from flows.pages.design.terminal import design_text
from flows.simulate.side_by_side import ByTrial
from flows.simulate.world_trials import NotSimulated, Trial, hours_to_crossing, try_in_worlds

GOOD = load_protocol(Path(__file__).parents[2] / "fixtures/protocols/good.yaml")
SAYS = {"rationale": "an example", "source": "no charter"}
THREE = CountRule.model_validate({"id": "three", "kind": "count", "cases": 3, **SAYS})
LOCKED = TimingRule.model_validate(
    {"id": "locked", "kind": "timing", "method": "e_process", "alpha": 0.05, "min_events": 2, **SAYS}
)
YES = ByScenario(best=True, main=True, worst=True)


def with_rule(rule):
    """A protocol of one dose and one rule."""
    treatment = GOOD.treatment.model_copy(update={"planned_doses": 1})
    return GOOD.model_copy(update={"treatment": treatment, "rules": (rule,)})


@pytest.fixture(scope="module")
def of_three():
    return try_in_worlds(with_rule(THREE), trials=10, subjects=40, seed=1)


def test_a_count_that_is_too_liberal_at_the_upper_end_is_marked_there_and_said_first(of_three, tmp_path):
    # three or more of 40 at .1: 1 - .0148 - .0657 - .1423 = .7772; at .005: .0009. Charting hides some.
    low, rate, high, *_ = of_three.without_harm
    assert (low.rate, rate.rate, high.rate) == (0.005, 0.02, 0.1)
    assert low.any_rule.value == 0 and high.any_rule.ci95[0] > 0.05
    assert high.subjects_with_case == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / (10 * 40)))

    protocol = with_rule(THREE)
    paths, design = write_design(protocol, tmp_path, subjects=40, in_worlds=of_three)
    page = " ".join(paths["html"].read_text(encoding="utf-8").split())
    said = exceeds_alpha(design, of_three)
    assert said is not None
    share = re.match(r"All rules together cross without harm in ([\d.]+)% of trials ", said)
    assert share is not None and float(share[1]) == pytest.approx(77.72, abs=3 * 0.416)  # of 10,000 trials
    assert said.endswith(
        "at the upper end of the background's range (10% of participants): above the declared 5%."
    )
    assert page.index(said.split("'")[0]) < page.index("The declared familywise alpha")
    assert '<div class="design beyond">' in page
    assert json.loads(paths["json"].read_text(encoding="utf-8"))["exceeds_alpha"] == said
    shown = design_text(design, protocol, Path("design.html"), in_worlds=of_three)
    assert max(map(len, shown.splitlines())) <= 80
    assert " ".join(shown.splitlines()[1:4]).startswith(said)
    assert re.search(r"even, 10% +[\d.]+% +! [\d.]+% +! [\d.]+%\n", shown)
    assert "TEMP is taken in four-hour slots, OXYSAT hourly" in page and "doses are 3 days apart" in page
    tones = {row[0].text: row[2].tone for row in worlds_tables(of_three, design)[0].rows}
    assert (tones["even, 0.5%"], tones["even, 10%"]) == ("", "poor")


def test_a_rule_that_holds_is_not_marked_and_nothing_is_said_first(tmp_path):
    protocol = with_rule(LOCKED)
    found = try_in_worlds(protocol, trials=4, subjects=40, seed=1)
    paths, design = write_design(protocol, tmp_path, subjects=40, in_worlds=found)
    assert exceeds_alpha(design, found) is None
    page = paths["html"].read_text(encoding="utf-8")
    assert '<p class="sentence">The declared familywise alpha' in page
    assert "at the upper end of the background (10% of participants), at least one crosses" in page
    without_harm, with_harm = worlds_tables(found, design)
    assert {cell.tone for row in without_harm.rows for cell in row} == {""}
    # 54 control hours for 3 in risk: p is 1/19 an event; two have the mean of (19 theta / (18 + theta))^2 over
    # theta 2, 4, 8, 16, 32, 64: 3.6, 11.9, 34.2, 79.9, 147.9 and 219.9, which is 82.9, or 1 / .012
    assert with_harm.rows[0][1].text == "2 events (p 0.012)"


def test_the_same_seed_gives_the_same_numbers_and_another_others():
    first, again, other = (
        try_in_worlds(with_rule(THREE), trials=1, subjects=20, seed=seed) for seed in (1, 1, 2)
    )
    assert again == first
    assert other.without_harm != first.without_harm


def test_what_cannot_be_simulated_says_why(tmp_path):
    components = {
        "fever": GOOD.case_definition.components["fever"].model_validate({"any_of": [{"terms": ["F"]}]})
    }
    definition = GOOD.case_definition.model_copy(update={"components": components})
    found = try_in_worlds(GOOD.model_copy(update={"case_definition": definition}), trials=1, seed=1)
    assert found == NotSimulated("no vital sign alone shows fever")
    paths, _ = write_design(GOOD, tmp_path, in_worlds=found)
    page = paths["html"].read_text(encoding="utf-8")
    assert "Charting is not simulated: no vital sign alone shows fever." in page
    unplanned = GOOD.model_copy(update={"rules": (THREE,)})
    assert isinstance(try_in_worlds(unplanned, trials=1, seed=1), NotSimulated)


def trial(*seen: float) -> Trial:
    """Cases of one subject each, seen at these hours; each a dose whose window closes two hours after."""
    events = tuple(
        Event(number, dose=1, hour=6.0, known_at=3600 * hour, closes=hour + 2, in_risk=YES)
        for number, hour in enumerate(seen)
    )
    windows = tuple(
        DoseWindow(one.subject, 1, one.closes, evaluable=True, ended=one.closes + 40) for one in events
    )
    hours = tuple(Opportunity(one.subject, 1, 3, 54, 18, one.closes + 40, one.closes) for one in events)
    return Trial(Evidence(events, windows, opportunities=hours, data_cutoff=1000.0), 30.0, 0.0, 8.0)


@pytest.mark.parametrize(
    ("seen", "hours"),
    [
        ((10, 20, 29), 0),  # crossed before the last harmed onset, at 30
        ((10, 20, 31.5), 1.5),
        ((10, 20), math.inf),
        ((10, 40, 35, 90), 10),  # the third to be seen is at 40
    ],
)
def test_a_count_crosses_when_its_last_case_is_seen(seen, hours):
    assert hours_to_crossing(THREE, trial(*seen)) == hours


def test_a_timing_rule_crosses_when_the_dose_of_its_last_event_has_closed():
    # each event has p 3/57: two in risk make an e-value of 41 or more, three of 477; 20 are asked for
    assert hours_to_crossing(LOCKED, trial(10, 31.5, 60)) == 31.5 + 2 + 40 - 30


def test_what_was_known_earlier_has_neither_later_doses_nor_later_onsets():
    known = trial(10, 20, 60).known_by(21.0)
    assert [event.subject for event in known.events] == [0, 1]
    # windows close at 12, 22 and 62, eight hours after their doses: the last dose was not given yet
    assert [(one.subject, one.evaluable, one.open) for one in known.windows] == [
        (0, True, False),
        (1, False, True),
    ]
    assert known.data_cutoff == 21 and all(math.isinf(one.ended) for one in known.windows)


def test_the_evidence_of_one_of_many_trials_is_of_its_own_subjects():
    both = tuple(Opportunity(subject, 1, 3.0, 54.0, 18.0, 48.0, 8.0) for subject in (0, 1))
    found = ByTrial(Evidence((), (), opportunities=both, reacting=both), np.array([7, 8])).of(8)
    assert found.opportunities == found.reacting == both[1:]
