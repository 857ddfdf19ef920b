"""The temporal scan: whether events cluster at some hour since dose when no window was named beforehand.

Estimator: the temporal scan. Over all windows, start and width free, with c of the C events inside and mu
expected there: max of c ln(c / mu) + (C - c) ln((C - c) / (C - mu)) where c > mu. mu places each subject's
events uniformly over that subject's observed hours. The p-value is (r + 1) / (R + 1), r of R permutations at
least as extreme, each placing every event anew in its own subject's observed hours; starts and widths are
paid for inside the maximum.
Assumptions: without the drug a subject's events are spread evenly over its observed hours, independently. No
asymptotic (Gumbel) approximation is used: at low counts it is wrong by orders of magnitude.
Reference: Kulldorff M. A spatial scan statistic. Commun Stat Theory Methods 1997;26:1481-1496; permutation
p-value: Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from checks.statistics import parameters

Span = tuple[float, float]
BATCH_NUMBERS = 200_000
"""Event hours permuted at once: an array of them (1.6 MB) stays near a processor's cache."""
SAME = 1e-9
"""Statistics nearer than this are tied: a permutation that equals the observation counts as extreme as it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The most clustered window and its p-value, with all that is needed to compute them again.

    ``window_hours`` is None, ``statistic`` 0.0 and ``p_value`` 1.0 when no window with ``min_events`` events
    holds more than expected.
    """

    event_hours: tuple[tuple[float, ...], ...]
    observed: tuple[tuple[Span, ...], ...]
    seed: int
    permutations: int
    min_width: float
    min_events: int
    window_hours: Span | None
    events_in_window: int
    expected_in_window: float
    statistic: float
    p_value: float


def scan(
    event_hours: Sequence[Sequence[float]],
    observed: Sequence[Sequence[Span]],
    seed: int,
    *,
    permutations: int = 9999,
    min_width: float = 1.0,
    min_events: int = 2,
) -> Scan:
    """Find the window with the strongest excess of events, and how often chance finds one as strong.

    Parameters
    ----------
    event_hours : one sequence a subject
        Hours since dose of each subject's events; empty for a subject without events.
    observed : one sequence of (start, end) a subject
        Hours since dose in which an event of each subject could be; where spans overlap, so much the likelier. Every
        event lies in a span of its own.
    seed : int
        Seed of the permutations: the same seed gives the same p-value.
    permutations : int
        R; the smallest p-value is 1 / (R + 1).
    min_width : float
        Hours; every window is at least as wide. A window never expects fewer events than ``min_width`` observed
        hours do on average: neither two measurements of a minute nor a gap in observation can make a cluster.
    min_events : int
        Fewest events that make a cluster.

    Returns
    -------
    Scan

    Raises
    ------
    DesignError
        On lengths that differ, spans that are empty, an event outside its subject's observed
        hours, or an impossible width.
    """
    event_hours = parameters.sequence("event_hours", event_hours)
    events, spans = _checked(event_hours, parameters.sequence("observed", observed))
    seed = parameters.count("seed", seed)
    permutations = parameters.count("permutations", permutations, at_least=1)
    min_width = parameters.positive("min_width", min_width)
    min_events = parameters.count("min_events", min_events, at_least=1)
    clock = _Clock(events, spans, min_width, min_events)
    window, inside, expected, statistic = clock.best_window()
    extreme = clock.count_extreme(statistic, seed, permutations) if window else permutations
    p_value = (extreme + 1) / (permutations + 1)
    return Scan(
        events, spans, seed, permutations, min_width, min_events,
        window, inside, expected, statistic, p_value,
    )  # fmt: skip


def _checked(
    event_hours: Sequence[Sequence[float]], observed: Sequence[Sequence[Span]]
) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[Span, ...], ...]]:
    if len(event_hours) != len(observed):
        raise parameters.impossible(
            "observed", f"{len(observed)} subjects", f"{len(event_hours)}, as event_hours"
        )
    spans = tuple(_checked_spans(subject) for subject in observed)
    events = tuple(tuple(sorted(float(hour) for hour in subject)) for subject in event_hours)
    for number, (subject, hours) in enumerate(zip(events, spans, strict=True), start=1):
        for hour in subject:
            if not any(start <= hour <= end for start, end in hours):
                raise parameters.impossible(
                    f"event_hours of subject {number}", hour, f"an hour within {hours}"
                )
    return events, spans


def _checked_spans(subject: Sequence[Span]) -> tuple[Span, ...]:
    spans = tuple(sorted((float(start), float(end)) for start, end in subject))
    edges = [edge for span in spans for edge in span]
    if not np.isfinite(edges).all() or any(start >= end for start, end in spans):
        raise parameters.impossible("observed", spans, "spans of hours that end after they start")
    return spans


