"""Doses given and cases planted in real charts: which subjects, after which dose, and what their charts then show.

A planted case is respiratory distress from a random moment of the window, for some hours, and fever from up to
45 minutes before. Measurements that were charted are changed, none is invented, but that an alert nurse takes
the temperature 5 to 20 minutes after the first charted distress, hourly from then on, and once when it is over.
A lazy nurse charts no more than was charted anyway: such a case may never show.

The order of the draws defines a planting, so that others can make the same one from its seed. From NumPy's
``default_rng([seed, 20260105])``: the subjects, without replacement, from the charts long enough in order of
USUBJID; for each in turn the first dose and each interval; an order of the subjects; along it, for each in whom
a whole window is charted, until there are enough cases: the dose, the onset, how long it lasts, how much sooner
the fever is, the values of RESP, OXYSAT and TEMP, and of an alert nurse the delay and each temperature. After each
of these groups of values comes which of them are normal and their normal values, where some are asked for.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from checks.errors import UsageError
from flows.simulate.real_charts import TEMPERATURE, Chart, Floats, Texts

Range = tuple[float, float]
Nurse = Literal["alert", "lazy"]

FEWEST_HOURS = 36.0
"""A chart that lasts as long holds a first dose, its window, and hours to compare with."""
FIRST_DOSE_HOURS: Range = (8.0, 30.0)
"""Hours into the chart of the first dose: after a run-in that shows how the subject was before."""
TWICE_A_WEEK_HOURS, STRAYS_HOURS = 84.0, 12.0
MARGIN_HOURS: Range = (0.1, 0.5)
"""A case begins no nearer to the start and the end of the window, so that it can be charted within."""
FEVER_EARLIER_HOURS = 0.75
ALERT_MINUTES: Range = (5.0, 20.0)
OVER_CELSIUS = 37.4
RUN_OF_NORMALS = 3.0
"""Measurements that a run of normal ones lasts, on average, where they come in runs."""
NORMAL: dict[str, Range] = {"RESP": (14, 20), "OXYSAT": (95, 98), TEMPERATURE: (36.6, 37.4)}
"""Values of a measurement that does not show the episode: normal by any definition of the components."""
DECIMALS = {"RESP": 0, "OXYSAT": 0, TEMPERATURE: 1}
BEFORE_HOURS = 6.0
FEVER_C, RESP_HIGH, OXYSAT_LOW = 38.25, 30, 90
"""What is called abnormal before a planted case; 38.25 C is 38.3 as it is written with one decimal."""


@dataclass(frozen=True, slots=True)
class Planting:
    """What is planted in charts, and how it is charted.

    Attributes
    ----------
    window
        Hours after a dose between which a case begins and can be seen.
    nurse
        Whether temperatures are added where distress is charted.
    dose_hour
        The clock hour of every dose, 3 and 4 days apart; without it doses are 84 hours apart and stray by 12.
    beyond_chart
        Whether doses go on after charting ends, as in subjects who leave the unit.
    fewest_hours
        Shorter charts are not used.
    lasts
        Hours that an episode lasts.
    shows
        The values that an episode shows, by test: C, breaths/min, %.
    normal_share, in_runs
        Share of an episode's measurements that are normal all the same, each by itself or several in a row.
    """

    seed: int = 1
    subjects: int = 18
    doses: int = 4
    cases: int = 3
    window: Range = (5.0, 8.0)
    nurse: Nurse = "alert"
    dose_hour: float | None = None
    beyond_chart: bool = False
    fewest_hours: float = FEWEST_HOURS
    lasts: Range = (3.0, 6.0)
    shows: dict[str, Range] = field(
        default_factory=lambda: {"RESP": (30, 38), "OXYSAT": (82, 89), TEMPERATURE: (38.5, 39.8)}
    )
    normal_share: float = 0.0
    in_runs: bool = False

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("subjects", 1), ("doses", 1), ("cases", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"--{name}: found {getattr(self, name)}; allowed: {least} or more")
        opens, closes = self.window
        if not 0 <= opens < closes - MARGIN_HOURS[0] - MARGIN_HOURS[1]:
            raise UsageError(
                f"--window: found {opens:g} {closes:g}; allowed: from 0 on, and over .6 hours long"
            )


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted case; hours are since its dose. ``both_visible_hour`` is None where the chart never shows both."""

    usubjid: str
    dose_number: int
    onset_hour: float
    both_visible_hour: float | None
    both_in_window: bool
    abnormal_before: dict[str, int]


