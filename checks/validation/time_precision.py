"""How exactly the times of a column are known, judged by the clocks that its stamps show.

A clock time that nobody read from a clock is a date: 00:00, 12:00 or 23:59 on every row of a column (or of a site, or
of a file), a midnight of one zone told in another. Such rows span their day at the site, as a date would, so that
the instant written is still among those that they may mean. Among real times a row at 00:00 or 23:59 is in doubt: an
event always; a dose or a result where such clocks are more than the other hours of the day explain, as an hourly
chart has one in 24 at 00:00, and a drug twice a day as many there as at 12:00. What the protocol says of a feed
(``time_precision``) holds instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import poisson

from checks.instants import parse_stamps
from checks.protocol.feeds import Precision
from checks.validation.clocks import (
    DAY,
    HOUR,
    LAST_MINUTE,
    NOON,
    Clocks,
    Flags,
    Numbers,
    Rows,
    Use,
    clock_in,
)

FEWEST: Final = 5
"""So many stamps, each on the hour, are all of one hour by chance in one of 24 ** 4 = 331,776 columns."""

FEWEST_DAYS: Final = 3
"""Three days of subjects are all of one given hour by chance in one of 24 ** 2 = 576 columns that begin with it."""

FEWEST_WHOLE_HOURS: Final = 7
"""Seven events are all told in whole hours by chance in one of 128 columns, were every other time told so."""

LEVEL: Final = 0.01
"""Of the exact Poisson tail beyond which midnights are too many (a conventional level of one in a hundred)."""

DAYTIME: Final = (6 * HOUR, 18 * HOUR)
"""Local hours of every day's dosing and charting: one clock on all rows is then a habit, and no default."""

EVENING: Final = 22 * HOUR
"""Local hour by which the last dose of a day is given where nothing else speaks against one clock on all rows."""

NIGHT: Final = (4 * HOUR, 20 * HOUR)
"""A clock before or after these local hours shows that doses are given by night."""

SOON: Final = (pd.Timedelta(minutes=5), pd.Timedelta(hours=2))
"""What ends so soon, by another clock, has a start that was read from one too; a sooner end is filled in as well."""

UTC_MIDNIGHT: Final = "midnight in UTC"
UTC_MIDNIGHTS: Final = (
    "midnight in UTC on every row, whatever the clocks of the sites say: a date, not a time"
)
DATES: Final = "at {clock} on every row{where}: a date, not a time"
OF_SUBJECT: Final = " of a subject"
AMONG_TIMES: Final = "at {clock} among real times: more likely a date than a time"
WHOLE_HOURS: Final = "told in whole hours on every row: known to the hour alone"
STATED: Final = "known to the {precision} alone, as the protocol says (`time_precision`)"

SOME: Final = 1000
"""Of a long column so many rows show that it has the clocks of a day, before all are asked."""

OTHER_ZONES: Final = (
    "UTC",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Paris",
    "Europe/Athens",
    "Australia/Sydney",
)
"""Places with daylight saving, one of each rule: without it the midnights of a place are of one clock in UTC."""


def read_times(
    stamps: "pd.Series[str]",
    rows: Rows,
    use: Use,
    stated: Precision | None = None,
    ends: "pd.Series[str] | None" = None,
) -> pd.DataFrame:
    """Turn the stamps of one column into spans, as ``parse_stamps`` does, no narrower than they are known.

    Parameters
    ----------
    stamps
        Text, one stamp a row; blank or missing where there is none.
    rows
        With the rows of ``stamps``.
    use
        What the column dates: what counts as a default clock depends on it.
    stated
        What the protocol says of the precision of the column, if anything.
    ends
        The stamps at which what the rows tell of ended: what ends soon by another clock began by one.

    Returns
    -------
    pandas.DataFrame
        That of ``parse_stamps``; ``note`` says why a row is less certain than it is written.
    """
    spans = parse_stamps(stamps, rows.zones)
    timed = spans["timed"].to_numpy(bool)
    if stated == "minute" or not timed.any():
        return spans
    clocks = Clocks.of(stamps, spans, rows)
    if stated is not None:
        return _as_stated(spans, rows, clocks, stated)
    found = _Judged.nothing(len(spans), _ended_soon(spans, ends, rows.zones))
    parts = list(_parts(rows, timed))
    for part, where in parts:
        _judge_whole(found, clocks, part, use, where)
    if use == "result":
        for part in _of_one_clock(clocks, parts[0][0]):
            _judge_whole(found, clocks, part, use, OF_SUBJECT)
    for part, _ in parts:
        _judge_mixed(found, clocks, part, use)
    if use == "dose":
        _judge_doses(found, clocks, parts[0][0])
    judged = _with_days(spans, rows.zones, found)
    return _with_hours(judged, clocks, timed & pd.isna(found.notes)) if use == "event" else judged


