"""Decide whether events cluster at some hour since dose when no window was named beforehand.

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

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from checks.timing import parameters

Span = tuple[float, float]
BATCH_NUMBERS = 2_000_000
"""Numbers held at once while permuting: about 16 MB an array."""
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
    max_width: float | None
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
    max_width: float | None = None,
    min_events: int = 2,
) -> Scan:
    """Find the window with the strongest excess of events, and how often chance finds one as strong.

    Parameters
    ----------
    event_hours : one sequence a subject
        Hours since dose of each subject's events; empty for a subject without events.
    observed : one sequence of (start, end) a subject
        Observed hours since dose of each subject, without overlap; every event lies in a span of its own.
    seed : int
        Seed of the permutations: the same seed gives the same p-value.
    permutations : int
        R; the smallest p-value is 1 / (R + 1).
    min_width, max_width : float
        Hours; every window is at least as wide, and at most (None: no limit). The lower limit keeps two
        readings of a minute from making a cluster.
    min_events : int
        Fewest events that make a cluster.

    Returns
    -------
    Scan

    Raises
    ------
    DesignError
        On lengths that differ, spans that overlap or are empty, an event outside its subject's observed
        hours, or impossible widths.
    """
    events, spans = _checked(event_hours, observed)
    seed = parameters.count("seed", seed)
    permutations = parameters.count("permutations", permutations, at_least=1)
    min_width, max_width = _widths(min_width, max_width, spans)
    min_events = parameters.count("min_events", min_events, at_least=1)
    clock = _Clock(events, spans, min_width, max_width, min_events)
    window, inside, expected, statistic = clock.best_window()
    extreme = clock.count_extreme(statistic, seed, permutations) if window else permutations
    p_value = (extreme + 1) / (permutations + 1)
    return Scan(
        events, spans, seed, permutations, min_width, max_width, min_events,
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
    if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)):
        raise parameters.impossible("observed", spans, "spans without overlap")
    return spans


def _widths(
    min_width: float, max_width: float | None, observed: Sequence[Sequence[Span]]
) -> tuple[float, float | None]:
    edges = [edge for subject in observed for span in subject for edge in span]
    reach = max(edges) - min(edges) if edges else np.inf
    if parameters.positive("min_width", min_width) > reach:
        raise parameters.impossible("min_width", min_width, f"at most the {reach:g} hours observed")
    if max_width is not None and parameters.positive("max_width", max_width) < min_width:
        raise parameters.impossible("max_width", max_width, f"at least min_width = {min_width:g}")
    return float(min_width), None if max_width is None else float(max_width)


class _Clock:
    """The dose clock of one scan: where each subject's events may fall, and what is expected by each hour."""

    def __init__(
        self,
        events: tuple[tuple[float, ...], ...],
        spans: tuple[tuple[Span, ...], ...],
        min_width: float,
        max_width: float | None,
        min_events: int,
    ) -> None:
        subjects = [(hours, at) for hours, at in zip(events, spans, strict=True) if hours]
        self.hours = np.sort(np.array([hour for hours, _ in subjects for hour in hours]))
        self.numbers = [len(hours) for hours, _ in subjects]
        self.spans = [np.asarray(at) for _, at in subjects]
        self.total = len(self.hours)
        self.min_width, self.min_events = min_width, min_events
        self.max_width = np.inf if max_width is None else max_width
        self.edges, self.expected = self._expected_by_hour()

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

    def _windows(self, hours: NDArray[np.float64], inside: int) -> NDArray[np.float64]:
        """Return the events expected from each event to the one ``inside - 1`` later; infinite if too wide.

        A window begins at an event, or earlier where it would outlast observation, and is at least
        ``min_width`` wide. One that holds still more events is met again under its own count.
        """
        first, last = hours[:, : self.total - inside + 1], hours[:, inside - 1 :]
        start = np.minimum(first, self.edges[-1] - self.min_width)
        end = np.maximum(last, start + self.min_width)
        expected = np.interp(end, self.edges, self.expected) - np.interp(start, self.edges, self.expected)
        return np.where(end - start <= self.max_width, expected, np.inf)

    def statistics(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scan statistic of each row of sorted event hours, shape ``(rows,)``."""
        best = np.zeros(len(hours))
        for inside in range(self.min_events, self.total + 1):
            # for a given count the ratio falls as more is expected, so the least expected window is the best
            least = self._windows(hours, inside).min(axis=1)
            best = np.maximum(best, self._score(inside, least))
        return best

    def best_window(self) -> tuple[Span | None, int, float, float]:
        """Return the most clustered window, its events, expected events and statistic."""
        best: tuple[Span | None, int, float, float] = (None, 0, 0.0, 0.0)
        hours = self.hours[None, :]
        for inside in range(self.min_events, self.total + 1):
            expected = self._windows(hours, inside)
            at = int(expected.argmin())
            score = float(self._score(inside, expected.min(axis=1))[0])
            if score > best[3]:
                start = min(float(self.hours[at]), float(self.edges[-1]) - self.min_width)
                end = max(float(self.hours[at + inside - 1]), start + self.min_width)
                best = ((start, end), inside, float(expected[0, at]), score)
        return best

    def count_extreme(self, statistic: float, seed: int, permutations: int) -> int:
        """Return how many permutations reach the statistic."""
        random = np.random.default_rng(seed)
        rows = max(1, BATCH_NUMBERS // max(1, self.total))
        extreme = 0
        for done in range(0, permutations, rows):
            hours = self._permuted(random, min(rows, permutations - done))
            extreme += int((self.statistics(hours) >= statistic - SAME).sum())
        return extreme

    def _permuted(self, random: np.random.Generator, rows: int) -> NDArray[np.float64]:
        """Return sorted event hours, each placed uniformly over its own subject's observed hours."""
        columns = []
        for number, spans in zip(self.numbers, self.spans, strict=True):
            lengths = np.diff(spans)[:, 0]
            before = np.concatenate([[0.0], np.cumsum(lengths)])
            elapsed = random.uniform(0.0, before[-1], size=(rows, number))
            span = np.clip(np.searchsorted(before, elapsed, side="right") - 1, 0, len(lengths) - 1)
            columns.append(spans[span, 0] + elapsed - before[span])
        return np.sort(np.concatenate(columns, axis=1), axis=1)
