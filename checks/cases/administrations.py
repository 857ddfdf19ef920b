"""Administrations: which rows of EX are one dose, and when its hours begin.

Rows of one subject that overlap, share a link, or begin soon enough after the end (missing: the start) of those
before are one administration, begun at the first start. Of a start that is not known to the instant this has to be
sure: whichever instant it was. Rows known to a day alone are one dose a day, unless a link says more. What would
make an administration last too long, or begins hardly too late to be part of it, opens a dose of its own, which is
then not surely ``separate``: it may be the one before, going on. What a link joins and times keep apart is a dose of
its own in the worst case. A row that is not trusted opens a dose there alone, and changes none of the others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from checks.cases.segments import segments_of
from checks.cases.spans import HOUR
from checks.protocol import StudyProtocol
from checks.tables import COUNT, FLAG, NUMBER, TEXT, TIME, Table

Labels = npt.NDArray[np.int32]

NEARLY_HOURS: Final = 0.25
"""What is charted to the quarter of an hour may be off by as much: so little too long a gap may have been none."""

OPENED = Table(
    "opened",
    {
        "USUBJID": TEXT,
        "dose_number": COUNT,
        "start_earliest": TIME,
        "start_latest": TIME,
        "trusted": FLAG,
        "separate": FLAG,
        "rows": COUNT,
        "EXSEQ": TEXT,
        "given_hours": NUMBER,
        "segments": COUNT,
        "interruptions": TEXT,
        "ended": TIME,
    },
)
"""One row a dose: its number, when its hours begin, and the rows of EX (``rows`` of them, by EXSEQ) that tell of it.

