"""Charting: when nurses measure, how they round, and when they enter it; all that anyone sees of the course.

Measured on the MIMIC-IV demo (14 intensive-care subjects, 16,461 measurements; Johnson et al., MIMIC-IV Clinical
Database Demo, PhysioNet, ODbL 1.0; MEDS form by van de Water et al., PhysioNet 2025, doi:10.13026/t2y8-ea41):
hours from one measurement to the next, gaps of a day or more left out. The same process charts every subject.
Nurses react: whoever breathes 30 times a minute or more, saturates below 90 % (the usual limits of a bedside
monitor) or is febrile is seen hourly, and the temperature is taken sooner, as in the demo.

Sparse charting can hide a case: with temperature every four hours alone, a window of three hours often holds
none at all. This is the densest charting that is still realistic. As first trials of an intravenous biologic
do on dosing days, vitals are also taken by protocol, here just before the infusion and 1, 2, 4, 6 and 8 hours
after its start (simulated: the trial's own schedule is not public). So nearly every dose window is observed here,
which on a ward without such a schedule it is not.

How stray values, slots and what is left out are charted is calibrated on 40 stays of the MIMIC-IV demo (clinical
database demo, version 2.2) and 273 of the PhysioNet/Computing in Cardiology Challenge 2019 (Reyna et al., Crit Care
Med 2020;48:210-217, doi:10.13026/v64v-d857, CC BY 4.0), both as they were charted; figures are given in this order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from flows.simulate.design import Part, Subject, stream
from flows.simulate.physiology import Course, FloatArray
from flows.simulate.timeline import to_local

ON_THE_HOUR, PAST_THE_HOUR_MINUTES = 0.85, (1, 5)
"""Chance that a round is stamped at minute 0, and how far past it else: with the visits between rounds, about
0.7 of all stamps are at minute 0, as in the demo (0.71)."""
EXTRA_READING = 0.07
"""Chance of one more visit between two rounds: the demo's tenth percentile is a quarter of an hour."""
TEMPERATURE_EVERY_HOURS = (4.0, 3.0, 2.0, 1.0)
TEMPERATURE_EVERY_SHARE = (0.80, 0.12, 0.04, 0.04)
"""Per subject; the demo's medians by subject are 4 h (8 of 14), about 3 h (3), 1 h (2) and 5.7 h (1)."""
SLOT_EARLY_MINUTES = 30
"""A temperature is taken at hours of the day (0, 4, 8, ...), or on a round not longer before. In the demo .67 lie in
the hours 0, 4, ..., 20 (the challenge has no clock); here .54, since the protocol's own lie elsewhere."""
ROUND_MISSED, VITAL_LEFT_OUT = 0.03, 0.04
"""Chance that a round, and that one vital of a round, is not charted: .050 of the intervals of RESP are two hours
or longer; .011 and .110 are in the charts."""
WARD_ROUNDS = (0, 6, 12, 18)
"""Local hours of the rounds after intensive care (simulated)."""
PROTOCOL_HOURS = (-0.5, 1.0, 2.0, 4.0, 6.0, 8.0)
PROTOCOL_JITTER_MINUTES, ROUND_JOINED_MINUTES = 5, 10
"""How far a protocol visit strays, and how near a round must be to be made with it (simulated)."""
PROTOCOL_MISSED = 0.02
"""Chance that a protocol-timed vital is NOT DONE (simulated)."""
ALARM_RESP, ALARM_OXYSAT, ALARM_TEMP = 30, 90, 38.3
DISTRESSED_TEMPERATURE_MINUTES, FEBRILE_TEMPERATURE_HOURS = 60, (1.0, 3.0)
NEWLY_DISTRESSED_MINUTES = 8 * 60
"""A newly distressed subject's temperature is taken within the hour (simulated: an alert nurse's); a febrile one's as
in the demo."""
ENTRY_MEDIAN_HOURS, ENTRY_SPREAD = 0.6, 0.9
ENTRY_LATE, ENTRY_LATE_HOURS = 0.03, (6.0, 30.0)
"""Entry after measurement: most within two hours, some later than six, as in the demo."""


