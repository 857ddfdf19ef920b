"""The order in which the files of one domain arrived, and when each of their rows became known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.instants import parse_stamps
from checks.tables import RAW_PROVENANCE, DeliveredTable

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

AS_FOUND: Final = -(2**62)
"""The time of receipt, in seconds, of a file read as found: before any cut-off."""


_NO_ROWS: Final = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in RAW_PROVENANCE.items()})


@dataclass(frozen=True, slots=True)
class Arrival:
    """The files that were received at one instant: together they are one delivery.

    ``received`` is in seconds since 1970 UTC. ``conflict`` says why its files are not one delivery, if so.
    """

    received: int
    files: tuple[DeliveredTable, ...]
    conflict: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the delivery cannot be read: the problem of each file that cannot, and of the files together."""
        problems = [unreadable(file) for file in self.files if file.table is None]
        problems += [self.conflict] if self.conflict else []
        return "\n".join(problems) if problems else None


def unreadable(file: DeliveredTable) -> str:
    """Say why a file cannot be read."""
    return file.problem or f"{file.delivery.called}: found no table; allowed: a file that can be read"


def arrivals(delivered: Sequence[DeliveredTable]) -> tuple[Arrival, ...]:
    """Put the files of a domain in order of receipt: those read as found first, then by instant."""
    by_instant: dict[int, list[DeliveredTable]] = {}
    for file in delivered:
        by_instant.setdefault(_seconds(file.delivery.received_at), []).append(file)
    return tuple(
        Arrival(received, tuple(sorted(by_instant[received], key=identity)))
        for received in sorted(by_instant)
    )


def identity(file: DeliveredTable) -> tuple[str, str]:
    """Return the name and the content of a file, by which the files of a delivery are put in order."""
    return file.delivery.name, file.delivery.sha256


def _seconds(received_at: datetime | None) -> int:
    # Rounded up: what was received within a second is not known at its start.
    return AS_FOUND if received_at is None else -int(-received_at.timestamp() // 1)


@dataclass(frozen=True, slots=True)
class Rows:
    """All readable rows of one domain, in order of receipt, then as delivered: n of them, with provenance.

    ``arrival`` is the position of each row's delivery among the arrivals, ``received`` when it was received,
    ``known`` from when on the row counts (in seconds since 1970 UTC). ``columns`` has the columns of each arrival,
    by its position.
    """

    table: pd.DataFrame
    arrival: Integers
    received: Integers
    known: Integers
    columns: Mapping[int, frozenset[str]]


def stack(
    ordered: Sequence[Arrival], known_at: str | None, zones: Mapping[str, str], *, otherwise: str, whole: bool
) -> Rows:
    """Put the readable files of a domain together.

    ``known_at`` is the column that says when a row became known, if the feed has one; ``zones`` has the time zone of
    each subject's site, by USUBJID, ``otherwise`` is that of others. With ``whole`` a delivery of which one file
    cannot be read is left out altogether; one read as found always is.
    """
    taken = [
        (place, file.table)
        for place, one in enumerate(ordered)
        if one.problem is None or not (whole or one.received == AS_FOUND)
        for file in one.files
        if file.table is not None
    ]
    columns: dict[int, frozenset[str]] = {}
    for place, table in taken:
        columns[place] = columns.get(place, frozenset()) | frozenset(table.columns)
    stacked = pd.concat([table for _, table in taken] or [_NO_ROWS], ignore_index=True)
    arrival = np.repeat([place for place, _ in taken], [len(table) for _, table in taken]).astype(np.int64)
    received = np.array([one.received for one in ordered], dtype=np.int64)[arrival]
    stamps = stacked[known_at] if known_at in stacked.columns else None
    if stamps is None:
        return Rows(stacked, arrival, received, received, columns)
    zone: pd.Series[str] | str = otherwise
    if "USUBJID" in stacked:
        zone = stacked["USUBJID"].map(dict(zones)).astype("str").fillna(otherwise)
    return Rows(stacked, arrival, received, _known(stamps, received, zone), columns)


def _known(stamps: "pd.Series[str]", received: Integers, zones: "pd.Series[str] | str") -> Integers:
    """Return from when on each row counts: its own word, but not before its delivery was received.

    A coarse stamp counts from its end, unless the delivery came within its span: then the row was entered by
    then. A stamp that is blank or cannot be read counts from receipt.
    """
    spans = parse_stamps(stamps, zones)
    readable = spans["problem"].isna().to_numpy()
    earliest, latest = (_in_seconds(spans[name]) for name in ("earliest", "latest"))
    within = (earliest <= received) & (received <= latest)
    own = np.where(within, received, np.where(received == AS_FOUND, latest, earliest))
    own = np.where(latest <= received, latest, own)
    return np.where(readable, own, received)


def _in_seconds(times: "pd.Series[pd.Timestamp]") -> Integers:
    """Return instants in seconds since 1970 UTC; what stands for a missing one is not used."""
    return times.dt.tz_localize(None).to_numpy(dtype="datetime64[s]").astype(np.int64)
