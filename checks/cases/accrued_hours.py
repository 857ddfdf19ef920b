"""Risk and control hours observed by a moment, and when an event became known as a control event.

Every look asks it of moments past, so that the answer must not change as time goes on. A risk window counts
whole from its beginning: the case that it may hold is never judged before its own hours are counted. Control
hours after a dose count as they go by; those before a dose count from the dose on, for nobody can know before
that they are control hours, and an event in them becomes known as one then.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.cases.control_events import ControlEvent
from checks.cases.dose_windows import control_spans, known_to_the_instant, seconds
from checks.cases.spans import HOUR, Instants, Spans, covered, place, seconds_of, subtract
from checks.protocol import StudyProtocol

Accrual = tuple[tuple[int, int, int], ...]
"""Observed control hours as (known from, start, end), in seconds since 1970 (UTC), in this order."""


def control_accrual(
    doses: pd.DataFrame, codes: Instants, observed: Spans, control: Spans, protocol: StudyProtocol
) -> Accrual:
    """Return the observed control hours of all subjects, and from when on they are known as control hours.

    Parameters
    ----------
    doses, codes
        The doses that can be trusted, with the code of each one's subject.
    observed, control
        Hours in which every component was observed, and the control hours; both disjoint and sorted.
    protocol
        Its control windows.
    """
    if not len(control.starts) or not len(observed.starts):
        return ()
    seen = covered([control, observed], 2)
    after = tuple(window for window in protocol.control_windows_hours if window[1] > 0)
    follows = Spans(seen.starts[:0], seen.ends[:0])
    if after:
        following = control_spans(doses, codes, protocol.model_copy(update={"control_windows_hours": after}))
        follows = covered([seen, following], 2)
    before = subtract(seen, follows)
    exact = known_to_the_instant(doses)
    dosed = np.sort(place(codes[exact], seconds(doses["start_earliest"][exact])))
    known = dosed[np.searchsorted(dosed, before.ends)] if len(before.ends) else before.ends
    return tuple(sorted((*_rows(follows.starts, follows), *_rows(known, before))))


def hours_accrued(accrual: Accrual) -> float:
    """Return how many control hours were observed."""
    return sum(end - start for _, start, end in accrual) / HOUR


def _rows(known: Instants, spans: Spans) -> Accrual:
    columns = (seconds_of(known), seconds_of(spans.starts), seconds_of(spans.ends))
    return tuple(zip(*(column.tolist() for column in columns), strict=True))


class HoursByMoment:
    """The risk and control hours of all subjects as they stood at any moment of the study."""

    def __init__(self, doses: pd.DataFrame, accrual: Accrual, protocol: StudyProtocol) -> None:
        self._accrual = np.array(accrual, np.int64).reshape(-1, 3)
        self._begins, self._hours = _risk_windows(doses, protocol)

    def ratio(self, moment: float) -> float | None:
        """Return control over risk hours at a moment in seconds since 1970; None where no hours are on record."""
        if not len(self._accrual):
            return None
        in_risk = float(self._hours[self._begins <= moment].sum())
        known, starts, ends = self._accrual.T
        so_far = np.where(known <= moment, np.minimum(ends, moment) - starts, 0)
        return float(so_far.clip(min=0).sum() / HOUR / in_risk) if in_risk else float("inf")


def _risk_windows(
    doses: pd.DataFrame, protocol: StudyProtocol
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return when each risk window begins and its hours: the observed ones alone where too few were observed."""
    low, high = protocol.risk_window_hours
    given = doses[doses["trusted"] & known_to_the_instant(doses)]
    whole = np.minimum(high, given["hours_end"].to_numpy()) - low
    unobserved = (given["window"] == "unobserved").to_numpy()
    hours = np.where(unobserved, given["risk_observed_hours"].to_numpy(), whole.clip(min=0))
    begins = seconds(given["start_earliest"]) + low * HOUR
    return begins.astype(np.float64), hours.astype(np.float64)


def known_as_control(
    events: tuple[ControlEvent, ...], doses: pd.DataFrame, protocol: StudyProtocol
) -> tuple[float, ...]:
    """Return when each control event became known as one, in seconds since 1970 (UTC)."""
    given = doses[doses["trusted"]]
    dosed: Mapping[str, list[tuple[int, float]]] = defaultdict(list)
    starts = seconds(given["start_latest"]).tolist()
    for subject, start, until in zip(given["USUBJID"], starts, given["hours_end"].tolist(), strict=True):
        dosed[subject].append((start, until))
    return tuple(_known(event, dosed[event.USUBJID], protocol) for event in events)


def _known(event: ControlEvent, doses: list[tuple[int, float]], protocol: StudyProtocol) -> float:
    after = [window for window in protocol.control_windows_hours if window[1] > 0]
    for start, until in doses:
        since = (event.seen - start) / HOUR
        if any(low <= since <= min(high, until) for low, high in after):
            return event.seen
    return min((start for start, _ in doses if start >= event.seen), default=event.seen)
