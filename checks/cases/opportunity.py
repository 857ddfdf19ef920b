"""Opportunity by dose: the hours in which a new event could have been counted, at risk and in control.

Each stretch of opportunity counts, whole, under the hour that an event in it would have been given, as events do.
Control hours are those of the nearest dose; ``before`` has them once more, under the dose whose risk window they
precede.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from checks.cases.dose_windows import known_to_the_instant, possible_risk
from checks.cases.observation import Stretches
from checks.cases.series import Flags, Places, spread
from checks.cases.spans import (
    HOUR,
    SECONDS_BITS,
    Instants,
    covers,
    in_seconds,
    place,
    seconds,
    seconds_of,
    union,
)
from checks.protocol import StudyProtocol

BLOCK_HOURS = 4
"""Hours of a block of the clock: six a day, wide enough to hold hours of both kinds."""


@dataclass(frozen=True, slots=True)
class DoseOpportunity:
    """Opportunity counted under one dose, in hours.

    ``by_block`` has the hours at risk and in control by block of the clock (0 from midnight on); ``at`` the
    opportunity by hour since the dose, from the dose to the last hour that a window names: where it lies and how long
    it is; nothing where no rule scans it.
    """

    USUBJID: str
    dose_number: int
    in_risk: float
    in_control: float
    before: float
    by_block: Mapping[int, tuple[float, float]]
    at: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """Stretches counted under doses: for each the place of its dose, whether at risk, and how many seconds."""

    dose: Places
    at_risk: Flags
    length: Places
    middle: Instants


def last_hour(protocol: StudyProtocol) -> float:
    """Return the last hour since dose that a window of the protocol names."""
    return max(protocol.risk_window_hours[1], *(end for _, end in protocol.control_windows_hours))


def edges_of_windows(doses: pd.DataFrame, codes: Instants, protocol: StudyProtocol) -> Instants:
    """Return every instant on the axis at which a window of a dose begins or ends, and the doses themselves."""
    starts = place(codes, seconds(doses["start_earliest"]))
    windows = (protocol.risk_window_hours, *protocol.control_windows_hours)
    edges = (0.0, *(edge for window in windows for edge in window))
    return np.concatenate([starts + in_seconds(edge) for edge in edges])


def opportunities(
    doses: pd.DataFrame, codes: Instants, found: Stretches, protocol: StudyProtocol
) -> tuple[DoseOpportunity, ...]:
    """Return the opportunity under each dose whose start is known to the instant.

    Parameters
    ----------
    doses, codes
        Doses that stand, ordered by subject and start, with the code of each one's subject.
    found
        The stretches of all subjects.
    protocol
        Windows, and the zone of the clock.
    """
    exact = known_to_the_instant(doses)
    starts = place(codes, seconds(doses["start_earliest"]))
    sorted_able = np.flatnonzero(found.able)
    sorted_able = sorted_able[np.argsort(found.middle[sorted_able], kind="stable")]
    middle = found.middle[sorted_able]
    length = (found.ends - found.starts)[sorted_able]
    possible = union(possible_risk(doses[~exact], codes[~exact], protocol))
    keep = ~covers(possible, middle)
    middle, length = middle[keep], length[keep]
    dosed = starts[exact]
    around = _around(dosed, middle, length, protocol)
    sums = _sums(around, _before(dosed, around, protocol), len(dosed))
    asked = any(rule.scans_hours for rule in protocol.rules)
    spans = _by_hour(dosed, middle, length, last_hour(protocol)) if asked else [()] * len(dosed)
    given = doses[exact]
    return tuple(
        DoseOpportunity(subject, number, at_risk, control, before, blocks, at)
        for subject, number, (at_risk, control, before), blocks, at in zip(
            given["USUBJID"],
            given["dose_number"].tolist(),
            sums.T.tolist(),
            _blocks(around, len(dosed), protocol),
            spans,
            strict=True,
        )
    )


def _around(dosed: Instants, middle: Instants, length: Places, protocol: StudyProtocol) -> Counted:
    """Count each stretch once: at risk under the latest dose whose risk window holds it, else under the nearest."""
    windows = [(protocol.risk_window_hours, True)]
    windows += [(window, False) for window in protocol.control_windows_hours]
    parts = []
    for (low, high), risk in windows:
        first = np.searchsorted(middle, dosed + in_seconds(low))
        after = np.searchsorted(middle, dosed + in_seconds(high))
        dose, offset = spread(np.maximum(after - first, 0))
        parts.append((dose, first[dose] + offset, np.full(len(dose), risk)))
    dose, stretch, at_risk = (np.concatenate(part) for part in zip(*parts, strict=True))
    since = middle[stretch] - dosed[dose]
    nearest = np.where(at_risk, -dosed[dose], np.abs(since))
    order = np.lexsort((dosed[dose], nearest, ~at_risk, stretch))
    first_of = np.append(True, np.diff(stretch[order]) != 0)[: len(order)]
    chosen = order[first_of]
    return Counted(dose[chosen], at_risk[chosen], length[stretch[chosen]], middle[stretch[chosen]])


def _before(dosed: Instants, around: Counted, protocol: StudyProtocol) -> Counted:
    """Count control hours under the next dose whose risk window they precede."""
    control = ~around.at_risk
    middle = around.middle[control]
    order = np.argsort(dosed)  # doses come in the order of USUBJID, subjects on the axis in any
    opens = dosed[order] + in_seconds(protocol.risk_window_hours[0])
    following = np.append(order, -1)[np.searchsorted(opens, middle, side="right")]
    own = following >= 0
    own &= np.append(dosed, 0)[following] >> SECONDS_BITS == middle >> SECONDS_BITS
    return Counted(following[own], np.zeros(int(own.sum()), bool), around.length[control][own], middle[own])


def _sums(around: Counted, before: Counted, number: int) -> np.ndarray:
    """Return hours at risk, in control around and in control before (rows) by dose (columns)."""
    columns = (
        (around.dose[around.at_risk], around.length[around.at_risk]),
        (around.dose[~around.at_risk], around.length[~around.at_risk]),
        (before.dose, before.length),
    )
    return np.stack([np.bincount(dose, length, number) for dose, length in columns]) / HOUR


def block_of(instants: Instants, zone: str) -> Places:
    """Return the block of a zone's clock in which instants on the shared axis lie."""
    local = pd.DatetimeIndex(pd.to_datetime(seconds_of(instants), unit="s", utc=True)).tz_convert(zone)
    return np.asarray(local.hour // BLOCK_HOURS, np.int64)


def _blocks(
    around: Counted, number: int, protocol: StudyProtocol
) -> Iterator[Mapping[int, tuple[float, float]]]:
    blocks = 24 // BLOCK_HOURS
    key = around.dose * blocks + block_of(around.middle, protocol.study.timezone)
    hours = [
        np.bincount(key[some], around.length[some], number * blocks) / HOUR
        for some in (around.at_risk, ~around.at_risk)
    ]
    risk, control = (one.reshape(number, blocks).tolist() for one in hours)
    for here, there in zip(risk, control, strict=True):
        pairs = enumerate(zip(here, there, strict=True))
        yield {block: pair for block, pair in pairs if pair != (0.0, 0.0)}


def _by_hour(
    dosed: Instants, middle: Instants, length: Places, reach: float
) -> Iterator[tuple[tuple[float, float], ...]]:
    """Yield the opportunity of each dose from itself to the last hour: hours since dose, and lengths in hours."""
    following = np.append(dosed[1:], 0)
    same = np.append(dosed[1:] >> SECONDS_BITS == dosed[:-1] >> SECONDS_BITS, False)[: len(dosed)]
    until = dosed + in_seconds(reach)
    until = np.where(same, np.minimum(until, following), until)
    first, after = np.searchsorted(middle, dosed), np.searchsorted(middle, until)
    for dose, begins, ends in zip(dosed.tolist(), first.tolist(), after.tolist(), strict=True):
        hours = np.round((middle[begins:ends] - dose) / HOUR, 4)
        yield tuple(zip(hours.tolist(), (length[begins:ends] / HOUR).tolist(), strict=True))