@dataclass(frozen=True, slots=True)
class _Judged:
    """For each row the date that it is, as text, and why; None where it is a time; which were ``read``."""

    dates: npt.NDArray[np.object_]
    notes: npt.NDArray[np.object_]
    read: Flags

    @classmethod
    def nothing(cls, rows: int, read: Flags | None = None) -> "_Judged":
        """Return rows of which none is a date."""
        dates, notes = np.full(rows, None, dtype=object), np.full(rows, None, dtype=object)
        return cls(dates, notes, np.zeros(rows, bool) if read is None else read)

    def take(self, places: Numbers, dates: npt.NDArray[np.object_], note: str) -> None:
        """Take the rows at some places for dates, where they are none already."""
        free = pd.isna(self.notes[places])
        self.dates[places[free]] = dates[free]
        self.notes[places[free]] = note


def _parts(rows: Rows, timed: Flags) -> Iterator[tuple[Numbers, str]]:
    """Yield the places of all rows with a clock, then of each site's and file's, if several; and words for them."""
    yield np.flatnonzero(timed), ""
    for codes, words in rows.groups:
        told = np.unique(codes[timed & (codes >= 0)])
        if len(told) > 1:
            yield from ((np.flatnonzero(timed & (codes == code)), words[code]) for code in told)


def _ended_soon(starts: pd.DataFrame, stamps: "pd.Series[str] | None", zones: "pd.Series[str]") -> Flags:
    """Whether rows ended so soon after they began that both were read from a clock: 12:30 after 12:00.

    A time that was filled in at both is the same, or a day or its last minute later.
    """
    if stamps is None:
        return np.zeros(len(starts), bool)
    ends = parse_stamps(stamps, zones)
    lasts = ends["earliest"] - starts["earliest"]
    return np.asarray(lasts.between(*SOON) & ends["timed"] & (ends["clock"] != 0), bool)


def _judge_whole(found: _Judged, clocks: Clocks, part: Numbers, use: Use, where: str) -> None:
    """Take the rows of a part for dates where all of them show one default clock, and not all were read from one."""
    if found.read[part].all():
        return
    few = FEWEST_DAYS if use == "result" else 2 if where else 1
    for clock, default in _defaults(clocks).items():
        fewest = (2 if use == "event" else FEWEST_DAYS) if clock == "12:00" else few
        if clock == UTC_MIDNIGHT and use == "event":
            fewest = FEWEST
        if not default[part[0]] or not default[part].all() or clocks.evidence(part, use) < fewest:
            continue
        if use == "event" or not _is_habit(clocks, part, alone=not where):
            dates = clocks.dates_in("UTC", part) if clock == UTC_MIDNIGHT else clocks.local_dates(part)
            note = (
                UTC_MIDNIGHTS
                if clock == UTC_MIDNIGHT and not where
                else DATES.format(clock=clock, where=where)
            )
            found.take(part, dates, note)
            return
    if len(part) >= FEWEST and len(np.unique(clocks.local[part[:SOME]])) <= len(OTHER_ZONES):
        _judge_zones(found, clocks, part, use, where)


def _defaults(clocks: Clocks) -> dict[str, Flags]:
    """Return which rows stand at each default clock."""
    return {
        "00:00": clocks.written == 0,
        "00:00 of the site": clocks.local == 0,
        "23:59": clocks.written >= LAST_MINUTE,
        "12:00": clocks.written == NOON,
        UTC_MIDNIGHT: clocks.zoned & (clocks.utc == 0) & clocks.rows.enrolled,
    }


def _is_habit(clocks: Clocks, part: Numbers, *, alone: bool) -> bool:
    """Whether stamps with offsets all show one clock of the day at the sites: 00:00 in UTC is 09:00 in Tokyo.

    In the evening only where all rows do (``alone``): no other site or file shows that it is done by day.
    """
    local = clocks.clocks_at_sites(part)
    ends = EVENING if alone else DAYTIME[1]
    return bool(clocks.zoned[part].all() and len(local) == 1 and DAYTIME[0] <= local[0] < ends)


