"""Severity scores: how much worse each subject became in blocks of hours, by its own chart and without limits.

The score of a measurement is how far it lies from the median of the subject's own chart, towards harm as the
criteria of its test point, in robust deviations: the median absolute deviation times 1.4826, which is the standard
deviation where measurements are normal (Rousseeuw PJ, Croux C. J Am Stat Assoc 1993;88:1273-1283), and never less
than the test's ``severity_floor``. It speaks for ``SPEAKS_FOR`` seconds. A component scores as its worst test, or,
where all its criteria must hold, as its mildest; the composite as its mildest component. A block scores as the
highest that the composite came to in it, less the highest in the hours before, or less 0 where that is lower: what
went on from before is no news. No dose enters a score, so that risk and control blocks are scored alike.

A block has a score only where each component was measured within it: where temperatures are taken after doses, or
every four hours with doses at one hour, a risk window that always holds one is not exchangeable with blocks that
only hear of one from before. Where doses have a clock (``ON_THE_CLOCK``) a daily rhythm is taken out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.dose_windows import known_to_the_instant
from checks.cases.spans import (
    HOUR,
    SECONDS_BITS,
    Instants,
    Spans,
    length_within,
    place,
    seconds,
    seconds_of,
    subject_codes,
    union,
)
from checks.measurements import VITALS
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component
from checks.rules.evidence import ScoredDose
from checks.rules.plan import merged
from checks.scenario import ByScenario

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SPEAKS_FOR = 3 * HOUR
"""Two components of one reaction may be charted hours apart, and a temperature less often than a saturation."""

BEFORE = 6 * HOUR
"""A block is held against the hours of a usual washout before it."""

TO_SIGMA = 1.4826
"""Standard deviations in a median absolute deviation of normal measurements: 1 / 0.6745."""

CLIPPED_AT = 3.0
"""Standard deviations beyond which a measurement pulls no further at the fit of the daily rhythm."""

ON_THE_CLOCK = 2 / np.pi
"""Mean resultant length from which doses have a clock: that of hours spread evenly over one half of the day. With
hours spread wider a daily rhythm falls on risk and control blocks nearly alike. Mardia KV, Jupp PE. Directional
Statistics. Wiley 2000, chapter 2."""

Directed = tuple[str, int]
"""A vital sign, and whether harm lies above (1) or below (-1)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A value over time, for all subjects on the shared axis: each lasts from its edge until the next."""

    edges: Instants
    values: Values

    def highest(self, after: Instants, until: Instants) -> Values:
        """Return the highest value in (after, until], whole seconds; minus infinity where there is none."""
        first = np.searchsorted(self.edges, after + 1, side="right") - 1
        return highest_of(self.values, first.clip(min=0), np.searchsorted(self.edges, until, side="right"))


def scores_by_scenario(
    measurements: pd.DataFrame,
    doses: pd.DataFrame,
    known: pd.Index,
    protocol: StudyProtocol,
    *,
    zones: Mapping[str, str],
    origin: float,
) -> ByScenario[tuple[ScoredDose, ...]]:
    """Return the scored blocks of the accepted rows; in the worst case those of rows in quarantine as well.

    Parameters are those of ``score_doses``; both tables have ``trusted``.
    """
    score = partial(score_doses, known=known, protocol=protocol, zones=zones, origin=origin)
    accepted = score(measurements[measurements["trusted"]], doses[doses["trusted"]])
    withheld = not (measurements["trusted"].all() and doses["trusted"].all())
    return ByScenario(accepted, accepted, score(measurements, doses) if withheld else accepted)


def score_doses(
    measurements: pd.DataFrame,
    doses: pd.DataFrame,
    known: pd.Index,
    protocol: StudyProtocol,
    *,
    zones: Mapping[str, str],
    origin: float = 0.0,
) -> tuple[ScoredDose, ...]:
    """Return the scored blocks of each dose that is known to the instant; none where a component has no scored test.

    Parameters
    ----------
    measurements
        The table ``MEASUREMENTS``; all its rows are used.
    doses
        USUBJID, dose_number, start_earliest and start_latest; all rows are used.
    known
        The subjects, in the order of their numbers.
    protocol
        Case definition and windows.
    zones
        The time zone of each subject, for the hour of the day; UTC where it has none.
    origin
        The first dose of the study, in hours since 1970: moments are counted from it.
    """
    parts = [part for one in protocol.case_definition.components.values() for part in scored_parts(one)]
    given = doses[known_to_the_instant(doses)]
    starts = place(subject_codes(given["USUBJID"], known), seconds(given["start_earliest"]))
    if not parts or not scored_everywhere(protocol) or not len(starts):
        return ()
    clock = Clock([zones.get(subject, "UTC") for subject in known])
    daily = clock if clock.concentration(starts) >= ON_THE_CLOCK else None
    composite, charted = _composite(measurements, known, parts, daily)
    blocks, kept = _blocks(starts, _may_be_risk(doses, known, protocol), protocol)
    scores = _scores(composite, blocks, _width(protocol))
    scores[~_measured_within(charted, blocks, _width(protocol))] = np.nan
    closes = starts + _seconds(
        max(protocol.risk_window_hours[1], *(b for _, b in protocol.control_windows_hours))
    )
    return tuple(
        ScoredDose(
            subject=int(start >> SECONDS_BITS),
            dose=int(number),
            start=int(seconds_of(start)),
            closes=close / HOUR - origin,
            hours=tuple(((begins[mine] - start) / HOUR).round(4).tolist()),
            scores=tuple(None if np.isnan(one) else one for one in (score[mine].round(6) + 0.0).tolist()),
        )
        for start, close, number, begins, score, mine in zip(
            starts, seconds_of(closes).tolist(), given["dose_number"], blocks, scores, kept, strict=True
        )
    )


def scored_everywhere(protocol: StudyProtocol) -> bool:
    """Whether every component has a test that is scored."""
    return all(scored_parts(component) for component in protocol.case_definition.components.values())


def scored_parts(component: Component) -> list[tuple[Directed, ...]]:
    """Return the tests that are scored: of each part the highest counts, and of the parts the lowest."""
    scored = [
        (code, 1 if criterion.rises else -1)
        for criterion in component.measured
        for domain, code in [criterion.test]
        if domain == "VS" and VITALS[code].severity_floor is not None
    ]
    every = tuple(dict.fromkeys(scored))
    return [(one,) for one in every] if component.all_of else [every] if every else []


def _composite(
    measurements: pd.DataFrame, known: pd.Index, parts: Sequence[tuple[Directed, ...]], daily: "Clock | None"
) -> tuple[Line, list[Instants]]:
    """Return the score of the composite, of each part the highest that speaks, of the parts the lowest.

    Beside it stand the instants at which each part was measured.
    """
    tests = {code for part in parts for code, _ in part}
    scored = {code: _deviations(_of_test(measurements, code, known), code, daily) for code in sorted(tests)}
    lines = [_in_order([scored[code] * sign for code, sign in part]) for part in parts]
    axes = [line.index.to_numpy() for line in lines]
    edges = np.sort(np.concatenate([*axes, *(axis + SPEAKS_FOR for axis in axes)]))
    lowest = np.full(len(edges), np.inf)
    for axis, line in zip(axes, lines, strict=True):
        first, after = (np.searchsorted(axis, edges - ago, side="right") for ago in (SPEAKS_FOR, 0))
        np.minimum(lowest, highest_of(np.asarray(line, np.float64), first, after), out=lowest)
    return Line(edges, lowest), axes


def _of_test(measurements: pd.DataFrame, code: str, known: pd.Index) -> "pd.Series[float]":
    """Return the values of a vital sign by instant on the shared axis, ascending; of several at one their median."""
    mine = (measurements["domain"] == "VS") & (measurements["test"] == code) & measurements["value"].notna()
    rows = measurements[mine & (measurements["earliest"] == measurements["latest"])]
    codes = subject_codes(rows["USUBJID"], known)
    axis = place(codes, seconds(rows["earliest"]))[codes >= 0]
    return pd.Series(rows["value"].to_numpy()[codes >= 0], index=axis).groupby(level=0).median()


def _deviations(values: "pd.Series[float]", code: str, daily: "Clock | None") -> "pd.Series[float]":
    """Return each value's distance from the median of its subject's chart, in robust deviations."""
    axis = values.index.to_numpy()
    subject = axis >> SECONDS_BITS
    rest = values - values.groupby(subject).transform("median")
    if daily is not None and len(rest):
        rest -= daily.rhythm(axis, rest.to_numpy())
    deviation = rest.abs().groupby(subject).transform("median") * TO_SIGMA
    return rest / deviation.clip(lower=VITALS[code].severity_floor)


def _in_order(lines: Sequence["pd.Series[float]"]) -> "pd.Series[float]":
    return pd.concat(lines).sort_index(kind="stable")


@dataclass(frozen=True, slots=True)
class Clock:
    """The hour of the day where each subject is, by its number: an angle, 2 pi for a day."""

    zones: Sequence[str]

    def angles(self, axis: Instants) -> Values:
        """Return the hours of the day of instants on the shared axis."""
        zones, zone = np.unique(np.asarray(self.zones, object), return_inverse=True)
        mine, local = zone[axis >> SECONDS_BITS], seconds_of(axis)
        for number, name in enumerate(zones):
            here = mine == number
            there = pd.DatetimeIndex(local[here].astype("datetime64[s]"), tz="UTC").tz_convert(name)
            local[here] = there.tz_localize(None).astype("datetime64[s]").astype("int64")
        return np.asarray((local % (24 * HOUR)) * (2 * np.pi / (24 * HOUR)))

    def concentration(self, axis: Instants) -> float:
        """Return how far instants gather at one hour of the day: the mean resultant length, 0 to 1."""
        return float(abs(np.exp(1j * self.angles(axis)).mean()))

    def rhythm(self, axis: Instants, rest: Values) -> Values:
        """Return one cosine a day, fitted over all subjects; what is far out is clipped first."""
        limit = CLIPPED_AT * TO_SIGMA * np.median(np.abs(rest))
        angles = self.angles(axis)
        waves = np.column_stack([np.cos(angles), np.sin(angles)])
        return np.asarray(waves @ np.linalg.lstsq(waves, rest.clip(-limit, limit), rcond=None)[0])


def highest_of(values: Values, first: Instants, after: Instants) -> Values:
    """Return the highest of ``values[first:after]`` for each pair; minus infinity where it is empty.

    Any stretch is two, which may overlap, of a length that is a power of two: the highest of those are made by
    doubling (a sparse table, one level of it at a time).
    """
    found, lengths = np.full(len(first), -np.inf), after - first
    length, highest = 1, values
    while length <= lengths.max(initial=0):
        mine = (lengths >= length) & (lengths < 2 * length)
        found[mine] = np.maximum(highest[first[mine]], highest[after[mine] - length])
        highest = np.maximum(highest[:-length], highest[length:])
        length *= 2
    return found


def _scores(composite: Line, begins: Instants, width: int) -> Values:
    """Return how much worse than in the hours before the composite became in each block; nan without either."""
    flat = begins.ravel()
    top, before = composite.highest(flat, flat + width), composite.highest(flat - BEFORE, flat)
    scored = np.isfinite(top) & np.isfinite(before)
    scores = np.full(len(flat), np.nan)
    scores[scored] = top[scored] - before[scored].clip(min=0)
    return scores.reshape(begins.shape)


def _measured_within(charted: Sequence[Instants], begins: Instants, width: int) -> Flags:
    """Return in which blocks (begin, end] every part was measured."""
    every = np.ones(begins.shape, bool)
    for axis in charted:
        before, by_end = (np.searchsorted(axis, begins + hours, side="right") for hours in (0, width))
        every &= by_end > before
    return every


def _blocks(starts: Instants, risk: Spans, protocol: StudyProtocol) -> tuple[Instants, Flags]:
    """Return where the blocks of each dose begin, the risk window's first, and which of them are kept.

    A control block that lies nearer to another dose is that dose's; of two as near the earlier one has it. One that
    touches hours which are, or may be, in a risk window is nobody's. The risk window is always kept.
    """
    width = _width(protocol)
    begins = starts[:, None] + np.array([_seconds(protocol.risk_window_hours[0]), *_tiles(protocol)])
    middle, every = begins + width // 2, np.unique(starts)
    following = np.searchsorted(every, middle).clip(1, max(len(every) - 1, 1))
    before, behind = every[following - 1], every[following.clip(max=len(every) - 1)]
    nearest = np.where(np.abs(middle - before) <= np.abs(behind - middle), before, behind)
    touched = length_within(risk, begins.ravel(), begins.ravel() + width).reshape(begins.shape) > 0
    kept = (nearest == starts[:, None]) & ~touched
    kept[:, 0] = True
    return begins, kept


def _tiles(protocol: StudyProtocol) -> list[int]:
    """Return the seconds since the dose at which control blocks begin, ascending: tiled from the nearest edge."""
    return sorted(
        begin for window in merged(protocol.control_windows_hours) for begin in _tiled(window, protocol)
    )


def _tiled(window: tuple[float, float], protocol: StudyProtocol) -> Iterator[int]:
    width, (low, high) = _width(protocol), (_seconds(hour) for hour in window)
    for number in range((high - low) // width):
        yield high - (number + 1) * width if abs(high) < abs(low) else low + number * width


def _may_be_risk(doses: pd.DataFrame, known: pd.Index, protocol: StudyProtocol) -> Spans:
    """Return the hours that are, or may be, in a risk window: of a dose known to the day, any of its hours."""
    codes = subject_codes(doses["USUBJID"], known)
    low, high = (_seconds(hour) for hour in protocol.risk_window_hours)
    starts, ends = (place(codes, seconds(doses[name])) for name in ("start_earliest", "start_latest"))
    return union(Spans(starts + low, ends + high))


def _width(protocol: StudyProtocol) -> int:
    low, high = protocol.risk_window_hours
    return _seconds(high) - _seconds(low)


def _seconds(hours: float) -> int:
    return round(hours * HOUR)
