"""Decide how often a rate boundary crosses without harm while subjects enter with dose windows still open.

A look counts a subject without a case by its closed share of the planned windows (TITE weighting), so that
the number of subjects is approximate and a case counts before the subjects beside it are complete. The
boundary is calibrated on complete subjects; this simulation says what the approximation costs.
Model: subjects enter as a Poisson process; the planned doses are evenly spaced; each window is equally likely
to hold a case; the path is evaluated whenever a window closes, by the rule of a look: subjects in the order
of their first windows, a look being met at the first subject that brings the number to it.
Reference: Cheung YK, Chappell R. Biometrics 2000;56:1177-1182 (the weights).
"""

import numpy as np
from numpy.typing import NDArray

from checks.design.results import Estimate, PendingSize, estimate
from checks.protocol.background import per_window
from checks.stopping import CountBoundary

SUBJECTS_PER_COURSE = (1.0, 4.0, 16.0)
"""Mean subjects entering while one receives all doses: from one after the other to nearly all at once."""

NUMBERS_AT_ONCE = 2_000_000
"""Subjects of all trials held at once: an array of them stays within some megabytes."""

ROUNDING = 1e-9
"""A window that closes at this very moment has closed, whatever the rounding of its hour."""

NEVER = 1_000_000
"""Stands for the events of a look at which none can cross."""


def pending_sizes(
    boundary: CountBoundary, rate: float, *, doses: int, seed: int, simulations: int
) -> tuple[PendingSize, ...]:
    """Return the crossing probability at ``rate`` under each speed of entry.

    Parameters
    ----------
    boundary : CountBoundary
        Calibrated on complete subjects.
    rate : float
        True rate of cases per subject over all planned doses.
    doses : int
        Planned doses of a subject; with one dose nothing is ever pending.
    seed, simulations : int
        Seed and number of the simulated trials at each speed.
    """
    return tuple(
        PendingSize(
            speed, _crossing(boundary, rate, doses, speed, np.random.default_rng([seed, place]), simulations)
        )
        for place, speed in enumerate(SUBJECTS_PER_COURSE)
    )


def _crossing(
    boundary: CountBoundary,
    rate: float,
    doses: int,
    speed: float,
    random: np.random.Generator,
    simulations: int,
) -> Estimate:
    batch = max(1, NUMBERS_AT_ONCE // (boundary.n_max * doses))
    hits = 0
    for done in range(0, simulations, batch):
        trials = min(batch, simulations - done)
        entries, held = _trials(trials, boundary.n_max, rate, doses, speed, random)
        hits += int(first_crossings(entries, held, doses, boundary).sum())
    return estimate(hits, simulations)


def _trials(
    trials: int, subjects: int, rate: float, doses: int, speed: float, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each subject's entry, in dose intervals, and the window of its first case (none: one past)."""
    waits = random.exponential(doses / speed, size=(trials, subjects))
    waits[:, 0] = 0.0
    held = random.geometric(per_window(rate, doses), size=(trials, subjects))
    return np.cumsum(waits, axis=1), np.minimum(held, doses + 1)


def first_crossings(
    entries: NDArray[np.float64], held: NDArray[np.int64], doses: int, boundary: CountBoundary
) -> NDArray[np.bool_]:
    """Return which trials ever cross, evaluated whenever a dose window closes.

    Between two cases the number of subjects only grows. A look that was met is then met by an earlier
    subject with no more cases, so that nothing new crosses there; a look that is newly met is met by all
    cases seen. It is enough to follow the totals, and to walk along the path at each case. A case counts as
    a whole subject, so that no subject behind the one that meets a look adds a case before the next look.

    Parameters
    ----------
    entries : array, shape (trials, subjects)
        When each subject's first window closes, ascending, in dose intervals.
    held : array, shape (trials, subjects)
        The window that holds the subject's first case, 1 to ``doses``; above it, none.
    doses : int
        Planned doses of a subject, one interval apart.
    boundary : CountBoundary
        What is met along the path.
    """
    fewest = _fewest_by_number(boundary)
    crossed = _crosses_in_total(entries, held, doses, fewest)
    seen = np.sort(np.where(held <= doses, entries + held - 1, np.inf), axis=1)
    for moment in seen.T[int(min(fewest.min(), len(seen.T))) - 1 :]:
        live = np.flatnonzero(~crossed & np.isfinite(moment))
        crossed[live] = _crosses_along_path(entries[live], held[live], moment[live], doses, fewest)
    return crossed


def _fewest_by_number(boundary: CountBoundary) -> NDArray[np.int64]:
    """Return the fewest events that cross when a whole number of subjects is reached."""
    fewest = np.full(boundary.n_max + 1, NEVER)
    for look, events in zip(boundary.looks, boundary.events, strict=True):
        fewest[look] = NEVER if events is None else events
    return fewest


def _crosses_in_total(
    entries: NDArray[np.float64], held: NDArray[np.int64], doses: int, fewest: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which trials ever have enough cases in all for the look that the number of subjects has met."""
    window = np.arange(1, doses + 1)
    closings = (entries[:, :, None] + window - 1).reshape(len(entries), -1)
    added = np.where(window < held[:, :, None], 1, 0) + np.where(
        window == held[:, :, None], doses - window + 1, 0
    )
    order = np.argsort(closings, axis=1)
    number = _running(added.reshape(closings.shape), order) // doses
    cases = _running((window == held[:, :, None]).reshape(closings.shape), order)
    return np.asarray((cases >= fewest[number]).any(axis=1))


def _running(values: NDArray[np.int64] | NDArray[np.bool_], order: NDArray[np.intp]) -> NDArray[np.int64]:
    return np.cumsum(np.take_along_axis(values, order, axis=1), axis=1, dtype=np.int64)


def _crosses_along_path(
    entries: NDArray[np.float64],
    held: NDArray[np.int64],
    moment: NDArray[np.float64],
    doses: int,
    fewest: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return which trials cross at one moment each; counted in windows, so that sixths stay exact."""
    closed = np.clip(np.floor(moment[:, None] - entries + ROUNDING) + 1, 0, doses).astype(np.int64)
    case = held <= closed
    number = np.cumsum(np.where(case, doses, closed), axis=1) // doses
    return np.asarray((np.cumsum(case, axis=1) >= fewest[number]).any(axis=1))
