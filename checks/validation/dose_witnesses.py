"""Witnesses of the doses of EX: what DM and measurements tell of when they were, and doses that EX does not deliver.

RFXSTDTC and RFXENDTC of DM are the first and the last exposure, --RFTDTC what the time points of measurements are
counted from. A dose that they contradict may be of its own time or of theirs. One that they tell and EX does not
have is given in the worst case.
"""

from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

import pandas as pd

from checks.instants import parse_stamps
from checks.tables import ADMINISTRATIONS
from checks.validation.dose_rhythm import months_mistyped
from checks.validation.dose_times import GIVEN, reference_spans
from checks.validation.raw import Columns, Source
from checks.validation.testimony import Testimony, apart, testimony
from checks.validation.time_gaps import ALIKE, NEARLY_ALL, durations, gaps, shifts
from checks.validation.witnesses import SAME_HOURS, compare_rows, doubt

FIRST: Final = "RFXSTDTC"
LAST: Final = "RFXENDTC"

ANOTHER_DOSE_HOURS: Final = 24.0
"""What is told further from any dose than a day is another dose: no zone, and no clock, is so far off."""

_SPAN: Final = ["earliest", "latest"]


def given_points(administrations: pd.DataFrame) -> pd.DataFrame:
    """Return the table ``GIVEN``: when the doses of ``ADMINISTRATIONS`` began, and ended where that is known."""
    ends = administrations[["USUBJID", "ends_earliest", "ends_latest"]].dropna()
    ends = ends.rename(columns={"ends_earliest": "earliest", "ends_latest": "latest"})
    return GIVEN.conform(pd.concat([administrations[["USUBJID", *_SPAN]], ends]))


def judge_doses(
    source: Source, spans: pd.DataFrame, ends: pd.DataFrame, given: "pd.Series[bool]"
) -> tuple[pd.DataFrame, Columns, pd.DataFrame]:
    """Return the spans of doses, widened where witnesses contradict them; the judged columns; and the doses missing.

    Parameters
    ----------
    source
        EX, with what other feeds tell of its doses.
    spans, ends
        When each row begins (see ``Source.times``) and ends, missing where no end is told.
    given
        The rows of study drug that was given.
    """
    starts = spans.loc[spans["placed"] & given, _SPAN].assign(USUBJID=source.subject)
    testimonies = [
        *compare_rows(source, spans, given),
        *_compare_doses(source, starts, ends, spans.index),
        *months_mistyped(starts, spans.index),
    ]
    widened, judged = doubt(source, spans, testimonies)
    return widened, judged, _undelivered(source, spans, ends, given)


def _compare_doses(
    source: Source, starts: pd.DataFrame, ends: pd.DataFrame, index: pd.Index
) -> Iterator[Testimony]:
    """Yield what other feeds say of when each dose was: of a whole site, of one row, before the first exposure."""
    told = source.setting.dose_times.told
    told = told[told["column"] != LAST].reset_index(drop=True)
    subject = source.subject
    if not len(told) or not len(starts):
        return
    ended = ends.dropna().assign(USUBJID=subject)
    written = reference_spans(source.text("EXSTDTC")[starts.index], source.zones[starts.index])
    # a clock that is one on every row is no instant, but can be a shifted one all the same
    instants = written[_SPAN].assign(USUBJID=subject)
    compared = _near(told, instants, ended)
    near = compared if instants.equals(starts) else _near(told, starts, ended)
    if compared["off"].any():
        # an end excuses the starts of a site only where it does for nearly all: what is counted from ends
        met = (compared["off"] == 0).groupby(compared["USUBJID"].map(dict(source.setting.sites)))
        by_start = _near(told, instants, ended.iloc[:0])
        not_excused = met.transform("mean").reindex(by_start.index) < NEARLY_ALL
        yield _of_sites(source, instants, by_start[not_excused], index)
    if near["off"].any():
        yield _of_rows(starts, near[near["off"] != 0], index)
    yield _before_first(starts, told, index)