@dataclass(frozen=True, slots=True)
class Vital:
    """How one vital is written: its unit, its decimals, and the error (SD) of one measurement."""

    unit: str
    decimals: int
    sd: float


VITALS: Mapping[str, Vital] = MappingProxyType(
    {
        "TEMP": Vital("C", 1, 0.15),
        "RESP": Vital("breaths/min", 0, 2.2),
        "OXYSAT": Vital("%", 0, 1.0),
        "HR": Vital("beats/min", 0, 5.0),
    }
)
"""Successive measurements of the demo differ by SD 0.41, 5.2, 2.5 and 9.7, change included."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Values that a subject did not have: which share, from which limit on, and how far on average."""

    share: float
    limit: float
    beyond: float


STRAYS: Mapping[str, Stray] = MappingProxyType(
    {
        "TEMP": Stray(0.005, 38.3, 0.4),
        "RESP": Stray(0.010, 30.0, 3.0),
        "OXYSAT": Stray(0.006, 89.0, -3.5),
    }
)
"""Abnormal with normal neighbours of the same test: TEMP .0095 and .0089 of all measurements, at the median 38.7 and
38.4 C; RESP .019 and .012, 32 and 30; OXYSAT .0060 and .0091, 88 %; here .0079, .015 and .0065, some of them
the course's own."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One charted value, in the site's unit; ``value`` is None where a planned vital was not done."""

    test: str
    minute: int
    value: float | None
    unit: str
    entered: int

    @property
    def celsius(self) -> float | None:
        """The value with Fahrenheit turned into C; other units as they are."""
        return self.value if self.value is None or self.unit != "F" else (self.value - 32) * 5 / 9


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to the bedside: its minute, the vitals taken, and those the protocol asked for in vain."""

    minute: int
    taken: tuple[str, ...]
    not_done: tuple[str, ...] = ()


def chart(subject: Subject, course: Course, seed: int, *, clean: bool = False) -> list[Measurement]:
    """Return a subject's measurements in order of time; ``clean`` ones are without strays, and none is left out."""
    rng = stream(seed, Part.CHARTING, subject.index + 1)
    latent = {"TEMP": course.TEMP, "RESP": course.RESP, "OXYSAT": course.OXYSAT, "HR": course.HR}
    shown = {test: latent[test] + rng.normal(0, VITALS[test].sd, course.minutes) for test in VITALS}
    entries = _entry_delays(rng, course.minutes)
    if not clean:
        shown |= {test: _with_strays(rng, shown[test], stray) for test, stray in STRAYS.items()}
    left_out = 0.0 if clean else VITAL_LEFT_OUT
    measurements: list[Measurement] = []
    for visit in _visits(rng, subject, shown, left_out):
        at = visit.minute - course.start
        entered = visit.minute + int(entries[at])
        measurements += [
            _written(test, visit.minute, float(shown[test][at]), subject, entered) for test in visit.taken
        ]
        measurements += [Measurement(test, visit.minute, None, "", entered) for test in visit.not_done]
    return measurements


def _with_strays(rng: Generator, shown: FloatArray, stray: Stray) -> FloatArray:
    """Return what is read at each minute, now and then a value that the subject did not have."""
    strays = stray.limit + stray.beyond * rng.exponential(1.0, len(shown))
    return np.where(rng.random(len(shown)) < stray.share, strays, shown)


