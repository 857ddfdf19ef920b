"""Spans of time of all subjects on one axis: unions, intersections and lengths.

Every subject has a stretch of the axis to itself: an instant is ``subject code << 36 | seconds``, so that one
sorted array serves all subjects and no loop over them is needed. Spans are arrays of starts and ends.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Instants = npt.NDArray[np.int64]
SECONDS_BITS = 36  # seconds from 1900 to 2300 need 34 bits; two spare keep subjects apart
EPOCH_SHIFT = 1 << 34  # makes every instant since 1900 positive
HOUR = 3600


class Spans(NamedTuple):
    """Spans [start, end] on the shared axis; disjoint and sorted where a function says so."""

    starts: Instants
    ends: Instants


def subject_codes(subjects: pd.Series, known: pd.Index) -> Instants:
    """Return each subject's place in ``known``, -1 where it is not there."""
    rows, names = pd.factorize(subjects)  # a subject has many rows: each is looked up once
    codes: Instants = np.append(known.get_indexer(pd.Index(names)), -1)[rows].astype(np.int64)
    return codes


def seconds(times: pd.Series) -> Instants:
    """Return seconds since 1970 (UTC)."""
    return np.asarray(times.astype("datetime64[s, UTC]").astype("int64"), np.int64)


def distinct(instants: Instants) -> Instants:
    """Return each instant once, ascending: by sorting, which for many instants is faster than by hashing."""
    ordered = np.sort(instants)
    found: Instants = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
    return found


def in_seconds(hours: float) -> int:
    """Return hours as whole seconds: 8.2 h are 29,520 s, though in binary their product falls short of it."""
    return round(hours * HOUR)


def place(codes: Instants, seconds: Instants) -> Instants:
    """Return instants on the shared axis for subject codes and seconds since 1970 (UTC)."""
    return (codes << SECONDS_BITS) + (seconds + EPOCH_SHIFT)


def seconds_of(instants: Instants) -> Instants:
    """Return the seconds since 1970 (UTC) of instants on the shared axis."""
    return (instants & ((1 << SECONDS_BITS) - 1)) - EPOCH_SHIFT


def covered(parts: list[Spans], at_least: int) -> Spans:
    """Return the disjoint, sorted spans that at least ``at_least`` of the parts cover.

    Each part must be disjoint in itself. ``at_least=1`` is the union; ``at_least=len(parts)`` the intersection.
    """
    starts = np.concatenate([part.starts for part in parts])
    ends = np.concatenate([part.ends for part in parts])
    edges = np.concatenate([starts, ends])
    steps = np.concatenate([np.ones(len(starts), np.int64), -np.ones(len(ends), np.int64)])
    order = np.lexsort((-steps, edges))  # at one instant a start comes before an end: touching spans join
    edges, depth = edges[order], np.cumsum(steps[order])
    inside = depth >= at_least
    before = np.concatenate([[False], inside[:-1]])
    return _longer_than_nothing(Spans(edges[inside & ~before], edges[~inside & before]))


def union(spans: Spans) -> Spans:
    """Return the disjoint, sorted union of spans that may overlap one another."""
    return covered([spans], 1)


def subtract(spans: Spans, removed: Spans) -> Spans:
    """Return what is left of disjoint ``spans`` outside of ``removed``."""
    if not len(removed.starts):
        return spans
    holes = union(removed)
    limits = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    outside = Spans(np.concatenate([limits[:1], holes.ends]), np.concatenate([holes.starts, limits[1:]]))
    return covered([spans, outside], 2)


def length_within(spans: Spans, starts: Instants, ends: Instants) -> npt.NDArray[np.float64]:
    """Return how many seconds of each window [start, end] the disjoint, sorted spans cover."""
    if not len(spans.starts):
        return np.zeros(len(starts))
    lengths = np.concatenate([[0], np.cumsum(spans.ends - spans.starts)])

    def covered_before(instants: Instants) -> Instants:
        last = np.searchsorted(spans.starts, instants, side="right") - 1
        inside = np.minimum(instants, spans.ends[last.clip(0)]) - spans.starts[last.clip(0)]
        return np.where(last < 0, 0, lengths[last.clip(0)] + inside)

    return (covered_before(np.maximum(ends, starts)) - covered_before(starts)).astype(np.float64)


def _longer_than_nothing(spans: Spans) -> Spans:
    keep = spans.ends > spans.starts
    return Spans(spans.starts[keep], spans.ends[keep])


def covers(spans: Spans, instants: Instants) -> npt.NDArray[np.bool_]:
    """Return which instants lie in one of some disjoint, sorted spans, their starts among them, their ends not."""
    last = np.searchsorted(spans.starts, instants, side="right") - 1
    return np.asarray((last >= 0) & (instants < np.append(spans.ends, 0)[last]))