def _near(told: pd.DataFrame, starts: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Return what is told within a day of a dose, by how many hours that is ``off`` (above 0: later), and its row."""
    from_start, from_end = gaps(told, starts), gaps(told, ends)["hours"].mask(told["column"] == FIRST)
    met = (from_start["hours"].abs() <= SAME_HOURS) | (from_end.abs() <= SAME_HOURS)
    row = pd.Series(starts.index.to_numpy()[from_start["place"]], told.index)
    compared = told.assign(off=(-from_start["hours"]).mask(met, 0), row=row)
    return compared[compared["off"].abs() <= ANOTHER_DOSE_HOURS]


def _of_sites(source: Source, starts: pd.DataFrame, told: pd.DataFrame, index: pd.Index) -> Testimony:
    """Doubt all doses of a site where they are off alike, whichever of its subjects have witnesses."""
    sites = dict(source.setting.sites)
    site = told["USUBJID"].map(sites)
    several = told["USUBJID"].groupby(site).transform("nunique") > 1
    shift = shifts(told["off"], site.where(several), over=SAME_HOURS, fewest=2)
    by_site = dict(zip(site[shift.notna()], shift.dropna(), strict=True))
    theirs = starts["USUBJID"].map(sites)
    off = theirs.map(by_site).astype("float64").dropna()
    names = told.groupby(site)["column"].unique().map(" and ".join)
    reasons = {one: f"{names[one]} ({_at_site(source, one, by, starts)})" for one, by in by_site.items()}
    moved = starts.loc[off.index, _SPAN].sub(durations(off), axis=0)
    return testimony(index, starts.index[theirs.isin(site)], theirs[off.index].map(reasons), moved)


def _at_site(source: Source, site: str, by: float, starts: pd.DataFrame) -> str:
    """Say how far all doses of a site are off, and whether that is as if they were told in UTC."""
    zone = source.setting.protocol.sites[site]
    offset = starts["earliest"].iloc[0].astimezone(ZoneInfo(zone)).utcoffset()
    utc = offset is not None and abs(by + offset.total_seconds() / 3600) <= ALIKE
    return f"{apart(by)} at site {site}, on every subject{': told in UTC?' if utc else ''}"


def _of_rows(starts: pd.DataFrame, off: pd.DataFrame, index: pd.Index) -> Testimony:
    by_row = off.groupby("row")
    names = by_row["column"].unique().map(" and ".join)
    sizes = by_row["off"].first().map(apart)
    against = pd.Series([f"{a} ({b})" for a, b in zip(names, sizes, strict=True)], names.index, dtype="str")
    return testimony(
        index, pd.Index(off["row"].unique()), against, by_row.agg({"earliest": "min", "latest": "max"})
    )


def _before_first(starts: pd.DataFrame, told: pd.DataFrame, index: pd.Index) -> Testimony:
    """Doubt doses before the first exposure: nobody knows when they were instead."""
    firsts = told[told["column"] == FIRST].groupby("USUBJID")["earliest"].min()
    first = firsts.reindex(starts["USUBJID"]).set_axis(starts.index)
    hours = (starts["latest"] - first).dt.total_seconds() / 3600
    early = hours[hours < -SAME_HOURS]
    against = pd.Series([f"{FIRST} ({apart(by)})" for by in early], early.index, dtype="str")
    speaks = starts.index[starts["USUBJID"].isin(told["USUBJID"])]
    return testimony(index, speaks, against, starts.loc[early.index, _SPAN])


def _undelivered(
    source: Source, spans: pd.DataFrame, ends: pd.DataFrame, given: "pd.Series[bool]"
) -> pd.DataFrame:
    """Return doses that are told elsewhere and that no row of EX has: the table ``ADMINISTRATIONS``, none trusted.

    A row of another drug, or of a dose not given, is one that EX has. After the last dose one may have begun as long
    before RFXENDTC as an administration lasts.
    """
    told = source.setting.dose_times.told
    missing = told[_is_another(told, spans.loc[spans["placed"] & given], ends, source)] if len(told) else told
    if not len(missing):
        return ADMINISTRATIONS.empty()
    other = parse_stamps(source.text("EXSTDTC").where(~given & source.enrolled), source.zones)
    missing = missing[_is_another(missing, other[other["problem"].isna()], ends.iloc[:0], source)]
    longest = pd.Timedelta(hours=source.setting.protocol.max_administration_hours)
    earliest = missing["earliest"].mask(missing["column"] == LAST, missing["earliest"] - longest)
    unknown = pd.Series(pd.NaT, missing.index, dtype="datetime64[s, UTC]")
    rows = missing.assign(
        earliest=earliest, EXSEQ=missing["column"], ends_earliest=unknown, ends_latest=unknown
    )
    rows = rows.assign(link=pd.Series(pd.NA, missing.index, dtype="str"), trusted=False)
    return ADMINISTRATIONS.conform(rows.drop_duplicates(["USUBJID", *_SPAN]))


def _is_another(
    told: pd.DataFrame, starts: pd.DataFrame, ends: pd.DataFrame, source: Source
) -> "pd.Series[bool]":
    """Return which times told are of none of some doses: further from all, or after the last has surely ended."""
    starts = starts[_SPAN].assign(USUBJID=source.subject)
    hours = gaps(told, starts)["hours"]
    longest = pd.Timedelta(hours=source.setting.protocol.max_administration_hours)
    reach = ends["latest"].reindex(starts.index).fillna(starts["latest"] + longest)
    last = reach.groupby(starts["USUBJID"]).max().reindex(told["USUBJID"]).set_axis(told.index)
    after = ~((told["earliest"] - last).dt.total_seconds() / 3600 <= SAME_HOURS)
    is_last = told["column"] == LAST
    return (after & is_last) | (~is_last & ~(hours.abs() <= ANOTHER_DOSE_HOURS))
