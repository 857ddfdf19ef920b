"""Cases of one subject: onsets of every component near each other, each onset in one case, thinned in time.

Definite cases are chosen first, and possible ones that share an onset with one, or lie within its washout, are its
evidence. Half a case is one component that begins while the others are present.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from checks.cases.onsets import Onset
from checks.cases.reported_onsets import Told


@dataclass(frozen=True, slots=True)
class Composite:
    """One case of a subject: its onsets by component.

    Half a case has the onset of the component that began, and since when each of the others was present.
    """

    code: int
    onsets: Mapping[str, Onset]
    since: Mapping[str, int] = field(default_factory=dict)

    @property
    def half(self) -> bool:
        """Whether one component began while the others were present."""
        return bool(self.since)

    @property
    def definite(self) -> bool:
        """Whether every onset is."""
        return not self.half and all(one.definite for one in self.onsets.values())

    @property
    def timed(self) -> bool:
        """Whether more than a day is known of every onset."""
        return all(one.timed for one in self.onsets.values())

    @property
    def earliest(self) -> int:
        """When the case can have begun: every component must have."""
        return max(one.earliest for one in self.onsets.values())

    @property
    def latest(self) -> int:
        """By when the case has begun."""
        return max(one.latest for one in self.onsets.values())

    @property
    def seen(self) -> int:
        """When the case was first seen: with the onset that completes it."""
        return max(one.seen for one in self.onsets.values())

    @property
    def spread(self) -> int:
        """Seconds between the first and the last onset as they were first seen."""
        return self.seen - min(one.seen for one in self.onsets.values())


Parts = Mapping[str, Told]


def cases_of(code: int, parts: Parts, *, within: int, washout: int) -> list[Composite]:
    """Return the cases of one subject, in order of time.

    Parameters
    ----------
    code
        The subject's.
    parts
        What is told of every component of the case definition.
    within, washout
        Seconds: between the onsets of a case at most, between cases at least.
    """
    whole = [
        Composite(code, dict(zip(parts, chosen, strict=True)))
        for chosen in _near([part.onsets for part in parts.values()], within)
    ]
    definite = _thinned(_each_once(one for one in whole if one.definite), [], washout)
    taken = {id(onset) for case in definite for onset in case.onsets.values()}
    others = [
        one
        for one in (*whole, *_halves(code, parts, within))
        if not one.definite and not any(id(onset) in taken for onset in one.onsets.values())
    ]
    possible = _thinned(_each_once(others), definite, washout)
    return sorted((*definite, *possible), key=lambda one: (one.seen, one.earliest))


def _near(onsets: Sequence[Sequence[Onset]], within: int) -> Iterator[tuple[Onset, ...]]:
    """Yield every choice of one onset of each component that may lie near one another."""
    first, *rest = onsets
    for onset in first:
        close = [[other for other in part if _may_be_near((onset, other), within)] for part in rest]
        for others in product(*close):
            if _may_be_near((onset, *others), within):
                yield (onset, *others)


def _may_be_near(onsets: Sequence[Onset], within: int) -> bool:
    if all(one.instant for one in onsets):
        return max(one.seen for one in onsets) - min(one.seen for one in onsets) <= within
    return max(one.earliest for one in onsets) - min(one.latest for one in onsets) <= within


def _halves(code: int, parts: Parts, within: int) -> Iterator[Composite]:
    for name, part in parts.items():
        others = [other for other in parts if other != name]
        for onset in part.onsets if others else ():
            if not onset.timed:
                continue
            begins = (one for other in others for one in parts[other].onsets)
            if any(_may_be_near((onset, one), within) for one in begins):
                continue
            since = {other: parts[other].present_since(onset.seen) for other in others}
            known = {other: start for other, start in since.items() if start is not None}
            if len(known) == len(others):
                yield Composite(code, {name: onset}, known)


def _each_once(candidates: Iterable[Composite]) -> list[Composite]:
    """Return the candidates that share no onset: the nearest onsets first, halves last."""
    used: set[int] = set()
    chosen = []
    for one in sorted(candidates, key=lambda one: (one.half, one.spread, one.seen, one.earliest)):
        mine = {id(onset) for onset in one.onsets.values()}
        if not mine & used:
            used |= mine
            chosen.append(one)
    return chosen


def _thinned(chosen: Iterable[Composite], before: Sequence[Composite], washout: int) -> list[Composite]:
    """Return the cases that are first seen a washout or more after the last kept, and from each of ``before``."""
    kept: list[Composite] = []
    for one in sorted(chosen, key=lambda one: (one.seen, one.earliest)):
        apart = not kept or one.seen - kept[-1].seen >= washout
        if apart and all(abs(one.seen - other.seen) >= washout for other in before):
            kept.append(one)
    return kept
