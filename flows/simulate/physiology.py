"""A subject's body, minute by minute: septic course, prior illness, episodes and planted reaction.

The latent course is continuous and without measurement error; what nurses write of it is ``charting``'s.
Fever and respiratory distress come in episodes, alone or together (a flare: a new infection, an aspiration),
at rates that decay with time since admission; and some subjects are ill from the start, and for days.

Calibrated on the charts that ``charting`` cites, the MIMIC-IV demo's 40 stays and the challenge's 273; the third
figure is what twelve studies of the scenario ``null`` chart in intensive care (seeds 1 to 12):

- measurements that are abnormal: RESP >= 30 .038, .050, .047; OXYSAT < 90 .011, .018, .008; TEMP >= 38.3 .023,
  .075, .071;
- stays in which more than a tenth of them are: RESP .10, .13, .08; TEMP .10, .20, .11;
- of measurements of RESP >= 30, those with OXYSAT < 90 beside them: .026, .051, .033. Oxygen keeps it up.

So a definite case comes by chance in .0020 of evaluable dose windows, in 1.2 % of subjects over six doses
(``tests/benchmarks/bench_demo.py``, 200 studies of ``null``); after doses made up in those charts, in .0033 and
.0024, 2.0 and 1.5 %.
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

FEVERS_PER_HOUR, DISTRESS_PER_HOUR, FLARES_PER_HOUR = 0.004, 0.010, 0.0013
"""Rates at admission, chosen so that cases come by chance as often as above."""
RATE_FLOOR, RATE_DECAY_HOURS = 0.4, 120.0
"""The rates fall to this share of what they were, by this time constant."""
PRIOR_FEVER, PRIOR_DISTRESS = 0.12, 0.15
"""Chance of being ill from the start: for the share of stays above."""
PRIOR_MEAN_HOURS, PRIOR_FADES_MINUTES = 168.0, 12 * 60
PRIOR_FEVER_C, PRIOR_DISTRESS_RESP = (0.8, 1.8), (5.0, 12.0)
"""How long and how much above the subject's own, C and breaths/min: read now above a limit, now below it."""
HELD_BY_OXYGEN = 0.8
"""Share of background distress in which oxygen keeps the saturation up."""
TEMPERATURE_C, TEMPERATURE_SD = 36.8, 0.3
SEPTIC_RISE_C, SEPTIC_DECAY_HOURS = 0.4, 120.0
ZENITH_HOUR = 17
"""Clock hour of the day's highest temperature: 4 to 6 p.m. (JAMA 1992;268:1578-80)."""
RESP_MEAN, RESP_SD = 19.0, 2.7
OXYSAT_MEAN, OXYSAT_SD = 97.0, 1.7
HR_MEAN, HR_SD = 88.0, 12.0
"""Means of stays have mean and SD 36.9, .4 and 37.0, .5 (TEMP), 19.3, 3.3 and 19.1, 3.7, 97.0, 1.6 and 97.1, 1.9,
88.7, 12 and 88.3, 14; here they are those of whoever is not ill."""
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
    if not scenario.clean:
        prior_fever, prior_distress = _prior_illness(rng, subject, clock)
        fever, distress = fever + prior_fever, distress + prior_distress
    temperature = base[0] + _resting_rise(subject, clock, scenario.diurnal_amplitude) + fever
    if reaction is not None:
        temperature += _rise_to(reaction.temp_peak, temperature, reaction.fever, clock)
        distress += _rise_to(reaction.resp_peak, base[1] + distress, reaction.distress, clock)
        fall += _rise_to(base[2] - reaction.oxysat_lowest, fall, reaction.distress, clock)
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


def _rise_to(peak: float, vital: FloatArray, shape: Shape, clock: FloatArray) -> FloatArray:
    """Return the rise that brings a vital to the planted peak while it holds; none where it is there already."""
    plateau = shape.start + shape.rise + shape.hold // 2 - int(clock[0])
    return max(peak - float(vital[plateau]), 0.0) * level(shape, clock)


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
        held = rng.random() < HELD_BY_OXYGEN
        if _kept(shape, reaction):
            distress += rise * level(shape, clock)
            fall += (0 if held else drop) * level(shape, clock)
    return fever, distress, fall


def _prior_illness(rng: Generator, subject: Subject, clock: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rise of TEMP and RESP of whoever is ill from the start, until it fades."""
    ill = rng.random(2) < (PRIOR_FEVER, PRIOR_DISTRESS)
    ends = subject.chart_start + 60 * rng.exponential(PRIOR_MEAN_HOURS, 2)
    rises = ill * rng.uniform(*np.transpose([PRIOR_FEVER_C, PRIOR_DISTRESS_RESP]))
    fever, distress = (
        rise * np.clip((end - clock) / PRIOR_FADES_MINUTES, 0, 1)
        for rise, end in zip(rises, ends, strict=True)
    )
    return fever, distress


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
