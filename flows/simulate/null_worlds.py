"""Worlds without harm that mislead: how subjects fall ill, are dosed and charted, and what their charts then show.

A world is as its protocol says: its windows, its planned doses, and vital signs that show its components. Onsets come
at a rate by which as many subjects have one in their risk windows as is asked for; each begins an episode of all
components together. Hours are counted from the midnight before a subject enters. Where nothing else is said a dose
is given at any hour, and from run-in to follow-up tests are taken every hour, some minutes off: the one that speaks
longest (temperature) in slots of four hours.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.optimize import brentq

from checks.measurements import VITALS
from flows.simulate.planting import ALERT_MINUTES
from flows.simulate.shape import DAY, MARGIN, Shape, Sign, Span

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ORIGIN = np.datetime64("2026-01-05T00:00", "m")
DAYS_APART = 4
"""Subjects enter so many days apart."""
FIRST_DOSE_HOUR = 6.0
"""Earliest hour, after the run-in, of a first dose."""
LASTS_HOURS: Span = (3.0, 6.0)
"""How long an episode lasts: as those that are planted in charts."""
DIES_WITHIN_HOURS: Span = (1.0, 6.0)
"""After the event that brings death: before the control hours that follow it."""
BURST_HOURS: Span = (8.0, 30.0)
"""From an event to the one that it brings: past the washout, within the control hours of one dose."""
PUT_OFF_AT_MOST = 3
"""Days by which doses are put off in all: a subject who falls ill again and again is dosed in the end."""
SICK_TIMES = 6.0
"""How much more often the sick fall ill than others."""
SICK_BEFORE, SICK_AFTER = 9.0, 6.0
"""The sick are charted from so many hours before a dose to so many after its risk window."""
WELL_BEFORE, WELL_AFTER = 10.0, 12.0
"""The long ill are well from so many hours before a dose to so many after its risk window."""
SLOTS = np.array([2, 6, 10, 14, 18, 22])
"""Clock hours at which wards take temperatures."""


@dataclass(frozen=True, slots=True)
class World:
    """What is not as usual; ``said`` says it."""

    said: str
    jitter: int = 4
    """Minutes by which a round strays."""
    sick_share: float = 0.0
    """Of subjects who fall ill ``SICK_TIMES`` as often, and are charted around their doses alone."""
    slow: Literal["slots", "hourly", "after doses"] = "slots"
    """How the test is charted that speaks longest (temperature)."""
    alert: bool = False
    """Whether that test is taken as soon as others show an episode, and hourly while it lasts."""
    dose_clock: int | None = None
    """The clock hour of every dose."""
    dies: float = 0.0
    """Chance that an event is followed by death."""
    put_off: bool = False
    """Whether a dose waits a day where an event came in the day before it."""
    falls: float = math.inf
    """Time constant of a falling rate, in hours."""
    again: float = 0.0
    """Chance that an event is followed by another."""
    present: float = 0.0
    """Of subjects who are ill through most control hours."""
    swing: float = 0.0
    """Of the rate over the day, highest in the middle of the risk window of a dose at ``dose_clock``."""


WORLDS = {
    "even": World("every participant has the same rate, and doses come at any hour"),
    "unequal": World(
        "one in three falls ill six times as often, and is charted around doses alone", sick_share=1 / 3
    ),
    "ill_in_control": World(
        "one in two is ill long before and after doses, and dosed when well", present=0.5
    ),
    "unseen_control": World("temperature is taken after doses alone", slow="after doses"),
    "slots": World("doses come at nine, so that slots and hours since dose agree", dose_clock=9),
    "alert_nurse": World(
        "doses come at nine; where an episode shows, what is taken in slots is taken at once, and hourly",
        alert=True,
        dose_clock=9,
    ),
    "edges": World("everything is on the hour", jitter=0, slow="hourly", dose_clock=9),
    "death": World("every second event is followed by death", dies=0.5),
    "put_off": World("a dose waits a day where an event came in the day before", put_off=True),
    "trend": World("the rate falls with time", falls=48.0),
    "bursts": World("events come in bursts", again=0.6),
    "rhythm": World("doses come at nine, and the rate swings by 60% over the day", dose_clock=9, swing=0.6),
}

# ------------------------------------------------------------------------------------------------ subjects


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Many subjects, each a row of ``doses`` (hours; infinite where not given); charting and episodes by subject."""

    doses: Floats
    rounds: tuple[tuple[str, Ints, Floats], ...]
    """By test: whose round, and its hour."""
    episodes: tuple[Ints, Floats, Floats]
    """Whose, from hour, to hour."""
    harmed: Floats
    """The hour of an onset that a dose brought about; infinite in all others."""


