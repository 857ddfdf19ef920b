"""``truth.json``: what was planted, what of it the charts show, and up to when the study has data.

The charted onsets are found here by the words of the case definition alone, without the checks that look for
them, so that the two can be compared.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from flows.simulate.charting import Measurement
from flows.simulate.physiology import Course, first_minute
from flows.simulate.reaction import Reaction
from flows.simulate.timeline import utc_stamps

FEVER_C, FEVER_RISE_C, FEVER_RISEN_C = 38.3, 1.0, 38.0
RESP_HIGH, OXYSAT_LOW, OXYSAT_FALL, OXYSAT_FALLEN = 30, 90, 4, 94
"""The shipped protocol's case definition."""
BASELINE_MINUTES, SEARCH_MINUTES = 6 * 60, 16 * 60
RISK_WINDOW_HOURS = (5.0, 8.0)


@dataclass(frozen=True, slots=True)
class Onsets:
    """The minute at which each component first met its criteria, None where it never did."""

    fever: int | None
    distress: int | None

    @property
    def later(self) -> int | None:
        """The minute at which both had begun."""
        return None if self.fever is None or self.distress is None else max(self.fever, self.distress)


def charted_onsets(measurements: Sequence[Measurement], dose_start: int) -> Onsets:
    """Return when the charts first show each component after a dose."""
    before = [one for one in measurements if dose_start - BASELINE_MINUTES <= one.minute <= dose_start]
    after = [one for one in measurements if dose_start < one.minute <= dose_start + SEARCH_MINUTES]
    usual = {test: _median(before, test) for test in ("TEMP", "OXYSAT")}
    fever = next((one.minute for one in after if _febrile(one, usual["TEMP"])), None)
    distress = next((one.minute for one in after if _distressed(one, usual["OXYSAT"])), None)
    return Onsets(fever, distress)


def latent_onsets(course: Course, dose_start: int) -> Onsets:
    """Return when the latent course first meets each component after a dose, against its own baseline."""
    at = dose_start - course.start
    temperature, saturation = (
        float(np.median(vital[max(at - BASELINE_MINUTES, 0) : at + 1]))
        for vital in (course.TEMP, course.OXYSAT)
    )
    fever = (course.TEMP >= FEVER_C) | (
        (course.TEMP - temperature >= FEVER_RISE_C) & (course.TEMP >= FEVER_RISEN_C)
    )
    fallen = (saturation - course.OXYSAT >= OXYSAT_FALL) & (course.OXYSAT < OXYSAT_FALLEN)
    distress = (course.RESP >= RESP_HIGH) | (course.OXYSAT < OXYSAT_LOW) | fallen
    return Onsets(first_minute(course, fever, dose_start), first_minute(course, distress, dose_start))


def describe_case(reaction: Reaction, course: Course, measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Return one planted case as ``truth.json`` lists it; hours are since dose start."""
    start = reaction.dose_start
    latent, charted = latent_onsets(course, start), charted_onsets(measurements, start)
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


def write_truth(document: Mapping[str, Any]) -> bytes:
    """Return ``truth.json``: sorted by nothing but the order given, the same bytes on any machine."""
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _febrile(one: Measurement, usual: float | None) -> bool:
    if one.test != "TEMP" or one.celsius is None:
        return False
    value = round(one.celsius, 2)
    risen = usual is not None and value - usual >= FEVER_RISE_C and value >= FEVER_RISEN_C
    return value >= FEVER_C or risen


def _distressed(one: Measurement, usual: float | None) -> bool:
    if one.value is None:
        return False
    if one.test == "RESP":
        return one.value >= RESP_HIGH
    fallen = usual is not None and usual - one.value >= OXYSAT_FALL and one.value < OXYSAT_FALLEN
    return one.test == "OXYSAT" and (one.value < OXYSAT_LOW or fallen)


def _median(measurements: Sequence[Measurement], test: str) -> float | None:
    values = [one.celsius for one in measurements if one.test == test and one.celsius is not None]
    return median(values) if values else None


def _hours(minute: int | None, start: int) -> float | None:
    return None if minute is None else round((minute - start) / 60, 2)
