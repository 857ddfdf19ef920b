"""The table of doses: what became of each one's risk window, and how much of its hours was observed."""

from collections.abc import Collection
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.spans import (
    HOUR,
    Instants,
    Spans,
    covered,
    in_seconds,
    length_within,
    place,
    seconds,
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
        "death": FLAG,
        "separate": FLAG,
        "rows": COUNT,
        "EXSEQ": TEXT,
        "given_hours": NUMBER,
        "segments": COUNT,
        "interruptions": TEXT,
        "ended": TIME,
    },
)
"""One row a dose: its number, start, hours until the next dose, what became of its risk window, and its rows of EX.

``window`` is evaluable, open, unobserved, or under_observed: observed for less than half, with a case or a possible
one. ``death`` says that the subject died in it. The columns from ``separate`` on are those of the table ``OPENED``.
"""

LEAST_OBSERVED = 0.5  # "at least half of it is observed": the definition of evaluable


def with_hours_to_next(doses: pd.DataFrame) -> pd.DataFrame:
    """Return doses, ordered by subject and start, with ``hours_end``: hours to the next, infinite after the last."""
    following = doses.groupby("USUBJID", sort=False)["start_earliest"].shift(-1)
    hours = (following - doses["start_latest"]).dt.total_seconds() / HOUR
    return doses.assign(hours_end=hours.clip(lower=0).fillna(np.inf))


def known_to_the_instant(doses: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether the start of each dose is one instant."""
    return (doses["start_earliest"] == doses["start_latest"]).to_numpy(dtype=bool)


def windows_of(starts: Instants, low: float, high: float) -> Spans:
    """Return a window of hours since each dose on the shared axis."""
    return Spans(starts + in_seconds(low), starts + in_seconds(high))


def possible_risk(doses: pd.DataFrame, codes: Instants, protocol: StudyProtocol) -> Spans:
    """Return the hours that are, or may be, in the risk window of each dose: of a day alone, any of its hours."""
    earliest, latest = (
        windows_of(place(codes, seconds(doses[name])), *protocol.risk_window_hours)
        for name in ("start_earliest", "start_latest")
    )
    return Spans(earliest.starts, latest.ends)


def judge_windows(
    doses: pd.DataFrame,
    codes: Instants,
    observed: Spans,
    died: Spans,
    protocol: StudyProtocol,
    data_cutoff: datetime,
) -> pd.DataFrame:
    """Return the table ``DOSES``.

    Parameters
    ----------
    doses, codes
        All doses, those in quarantine among them, with the code of each one's subject.
    observed
        When every component of the case definition was observed: disjoint and sorted.
    died
        By subject code: when the subject died, on the axis; beyond all instants for the living.
    protocol, data_cutoff
        Windows; the only "now". A window is not cut by the next dose, and nobody waits for more than its end.
    """
    low, high = protocol.risk_window_hours
    exact = known_to_the_instant(doses)
    starts = place(codes, seconds(doses["start_earliest"]))
    risk = windows_of(starts, low, high)
    hours = np.where(exact, length_within(observed, *risk) / HOUR, 0.0)
    death = exact & (died.starts[codes] < risk.ends) & (died.ends[codes] >= risk.starts)
    closes = doses["start_latest"] + pd.Timedelta(seconds=in_seconds(high))
    elapsed = (closes <= pd.Timestamp(data_cutoff)).to_numpy()
    stands, control = doses["trusted"].to_numpy(bool), np.zeros(len(doses))
    control[stands] = _control_hours(doses[stands], codes[stands], observed, protocol)
    enough = (hours >= LEAST_OBSERVED * (high - low)) | death
    return DOSES.conform(
        doses.assign(
            window=np.select([~elapsed, enough], ["open", "evaluable"], "unobserved"),
            window_closes=closes,
            risk_observed_hours=hours,
            control_observed_hours=control,
            death=death,
        )
    )


def with_cases(doses: pd.DataFrame, held: Collection[tuple[str, int]]) -> pd.DataFrame:
    """Return the doses, each unobserved window that may hold a case as under_observed."""
    keys = zip(doses["USUBJID"], doses["dose_number"], strict=True)
    holds = np.array([key in held for key in keys], bool)
    under = (doses["window"] == "unobserved") & holds
    return doses.assign(window=doses["window"].mask(under, "under_observed"))


def control_spans(doses: pd.DataFrame, codes: Instants, protocol: StudyProtocol) -> Spans:
    """Return the control hours of all subjects: a union that is never in a risk window, nor may be."""
    exact = known_to_the_instant(doses)
    starts = place(codes, seconds(doses["start_earliest"]))
    parts = [windows_of(starts[exact], *window) for window in protocol.control_windows_hours]
    wide = Spans(*(np.concatenate(edges) for edges in zip(*parts, strict=True)))
    return subtract(union(wide), possible_risk(doses, codes, protocol))


def _control_hours(
    doses: pd.DataFrame, codes: Instants, observed: Spans, protocol: StudyProtocol
) -> npt.NDArray[np.float64]:
    """Return the observed control hours that lie nearest to each dose: after it and, for the first, before."""
    control = control_spans(doses, codes, protocol)
    seen = covered([control, observed], 2)
    if not len(seen.starts):
        return np.zeros(len(doses))
    starts = place(codes, seconds(doses["start_earliest"]))
    following = np.append(starts[1:], 0)
    same = np.append(codes[1:] == codes[:-1], False)[: len(codes)]
    begins = np.where(np.append(False, same[:-1])[: len(codes)], starts, codes << 36)
    until = np.where(same, following, ((codes + 1) << 36) - 1)
    return length_within(seen, begins, until) / HOUR
