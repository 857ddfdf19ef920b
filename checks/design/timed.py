"""Decide what a timing rule does under stated relative incidences: exactly, except the scan's permutations.

The sequential tests bring their own exact boundaries. The self-controlled comparison becomes one: the fewest
events in risk hours whose exact p-value at a planned look is within that look's share of alpha. Size and power
follow by the recursion of ``checks.statistics.recursion``.
Assumptions: all planned hours are observed, so that the ratio of control to risk time is the planned one; events
are independent; the fewest subjects that a rule asks for are not counted.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import special

from checks.design.results import Surveillance, TimingDesign
from checks.design.scanned import scan_surveillance
from checks.errors import DesignError
from checks.protocol import StudyProtocol
from checks.protocol.background import background_per
from checks.protocol.rules import TimingRule
from checks.rules.timing_looks import FEWEST_IN_CLUSTER
from checks.statistics.timing import BinomialBoundary, e_process, maxsprt_binomial, maxsprt_poisson
from checks.statistics.timing.binomial_boundary import risk_chance

RELATIVE_INCIDENCES = (2.0, 5.0, 10.0, 20.0, 50.0)
"""True incidence in risk hours over that in control hours at which power is read off."""

LENGTHS = (5, 10, 20, 40)
"""Events, in risk and control hours together, for the methods whose protocol entry fixes no number."""


def planned_ratio(protocol: StudyProtocol) -> float:
    """Return planned control time over planned risk time of one dose; overlapping windows count once."""
    low, high = protocol.risk_window_hours
    return control_hours(protocol) / (high - low)


def control_hours(protocol: StudyProtocol) -> float:
    """Return the hours of the union of the control windows of one dose."""
    total, until = 0.0, -np.inf
    for start, end in sorted(protocol.control_windows_hours):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return float(total)


def design_timing(rule: TimingRule, protocol: StudyProtocol, *, seed: int, simulations: int) -> TimingDesign:
    """Return the design of a timing rule over one or more lengths of surveillance.

    Raises
    ------
    DesignError
        When the rule's parameters allow no boundary; names the rule.
    """
    surveillance = (
        scan_surveillance(rule, protocol, LENGTHS, RELATIVE_INCIDENCES, seed=seed, simulations=simulations)
        if rule.method == "scan"
        else exact_surveillance(rule, protocol)
    )
    return TimingDesign(
        id=rule.id,
        kind=rule.kind,
        method=rule.method,
        alpha=rule.alpha,
        ratio=planned_ratio(protocol),
        planned_looks=rule.looks,
        min_events=rule.min_events,
        min_subjects=rule.min_subjects,
        length_unit="expected_events" if rule.method == "maxsprt_poisson" else "events",
        relative_incidence=RELATIVE_INCIDENCES,
        surveillance=surveillance,
        notes=_notes(rule, protocol),
    )


def exact_surveillance(rule: TimingRule, protocol: StudyProtocol) -> tuple[Surveillance, ...]:
    """Return what a timing rule that is no scan does; a DesignError names the rule that allows no boundary."""
    try:
        if rule.method == "maxsprt_poisson":
            return (_poisson(rule),)
        return _BINOMIAL[rule.method](rule, planned_ratio(protocol))
    except DesignError as error:
        raise DesignError(f"rule {rule.id}: {error}") from error


def self_controlled_boundary(rule: TimingRule, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary in events of a self-controlled rule, as ``checks.rules.timing_looks`` plans its looks.

    A look is taken at each event in risk hours from the fewest on. So many events in risk hours have crossed
    by n events exactly when the test of the last of them, at n, is rare enough for one look.
    """
    least, looks = max(rule.min_events, FEWEST_IN_CLUSTER), rule.looks or 1
    share, numbers = rule.alpha / looks, tuple(range(1, length + 1))
    fewest = tuple(fewest_in_risk(n, ratio, share, least, least + looks - 1) for n in numbers)
    return BinomialBoundary(numbers, fewest, ratio)


def fewest_in_risk(n: int, ratio: float, share: float, least: int, most: int) -> int | None:
    """Return the fewest x from ``least`` to ``most`` with P(Bin(n, 1 / (1 + ratio)) >= x) <= ``share``."""
    x = np.arange(least, min(n, most) + 1)
    rare = x[special.betainc(x, n - x + 1.0, 1.0 / (1.0 + ratio)) <= share]
    return int(rare[0]) if rare.size else None


