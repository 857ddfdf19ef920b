"""Onsets of different components paired into one case, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from checks.cases.joined_onsets import Onset
from checks.cases.spans import HOUR


@dataclass(frozen=True, slots=True)
class Composite:
    """All components newly present together in one anchor's hours; ``later`` names the one that completed it."""

    anchor: int
    components: Mapping[str, Onset]
    later: str
    certain: bool

    @property
    def onset(self) -> Onset:
        """The onset of the component that completed the case.

        Where a time is unknown either component may have been the later one: then its interval begins when
        every component can have begun, and ends when every component must have.
        """
        later = self.components[self.later]
        if later.seen is not None:
            return later
        parts = self.components.values()
        earliest, latest = max(part.earliest for part in parts), max(part.latest for part in parts)
        return replace(later, earliest=earliest, latest=latest)

    @property
    def records(self) -> frozenset[str]:
        """Everything that shows the case."""
        return frozenset(text for onset in self.components.values() for text in onset.evidence)


def pair_onsets(
    anchor: int,
    onsets: Mapping[str, Sequence[Onset]],
    *,
    within_hours: float,
    washout_hours: float,
    every: bool = False,
) -> list[Composite]:
    """Return the composites of one anchor: certain ones first, then possible ones of other episodes.

    ``onsets`` holds, for every component of the case definition, its new onsets in the anchor's hours. With
    ``every`` no composite gives way to a surer one that it may be the same as.
    """
    within, washout = int(within_hours * HOUR), int(washout_hours * HOUR)
    candidates = [
        _compose(anchor, dict(zip(onsets, chosen, strict=True)), within)
        for chosen in product(*onsets.values())
        if _may_coincide(chosen, within)
    ]
    candidates.sort(key=lambda one: (not one.certain, one.onset.latest, _spread(one), sorted(one.records)))
    episodes: list[Composite] = []
    for candidate in candidates:
        if every or all(_apart(candidate.onset, episode.onset, washout) for episode in episodes):
            episodes.append(candidate)
    return sorted(episodes, key=lambda one: (one.onset.latest, sorted(one.records)))


def _may_coincide(chosen: Sequence[Onset], within: int) -> bool:
    """Whether the onsets can lie, or were first seen, at most ``within`` seconds apart."""
    if all(onset.seen is not None for onset in chosen):
        return _span_of_sightings(chosen) <= within
    return max(onset.earliest for onset in chosen) - min(onset.latest for onset in chosen) <= within


def _span_of_sightings(chosen: Sequence[Onset]) -> int:
    sightings = [onset.seen for onset in chosen if onset.seen is not None]
    return max(sightings) - min(sightings)


def _compose(anchor: int, components: dict[str, Onset], within: int) -> Composite:
    timed = all(onset.seen is not None for onset in components.values())
    later = max(components, key=lambda name: (components[name].known_by, name))
    if not timed:
        # the completing component is the one whose time leaves most open: its interval carries the doubt
        later = max(
            components, key=lambda name: (components[name].seen is None, components[name].latest, name)
        )
    certain = timed and all(onset.certain for onset in components.values())
    return Composite(anchor, components, later, certain)


def _spread(composite: Composite) -> int:
    moments = [onset.known_by for onset in composite.components.values()]
    return max(moments) - min(moments)


def _apart(one: Onset, other: Onset, washout: int) -> bool:
    return max(one.earliest - other.latest, other.earliest - one.latest) >= washout or (
        one.seen is not None and other.seen is not None and abs(one.seen - other.seen) >= washout
    )