def _visits(
    rng: Generator, subject: Subject, shown: Mapping[str, FloatArray], left_out: float
) -> Iterator[Visit]:
    """Yield rounds and protocol visits in order of time; what is seen decides when the next one comes."""
    planned = _protocol_minutes(rng, subject)
    every = int(rng.choice(TEMPERATURE_EVERY_HOURS, p=TEMPERATURE_EVERY_SHARE) * 60)
    due = temperature_due = subject.chart_start
    febrile = distressed = False
    last_distressed = began = subject.chart_start - 2 * NEWLY_DISTRESSED_MINUTES
    while True:
        by_protocol = bool(planned) and planned[0] <= due
        minute = planned.pop(0) if by_protocol else due
        if minute > subject.chart_end:
            return
        if by_protocol or rng.random() >= ROUND_MISSED:
            seen = {test: values[minute - subject.chart_start] for test, values in shown.items()}
            visit = (
                _by_protocol(rng, minute) if by_protocol else _round(rng, minute, temperature_due, left_out)
            )
            yield visit
            if "TEMP" in visit.taken:
                febrile = seen["TEMP"] >= ALARM_TEMP
                soon = minute + round(rng.uniform(*FEBRILE_TEMPERATURE_HOURS) * 60)
                temperature_due = soon if febrile else _temperature_slot(subject, minute, every)
            distressed = seen["RESP"] >= ALARM_RESP or seen["OXYSAT"] < ALARM_OXYSAT
            if distressed:
                began = minute if minute - last_distressed > NEWLY_DISTRESSED_MINUTES else began
                last_distressed = minute
                if minute - began < NEWLY_DISTRESSED_MINUTES:
                    temperature_due = min(temperature_due, minute + DISTRESSED_TEMPERATURE_MINUTES)
        if due - minute <= ROUND_JOINED_MINUTES:
            due = _next_round(rng, subject, minute, febrile or distressed)
        elif febrile or distressed:
            due = min(due, minute + 60)


def _round(rng: Generator, minute: int, temperature_due: int, left_out: float) -> Visit:
    """Return what is taken on a round: TEMP only when it is due, and now and then another vital is left out."""
    due = tuple(VITALS)[0 if minute >= temperature_due - SLOT_EARLY_MINUTES else 1 :]
    return Visit(minute, tuple(compress(due, rng.random(len(due)) >= left_out)))


def _by_protocol(rng: Generator, minute: int) -> Visit:
    """Return what is taken by protocol: all that is not missed."""
    missed = tuple(compress(VITALS, rng.random(len(VITALS)) < PROTOCOL_MISSED))
    return Visit(minute, tuple(test for test in VITALS if test not in missed), missed)


def _temperature_slot(subject: Subject, minute: int, every: int) -> int:
    """Return the next hour of the day at which a temperature is due, and not soon after the one just taken."""
    local = to_local(minute, subject.zone)
    passed = local.hour * 60 + local.minute
    soonest = every // 3
    return minute + soonest + every - (passed + soonest) % every


def _protocol_minutes(rng: Generator, subject: Subject) -> list[int]:
    hours = np.array([dose.start + np.array(PROTOCOL_HOURS) * 60 for dose in subject.given]).ravel()
    jitter = rng.integers(-PROTOCOL_JITTER_MINUTES, PROTOCOL_JITTER_MINUTES + 1, len(hours))
    return [int(minute) for minute in np.sort(hours + jitter)]


def _next_round(rng: Generator, subject: Subject, minute: int, alarmed: bool) -> int:
    """Return the next round: hourly in intensive care or after an alarm, else at the ward's hours."""
    if minute < subject.icu_end or alarmed:
        if rng.random() < EXTRA_READING:
            return minute + int(rng.integers(12, 31))
        step = 60 - minute % 60 if minute % 60 < 30 else 120 - minute % 60
    else:
        local = to_local(minute, subject.zone)
        passed = local.hour * 60 + local.minute
        step = min((hour * 60 - passed - 30) % (24 * 60) for hour in WARD_ROUNDS) + 30
    return minute + step + (0 if rng.random() < ON_THE_HOUR else int(rng.integers(*PAST_THE_HOUR_MINUTES)))


def _written(test: str, minute: int, value: float, subject: Subject, entered: int) -> Measurement:
    """Return the value as the site writes it: its unit, its decimals, saturation at most 100 %."""
    unit = "F" if test == "TEMP" and subject.american else VITALS[test].unit
    value = value * 9 / 5 + 32 if unit == "F" else value
    value = min(value, 100.0) if test == "OXYSAT" else value
    return Measurement(test, minute, round(value, VITALS[test].decimals), unit, entered)


def _entry_delays(rng: Generator, count: int) -> NDArray[np.int64]:
    """Return minutes from measurement to entry, one for each minute at which a visit could be."""
    hours = ENTRY_MEDIAN_HOURS * rng.lognormal(0, ENTRY_SPREAD, count)
    late = rng.random(count) < ENTRY_LATE
    hours[late] = rng.uniform(*ENTRY_LATE_HOURS, late.sum())
    return np.ceil(hours * 60).astype(np.int64)
