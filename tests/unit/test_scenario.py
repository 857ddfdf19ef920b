"""Best, main and worst are three values in one order, each under its own name."""

import json
import pickle
from dataclasses import asdict

from checks.scenario import ByScenario, Scenario


def test_scenarios_run_from_best_to_worst_for_the_drug():
    assert list(Scenario) == ["best", "main", "worst"]


def test_each_scenario_has_its_own_value():
    counted = ByScenario(best=1, main=2, worst=3)
    assert [counted[one] for one in Scenario] == [1, 2, 3]
    assert list(counted.items()) == [(Scenario.BEST, 1), (Scenario.MAIN, 2), (Scenario.WORST, 3)]
    assert counted == ByScenario.of({"best": 1, "main": 2, "worst": 3}.__getitem__)


def test_a_change_is_of_every_value():
    assert ByScenario(1, 2, 3).map(str) == ByScenario("1", "2", "3")


def test_what_is_one_object_is_changed_once():
    changed: list[str] = []
    one = "one"
    counted = ByScenario(one, one, "another").map(lambda value: changed.append(value) or value)
    assert (counted, changed) == (ByScenario(one, one, "another"), [one, "another"])


def test_it_is_written_under_the_names_of_the_scenarios():
    counted = ByScenario(1, 2, 3)
    assert json.dumps(asdict(counted)) == '{"best": 1, "main": 2, "worst": 3}'
    assert pickle.loads(pickle.dumps(counted)) == counted
