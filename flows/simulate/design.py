"""The trial before any harm: who is enrolled, where, when, in which arm, and which doses are given.

The shape follows what is public of NCT03821038 (21 subjects 15:6, eight French sites and two in the United
States, up to six doses, twice a week for three weeks); every date, hour and person is drawn at random,
each part of a study from its own stream, so that worlds of one seed share what they can.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import IntEnum

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from checks.errors import UsageError
from flows.simulate.scenarios import MORNING, Hours
from flows.simulate.timeline import ORIGIN, from_local

STUDY_ID = "CYT107-IV-SIM"
ACTIVE, PLACEBO = "CYT107", "PLACEBO"
ACTIVE_SHARE = 15 / 21
SITES = {f"FR{number:02}": "Europe/Paris" for number in range(1, 9)} | {
    "US01": "America/New_York",
    "US02": "America/Chicago",
}
PLANNED_DAYS = (0, 3, 7, 10, 14, 17)
"""Twice a week for three weeks, days since the first dose."""
ENROLMENT_DAYS = (10, 205)
"""First doses, days since the origin: chosen to span the daylight-saving changes of both countries."""
INFUSION_MINUTES = 60
"""Length of an infusion (simulated: the trial's is not public)."""
BEFORE_FIRST_DOSE_HOURS = (24.0, 30.0)
AFTER_LAST_DOSE_HOURS = (96.0, 120.0)
"""Charting begins and ends this long before the first and after the last given dose."""
ADMITTED_BEFORE_HOURS = (36.0, 96.0)
ICU_DAYS_AFTER_FIRST_DOSE = (3.0, 9.0)
"""Shortest and median ICU stay after the first dose, days (simulated)."""
STOP_CHANCE, SKIP_CHANCE = 0.05, 0.05
REASONS_SKIPPED = ("HAEMODYNAMIC INSTABILITY", "INVESTIGATOR DECISION", "SUBJECT AT PROCEDURE")


class Part(IntEnum):
    """The parts of a study that draw at random, each from its own stream."""

    ENROLMENT = 1
    BACKGROUND = 2
    REACTION = 3
    CHARTING = 4
    LABORATORY = 5
    ADVERSE_EVENTS = 6


def stream(seed: int, part: Part, subject: int = 0) -> Generator:
    """Return the generator of one part of one subject: the same seed gives the same draws on any machine."""
    return Generator(PCG64(SeedSequence([seed, int(part), subject])))


@dataclass(frozen=True, slots=True)
class Dose:
    """One planned dose that was reached: its start and end in minutes, and why it was not given, if so."""

    number: int
    start: int
    end: int
    not_given: str | None = None

    @property
    def given(self) -> bool:
        """Whether it was given."""
        return self.not_given is None


@dataclass(frozen=True, slots=True)
class Subject:
    """One enrolled subject: site, arm, stay and doses; times are minutes since the origin."""

    index: int
    usubjid: str
    site: str
    zone: str
    arm: str
    age: int
    sex: str
    admitted: int
    icu_end: int
    chart_start: int
    chart_end: int
    doses: tuple[Dose, ...]

    @property
    def given(self) -> tuple[Dose, ...]:
        """The doses that were given; ``dose_number`` counts these."""
        return tuple(dose for dose in self.doses if dose.given)

    @property
    def american(self) -> bool:
        """Whether the site is in the United States."""
        return self.site.startswith("US")

    @property
    def treated(self) -> bool:
        """Whether the subject receives the active drug."""
        return self.arm == ACTIVE


def enrol(seed: int, subjects: int, *, dosing_hours: Hours = MORNING) -> tuple[Subject, ...]:
    """Return the enrolled subjects in order of the day of their first dose.

    Other ``dosing_hours`` move the doses of a seed, and the stays around them, within their days alone.

    Raises
    ------
    UsageError
        When fewer than two subjects are asked for: a trial needs both arms.
    """
    if subjects < 2:
        raise UsageError(f"--subjects: found {subjects}; allowed: 2 or more")
    rng = stream(seed, Part.ENROLMENT)
    arms, sites = _allocate(rng, subjects), _spread(rng, subjects)
    days = np.linspace(*ENROLMENT_DAYS, subjects, endpoint=False) + rng.uniform(
        0, np.ptp(ENROLMENT_DAYS) / subjects, subjects
    )
    enrolled: list[Subject] = []
    for index, (arm, day) in enumerate(zip(arms, days.astype(int).tolist(), strict=True)):
        own = stream(seed, Part.ENROLMENT, index + 1)
        doses = _doses(own, day, SITES[sites[index]], dosing_hours)
        enrolled.append(_subject(own, index, sites[: index + 1], arm, doses))
    return tuple(enrolled)


def _allocate(rng: Generator, subjects: int) -> list[str]:
    active = min(max(round(subjects * ACTIVE_SHARE), 1), subjects - 1)
    return [str(arm) for arm in rng.permutation([ACTIVE] * active + [PLACEBO] * (subjects - active))]


def _spread(rng: Generator, subjects: int) -> list[str]:
    """Return a site for each subject: every site once before any twice."""
    rounds = [rng.permutation(list(SITES)) for _ in range(-(-subjects // len(SITES)))]
    return [str(site) for site in np.concatenate(rounds)[:subjects]]


def _subject(rng: Generator, index: int, sites: list[str], arm: str, doses: tuple[Dose, ...]) -> Subject:
    site = sites[-1]
    first, last = doses[0].start, max(dose.start for dose in doses if dose.given)
    icu_days = max(ICU_DAYS_AFTER_FIRST_DOSE[0], ICU_DAYS_AFTER_FIRST_DOSE[1] * rng.lognormal(0, 0.5))
    chart_end = last + _minutes(rng, AFTER_LAST_DOSE_HOURS)
    return Subject(
        index=index,
        usubjid=f"{STUDY_ID}-{site}-{sites.count(site):03}",
        site=site,
        zone=SITES[site],
        arm=arm,
        age=int(rng.integers(35, 81)),
        sex=str(rng.choice(["F", "M"], p=[0.4, 0.6])),
        admitted=first - _minutes(rng, ADMITTED_BEFORE_HOURS),
        icu_end=min(first + round(icu_days * 24 * 60), chart_end),
        chart_start=first - _minutes(rng, BEFORE_FIRST_DOSE_HOURS),
        chart_end=chart_end,
        doses=doses,
    )


def _doses(rng: Generator, first_day: int, zone: str, hours: Hours) -> tuple[Dose, ...]:
    """Return the doses reached before a subject stops; the first is always given."""
    reached: list[Dose] = []
    for number, planned in enumerate(PLANNED_DAYS, start=1):
        if number > 2 and rng.random() < STOP_CHANCE:
            break
        start = _dose_start(rng, first_day + planned, zone, hours)
        skipped = number > 1 and rng.random() < SKIP_CHANCE
        reason = str(rng.choice(REASONS_SKIPPED)) if skipped else None
        reached.append(Dose(number, start, start + INFUSION_MINUTES + int(rng.integers(0, 6)), reason))
    return tuple(reached)


def _dose_start(rng: Generator, day: int, zone: str, hours: Hours) -> int:
    midnight = datetime.combine(ORIGIN.date() + timedelta(days=day), time())
    return from_local(midnight + timedelta(minutes=int(rng.uniform(*hours) * 60)), zone)


def _minutes(rng: Generator, hours: tuple[float, float]) -> int:
    return round(rng.uniform(*hours) * 60)
