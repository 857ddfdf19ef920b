"""One component's onsets in an anchor's hours: those that were measured, joined with those that were reported."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from checks.cases.spans import HOUR


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
    measured: Sequence[Onset],
    present: Sequence[int],
    reports: Iterable[Onset],
    *,
    washout_hours: float,
    at_widest: bool = False,
) -> list[Onset]:
    """Join reported onsets (adverse events, date-only measurements) with those that were measured.

    A report within ``washout_hours`` of a measured onset dates the same onset: both intervals intersect, and
    where they do not meet their hull is taken and a query raised. A report of what measurements already showed is
    not a new onset. What is left stands by itself, one onset for reports within ``washout_hours``.

    With ``at_widest`` a report without a time stands by itself wherever it may tell of another onset than the
    measured one: unless the component was present, or had been within ``washout_hours``, all the while.
    """
    washout = int(washout_hours * HOUR)
    onsets, alone = list(measured), []
    if at_widest:
        reports, untimed = _by_time(reports)
        alone = [one for one in untimed if not _explained(one, present, washout)]
    for report in sorted(reports, key=lambda one: (one.seen is None, one.earliest, one.latest, one.evidence)):
        nearest = min(onsets, key=lambda onset: _distance(onset, report), default=None)
        if nearest is not None and _distance(nearest, report) < washout:
            onsets[onsets.index(nearest)] = _join(nearest, report)
        elif not any(report.earliest - washout < instant <= report.latest for instant in present):
            onsets.append(report)
    return sorted((*onsets, *alone), key=lambda onset: (onset.latest, onset.earliest, onset.evidence))


def _by_time(reports: Iterable[Onset]) -> tuple[list[Onset], list[Onset]]:
    """Return the reports with an instant, and those without: one for all that leave the same span open."""
    timed: list[Onset] = []
    untimed: dict[tuple[int, int], Onset] = {}
    for report in reports:
        if report.seen is not None:
            timed.append(report)
            continue
        span = (report.earliest, report.latest)
        untimed[span] = _join(untimed[span], report) if span in untimed else report
    return timed, list(untimed.values())


def _explained(report: Onset, present: Iterable[int], washout: int) -> bool:
    """Whether an onset at any instant of the report would follow within the washout on what was present."""
    open_from = report.earliest
    for instant in sorted(present):
        if instant > open_from:
            break
        open_from = max(open_from, instant + washout)
    return open_from > report.latest


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