def _judge_zones(found: _Judged, clocks: Clocks, part: Numbers, use: Use, where: str) -> None:
    """Take the rows of a part for dates where they are midnights of one zone told in another.

    At the sites they are then different times of day, by daylight saving or by zone: what is done at one hour of the
    day, whichever, is not done at two. Events are not all of one hour even where it is one.
    """
    local = clocks.clocks_at_sites(part)
    one_clock = len(local) == 1
    if not len(local) or (one_clock and (use != "event" or clocks.days(part) < FEWEST)):
        return
    dates, note = None, DATES.format(clock="midnight of one zone", where=where)
    if not clocks.utc[part].any():
        dates, note = clocks.dates_in("UTC", part), UTC_MIDNIGHTS
    elif one_clock:
        clock = f"{local[0] // HOUR:02}:{local[0] % HOUR // 60:02}"
        dates, note = clocks.local_dates(part), DATES.format(clock=clock, where=where)
    elif clocks.zoned[part].all():
        dates = _dates_elsewhere(clocks, part)
    if dates is not None:
        found.take(part, dates, note)


def _dates_elsewhere(clocks: Clocks, part: Numbers) -> npt.NDArray[np.object_] | None:
    """Return the dates of rows in the zone of which all are midnights, None where there is none.

    Midnight in a zone without daylight saving is one clock in UTC: of the day before where it is ahead.
    """
    instants = clocks.instants.iloc[part]
    if len(np.unique(clocks.utc[part])) == 1:
        ahead = pd.Timedelta(days=int(clocks.utc[part[0]] > NOON))
        return (instants + ahead).dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
    zone = next((one for one in OTHER_ZONES if not clock_in(instants, one).any()), None)
    return None if zone is None else clocks.dates_in(zone, part)


def _judge_mixed(found: _Judged, clocks: Clocks, part: Numbers, use: Use) -> None:
    """Take the rows at a default clock for dates where the others of their part are real times."""
    local, written = clocks.local[part], clocks.written[part]
    by_night = (local < DAYTIME[0]) | (local >= EVENING)
    in_utc = clocks.zoned[part] & (clocks.utc[part] == 0) & by_night
    for clock, default in (
        ("00:00", (local == 0) | ((written == 0) & (use == "event"))),
        ("23:59", local >= LAST_MINUTE),
        ("12:00", (local == NOON) & (use != "dose")),
        (UTC_MIDNIGHT, in_utc & (use == "event")),
    ):
        here = part[default & ~found.read[part]]
        always = use == "event" and clock != "12:00"
        if len(here) and (
            always or _too_many(local, clocks.local[here]) or _too_many_again(clocks, part, here)
        ):
            dates = clocks.dates_in("UTC", here) if clock == UTC_MIDNIGHT else clocks.local_dates(here)
            found.take(here, dates, AMONG_TIMES.format(clock=clock))


def _judge_doses(found: _Judged, clocks: Clocks, timed: Numbers) -> None:
    """Take doses at a default clock for dates where nothing else is given by night.

    They are real where others are at other hours of the night, of the same subject within a day, or of a schedule to
    which midnight belongs.
    """
    for clock, default in _defaults(clocks).items():
        here = timed[default[timed] & ~found.read[timed]]
        by_day = (clocks.local[here] >= DAYTIME[0]) & (clocks.local[here] < DAYTIME[1])
        here = here[~(clocks.zoned[here] & by_day)]
        others = timed[~default[timed] & pd.isna(found.notes[timed])]
        by_night = (clocks.local[others] < NIGHT[0]) | (clocks.local[others] >= NIGHT[1])
        if clock == "12:00" or not len(here) or not len(others) or by_night.any():
            continue
        if _on_schedule(clocks.local[here], clocks.local[others]):
            continue
        here = here[~_near_others(clocks, here, others)]
        dates = clocks.dates_in("UTC", here) if clock == UTC_MIDNIGHT else clocks.local_dates(here)
        found.take(here, dates, AMONG_TIMES.format(clock=clock))


