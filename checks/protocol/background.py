"""Decide what the declared background is per dose window and per subject.

Assumption of the conversion: the dose windows of a subject are independent and equally likely to hold a case,
so that a subject with k planned doses is a case with probability 1 - (1 - rate per window)^k.
"""

import math

from checks.protocol.model import Background, StudyProtocol


def per_window(subject_rate: float, doses: int) -> float:
    """Return the rate per dose window that gives a rate per subject over ``doses`` windows."""
    return _in_windows(subject_rate, 1 / doses)


def per_subject(window_rate: float, doses: int) -> float:
    """Return the rate per subject over ``doses`` windows that a rate per dose window gives."""
    return _in_windows(window_rate, doses)


def _in_windows(rate: float, times: float) -> float:
    """Return the probability of a case or more in so many times the unit of ``rate``."""
    return -math.expm1(times * math.log1p(-rate))


def background_per(unit: str, protocol: StudyProtocol) -> Background | None:
    """Return the protocol's background per ``unit``; None without one, or when it cannot be converted."""
    declared, doses = protocol.background, protocol.treatment.planned_doses
    if declared is None or declared.unit == unit:
        return declared
    if doses is None:
        return None
    convert = per_subject if unit == "subject" else per_window
    spread = declared.range and (convert(declared.range[0], doses), convert(declared.range[1], doses))
    return declared.model_copy(update={"unit": unit, "rate": convert(declared.rate, doses), "range": spread})