``given_hours`` lie between its first start and its last end, where that is known, else its last start. It has so many
``segments``, with ``interruptions`` between them (in words, in hours since its first start), and ``ended`` by a time,
missing where one of their ends is not known. Numbers follow the starts. Hours begin at the start, or the end, of the
administration, as the protocol says; an end that is not known lies between the start and the longest that one lasts.
"""


@dataclass(frozen=True, slots=True)
class DoseReadings:
    """The doses as the trusted rows tell them, and as they may be at worst; each the table ``OPENED``."""

    main: pd.DataFrame
    worst: tuple[pd.DataFrame, ...]


def open_doses(administrations: pd.DataFrame, protocol: StudyProtocol) -> DoseReadings:
    """Return the doses that rows of EX tell of.

    Parameters
    ----------
    administrations
        The table ``ADMINISTRATIONS``.
    protocol
        Says how near rows of one administration are, how long one lasts, and where its hours begin.
    """
    trusted = administrations["trusted"].to_numpy(bool)
    given, doubtful = administrations[trusted], administrations[~trusted]
    main = _doses(given, protocol)
    at_worst = [main]
    if len(doubtful):
        at_worst.append(_doses(doubtful, protocol))
    if given["link"].notna().any():
        at_worst.append(_doses(given.assign(link=None), protocol).assign(trusted=False, separate=False))
    numbered = _numbered(main)
    if len(at_worst) == 1:
        return DoseReadings(numbered, ())
    worst = _numbered(pd.concat(at_worst))
    return DoseReadings(numbered, (worst,) if len(worst) > len(numbered) or len(doubtful) else ())


def _numbered(doses: pd.DataFrame) -> pd.DataFrame:
    """Return doses numbered by subject in the order of their starts; of two at one instant the trusted one stays."""
    instant = ["USUBJID", "start_earliest", "start_latest"]
    upwards = [True, True, True, False]
    ordered = doses.sort_values([*instant, "trusted"], ascending=upwards, kind="stable").drop_duplicates(
        instant
    )
    return OPENED.conform(ordered.assign(dose_number=ordered.groupby("USUBJID").cumcount() + 1))


def _doses(administrations: pd.DataFrame, protocol: StudyProtocol) -> pd.DataFrame:
    """Return one row an administration, not yet numbered."""
    rows = administrations.sort_values(["USUBJID", "earliest", "latest"], kind="stable", ignore_index=True)
    rows["reach"] = rows["ends_earliest"].fillna(rows["earliest"])
    together = _together(rows, pd.Timedelta(hours=protocol.same_dose_within_hours))
    longest = pd.Timedelta(hours=protocol.max_administration_hours)
    dose = _cut_to(longest, rows, together)
    by_dose = rows.groupby(dose)
    doses = by_dose.agg(
        USUBJID=("USUBJID", "first"),
        start_earliest=("earliest", "min"),
        start_latest=("latest", "min"),
        trusted=("trusted", "first"),
        rows=("EXSEQ", "size"),
        EXSEQ=("EXSEQ", "first"),
        reach=("reach", "max"),
    )
    doses["given_hours"] = (doses["reach"] - doses["start_earliest"]).dt.total_seconds() / HOUR
    several = doses["rows"] > 1
    named = rows[several.loc[dose].to_numpy()]
    doses.loc[several, "EXSEQ"] = named.groupby(dose[named.index])["EXSEQ"].agg("; ".join)
    doses["separate"] = (doses.index < len(rows)) & ~_soon_after(doses, protocol.same_dose_within_hours)
    doses = doses.join(segments_of(rows, dose))
    return doses if protocol.hours_from == "start" else _from_end(doses, rows, dose, longest)


def _soon_after(doses: pd.DataFrame, within_hours: float) -> "pd.Series[bool]":
    """Whether each dose begins so soon after the end of those before that it may be part of one: nearly in time."""
    ordered = doses.sort_values(["USUBJID", "start_earliest"], kind="stable")
    subject = ordered["USUBJID"]
    before = ordered["reach"].groupby(subject, sort=False).cummax().groupby(subject, sort=False).shift()
    after = (ordered["start_earliest"] - before).dt.total_seconds() / HOUR
    return ((after > 0) & (after <= within_hours + NEARLY_HOURS)).reindex(doses.index)


def _together(rows: pd.DataFrame, within: pd.Timedelta) -> Labels:
    """Give rows that are near one another, of one day without a time, or linked, one number."""
    shared = (
        _chains(rows[rows["latest"] - rows["earliest"] <= within], within).reindex(rows.index),
        rows.groupby(["USUBJID", "earliest", "latest"], sort=False).ngroup(),
        rows.groupby(["USUBJID", "link"], sort=False).ngroup(),  # missing where there is no link
    )
    size, at, to = len(rows), [], []
    for numbers in (one.fillna(-1).to_numpy(np.int64) for one in shared):
        at.append(np.flatnonzero(numbers >= 0))
        to.append(size + numbers[at[-1]])
        size += int(numbers.max(initial=-1)) + 1
    ends = (np.concatenate(at), np.concatenate(to))
    graph = coo_array((np.ones(len(ends[0]), bool), ends), shape=(size, size))
    labels: Labels = connected_components(graph, directed=False)[1][: len(rows)]
    return labels


def _chains(rows: pd.DataFrame, within: pd.Timedelta) -> pd.Series:
    """Give rows one number of which each begins, at the latest, soon after the end of those before."""
    subject = rows["USUBJID"]
    before = rows["reach"].groupby(subject, sort=False).cummax().groupby(subject, sort=False).shift()
    return (~(rows["latest"] - before <= within)).cumsum()


def _cut_to(longest: pd.Timedelta, rows: pd.DataFrame, labels: Labels) -> pd.Series:
    """Cut administrations that last too long, at the first row that makes them; what is cut off has numbers beyond.

    What is cut off may be too long again, so that the rounds are as many as the longest has parts.
    """
    dose = pd.Series(labels, rows.index, dtype="int64")
    while True:
        begun = rows["earliest"].groupby(dose).transform("min")
        lasts = rows["reach"].groupby(dose).cummax() - begun
        beyond = ((lasts > longest) & dose.duplicated()).groupby(dose).cummax()
        if not beyond.any():
            return dose
        dose = dose.mask(beyond, dose + len(rows))


def _from_end(
    doses: pd.DataFrame, rows: pd.DataFrame, dose: pd.Series, longest: pd.Timedelta
) -> pd.DataFrame:
    """Return the doses with their hours from the end: the latest of the rows' ends."""
    unknown = (doses["start_latest"] + longest).loc[dose].set_axis(rows.index)
    ends = {"start_earliest": rows["reach"], "start_latest": rows["ends_latest"].fillna(unknown)}
    return doses.assign(**{name: one.groupby(dose).max() for name, one in ends.items()})