@dataclass(frozen=True, slots=True)
class Dosed:
    """One subject of a planted study: the chart as it then is, the hours of the doses, and the case if any."""

    chart: Chart
    doses: tuple[float, ...]
    case: Planted | None = None


def plant_cases(charts: tuple[Chart, ...], planting: Planting, rng: Generator) -> list[Dosed]:
    """Return the chosen subjects, dosed, some of them with a planted case, in the order in which they enter.

    Raises
    ------
    UsageError
        When too few charts are long enough.
    """
    usable = [one for one in charts if one.lasts >= planting.fewest_hours]
    if len(usable) < planting.subjects:
        raise UsageError(
            f"--subjects: found {planting.subjects}; allowed: at most {len(usable)}, the charts that last "
            f"{planting.fewest_hours:g} hours or more"
        )
    chosen = [usable[at] for at in rng.choice(len(usable), planting.subjects, replace=False)]
    dosed = [Dosed(chart, _give_doses(rng, chart, planting)) for chart in chosen]
    planted = 0
    for at in rng.permutation(len(dosed)):
        charted = [hour + planting.window[1] <= dosed[at].chart.lasts - 1 for hour in dosed[at].doses]
        if planted < planting.cases and any(charted):
            dosed[at] = _with_case(rng, dosed[at], [int(k) for k in np.flatnonzero(charted)], planting)
            planted += 1
    return dosed


def _give_doses(rng: Generator, chart: Chart, planting: Planting) -> tuple[float, ...]:
    """Return the hours of the doses, to the minute: as many as are planned while their windows are charted."""
    lowest, highest = FIRST_DOSE_HOURS
    hour = rng.uniform(lowest, max(lowest + 0.1, min(highest, chart.lasts - 9)))
    if planting.dose_hour is not None:
        clock = chart.begin.hour + chart.begin.minute / 60
        hour = np.ceil((lowest + clock - planting.dose_hour) / 24) * 24 + planting.dose_hour - clock
    hours: list[float] = []
    while len(hours) < planting.doses and (planting.beyond_chart or hour <= chart.lasts - planting.window[1]):
        hours.append(_to_the_minute(hour))
        if planting.dose_hour is None:
            hour += TWICE_A_WEEK_HOURS + rng.uniform(-STRAYS_HOURS, STRAYS_HOURS)
        else:
            hour += 72 if len(hours) % 2 else 96
    return tuple(hours)


def _with_case(rng: Generator, dosed: Dosed, charted: list[int], planting: Planting) -> Dosed:
    """Return the subject with a case after one of the doses whose window is ``charted``."""
    number = int(rng.choice(charted))
    dose, (opens, closes) = dosed.doses[number], planting.window
    onset = dose + rng.uniform(opens + MARGIN_HOURS[0], closes - MARGIN_HOURS[1])
    chart, fever, distress = _episode(rng, dosed.chart, onset, planting)
    both = None if fever is None or distress is None else max(fever, distress) - dose
    case = Planted(
        usubjid=chart.usubjid,
        dose_number=number + 1,
        onset_hour=round(float(onset - dose), 3),
        both_visible_hour=None if both is None else round(both, 3),
        both_in_window=both is not None and opens <= both <= closes,
        abnormal_before=_abnormal_before(dosed.chart, onset),
    )
    return Dosed(chart, dosed.doses, case)