class _Clock:
    """The dose clock of one scan: where each subject's events may fall, and what is expected by each hour."""

    def __init__(
        self,
        events: tuple[tuple[float, ...], ...],
        spans: tuple[tuple[Span, ...], ...],
        min_width: float,
        min_events: int,
    ) -> None:
        subjects = [(hours, at) for hours, at in zip(events, spans, strict=True) if hours]
        self.hours = np.sort(np.array([hour for hours, _ in subjects for hour in hours]))
        self.numbers = [len(hours) for hours, _ in subjects]
        self.spans = [np.asarray(at) for _, at in subjects]
        self.total = len(self.hours)
        self.min_width, self.min_events = min_width, min_events
        self.edges, self.expected = self._expected_by_hour()
        observed = np.diff(self.edges)[np.diff(self.expected) > 0].sum()
        self.least = self.total * min_width / observed if self.total else 0.0

    def _expected_by_hour(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return breakpoints and the events expected up to each: piecewise linear between them."""
        if not self.spans:
            return np.zeros(1), np.zeros(1)
        edges = np.unique(np.concatenate([spans.ravel() for spans in self.spans]))
        expected = np.zeros(len(edges))
        for number, spans in zip(self.numbers, self.spans, strict=True):
            elapsed = sum(np.clip(edges, start, end) - start for start, end in spans)
            expected += number * elapsed / np.diff(spans).sum()
        return edges, expected

    def _score(self, inside: int, expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-likelihood ratio of ``inside`` events where ``expected`` were."""
        outside = self.total - inside
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = xlogy(inside, inside / expected) + xlogy(outside, outside / (self.total - expected))
        return np.asarray(np.where(inside > expected, excess, 0.0))

    def _windows(self, hours: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Give each count of events with what is expected from each event to the one so many later.

        ``hours`` is sorted down its columns, one a trial. A window begins at an event, is at least
        ``min_width`` wide and expects at least ``least``. A window that holds still more events is met again
        under its own count.
        """
        at = np.interp(hours, self.edges, self.expected)
        at_least_by = np.interp(hours + self.min_width, self.edges, self.expected)
        for inside in range(self.min_events, self.total + 1):
            starts = self.total - inside + 1
            expected = np.maximum(at[inside - 1 :], at_least_by[:starts])
            expected -= at[:starts]
            np.maximum(expected, self.least, out=expected)
            yield inside, expected

    def statistics(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scan statistic of each column of sorted event hours, shape ``(columns,)``."""
        best = np.zeros(hours.shape[1])
        for inside, expected in self._windows(hours):
            # for a given count the ratio falls as more is expected, so the least expected window is the best
            np.maximum(best, self._score(inside, expected.min(axis=0)), out=best)
        return best

    def best_window(self) -> tuple[Span | None, int, float, float]:
        """Return the most clustered window, its events, expected events and statistic."""
        best: tuple[Span | None, int, float, float] = (None, 0, 0.0, 0.0)
        for inside, expected in self._windows(self.hours[:, None]):
            at = int(expected.argmin())
            score = float(self._score(inside, expected[at])[0])
            if score > best[3]:
                start = float(self.hours[at])
                end = max(float(self.hours[at + inside - 1]), start + self.min_width)
                best = ((start, end), inside, float(expected[at, 0]), score)
        return best

    def count_extreme(self, statistic: float, seed: int, permutations: int) -> int:
        """Return how many permutations reach the statistic."""
        random = np.random.default_rng(seed)
        columns = max(1, BATCH_NUMBERS // max(1, self.total))
        extreme = 0
        for done in range(0, permutations, columns):
            hours = self._permuted(random, min(columns, permutations - done))
            extreme += int((self.statistics(hours) >= statistic - SAME).sum())
        return extreme

    def _permuted(self, random: np.random.Generator, columns: int) -> NDArray[np.float64]:
        """Return sorted event hours, each placed uniformly over its own subject's observed hours."""
        placed = []
        for number, spans in zip(self.numbers, self.spans, strict=True):
            lengths = np.diff(spans)[:, 0]
            before = np.concatenate([[0.0], np.cumsum(lengths)])
            elapsed = random.uniform(0.0, before[-1], size=(number, columns))
            span = np.clip(np.searchsorted(before, elapsed, side="right") - 1, 0, len(lengths) - 1)
            placed.append(spans[span, 0] + elapsed - before[span])
        return np.sort(np.concatenate(placed), axis=0)
