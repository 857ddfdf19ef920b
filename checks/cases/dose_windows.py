"""Doses, which hours belong to each, and whether its risk window was observed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.spans import (
    HOUR,
    SECONDS_BITS,
    Instants,
    Spans,
    covered,
    length_within,
    place,
    subtract,
    union,
)
from checks.protocol import StudyProtocol
from checks.tables import COUNT, FLAG, NUMBER, TEXT, TIME, Table

DOSES = Table(
    "doses",
    {
        "USUBJID": TEXT,
        "dose_number": COUNT,
        "start_earliest": TIME,
        "start_latest": TIME,
        "hours_end": NUMBER,
        "trusted": FLAG,
        "window": TEXT,
        "window_closes": TIME,
        "risk_observed_hours": NUMBER,
        "control_observed_hours": NUMBER,
    },
)
"""One row a dose: its number, start, hours until the next dose, and what became of its risk window."""

LEAST_OBSERVED = 0.5  # "at least half of it is observed for every component": the definition of evaluable


@dataclass(frozen=True, slots=True)
class Block:
    """Control hours cut to the risk window's length, each with a pseudo-dose as far before it as a dose is."""

    anchors: Instants
    starts: Instants
    ends: Instants
    last: npt.NDArray[np.bool_]
    """Whether no further block follows without a gap."""


def subject_codes(subjects: pd.Series, known: pd.Index) -> Instants:
    """Return each subject's place in ``known``, -1 where it is not there."""
    rows, names = pd.factorize(subjects)  # a subject has many rows: each is looked up once
    codes: Instants = np.append(known.get_indexer(pd.Index(names)), -1)[rows].astype(np.int64)
    return codes


def seconds(times: pd.Series) -> Instants:
    """Return seconds since 1970 (UTC)."""
    return np.asarray(times.astype("datetime64[s, UTC]").astype("int64"), np.int64)


def number_doses(administrations: pd.DataFrame) -> pd.DataFrame:
    """Return one row a dose, numbered by subject in order of start; one instant is one dose.

    Parameters
    ----------
    administrations
        The table ``ADMINISTRATIONS``.

    Returns
    -------
    pandas.DataFrame
        USUBJID, dose_number, start_earliest, start_latest, trusted, hours_end (hours until the next dose).
    """
    ordered = administrations.sort_values(
        ["USUBJID", "earliest", "latest", "trusted"], ascending=[True, True, True, False], kind="stable"
    ).drop_duplicates(["USUBJID", "earliest", "latest"])
    doses = ordered.rename(columns={"earliest": "start_earliest", "latest": "start_latest"})
    subject = doses.groupby("USUBJID", sort=False)
    doses["dose_number"] = subject.cumcount() + 1
    doses["hours_end"] = _hours_to_next(doses)
    return doses.reset_index(drop=True)


def _hours_to_next(doses: pd.DataFrame) -> pd.Series:
    following = doses.groupby("USUBJID", sort=False)["start_earliest"].shift(-1)
    return ((following - doses["start_latest"]).dt.total_seconds() / HOUR).clip(lower=0).fillna(np.inf)


def trusted_doses(doses: pd.DataFrame) -> pd.DataFrame:
    """Return the doses that stand without quarantined rows, each with its hours until the next of them."""
    trusted = doses[doses["trusted"]].copy()
    trusted["hours_end"] = _hours_to_next(trusted)
    return trusted