def e_process_boundary(rule: TimingRule, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary of an e-process rule up to a number of events, none below its fewest events."""
    boundary = e_process(length, ratio, rule.alpha).boundary
    events = tuple(
        None if fewest is None or n < rule.min_events else max(fewest, rule.min_events)
        for n, fewest in zip(boundary.looks, boundary.events, strict=True)
    )
    return BinomialBoundary(boundary.looks, events, ratio)


def _self_controlled(rule: TimingRule, ratio: float) -> tuple[Surveillance, ...]:
    return tuple(_exact(self_controlled_boundary(rule, ratio, length)) for length in LENGTHS)


def _maxsprt_binomial(rule: TimingRule, ratio: float) -> tuple[Surveillance, ...]:
    return (_exact(maxsprt_binomial(rule.n_max or 1, ratio, rule.alpha, rule.min_events).boundary),)


def _e_process(rule: TimingRule, ratio: float) -> tuple[Surveillance, ...]:
    longest = e_process_boundary(rule, ratio, LENGTHS[-1])
    cut = (BinomialBoundary(longest.looks[:n], longest.events[:n], ratio) for n in LENGTHS)
    return tuple(_exact(boundary) for boundary in cut)


_BINOMIAL: Mapping[str, Callable[[TimingRule, float], tuple[Surveillance, ...]]] = {
    "self_controlled": _self_controlled,
    "maxsprt_binomial": _maxsprt_binomial,
    "e_process": _e_process,
}


def _exact(boundary: BinomialBoundary) -> Surveillance:
    behaves = [boundary.characteristics(value) for value in (1.0, *RELATIVE_INCIDENCES)]
    lengths = [one.expected_length for one in behaves]
    in_risk = [
        one.expected_length * risk_chance(boundary.ratio, one.relative_risk) for one in behaves
    ]  # Wald's identity
    return Surveillance(
        length=float(boundary.looks[-1]),
        looks=tuple(float(look) for look in boundary.looks),
        events=boundary.events,
        size=behaves[0].power,
        size_error=None,
        power=tuple(one.power for one in behaves[1:]),
        power_error=None,
        expected_length=tuple(lengths[1:]),
        expected_in_risk=tuple(in_risk[1:]),
        without_harm=(lengths[0], in_risk[0]),
        size_by_look=tuple(boundary.crossing_probabilities().tolist()),
    )


def _poisson(rule: TimingRule) -> Surveillance:
    test = maxsprt_poisson(rule.expected_max or 1.0, rule.alpha, rule.min_events, rule.delay)
    behaves = [test.characteristics(value) for value in (1.0, *RELATIVE_INCIDENCES)]
    lengths = [one.expected_length for one in behaves]
    in_risk = [one.expected_length * one.relative_risk for one in behaves]  # Wald's identity
    return Surveillance(
        length=test.expected_max,
        looks=test.times,
        events=test.events,
        size=test.size,
        size_error=None,
        power=tuple(one.power for one in behaves[1:]),
        power_error=None,
        expected_length=tuple(lengths[1:]),
        expected_in_risk=tuple(in_risk[1:]),
        without_harm=(lengths[0], in_risk[0]),
        size_by_look=tuple(test.crossing_probabilities().tolist()),
    )


NOTES: Mapping[str, str] = {
    "self_controlled": "A look is taken at each event in risk hours, from the fewest that the rule asks for on, "
    "as many as are planned; each spends an equal share of alpha.",
    "scan": "Simulated: one event a subject, observed from the dose to the last hour that a window names. A look is "
    "taken whenever as many more events are seen as could cross at all, as many looks as are planned.",
    "e_process": "Valid at every look, without an end; the size shown is what so many events spend.",
}
"""What a reader must know of a method's numbers."""


def _notes(rule: TimingRule, protocol: StudyProtocol) -> tuple[str, ...]:
    background = background_per("window", protocol)
    if rule.method != "maxsprt_poisson" or background is None:
        return tuple(NOTES[method] for method in (rule.method,) if method in NOTES)
    windows = (rule.expected_max or 1.0) / background.rate
    return (f"At the declared background this many events are expected in {windows:,.0f} dose windows.",)