def _episode(
    rng: Generator, chart: Chart, onset: float, planting: Planting
) -> tuple[Chart, float | None, float | None]:
    """Return the chart with an episode, and the first hours at which it shows fever and distress."""
    ends = onset + rng.uniform(*planting.lasts)
    earlier = rng.uniform(0, FEVER_EARLIER_HOURS)
    value, text, distress = chart.value.copy(), chart.text.copy(), np.empty(0)
    ill = (chart.hour >= onset) & (chart.hour < ends)
    hot = (chart.hour >= onset - earlier) & (chart.hour < ends - earlier)
    for test in ("RESP", "OXYSAT"):
        here = np.flatnonzero(ill & (chart.test == test))
        value[here], shown = _values(rng, test, len(here), planting)
        text[here] = _written(value[here])
        distress = np.append(distress, chart.hour[here][shown])
    here = np.flatnonzero(hot & (chart.test == TEMPERATURE))
    celsius, shown = _values(rng, TEMPERATURE, len(here), planting)
    value[here] = np.where(chart.unit[here] == "F", np.round(celsius * 1.8 + 32, 1), celsius)
    text[here] = _written(value[here])
    fever = chart.hour[here][shown]
    changed = Chart(chart.usubjid, chart.site, chart.begin, chart.test, chart.unit, text, value, chart.hour)
    if planting.nurse == "alert" and len(distress):
        taken = distress.min() + rng.uniform(*ALERT_MINUTES) / 60 + np.arange(np.ceil(planting.lasts[1]) + 1)
        during = taken[taken < ends]
        celsius, shown = _values(rng, TEMPERATURE, len(during), planting)
        at = np.array([_to_the_minute(hour) for hour in taken[: len(during) + 1]])
        changed = _with_temperatures(changed, at, np.append(celsius, OVER_CELSIUS))
        fever = np.append(fever, at[:-1][shown])
    return changed, _first(fever), _first(distress)


def _values(rng: Generator, test: str, count: int, planting: Planting) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what so many measurements of one test read in an episode, and which of them show it."""
    ill = np.round(rng.uniform(*planting.shows[test], count), DECIMALS[test])
    if not planting.normal_share:
        return ill, np.ones(count, dtype=bool)
    normal = _which_are_normal(rng, count, planting)
    well = np.round(rng.uniform(*NORMAL[test], count), DECIMALS[test])
    return np.where(normal, well, ill), ~normal


def _which_are_normal(rng: Generator, count: int, planting: Planting) -> NDArray[np.bool_]:
    """Return which measurements of an episode are normal: a share of them, in runs by a chain of two states."""
    share, drawn = planting.normal_share, rng.random(count)
    if not planting.in_runs:
        return drawn < share
    stays = 1 - 1 / RUN_OF_NORMALS
    begins = share / (1 - share) / RUN_OF_NORMALS
    normal = np.zeros(count, dtype=bool)
    for at in range(count):
        chance = share if at == 0 else stays if normal[at - 1] else begins
        normal[at] = drawn[at] < chance
    return normal


def _with_temperatures(chart: Chart, hours: Floats, celsius: Floats) -> Chart:
    """Return the chart with temperatures added, in order of time."""
    many = len(hours)
    hour = np.append(chart.hour, hours)
    order = np.argsort(hour, kind="stable")
    return Chart(
        chart.usubjid,
        chart.site,
        chart.begin,
        np.append(chart.test, [TEMPERATURE] * many)[order],
        np.append(chart.unit, ["C"] * many)[order],
        np.append(chart.text, _written(celsius))[order],
        np.append(chart.value, celsius)[order],
        hour[order],
    )


def _abnormal_before(chart: Chart, onset: float) -> dict[str, int]:
    """Return how often each component was abnormal in the hours before a planted case."""
    near = (chart.hour >= onset - BEFORE_HOURS) & (chart.hour < onset)
    fever = (chart.test == TEMPERATURE) & (chart.celsius >= FEVER_C)
    fast = (chart.test == "RESP") & (chart.value >= RESP_HIGH)
    short = (chart.test == "OXYSAT") & (chart.value < OXYSAT_LOW)
    return {"fever": int((near & fever).sum()), "respiratory_distress": int((near & (fast | short)).sum())}


def _written(values: Floats) -> Texts:
    return np.array([f"{value:g}" for value in values], dtype=object)


def _first(hours: Floats) -> float | None:
    return float(hours.min()) if len(hours) else None


def _to_the_minute(hour: float) -> float:
    return round(hour * 60) / 60