def known_to_the_instant(doses: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether the start of each dose is one instant."""
    return (doses["start_earliest"] == doses["start_latest"]).to_numpy(dtype=bool)


def at_their_longest(doses: pd.DataFrame) -> pd.DataFrame:
    """Return the doses with the most hours that may belong to each: until the latest start of the next.

    The next dose is the first one that surely begins later. Of two doses of one day without a time either may
    be the later one, so neither ends the hours of the other.

    Parameters
    ----------
    doses
        As ``number_doses`` returns them: ordered by subject, then start.
    """
    codes, _ = pd.factorize(doses["USUBJID"], sort=True)
    begins = place(codes.astype(np.int64), seconds(doses["start_earliest"]))
    ends = place(codes.astype(np.int64), seconds(doses["start_latest"]))
    nobody = np.iinfo(np.int64).max
    soonest = np.minimum.accumulate(np.append(ends, nobody)[::-1])[::-1]
    following = soonest[np.searchsorted(begins, ends, side="right")]
    own = following >> SECONDS_BITS == ends >> SECONDS_BITS
    return doses.assign(hours_end=np.where(own, (following - ends) / HOUR, np.inf))


def observed_spans(
    codes: Instants, times: Instants, vitals: npt.NDArray[np.int64], *, max_gap_hours: float
) -> Spans:
    """Return when a component is observed, from the measurements of its vitals.

    A component is observed between two measurements of one vital at most ``max_gap_hours`` apart, and for half
    that time beyond the last.
    """
    order = np.lexsort((times, codes, vitals))
    axis, kind = place(codes, times)[order], vitals[order]
    gap = int(max_gap_hours * HOUR)
    if not len(axis):
        return Spans(axis, axis)
    breaks = (np.diff(axis) > gap) | (np.diff(kind) != 0)
    starts = axis[np.concatenate([[True], breaks])]
    ends = axis[np.concatenate([breaks, [True]])] + gap // 2
    return union(Spans(starts, ends))


def observed_everywhere(parts: Sequence[Spans], codes: Instants, data_cutoff: datetime) -> Spans:
    """Return when every component is observed, up to the data cut-off."""
    if not parts:
        raise ValueError("A case definition has at least one component.")
    everyone = np.unique(codes)
    cutoff = np.full(len(everyone), int(data_cutoff.timestamp()), np.int64)
    until = Spans(everyone << 36, place(everyone, cutoff))
    return covered([*parts, until], len(parts) + 1)


def risk_windows(doses: pd.DataFrame, codes: Instants, protocol: StudyProtocol) -> Spans:
    """Return each dose's risk window on the shared axis, ended by the next dose; one row a dose."""
    low, high = protocol.risk_window_hours
    start = place(codes, seconds(doses["start_earliest"]))
    end = np.minimum(high, doses["hours_end"].to_numpy())
    return Spans(start + int(low * HOUR), start + (np.maximum(end, low) * HOUR).astype(np.int64))


def control_spans(doses: pd.DataFrame, codes: Instants, protocol: StudyProtocol) -> Spans:
    """Return the control hours of all subjects: a union that is never in a risk window."""
    exact = known_to_the_instant(doses)
    start = place(codes, seconds(doses["start_earliest"]))[exact]
    until = doses["hours_end"].to_numpy()[exact]
    parts = []
    for low, high in protocol.control_windows_hours:
        end = np.minimum(high, until) if high > 0 else np.full(len(start), high)
        parts.append(Spans(start + int(low * HOUR), start + (end * HOUR).astype(np.int64)))
    wide = Spans(np.concatenate([p.starts for p in parts]), np.concatenate([p.ends for p in parts]))
    some = wide.ends > wide.starts
    kept = union(Spans(wide.starts[some], wide.ends[some]))
    return subtract(kept, _possible_risk(doses, codes, protocol))


def _possible_risk(doses: pd.DataFrame, codes: Instants, protocol: StudyProtocol) -> Spans:
    """Return the hours that are, or may be, in a risk window: of a dose without a time, any of its hours."""
    exact = known_to_the_instant(doses)
    starts, ends = risk_windows(doses, codes, protocol)
    latest = place(codes, seconds(doses["start_latest"])) + int(protocol.risk_window_hours[1] * HOUR)
    return Spans(starts, np.where(exact, ends, latest))


def control_blocks(control: Spans, protocol: StudyProtocol) -> Block:
    """Tile control hours into blocks of the risk window's length."""
    low, high = protocol.risk_window_hours
    width = int((high - low) * HOUR)
    counts = -(-(control.ends - control.starts) // width)
    segment = np.repeat(np.arange(len(counts)), counts)
    place_in_segment = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = control.starts[segment] + place_in_segment * width
    ends = np.minimum(starts + width, control.ends[segment])
    return Block(starts - int(low * HOUR), starts, ends, place_in_segment == counts[segment] - 1)


def judge_windows(
    doses: pd.DataFrame, observed: Spans, known: pd.Index, protocol: StudyProtocol, data_cutoff: datetime
) -> pd.DataFrame:
    """Return the table ``DOSES``: which risk windows are evaluable, open or unobserved.

    A case found later in a window makes it evaluable; that is the caller's to say (``with_cases``).
    """
    low, high = protocol.risk_window_hours
    judged = doses.copy()
    codes = subject_codes(doses["USUBJID"], known)
    exact = known_to_the_instant(doses)
    risk = risk_windows(doses, codes, protocol)
    hours = np.where(exact, length_within(observed, *risk) / HOUR, 0.0)
    closes = doses["start_latest"] + pd.Timedelta(seconds=int(high * HOUR))
    elapsed = (closes <= pd.Timestamp(data_cutoff)).to_numpy()
    enough = hours >= LEAST_OBSERVED * (high - low)
    judged["window"] = np.select([~elapsed, enough], ["open", "evaluable"], "unobserved")
    judged["window_closes"] = closes
    judged["risk_observed_hours"] = hours
    judged["control_observed_hours"] = _control_hours(doses, codes, observed, protocol)
    return DOSES.conform(judged)


def _control_hours(
    doses: pd.DataFrame, codes: Instants, observed: Spans, protocol: StudyProtocol
) -> npt.NDArray[np.float64]:
    """Return the observed control hours that lie nearest to each dose: after it and, for the first, before."""
    control = control_spans(doses, codes, protocol)
    if not len(control.starts) or not len(observed.starts):
        return np.zeros(len(doses))
    seen = covered([control, observed], 2)
    first = (doses["dose_number"] == 1).to_numpy()
    start = place(codes, seconds(doses["start_earliest"]))
    begins = np.where(first, codes << 36, start)
    reach = np.where(np.isinf(doses["hours_end"]), 0, doses["hours_end"].replace(np.inf, 0) * HOUR)
    until = np.where(np.isinf(doses["hours_end"]), ((codes + 1) << 36) - 1, start + reach.astype(np.int64))
    return length_within(seen, begins, until) / HOUR


def with_cases(doses: pd.DataFrame, keys: set[tuple[str, int]]) -> pd.DataFrame:
    """Return the doses with each elapsed, unobserved window that holds a case made evaluable."""
    held = np.array([key in keys for key in zip(doses["USUBJID"], doses["dose_number"], strict=True)], bool)
    return doses.assign(window=doses["window"].mask((doses["window"] == "unobserved") & held, "evaluable"))
