"""How often the composite begins without the drug: from the subjects' own control hours, and as assumed.

Estimator: new onsets in control hours are Poisson with one rate; exact limits of the mean from the gamma
distribution (Garwood F. Biometrika 1936;28:437-442). A window of w hours then holds an onset with probability
1 - exp(-rate w), and a subject's k planned windows with 1 - exp(-rate k w).
Assumptions: control hours are like risk hours but for the drug, and onsets are independent.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import gammaincinv

from checks.protocol import StudyProtocol
from checks.rules.evidence import BackgroundEvidence, Estimate

TAIL = 0.025
"""Probability left out at each end: the interface fixes 95 % limits by the name ``ci95``."""


def background_evidence(events: int, hours: float, protocol: StudyProtocol) -> BackgroundEvidence:
    """Return the background by unit, estimated from control hours and assumed by the protocol.

    Parameters
    ----------
    events
        New onsets of the composite in control hours, as the main analysis counts them.
    hours
        Observed control hours of all subjects.
    protocol
        Risk window, planned doses and the declared background.
    """
    return BackgroundEvidence(
        events=events,
        hours=hours,
        estimated=dict(_estimated(events, hours, protocol)) if hours > 0 else {},
        assumed=protocol.assumed_rates(),
    )


def poisson_limits(events: int) -> tuple[float, float]:
    """Return the exact 95 % limits of a Poisson mean."""
    lower = float(gammaincinv(events, TAIL)) if events else 0.0
    return lower, float(gammaincinv(events + 1, 1 - TAIL))


def _estimated(events: int, hours: float, protocol: StudyProtocol) -> Iterator[tuple[str, Estimate]]:
    low, high = protocol.risk_window_hours
    lower, upper = poisson_limits(events)
    for unit, windows in (("window", 1), ("subject", protocol.treatment.planned_doses)):
        if windows is not None:
            share = windows * (high - low) / hours
            ci95 = (float(-np.expm1(-lower * share)), float(-np.expm1(-upper * share)))
            estimate = float(-np.expm1(-events * share)) + 0.0  # without events not -0
            yield unit, Estimate(estimate, ci95)
