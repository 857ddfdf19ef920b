"""Cases of one subject: onsets of every component near each other, each onset in one case, thinned in time.

Definite cases are chosen first, and possible ones that share an onset with one, or lie within its washout, are its
evidence. Half a case is one component that begins while the others are present. What has no instant may be of several
possible cases and blocks none; no washout makes it evidence, for it may have been before or after.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
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
    def perhaps_earliest(self) -> int:
        """When the case can have begun if a measurement without an instant showed a component of it before."""
        before = (one.perhaps_since for one in self.onsets.values() if one.perhaps_since is not None)
        return min((self.earliest, *before))

    @property
    def latest(self) -> int:
        """By when the case has begun."""
        return max(one.latest for one in self.onsets.values())

    @property
    def seen(self) -> int:
        """When the case was first seen: with the onset that completes it."""
        return max(one.seen for one in self.onsets.values())

    @property
    def perhaps_seen(self) -> int:
        """From when on it may have been first seen: what has no instant, from its earliest on."""
        return max(one.seen if one.instant else one.earliest for one in self.onsets.values())

    @property
    def instant(self) -> bool:
        """Whether every onset was first seen at an instant."""
        return all(one.instant for one in self.onsets.values())

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
    pairs = [one for one in whole if not (one.definite or _shares(one, taken))]
    halves = [one for one in _halves(code, parts, pairs, within) if not _shares(one, taken)]
    loose = [one for one in (*pairs, *halves) if not one.instant]
    possible = _thinned(_each_once(one for one in (*pairs, *halves) if one.instant), definite, washout)
    return sorted((*definite, *possible, *loose), key=lambda one: (one.seen, one.earliest))


def _shares(case: Composite, onsets: Set[int]) -> bool:
    """Whether a case has one of some onsets, by their identity."""
    return any(id(onset) in onsets for onset in case.onsets.values())


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


def _halves(code: int, parts: Parts, pairs: Sequence[Composite], within: int) -> Iterator[Composite]:
    """Yield each onset that no other is near, and that began while every other component was present.

    One without an instant may be near others and still have begun while these had long been present.
    """
    paired = {id(onset) for one in pairs for onset in one.onsets.values()}
    for name, part in parts.items():
        others = [other for other in parts if other != name]
        for onset in part.onsets if others else ():
            begins = (one for other in others for one in parts[other].onsets)
            if onset.instant and any(_may_be_near((onset, one), within) for one in begins):
                continue
            before = onset.earliest - within if not onset.instant and id(onset) in paired else onset.seen
            since = {other: parts[other].present_since(onset, before) for other in others}
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
    """Return the cases that may be first seen a washout or more after those kept, and from each of ``before``."""
    kept: list[Composite] = []
    for one in sorted(chosen, key=lambda one: (one.seen, one.earliest)):
        if not any(_surely_within(washout, one, other) for other in (*kept, *before)):
            kept.append(one)
    return kept


def _surely_within(span: int, one: Composite, other: Composite) -> bool:
    """Whether two cases were first seen less than so many seconds apart, whenever what has no instant was."""
    return max(one.seen - other.perhaps_seen, other.seen - one.perhaps_seen) < span
