"""A subject's body, minute by minute: septic course, episodes and planted reaction.

The latent course is continuous and without measurement error; what nurses write of it is ``charting``'s.
Fever and respiratory distress come in episodes, alone or together (a flare: a new infection, an aspiration),
at rates that decay with time since admission. The rates are chosen so that both are charted as newly present
together by chance in 0.2 to 0.5 % of three-hour blocks: in 0.25 % of the 20,378 of intensive care in twelve
studies of the scenario ``null`` (seeds 1 to 12). For comparison, the subjects of the MIMIC-IV demo newly read
38.3 C some 0.4 times, and 30 breaths/min some 4 times, in 100 hours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flows.simulate.design import Part, Subject, stream
from flows.simulate.reaction import QUIET_HOURS, Reaction, Shape
from flows.simulate.scenarios import Scenario
from flows.simulate.timeline import to_local

FloatArray = NDArray[np.float64]

FEVERS_PER_HOUR, DISTRESS_PER_HOUR, FLARES_PER_HOUR = 0.006, 0.012, 0.0016
"""Rates at admission."""
RATE_FLOOR, RATE_DECAY_HOURS = 0.25, 120.0
"""The rates fall to this share of what they were, by this time constant."""
TEMPERATURE_C, TEMPERATURE_SD = 37.0, 0.15
SEPTIC_RISE_C, SEPTIC_DECAY_HOURS = 0.4, 120.0
ZENITH_HOUR = 17
"""Clock hour of the day's highest temperature: 4 to 6 p.m. (JAMA 1992;268:1578-80)."""
RESP_MEAN, RESP_SD = 19.5, 1.5
OXYSAT_MEAN, OXYSAT_SD = 96.7, 0.7
HR_MEAN, HR_SD = 88.0, 8.0
HR_PER_DEGREE, HR_DISTRESSED = 8.5, 12.0
"""Beats/min for each degree of fever (Arch Intern Med 1986;146:1169-71) and for distress (simulated)."""


@dataclass(frozen=True, slots=True)
class Course:
    """Latent vitals of one subject, one value a minute from ``start``: C, breaths/min, %, beats/min."""

    start: int
    TEMP: FloatArray
    RESP: FloatArray
    OXYSAT: FloatArray
    HR: FloatArray

    @property
    def minutes(self) -> int:
        """How many minutes the course lasts."""
        return len(self.TEMP)


def septic_course(subject: Subject, scenario: Scenario, reaction: Reaction | None, seed: int) -> Course:
    """Return a subject's latent course over the charted stay, with the planted reaction if there is one."""
    rng = stream(seed, Part.BACKGROUND, subject.index + 1)
    clock = np.arange(subject.chart_start, subject.chart_end + 1, dtype=np.float64)
    base = rng.normal(
        [TEMPERATURE_C, RESP_MEAN, OXYSAT_MEAN, HR_MEAN], [TEMPERATURE_SD, RESP_SD, OXYSAT_SD, HR_SD]
    )
    fever, distress, fall = _episodes(rng, subject, clock, reaction)
    resting = base[0] + _resting_rise(subject, clock, scenario.diurnal_amplitude)
    if reaction is not None:
        fever += _reaction_rise(reaction, resting, subject.chart_start) * level(reaction.fever, clock)
        share = level(reaction.distress, clock)
        distress, fall = distress + reaction.resp_rise * share, fall + reaction.oxysat_fall * share
    temperature = resting + fever
    return Course(
        start=subject.chart_start,
        TEMP=temperature,
        RESP=base[1] + distress,
        OXYSAT=base[2] - fall,
        HR=base[3]
        + HR_PER_DEGREE * (temperature - TEMPERATURE_C)
        + HR_DISTRESSED * np.minimum(distress / 10, 1),
    )


def level(shape: Shape, clock: FloatArray) -> FloatArray:
    """Return how far a deviation has gone, 0 to 1, at each minute: cosine ramps up and down."""
    rising = np.clip((clock - shape.start) / shape.rise, 0, 1)
    falling = np.clip((shape.end - clock) / shape.fall, 0, 1)
    return np.asarray((1 - np.cos(np.pi * np.minimum(rising, falling))) / 2, dtype=np.float64)


def _reaction_rise(reaction: Reaction, resting: FloatArray, start: int) -> float:
    """Return the rise that brings a subject's temperature to the planted peak while it holds, C."""
    plateau = reaction.fever.start + reaction.fever.rise + reaction.fever.hold // 2
    return reaction.temp_peak - float(resting[plateau - start])


def _resting_rise(subject: Subject, clock: FloatArray, amplitude: float) -> FloatArray:
    """Return what sepsis and the time of day add to the resting temperature, C."""
    start = to_local(subject.chart_start, subject.zone)
    hour = start.hour + start.minute / 60 + (clock - subject.chart_start) / 60
    septic = SEPTIC_RISE_C * np.exp(-(clock - subject.admitted) / 60 / SEPTIC_DECAY_HOURS)
    return np.asarray(septic + amplitude * np.cos(2 * np.pi * (hour - ZENITH_HOUR) / 24), dtype=np.float64)


def _episodes(
    rng: Generator, subject: Subject, clock: FloatArray, reaction: Reaction | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the background's rise of TEMP and RESP and fall of OXYSAT at each minute."""
    fever, distress, fall = np.zeros((3, len(clock)))
    flares = _starts(rng, subject, FLARES_PER_HOUR)
    lags = rng.integers(-60, 61, len(flares))
    for start in [*_starts(rng, subject, FEVERS_PER_HOUR), *flares]:
        shape, rise = _shape(rng, start), rng.uniform(1.2, 2.2)
        if _kept(shape, reaction):
            fever += rise * level(shape, clock)
    for start in [*_starts(rng, subject, DISTRESS_PER_HOUR), *(flares + lags)]:
        shape, rise, drop = _shape(rng, int(start)), rng.uniform(8, 16), rng.uniform(3, 9)
        if _kept(shape, reaction):
            distress += rise * level(shape, clock)
            fall += drop * level(shape, clock)
    return fever, distress, fall


def _starts(rng: Generator, subject: Subject, rate: float) -> NDArray[np.int64]:
    """Return the minutes at which episodes start: a Poisson process, its rate constant within each hour."""
    hours = np.arange(subject.chart_start - 12 * 60, subject.chart_end, 60)
    since = (hours - subject.admitted) / 60
    decay = RATE_FLOOR + (1 - RATE_FLOOR) * np.exp(-np.maximum(since, 0) / RATE_DECAY_HOURS)
    starts = np.repeat(hours, rng.poisson(rate * decay))
    return np.asarray(starts + rng.integers(0, 60, len(starts)), dtype=np.int64)


def _shape(rng: Generator, start: int) -> Shape:
    return Shape(int(start), *(int(minutes) for minutes in rng.integers([45, 60, 90], [120, 360, 240])))


def _kept(shape: Shape, reaction: Reaction | None) -> bool:
    """Whether a background episode leaves the planted reaction without dispute."""
    if reaction is None:
        return True
    hours = (shape.start - reaction.dose_start) / 60
    return not QUIET_HOURS[0] <= hours <= QUIET_HOURS[1]