def follow(
    rng: Generator, world: World, shape: Shape, rate: float, people: int, harmed: Sequence[int] = ()
) -> People:
    """Return so many subjects of a world.

    Parameters
    ----------
    rate
        The share of subjects with an onset in a risk window, did doses not wait and nobody die.
    harmed
        Those in whom one dose, any of theirs, brings about an onset in its risk window besides.
    """
    sick = rng.random(people) < world.sick_share
    planned = _planned(rng, world, shape, people)
    who, onsets = _onsets(rng, world, shape, rate, sick, planned)
    doses = _given(planned, who, onsets) if world.put_off else planned
    died = np.full(people, np.inf)
    fatal = rng.random(len(onsets)) < world.dies
    np.minimum.at(died, who[fatal], onsets[fatal] + rng.uniform(*DIES_WITHIN_HOURS, int(fatal.sum())))
    brought = _harm(rng, shape, doses, harmed)
    who = np.append(who, np.flatnonzero(np.isfinite(brought)))
    onsets = np.append(onsets, brought[np.isfinite(brought)])
    ends = onsets + rng.uniform(*LASTS_HOURS, len(onsets))
    charted = _charted_hours(shape, doses, died, sick)
    doses = np.where(doses < died[:, None], doses, np.inf)
    episodes = _together(
        [(who, onsets, ends), *_long_ill(np.flatnonzero(rng.random(people) < world.present), doses, shape)]
    )
    rounds = [(sign.test, *_rounds(rng, world, shape, sign.test, charted, doses)) for sign in shape.signs]
    if world.alert:
        rounds.append((shape.slow, *_alert_rounds(rng, who, onsets, ends, died)))
    return People(doses, tuple(rounds), episodes, brought)


def _planned(rng: Generator, world: World, shape: Shape, people: int) -> Floats:
    run_in = DAY * math.ceil(shape.before / DAY) + FIRST_DOSE_HOUR
    hours = (
        np.full(people, world.dose_clock - FIRST_DOSE_HOUR)
        if world.dose_clock
        else rng.uniform(0, DAY, people)
    )
    return np.asarray(run_in + hours[:, None] + shape.between * np.arange(shape.doses))


def _onsets(
    rng: Generator, world: World, shape: Shape, rate: float, sick: NDArray[np.bool_], planned: Floats
) -> tuple[Ints, Floats]:
    """Return whose onsets they are, and their hours, in order of both."""
    end = planned[:, -1].max() + shape.after + DAY * PUT_OFF_AT_MOST * world.put_off
    hours = np.arange(math.ceil(end))
    shares = _share_of_hours(world, shape, hours)
    times = np.where(sick, SICK_TIMES, 1.0)
    at_risk = times * sum(
        _overlap(hours, planned[:, [dose]] + shape.risk[0], shape.width) @ shares
        for dose in range(shape.doses)
    )
    scale = brentq(lambda one: -np.expm1(-one * at_risk).mean() - rate, 0.0, 1e6)
    expected = scale * (1 - world.again) * times[:, None] * shares
    who, at = np.nonzero(found := rng.poisson(expected))
    who, at = (np.repeat(one, found[found > 0]) for one in (who, at))
    onsets = at + rng.random(len(at))
    more, since = who, onsets
    while world.again and len(more):  # an event that follows may be followed in turn
        goes_on = rng.random(len(more)) < world.again
        more, since = more[goes_on], since[goes_on] + rng.uniform(*BURST_HOURS, int(goes_on.sum()))
        who, onsets = np.append(who, more), np.append(onsets, since)
    order = np.lexsort((onsets, who))
    return who[order], onsets[order]


def _share_of_hours(world: World, shape: Shape, hours: Ints) -> Floats:
    """Return the relative rate in each hour."""
    peak = (world.dose_clock or 0) + sum(shape.risk) / 2
    swing = 1 + world.swing * np.cos(2 * np.pi * (hours + 0.5 - peak) / DAY)
    return np.asarray(np.exp(-hours / world.falls) * swing)


def _overlap(hours: Ints, starts: Floats, width: float) -> Floats:
    """Return how much of each hour lies in the span of each row that begins there and is so wide."""
    return np.asarray(np.clip(np.minimum(hours + 1, starts + width) - np.maximum(hours, starts), 0, None))


def _given(planned: Floats, who: Ints, onsets: Floats) -> Floats:
    """Return the doses, each put off by a day, and again, while an event came in the day before it."""
    doses = planned.copy()
    for one in np.unique(who):
        own, late = onsets[who == one], 0
        for number, dose in enumerate(planned[one]):
            while late < PUT_OFF_AT_MOST and _any_between(own, dose + DAY * (late - 1), dose + DAY * late):
                late += 1
            doses[one, number] = dose + DAY * late
    return doses


def _any_between(hours: Floats, low: float, high: float) -> bool:
    return bool(((hours >= low) & (hours < high)).any())


def _harm(rng: Generator, shape: Shape, doses: Floats, harmed: Sequence[int]) -> Floats:
    """Return the hour of the onset that a dose brings about in each subject; infinite in all but the harmed."""
    brought = np.full(len(doses), np.inf)
    number = rng.integers(0, shape.doses, len(harmed))
    brought[list(harmed)] = doses[list(harmed), number] + rng.uniform(*shape.risk, len(harmed))
    return brought


