"""Decide which looks of a rate boundary have been taken along the path of units, and whether one was crossed.

A look at n is taken once: at the first moment at which the units along the path weigh n together, with the
events known of the units up to there. Its outcome stays. An event that comes later, even of a unit that was
part of the look, counts at the next one, at most one unit of weight ahead where every n is a look. Moments are
closings of dose windows, for events as for windows without: a case that is known while its window is open is
judged as it will be when that window closes, with every window that closes by then counted as complete. So no
case waits, and none is held against fewer units than had the same time to have one.
Why not with the weights of the data cut-off, as often as one looks: weights ripen, so that the same look would
be met by ever other subjects. Its outcome could change without a correction, and each change would be one more
chance to cross, up to 1.7 times alpha where most subjects are pending. Why not complete subjects alone: a
subject is pending for all its planned doses, and a case would wait as long.
Assumptions: as the boundary; a case is equally likely in each planned window. With complete units the size is
that of the boundary; with pending ones it is approximate, and in simulations within alpha.
Reference: Cheung YK, Chappell R. Biometrics 2000;56:1177-1182 (the weights); Jennison C, Turnbull BW. Group
Sequential Methods with Applications to Clinical Trials. 2000, ch. 3 (looks at fixed information).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from checks.evaluation import PathStep
from checks.statistics.boundaries.boundary import CountBoundary

ROUNDING = 1e-9  # sixths of a subject do not add up to whole ones in binary


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk along the path: units complete and events judged, those at each look taken, and whether it crossed.

    ``n`` and ``events`` are as at the data cut-off until the last look is taken, then as at that look;
    ``known`` has the events of all units.
    """

    n: float
    events: int
    looks: tuple[int, ...]
    events_at_looks: tuple[int, ...]
    crossed: bool
    known: int


def walk(path: Sequence[PathStep], reading: str, boundary: CountBoundary) -> Walk:
    """Walk along the path through its moments up to the boundary's last look; once crossed, it stays crossed."""
    taken = list(_looks_taken(path, reading, boundary.looks))
    known = [bool(getattr(step, reading)) for step in path]
    if len(taken) == len(boundary.looks):
        n, events = taken[-1]
    else:
        n = sum(1.0 if event else step.weight for event, step in zip(known, path, strict=True))
        events = sum(known)
    at_looks = tuple(seen for _, seen in taken)
    limits = zip(at_looks, boundary.events, strict=False)
    return Walk(
        n=n,
        events=events,
        looks=boundary.looks[: len(taken)],
        events_at_looks=at_looks,
        crossed=any(limit is not None and seen >= limit for seen, limit in limits),
        known=sum(known),
    )


def _looks_taken(path: Sequence[PathStep], reading: str, looks: Sequence[int]) -> Iterator[tuple[float, int]]:
    """Yield the units and events of each look in turn, as they stood when it was taken."""
    weights, events, total, taken = [0.0] * len(path), [0] * len(path), 0.0, 0
    for _, now in groupby(_changes(path, reading), key=itemgetter(0)):
        for _, place, weight, event in now:
            total += weight - weights[place]
            weights[place], events[place] = weight, event
        while taken < len(looks) and looks[taken] <= total + ROUNDING:
            yield _up_to(looks[taken], weights, events)
            taken += 1
        if taken == len(looks):
            return


def _up_to(look: int, weights: Sequence[float], events: Sequence[int]) -> tuple[float, int]:
    """Return the units and events along the path up to the unit that brings the weight to ``look``."""
    n, seen = 0.0, 0
    for weight, event in zip(weights, events, strict=True):
        n, seen = n + weight, seen + event
        if n + ROUNDING >= look:
            break
    return n, seen


def _changes(path: Sequence[PathStep], reading: str) -> list[tuple[float, int, float, int]]:
    """Return when the weight of a unit changed: moment, place on the path, weight from then on, events."""
    cases = (getattr(step.growth, reading) for step in path if step.growth and getattr(step, reading))
    until = max((moment for moment in cases if moment is not None), default=-math.inf)
    changes = [
        (moment, place, weight, event)
        for place, step in enumerate(path)
        for moment, weight, event in _growth(step, reading, until)
    ]
    return sorted(changes)


def _growth(step: PathStep, reading: str, until: float) -> Iterator[tuple[float, float, int]]:
    """Yield each moment of one unit, its weight from then on and whether it is an event.

    A window still open closes without a case, as far as is known, and is needed only ``until`` the last
    window that holds a case.
    """
    event, growth = bool(getattr(step, reading)), step.growth
    seen = getattr(growth, reading) if growth and event else None
    moment = math.inf if seen is None else seen
    if growth is not None:
        closings = sorted((*growth.closed, *(closing for closing in growth.open if closing <= until)))
        for number, closing in enumerate(closings, start=1):
            if closing < moment:
                yield closing, min(1.0, number / growth.planned), 0
    elif not event:
        yield math.inf, step.weight, 0
    if event:
        yield moment, 1.0, 1
