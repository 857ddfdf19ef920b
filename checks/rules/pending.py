"""How often a rate boundary crosses without harm while subjects enter with dose windows still open.

A look counts a subject without a case by its closed share of the planned windows (TITE weighting), so that
the number of subjects is approximate and a case counts before the subjects beside it are complete. The
boundary is calibrated on complete subjects; this simulation says what the approximation costs.
Model: subjects enter as a Poisson process; the planned doses are evenly spaced; each window is equally likely
to hold a case; each look is taken once, as ``checks.rules.rate_looks`` takes it: when the subjects first weigh
its number together.
Reference: Cheung YK, Chappell R. Biometrics 2000;56:1177-1182 (the weights).
"""

import numpy as np
from numpy.typing import NDArray

from checks.rules.designs import Estimate, PendingSize, estimate
from checks.rules.plan import per_window
from checks.rules.rate_looks import crosses, judged_at
from checks.statistics.boundaries import CountBoundary

SUBJECTS_PER_COURSE = (1.0, 4.0, 16.0)
"""Mean subjects entering while one receives all doses: from one after the other to nearly all at once."""

NUMBERS_AT_ONCE = 2_000_000
"""Subjects of all trials held at once: an array of them stays within some megabytes."""

ROUNDING = 1e-9
"""A window that closes at this very moment has closed, whatever the rounding of its hour."""


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
    """Return which trials ever cross, each look taken once: as the walk of a look takes it.

    A look at n is taken when a window closes by which the subjects weigh n, with the cases known then of the
    subjects up to the one that brings the weight to n. Weights are counted in windows, so that sixths stay
    exact.

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
    moments, weights = _closings(entries, held, doses)
    crossed = np.zeros(len(entries), dtype=bool)
    for place, (look, events) in enumerate(zip(boundary.looks, boundary.events, strict=True)):
        if events is None:
            continue
        live = np.flatnonzero(~crossed & (weights[:, -1] >= look * doses))
        taken = (weights[live] >= look * doses).argmax(axis=1)
        moment = np.take_along_axis(moments[live], taken[:, None], axis=1)
        complete, case = _at_moment(entries[live], held[live], moment, doses)
        _, cases = judged_at(look * doses, complete, case)
        crossed[live] = crosses(boundary, [place], cases[:, None])[:, 0]
    return crossed


def _closings(
    entries: NDArray[np.float64], held: NDArray[np.int64], doses: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return when windows close, ascending, and what all subjects weigh by then, in windows."""
    window = np.arange(1, doses + 1)
    closings = (entries[:, :, None] + window - 1).reshape(len(entries), -1)
    case = window == held[:, :, None]
    added = np.where(case, doses - window + 1, window < held[:, :, None]).reshape(closings.shape)
    order = np.argsort(closings, axis=1)
    weights = np.cumsum(np.take_along_axis(added, order, axis=1), axis=1, dtype=np.int64)
    return np.take_along_axis(closings, order, axis=1), weights


def _at_moment(
    entries: NDArray[np.float64], held: NDArray[np.int64], moment: NDArray[np.float64], doses: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what each subject weighs at one moment a trial, in windows, and whether it is known to be a case."""
    closed = np.clip(np.floor(moment - entries + ROUNDING) + 1, 0, doses).astype(np.int64)
    case = held <= closed
    return np.where(case, doses, closed), case