def _charted_hours(shape: Shape, doses: Floats, died: Floats, sick: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return, by subject and hour, whether it is charted: from run-in to follow-up, the sick around doses alone."""
    hours = np.arange(math.ceil(doses.max() + shape.after))
    charted = (hours >= doses[:, [0]] - shape.before) & (hours < doses[:, [-1]] + shape.after)
    near = np.zeros_like(charted[sick])
    for dose in doses[sick].T:
        since = hours - dose[:, None]
        near |= (since >= -SICK_BEFORE) & (since < shape.risk[1] + SICK_AFTER)
    charted[sick] &= near
    return np.asarray(charted & (hours < died[:, None]))


def _long_ill(ill: Ints, doses: Floats, shape: Shape) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Yield, for each dose, the episodes of subjects who are ill through most control hours."""
    spans = [(-shape.before, -WELL_BEFORE), (shape.risk[1] + WELL_AFTER, shape.after - 2 * MARGIN)]
    for dose in doses[ill].T:
        given = np.isfinite(dose)
        for start, end in spans:
            if start < end:
                yield ill[given], dose[given] + start, dose[given] + end


def _together(parts: Sequence[tuple[Ints, Floats, Floats]]) -> tuple[Ints, Floats, Floats]:
    who, starts, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
    return who, starts, ends


def _rounds(
    rng: Generator, world: World, shape: Shape, test: str, charted: NDArray[np.bool_], doses: Floats
) -> tuple[Ints, Floats]:
    """Return whose rounds of a test they are, and their hours."""
    hours = np.arange(charted.shape[1])
    if test == shape.slow and world.slow == "slots":
        charted = charted & np.isin(hours % DAY, SLOTS)
    if test == shape.slow and world.slow == "after doses":
        after = np.zeros_like(charted)
        for dose in doses.T:
            after |= (hours >= dose[:, None]) & (hours < dose[:, None] + shape.risk[1] + 4)
        charted = charted & (after | (hours % DAY == 0))
    who, at = np.nonzero(charted)
    return who, at + rng.integers(-world.jitter, world.jitter + 1, len(at)) / 60


def _alert_rounds(
    rng: Generator, who: Ints, onsets: Floats, ends: Floats, died: Floats
) -> tuple[Ints, Floats]:
    """Return the rounds that are made because an episode shows: soon after its first full hour, then hourly."""
    first = np.ceil(onsets) + rng.uniform(*ALERT_MINUTES, len(onsets)) / 60
    hours = first[:, None] + np.arange(math.ceil(LASTS_HOURS[1]))
    episode, at = np.nonzero((hours < ends[:, None]) & (hours < died[who][:, None]))
    return who[episode], hours[episode, at]


# -------------------------------------------------------------------------------------------------- tables


def tables(
    rng: Generator, people: People, shape: Shape, names: Sequence[str], enters: Ints
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return doses and charting of subjects as ``side_by_side.search`` takes them.

    ``names`` are theirs, ``enters`` the days after which they enter.
    """
    named = np.array(names, dtype=object)
    who, number = np.nonzero(np.isfinite(people.doses))
    doses = {"USUBJID": named[who], "EXSEQ": (number + 1).astype(str)}
    charted = pd.concat(
        [
            pd.DataFrame(
                {
                    "who": whose,
                    "test": test,
                    "value": _values(rng, sign, _is_ill(people.episodes, whose, hours)),
                    "unit": VITALS[test].units[0].name,
                    "time": stamps(hours, enters[whose]),
                }
            )
            for test, whose, hours in people.rounds
            for sign in shape.signs
            if sign.test == test
        ]
    ).sort_values(["who", "time"], kind="stable", ignore_index=True)
    charted["sequence"] = charted.index.astype(str)
    given = pd.DataFrame({**doses, "time": stamps(people.doses[who, number], enters[who])})
    return given, charted.assign(USUBJID=named[charted.pop("who")])


def _is_ill(episodes: tuple[Ints, Floats, Floats], whose: Ints, hours: Floats) -> NDArray[np.bool_]:
    """Return which measurements lie in an episode of their subject."""
    who, starts, ends = episodes
    apart = 1e5  # hours: longer than anybody is followed, so that one axis serves all subjects
    order = np.lexsort((starts, who))
    begin, over = (starts + apart * who)[order], np.maximum.accumulate((ends + apart * who)[order])
    at = hours + apart * whose
    last = np.searchsorted(begin, at, side="right") - 1
    return np.asarray((last >= 0) & (at < np.append(over, -np.inf)[last]))


def _values(rng: Generator, sign: Sign, ill: NDArray[np.bool_]) -> Floats:
    """Return what a sign reads, to a tenth of its spread, within what is plausible."""
    drawn = np.where(ill, sign.ill, sign.well) + rng.normal(0, sign.spread, len(ill))
    return np.asarray(np.clip(drawn, *VITALS[sign.test].plausible))


def stamps(hours: Floats, days: Ints) -> pd.DatetimeIndex:
    """Return hours since the midnight before entry, so many days on, as stamps to the minute."""
    minutes = np.round(hours * 60).astype("timedelta64[m]") + days.astype("timedelta64[D]")
    return pd.DatetimeIndex(ORIGIN.astype("datetime64[s]") + minutes).tz_localize("UTC")