def _on_schedule(midnights: Numbers, others: Numbers) -> bool:
    """Whether doses at 00:00 go with those of every twelve or eight hours: half as many at each other hour of it."""
    counts = np.bincount(others[others % HOUR == 0] // HOUR, minlength=24)
    beside = max(int(counts[12]), int(min(counts[8], counts[16])))
    return bool((midnights == 0).all() and 2 * beside >= len(midnights))


def _near_others(clocks: Clocks, here: Numbers, others: Numbers) -> Flags:
    """Whether some rows are of a subject who has another within a day."""
    instants = np.asarray(clocks.instants.astype("int64"), np.int64)
    return np.array(
        [
            (np.abs(instants[others[clocks.rows.subject[others] == subject]] - instants[row]) <= DAY).any()
            for row, subject in zip(here, clocks.rows.subject[here], strict=True)
        ],
        dtype=bool,
    )


def _of_one_clock(clocks: Clocks, timed: Numbers) -> Iterator[Numbers]:
    """Yield the rows of each subject all of whose rows stand at one default clock, several at least."""
    subject = clocks.rows.subject[timed]
    known = timed[subject >= 0]
    subject = subject[subject >= 0]
    every = np.bincount(subject)
    for default in _defaults(clocks).values():
        here = np.bincount(subject[default[known]], minlength=len(every))
        for code in np.flatnonzero((here == every) & (every >= FEWEST)):
            yield known[subject == code]


def _too_many(clocks: Numbers, at_default: Numbers) -> bool:
    """Whether a default clock is more frequent than the same minute of the busiest other hour explains.

    By the exact Poisson tail of its count at that hour's, and twice that many at least: among very many rows a small
    difference is certain and means nothing. Where no other hour has any, one in 24 is expected: the first stamp that
    is rounded to the hour.
    """
    minute = at_default[0] // 60 % 60
    counts = np.bincount(clocks[clocks // 60 % 60 == minute] // HOUR, minlength=24)
    counts[at_default[0] // HOUR] = 0
    expected = max(float(counts.max()), 1 / 24)
    return bool(len(at_default) >= 2 * expected and poisson.sf(len(at_default) - 1, expected) < LEVEL)


def _too_many_again(clocks: Clocks, part: Numbers, here: Numbers) -> bool:
    """Whether results of one test are told again at one stamp too often at a default clock: a day's, untimed.

    A ward that measures twice at once does so at other hours as well.
    """
    again = here[clocks.told_again(here)]
    return bool(len(again)) and _too_many(clocks.local[part[clocks.told_again(part)]], clocks.local[again])


def _with_days(spans: pd.DataFrame, zones: "pd.Series[str]", found: _Judged) -> pd.DataFrame:
    """Return the spans with the rows that are dates reaching over their days."""
    rows = np.flatnonzero(~pd.isna(found.notes))
    if not len(rows):
        return spans
    dates = pd.Series(found.dates[rows], index=spans.index[rows], dtype="str")
    days = parse_stamps(dates, zones.iloc[rows])
    notes = spans["note"].astype("object")
    notes.iloc[rows] = found.notes[rows]
    changed = spans.assign(note=notes.astype("category"))
    for name in ("earliest", "latest", "timed"):
        column = changed[name].copy()
        column.iloc[rows] = days[name].to_numpy()
        changed[name] = column
    return changed


def _with_hours(spans: pd.DataFrame, clocks: Clocks, among: Flags) -> pd.DataFrame:
    """Return the spans, events that are all told in whole hours reaching over their hour."""
    if (clocks.written[among] % HOUR).any() or clocks.days(np.flatnonzero(among)) < FEWEST_WHOLE_HOURS:
        return spans
    return _hours(spans, among, WHOLE_HOURS)


def _hours(spans: pd.DataFrame, among: Flags, note: str) -> pd.DataFrame:
    within = np.where(among, spans["clock"].to_numpy(np.int64) % HOUR, 0).astype("timedelta64[s]")
    rest = np.where(among, HOUR - 1, 0).astype("timedelta64[s]")
    earliest, latest = spans["earliest"] - within, spans["latest"] - within + rest
    notes = spans["note"].astype("object").mask(pd.Series(among, index=spans.index), note)
    return spans.assign(earliest=earliest, latest=latest, note=notes.astype("category"))


def _as_stated(spans: pd.DataFrame, rows: Rows, clocks: Clocks, stated: Precision) -> pd.DataFrame:
    """Return the spans as the protocol says that the column is known; a midnight keeps the date that it was."""
    timed = spans["timed"].to_numpy(bool)
    places, note = np.flatnonzero(timed), STATED.format(precision=stated)
    if stated == "hour":
        return _hours(spans, timed, note)
    found = _Judged.nothing(len(spans))
    _judge_whole(found, clocks, places, "event", "")
    found.take(places, clocks.local_dates(places), note)
    found.notes[places] = note
    return _with_days(spans, rows.zones, found)
