"""Which options each method of a stopping rule takes, and which it needs."""

from itertools import product
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from checks.protocol.explain import explain
from checks.protocol.model import StudyProtocol
from checks.rules import AnyRule
from checks.rules.kinds.rate import OPTIONS
from checks.rules.methods import METHODS

ADAPTER = TypeAdapter[Any](AnyRule)
WHY = {"id": "r", "rationale": "why", "source": "where"}
RATE = {**WHY, "kind": "rate", "unit": "window", "n_max": "15", "null_rate": "0.2", "alpha": "0.05"}
TIMING = {**WHY, "kind": "timing", "alpha": "0.05"}
RATE_VALUES = {"prior": ["1", "4"], "delta": "0.25", "alternative_rate": "0.4", "nu": "0.8"}
TIMING_VALUES = {"looks": "3", "n_max": "20", "expected_max": "10", "delay": "1"}
TIMING_VALUES |= {"order": "2", "floor": "1.5", "permutations": "9999"}
TIMING_VALUES |= {"control": "before", "clock": "hours", "gamma": "1.5", "charting": "worst"}


def problems(rule: dict[str, Any]) -> list[str]:
    try:
        ADAPTER.validate_python(rule)
    except ValidationError as refusal:
        return sorted(str(finding.place[-1]) for finding in explain(refusal, StudyProtocol))
    return []


# Written from the interface's list of options, not from the code's table.
NEEDS_RATE = {
    "pocock": "",
    "obrien_fleming": "",
    "wang_tsiatis": "delta",
    "beta_binomial": "prior",
    "chen_chaloner": "alternative_rate nu prior",
    "sprt": "alternative_rate",
    "maxsprt": "",
}
NEEDS_TIMING = {
    "self_controlled": "looks",
    "scan": "looks",
    "sequential": "n_max",
    "maxsprt_poisson": "expected_max",
    "e_process": "",
    "severity": "looks",
    "severity_e_process": "",
}
CONDITIONED = {"control", "clock", "gamma", "charting"}
TAKEN = {
    "self_controlled": {"n_max", *CONDITIONED},
    "sequential": CONDITIONED,
    "e_process": CONDITIONED,
    "maxsprt_poisson": {"delay"},
    "severity": {"n_max", "order", "floor", "permutations"},
}


def test_the_tables_name_every_method() -> None:
    assert OPTIONS.keys() == NEEDS_RATE.keys()
    assert METHODS.keys() == NEEDS_TIMING.keys()


@pytest.mark.parametrize("method", NEEDS_RATE)
def test_a_rate_method_with_what_it_needs_is_accepted_and_without_is_refused(method: str) -> None:
    needed = NEEDS_RATE[method].split()
    options = {name: RATE_VALUES[name] for name in needed}
    rule = ADAPTER.validate_python({**RATE, **options, "method": method, "looks": ["5", "10", "15"]})
    assert rule.looks == (5, 10, 15)
    for name in needed:
        kept = {key: value for key, value in options.items() if key != name}
        assert problems({**RATE, **kept, "method": method}) == [name]


@pytest.mark.parametrize(("method", "option"), list(product(NEEDS_RATE, RATE_VALUES)))
def test_an_option_that_a_rate_method_does_not_take_is_refused(method: str, option: str) -> None:
    needed = NEEDS_RATE[method].split()
    options = {name: RATE_VALUES[name] for name in {*needed, option}}
    found = problems({**RATE, **options, "method": method})
    assert found == ([] if option in needed else [option])


@pytest.mark.parametrize(("method", "option"), list(product(NEEDS_TIMING, TIMING_VALUES)))
def test_an_option_that_a_timing_method_does_not_take_is_refused(method: str, option: str) -> None:
    needed = NEEDS_TIMING[method].split()
    options = {name: TIMING_VALUES[name] for name in {*needed, option}}
    taken = option in needed or option in TAKEN.get(method, ())
    assert problems({**TIMING, **options, "method": method}) == ([] if taken else [option])


@pytest.mark.parametrize("method", NEEDS_TIMING)
def test_a_timing_method_without_what_it_needs_is_refused(method: str) -> None:
    assert problems({**TIMING, "method": method}) == NEEDS_TIMING[method].split()


def test_timing_counts_begin_at_one() -> None:
    rule = ADAPTER.validate_python({**TIMING, "method": "e_process"})
    assert (rule.min_events, rule.min_subjects, rule.delay) == (1, 1, 0.0)


def test_a_method_of_earlier_files_is_read_as_the_one_that_took_its_place() -> None:
    rule = ADAPTER.validate_python({**TIMING, "method": "maxsprt_binomial", "n_max": "20"})
    assert (rule.method, rule.n_max) == ("sequential", 20)


def test_the_hours_before_a_dose_have_no_clock() -> None:
    both = {**TIMING, "method": "e_process", "control": "before", "clock": "hours"}
    assert problems(both) == ["control"]


def test_gamma_allows_for_nothing_or_for_more() -> None:
    assert ADAPTER.validate_python({**TIMING, "method": "e_process", "gamma": "1"}).gamma == 1.0
    assert problems({**TIMING, "method": "e_process", "gamma": "0.9"}) == ["gamma"]
