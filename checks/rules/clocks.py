"""The dose clock of simulated trials: at which hours since dose their events lie.

Model: all doses are observed from the dose to the last hour that a window names. Cases in risk windows lie
anywhere in them; control events anywhere in the control hours of a subject; in hours that are neither, events
come at the rate of the control hours. Doses share their observed hours, so that without harm the hours of n
events are independent and uniform, and one simulated null distribution serves all trials with n events.
"""

from collections.abc import Sequence

import numpy as np

from checks.rules.evidence import Span
from checks.rules.plan import Plan, merged
from checks.rules.trials import BoolArray, ClockEvents, FloatArray, IntArray


def clock_events(
    random: np.random.Generator,
    plan: Plan,
    cases: BoolArray,
    control: IntArray,
    *,
    window_rate: float,
) -> ClockEvents:
    """Place the events of simulated trials on the dose clock, and add those in hours of no window.

    Parameters
    ----------
    cases : array, shape (trials, subjects, doses)
        Whether a risk window holds a case.
    control : array, shape (trials, subjects)
        Events in control hours.
    window_rate : float
        Rate without harm in hours as long as a risk window.
    """
    low, high = plan.risk_window
    first, last = plan.observed_hours
    spans = merged(plan.control_windows)
    apart = gaps([(low, high), *spans], first, last)
    trials, subjects, doses = cases.shape
    expected = doses * sum(end - start for start, end in apart) / (high - low) * window_rate
    added = random.poisson(expected, size=trials * subjects)
    in_risk = np.flatnonzero(cases)
    elsewhere = np.concatenate(
        [np.repeat(np.arange(trials * subjects), few) for few in (control.ravel(), added)]
    )
    dose = np.concatenate((in_risk, elsewhere * doses + random.integers(0, doses, elsewhere.size)))
    hours = np.concatenate(
        [
            uniform_hours(random, where, int(number))
            for where, number in (([(low, high)], in_risk.size), (spans, control.sum()), (apart, added.sum()))
        ]
    )
    on_clock = np.flatnonzero((hours >= first) & (hours <= last))
    order = on_clock[np.lexsort((hours[on_clock], dose[on_clock]))]
    whose = dose[order] // doses
    return ClockEvents(whose // subjects, whose % subjects, hours[order])


def gaps(spans: Sequence[Span], first: float, last: float) -> list[Span]:
    """Return the hours between ``first`` and ``last`` that lie in no span."""
    edges = [first]
    for start, end in merged(spans):
        edges += [min(max(start, first), last), min(max(end, first), last)]
    edges.append(last)
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def uniform_hours(random: np.random.Generator, spans: Sequence[Span], number: int) -> FloatArray:
    """Return hours drawn uniformly over spans that do not overlap; without a span there are none to draw."""
    if not number:
        return np.empty(0)
    lengths = np.array([end - start for start, end in spans])
    place = random.random(number) * lengths.sum()
    which = np.minimum(np.searchsorted(np.cumsum(lengths), place, side="right"), len(spans) - 1)
    starts = np.array([start for start, _ in spans])
    return np.asarray(starts[which] + place - (np.cumsum(lengths) - lengths)[which])
