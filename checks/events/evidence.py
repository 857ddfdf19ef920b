"""Decide how readings and adverse events together date one component's onset in an anchor's hours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from checks.exposure.spans import HOUR


@dataclass(frozen=True, slots=True)
class Onset:
    """A component newly present: between which instants it began (shared axis), and what shows it.

    ``seen`` is the instant at which it was first seen, None where only a date is known. ``certain`` is False
    where a missing fact is needed. ``query`` asks the site about evidence that disagrees.
    """

    earliest: int
    latest: int
    seen: int | None
    certain: bool
    evidence: tuple[str, ...]
    query: bool = False

    @property
    def known_by(self) -> int:
        """The instant by which it was present: when first seen, or the end of its interval."""
        return self.latest if self.seen is None else self.seen


def merge_reports(
    measured: Sequence[Onset], present: Sequence[int], reports: Iterable[Onset], *, washout_hours: float
) -> list[Onset]:
    """Join reported onsets (adverse events, date-only readings) with those that were measured.

    A report within ``washout_hours`` of a measured onset dates the same onset: both intervals intersect, and
    where they do not meet their hull is taken and a query raised. A report of what readings already showed is
    not a new onset. What is left stands by itself, one onset for reports within ``washout_hours``.
    """
    washout = int(washout_hours * HOUR)
    onsets = list(measured)
    for report in sorted(reports, key=lambda one: (one.seen is None, one.earliest, one.latest, one.evidence)):
        nearest = min(onsets, key=lambda onset: _distance(onset, report), default=None)
        if nearest is not None and _distance(nearest, report) < washout:
            onsets[onsets.index(nearest)] = _join(nearest, report)
        elif not any(report.earliest - washout < instant <= report.latest for instant in present):
            onsets.append(report)
    return sorted(onsets, key=lambda onset: (onset.latest, onset.earliest, onset.evidence))


def _distance(one: Onset, other: Onset) -> int:
    return max(0, one.earliest - other.latest, other.earliest - one.latest)


def _join(onset: Onset, report: Onset) -> Onset:
    evidence = (*onset.evidence, *(text for text in report.evidence if text not in onset.evidence))
    earliest, latest = max(onset.earliest, report.earliest), min(onset.latest, report.latest)
    disjoint = earliest > latest
    if disjoint:
        earliest, latest = min(onset.earliest, report.earliest), max(onset.latest, report.latest)
    sightings = [seen for seen in (onset.seen, report.seen) if seen is not None]
    return replace(
        onset,
        earliest=earliest,
        latest=latest,
        seen=min(sightings, default=None),
        certain=onset.certain or report.certain,
        evidence=evidence,
        query=onset.query or report.query or disjoint,
    )
