"""``truth.json``: what was planted, what of it the charts show, and up to when the study has data.

The charted onsets are found here by the words of the case definition alone, without the checks that look for
them, so that the two can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pandas as pd

from flows.simulate.charting import VITALS, Measurement
from flows.simulate.physiology import Course, FloatArray
from flows.simulate.reaction import Reaction
from flows.simulate.timeline import utc_stamps

FEVER_C, FEVER_RISE_C, FEVER_RISEN_C = 38.3, 1.0, 38.0
RESP_HIGH, OXYSAT_LOW, OXYSAT_FALL, OXYSAT_FALLEN = 30, 90, 4, 94
"""The shipped protocol's case definition."""
BASELINE_MINUTES, SEARCH_MINUTES = 6 * 60, 16 * 60
RISK_WINDOW_HOURS = (5.0, 8.0)


class CaseTruth(TypedDict):
    """One planted case; hours are since dose start."""

    USUBJID: str
    dose_number: int
    dose_start: str
    latent: Mapping[str, Mapping[str, float | None]]
    charted: Mapping[str, float | bool | None]


class Truth(TypedDict):
    """truth.json."""

    schema: str
    simulated: bool
    study: str
    scenario: str
    summary: str
    seed: int
    subjects: int
    data_cutoff: str
    planted_hours: Mapping[str, Sequence[float]] | None
    cases: Sequence[CaseTruth]
    lymphocytes_above_limit: Sequence[str]


@dataclass(frozen=True, slots=True)
class Onsets:
    """The minute at which each component first met its criteria, None where it never did."""

    fever: int | None
    distress: int | None

    @property
    def later(self) -> int | None:
        """The minute at which both had begun."""
        return None if self.fever is None or self.distress is None else max(self.fever, self.distress)


FROM_THE_DOSE = Onsets(None, None)


def charted_onsets(
    measurements: Sequence[Measurement], dose_start: int, since: Onsets = FROM_THE_DOSE
) -> Onsets:
    """Return when the charts first show each component after a dose, from the minutes ``since`` on."""
    start, minutes = dose_start - BASELINE_MINUTES, BASELINE_MINUTES + SEARCH_MINUTES + 1
    vitals = {test: np.full(minutes, np.nan) for test in VITALS}
    for one in measurements:
        if one.celsius is not None and 0 <= one.minute - start < minutes:
            vitals[one.test][one.minute - start] = one.celsius
    return _onsets(Course(start, **vitals), vitals["TEMP"].round(2), dose_start, since)


def latent_onsets(course: Course, dose_start: int, since: Onsets = FROM_THE_DOSE) -> Onsets:
    """Return when the latent course first meets each component after a dose, from the minutes ``since`` on."""
    return _onsets(course, course.TEMP, dose_start, since)


def _onsets(
    course: Course, temperature: FloatArray, dose_start: int, since: Onsets = FROM_THE_DOSE
) -> Onsets:
    """Return when each component begins against the subject's own baseline; what is not measured meets nothing."""
    at = dose_start - course.start
    before = slice(max(at - BASELINE_MINUTES, 0), at + 1)
    usual, saturated = (pd.Series(vital[before]).median() for vital in (course.TEMP, course.OXYSAT))
    fever = (temperature >= FEVER_C) | (
        (temperature - usual >= FEVER_RISE_C) & (temperature >= FEVER_RISEN_C)
    )
    fallen = (saturated - course.OXYSAT >= OXYSAT_FALL) & (course.OXYSAT < OXYSAT_FALLEN)
    distress = (course.RESP >= RESP_HIGH) | (course.OXYSAT < OXYSAT_LOW) | fallen
    last = at + SEARCH_MINUTES + 1
    begins = (at + 1 if minute is None else minute - course.start for minute in (since.fever, since.distress))
    found = (
        (first, np.flatnonzero(state[first:last]))
        for first, state in zip(begins, (fever, distress), strict=True)
    )
    return Onsets(*(course.start + first + int(met[0]) if len(met) else None for first, met in found))


def planted_from(reaction: Reaction) -> Onsets:
    """Return the minutes from which on each component may be the reaction's: a stray or prior illness is not."""
    return Onsets(reaction.fever.start, reaction.distress.start)


def describe_case(reaction: Reaction, course: Course, measurements: Sequence[Measurement]) -> CaseTruth:
    """Return one planted case as ``truth.json`` lists it."""
    start = reaction.dose_start
    since = planted_from(reaction)
    latent, charted = latent_onsets(course, start, since), charted_onsets(measurements, start, since)
    hour = _hours(charted.later, start)
    during = slice(start - course.start, start - course.start + SEARCH_MINUTES)
    return {
        "USUBJID": reaction.usubjid,
        "dose_number": reaction.dose_number,
        "dose_start": utc_stamps([start])[0],
        "latent": {
            "fever": {
                "onset_hour": _hours(latent.fever, start),
                "resolved_hour": _hours(reaction.fever.end, start),
                "peak_celsius": round(float(course.TEMP[during].max()), 2),
            },
            "respiratory_distress": {
                "onset_hour": _hours(latent.distress, start),
                "resolved_hour": _hours(reaction.distress.end, start),
                "peak_breaths_per_min": round(float(course.RESP[during].max()), 1),
                "lowest_oxysat": round(float(course.OXYSAT[during].min()), 1),
            },
        },
        "charted": {
            "fever_hour": _hours(charted.fever, start),
            "respiratory_distress_hour": _hours(charted.distress, start),
            "hour": hour,
            "in_risk_window": hour is not None and RISK_WINDOW_HOURS[0] <= hour <= RISK_WINDOW_HOURS[1],
        },
    }


def _hours(minute: int | None, start: int) -> float | None:
    return None if minute is None else round((minute - start) / 60, 2)
