"""Witnesses of when a row was: its reference time and what had elapsed since, and its study day.

SDTM tells a time more than once (--DTC; --RFTDTC and --ELTM or --TPT; --DY). Where they contradict each other neither
is believed: the row may be of its own time, or of any that its witnesses tell.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from checks.instants import parse_stamps
from checks.numbers import read_numbers
from checks.protocol import StudyProtocol
from checks.validation.catalogue.check import OF_EVENTS
from checks.validation.collected_results import Results
from checks.validation.dose_times import names_dose, reference_spans
from checks.validation.planned_order import compare_order
from checks.validation.raw import Columns, Shown, Source, state, time_of
from checks.validation.states import AGREES
from checks.validation.testimony import Testimony, apart, testimony
from checks.validation.time_gaps import ALIKE, NEARLY_ALL, durations, gaps, shifts

SAME_HOURS: Final = 0.5
"""Times of one act that two people charted, half an hour apart at most: rounded, or of its preparation and start."""

CHARTED_HOURS: Final = 1.0
"""What is charted by hand is charted within the hour: a row known before it was may be of that hour."""

PLANNED_HOURS: Final = 1.0
PLANNED_SHARE: Final = 0.25
"""What elapsed is planned (SDTM: --ELTM, --TPT): measured within an hour, or a quarter of it, is as planned."""

BEFORE_DOSE_HOURS: Final = 12.0
"""What is planned before the dose may be measured at any time of that half day."""

FEWEST: Final = 4
"""So few rows of a subject, each within what is planned, can be late by one amount without a clock being wrong."""

LONGEST_HOURS: Final = 50 * 365 * 24
"""Fifty years: no trial is longer, and what is told to be is no time."""

_DURATION: Final = (
    r"^(?P<sign>[+-]?)P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:\d+(?:\.\d+)?S)?)?$"
)
_HOURS: Final[Mapping[str, float]] = {"weeks": 168, "days": 24, "hours": 1, "minutes": 1 / 60}

_SPAN: Final = ["earliest", "latest"]

_LOCAL: Final = r"\d{4}-\d\d-\d\d(?:T[\d:.]*)?"
"""A date, without an offset: the local day is the one that is written."""

_TIME_POINT: Final = (
    r"(?<!\d)(?P<amount>\d++(?:\.\d++)?+)\s*+-?\s*+"
    r"(?:(?P<hours>H(?:OU)?R?S?)|(?P<minutes>M(?:IN(?:UTE)?S?)?))\b"
)
_HOURS_ALONE: Final = (
    r"^(?:T?\s*+\+?\s*+(?P<before>\d+(?:\.\d+)?)\s*+-?\s*+H(?:OU)?R?S?"
    r"|H(?:OU)?R?\s*\+?(?P<after>\d+(?:\.\d+)?))$"
)
_BEFORE: Final = r"\bPRE|\bBEFORE\b|\bPRIOR\b"
_AFTER: Final = r"\bPOST|\bAFTER\b"


def judge_rows(source: Source, spans: pd.DataFrame, among: "pd.Series[bool]") -> tuple[pd.DataFrame, Columns]:
    """Return the spans of rows, widened where a witness in the row contradicts them, and the judged column."""
    return doubt(source, spans, compare_rows(source, spans, among))


def tells_once(source: Source) -> bool:
    """Whether nothing delivered tells the hours of a feed again: a shifted clock would not be seen there."""
    if source.domain == "EX":
        return source.setting.dose_times.told.empty
    return source.domain in OF_EVENTS and not _tells_elapsed(source)


def compare_rows(source: Source, spans: pd.DataFrame, among: "pd.Series[bool]") -> list[Testimony]:
    """Return what the witnesses in each row say of its time."""
    placed = spans["placed"] & among
    kinds = (_elapsed, _study_days, compare_order, _known)
    return [one for kind in kinds for one in kind(source, spans, placed)]


def doubt(
    source: Source, spans: pd.DataFrame, testimonies: Iterable[Testimony]
) -> tuple[pd.DataFrame, Columns]:
    """Return the spans, widened by what contradicts them, and the judged column: which rows that are, and why.

    A witness that does not speak of a row has no say in whether others agree.
    """
    told, column = list(testimonies), f"{time_of(source.domain)}_witness"
    spoken = pd.Series(False, spans.index)
    for one in told:
        spoken |= one.speaks
    contradict = [one for one in told if one.against.notna().any()]
    if not contradict:
        return spans, {column: state({}, AGREES, spoken)}
    against = pd.Series(AGREES, spans.index, dtype="str").where(spoken)
    earliest, latest = spans["earliest"], spans["latest"]
    for one in reversed(contradict):
        against = against.mask(one.against.notna(), one.against)
        earliest = earliest.mask(one.earliest < earliest, one.earliest)
        latest = latest.mask(one.latest > latest, one.latest)
    return spans.assign(earliest=earliest, latest=latest), {column: against.astype("category")}


def shown_result(source: Source, read: Results, values: "pd.Series[bool]") -> Shown:
    """Show of a contradicted result its time, or where ``values`` holds its value as it is standardised."""
    time = time_of(source.domain)
    column = pd.Series(time, index=values.index, dtype="str").mask(values, read.column)
    return Shown(column, source.text(time).mask(values, read.value))


# --- What had elapsed since a reference ------------------------------------------------------------------


def _elapsed(source: Source, spans: pd.DataFrame, placed: "pd.Series[bool]") -> Iterator[Testimony]:
    counted = _counted(source, spans[_SPAN], placed)
    if len(counted):
        yield _of_elapsed(source, counted, spans.index)


def _tells_elapsed(source: Source) -> bool:
    """Whether what elapsed since a dose is told on some row, and of which dose it is can be said."""
    domain, treatments = source.domain, source.setting.protocol.treatment.names
    if not source.fills((f"{domain}ELTM", f"{domain}TPT")):
        return False
    named = (source.text(f"{domain}{name}").drop_duplicates() for name in ("TPTREF", "TPT"))
    if source.fills((f"{domain}RFTDTC",)) or any(names_dose(one, treatments).any() for one in named):
        return True
    own = parse_stamps(source.text(time_of(domain)), source.zones)
    return len(_counted(source, own[_SPAN], own["problem"].isna())) > 0


def _counted(source: Source, own: pd.DataFrame, placed: "pd.Series[bool]") -> pd.DataFrame:
    """Return the rows that tell what had elapsed: when they were by their own time, and since when it is counted."""
    domain = source.domain
    if not (source.has(f"{domain}ELTM") or source.has(f"{domain}TPT")):
        return own.iloc[:0]
    points = _since_dose(source.text(f"{domain}TPT"), source.text(f"{domain}TPTREF"), source.setting.protocol)
    hours = elapsed_hours(source.text(f"{domain}ELTM"), points)
    return _counted_from(source, own, hours, placed & hours.notna())


def _since_dose(
    points: "pd.Series[str]", references: "pd.Series[str]", protocol: StudyProtocol
) -> "pd.Series[str]":
    """Return time points, those of hours alone ("6H", "Hour 6", "T+6 h") as after a dose: --TPTREF names no other."""
    hours = _each(points, _of_hours_alone)
    bare = hours.notna() & (references.isna() | names_dose(references, protocol.treatment.names))
    return points.mask(bare, hours[bare].astype("str") + "H POST-DOSE")


def elapsed_hours(durations: "pd.Series[str]", points: "pd.Series[str]") -> "pd.Series[float]":
    """Return the hours since a reference: of ISO 8601 durations, else of time points in words ("4H POST-DOSE").

    Missing where neither says hours: "PREDOSE", "AFTER LYING DOWN FOR 5 MINUTES".
    """
    told = _each(durations, _of_durations)
    told = told.fillna(_each(points, _of_words))
    return told.where(told.abs() <= LONGEST_HOURS)


def _each(
    texts: "pd.Series[str]", read: "Callable[[pd.Series[str]], pd.Series[float]]"
) -> "pd.Series[float]":
    """Read each text that occurs once."""
    unique = pd.Series(texts.dropna().unique(), dtype="str")
    return texts.map(dict(zip(unique, read(unique.str.upper()), strict=True))).astype("float64")


def _of_durations(texts: "pd.Series[str]") -> "pd.Series[float]":
    parts = texts.str.extract(_DURATION)
    amounts = parts[list(_HOURS)].astype("float64").fillna(0) @ pd.Series(_HOURS)
    return (amounts * np.where(parts["sign"] == "-", -1, 1)).where(parts["sign"].notna())


def _of_hours_alone(texts: "pd.Series[str]") -> "pd.Series[float]":
    parts = texts.str.extract(_HOURS_ALONE)
    return pd.to_numeric(parts["before"].fillna(parts["after"]))


def _of_words(texts: "pd.Series[str]") -> "pd.Series[float]":
    parts = texts.str.extract(_TIME_POINT)
    before, after = (texts.str.contains(words, regex=True) for words in (_BEFORE, _AFTER))
    hours: pd.Series[float] = pd.to_numeric(parts["amount"]) / np.where(parts["minutes"].isna(), 1, 60)
    return hours.where(~before, -hours).where((before | after) & names_dose(texts, ()))


def _counted_from(
    source: Source, own: pd.DataFrame, hours: "pd.Series[float]", rows: "pd.Series[bool]"
) -> pd.DataFrame:
    """Return when rows were by their own time and what they count from: --RFTDTC, or where a dose is, the nearest."""
    domain, setting = source.domain, source.setting
    reference = reference_spans(source.text(f"{domain}RFTDTC").where(rows), source.zones)
    counted = own.assign(
        USUBJID=source.subject, hours=hours, since=reference["earliest"], until=reference["latest"]
    )
    point, words = source.text(f"{domain}TPTREF"), source.text(f"{domain}TPT")
    from_dose = names_dose(point.fillna(words), setting.protocol.treatment.names)
    from_dose |= point.isna() & counted["since"].notna()
    # a reference without its time is of some dose of that day
    untimed = rows & (counted["since"].isna() | (counted["since"] < counted["until"]))
    for lacks, said in ((untimed & from_dose, True), (untimed & point.isna() & ~from_dose, False)):
        nearest = _nearest(counted[lacks], setting.dose_times.given)
        if len(nearest) and (said or _is_schedule(nearest)):
            counted.loc[nearest.index, ["since", "until"]] = nearest[["since", "until"]].to_numpy()
    return counted[rows & counted["since"].notna()]


def _nearest(counted: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of subjects with doses as counted from the dose that is nearest to what they tell."""
    if not len(counted) or not len(given):
        return counted.iloc[:0]
    less = durations(counted["hours"])
    begun = counted.assign(**{name: counted[name] - less for name in _SPAN})
    found = gaps(begun, given)
    nearest = given[_SPAN].iloc[found["place"]].set_axis(counted.index)
    nearest = nearest.where(found["hours"] != 0, begun[_SPAN])
    return counted.assign(since=nearest["earliest"], until=nearest["latest"])[found["hours"].notna()]


def _is_schedule(nearest: pd.DataFrame) -> bool:
    """Whether hours since nobody says what are since doses: of half of the subjects nearly all rows are as planned.

    Hours too near one another would fit any dose of the day.
    """
    elapsed = durations(nearest["hours"])
    told = pd.DataFrame({"earliest": nearest["since"] + elapsed, "latest": nearest["until"] + elapsed})
    planned = ~_not_as_planned(hours_off(nearest, told), nearest["hours"])
    by_subject = nearest.assign(planned=planned).groupby("USUBJID")
    spread = by_subject["hours"].agg(lambda hours: hours.max() - hours.min())
    return bool(((by_subject["planned"].mean() >= NEARLY_ALL) & (spread > 2 * PLANNED_HOURS)).mean() >= 0.5)


def _of_elapsed(source: Source, counted: pd.DataFrame, index: pd.Index) -> Testimony:
    elapsed = durations(counted["hours"])
    told = pd.DataFrame({"earliest": counted["since"] + elapsed, "latest": counted["until"] + elapsed})
    off = hours_off(counted, told)
    after = off.where(counted["hours"] > 0)
    shift = shifts(after, counted["USUBJID"], over=PLANNED_HOURS - ALIKE, fewest=FEWEST)
    shift = shift.groupby(counted["USUBJID"]).transform("max")  # of the rows before the dose as well
    where = at_sites(shift, counted["USUBJID"], source.setting.sites)
    late = _not_as_planned(off, counted["hours"])
    size = shift.fillna(off.where(late)).dropna()
    names = _names(source, counted.loc[size.index])
    against = [
        f"{name} ({apart(by)}{place})" for name, by, place in zip(names, size, where[size.index], strict=True)
    ]
    return testimony(index, counted.index, pd.Series(against, size.index, dtype="str"), told)


def hours_off(own: pd.DataFrame, told: pd.DataFrame) -> "pd.Series[float]":
    """Return how many hours spans lie after others, below 0 before them; 0 where they can meet."""
    ahead = (own["earliest"] - told["latest"]).dt.total_seconds() / 3600
    behind = (told["earliest"] - own["latest"]).dt.total_seconds() / 3600
    return ahead.clip(lower=0) - behind.clip(lower=0)


def _not_as_planned(off: "pd.Series[float]", hours: "pd.Series[float]") -> "pd.Series[bool]":
    allowed = (hours * PLANNED_SHARE).clip(lower=PLANNED_HOURS)
    early = allowed.mask(hours <= 0, BEFORE_DOSE_HOURS)
    return (off > allowed) | (off < -early)


def at_sites(
    shift: "pd.Series[float]", subjects: "pd.Series[str]", sites: Mapping[str, str]
) -> "pd.Series[str]":
    """Say at which site each row is, where all subjects of that site are off alike; else nothing."""
    if not shift.notna().any():
        return pd.Series("", subjects.index, dtype="str")
    each = pd.DataFrame({"subject": subjects, "off": shift.fillna(0)}).drop_duplicates("subject")
    site = each["subject"].map(dict(sites))
    alike = dict(zip(each["subject"], shifts(each["off"], site, over=0, fewest=2), strict=True))
    names = " at site " + subjects.map(dict(sites)).astype("str")
    return names.where(subjects.map(alike).notna(), "")


def _names(source: Source, counted: pd.DataFrame) -> list[str]:
    """Name the two columns that tell when each row was: --RFTDTC, or EX, and --ELTM, or --TPT."""
    domain, rows = source.domain, counted.index
    since = source.text(f"{domain}RFTDTC")[rows].notna().map({True: f"{domain}RFTDTC", False: "EX"})
    elapsed = source.text(f"{domain}ELTM")[rows].notna().map({True: f"{domain}ELTM", False: f"{domain}TPT"})
    return [f"{one} and {other}" for one, other in zip(since, elapsed, strict=True)]


def contradicted(judged: "pd.Series[Any]") -> "pd.Series[bool]":
    """Return the rows of a judged column that a witness contradicts."""
    return judged.notna() & (judged != AGREES)


# --- The study day ---------------------------------------------------------------------------------------


def _study_days(source: Source, spans: pd.DataFrame, placed: "pd.Series[bool]") -> Iterator[Testimony]:
    time = time_of(source.domain)
    column, first_dates = time.replace("DTC", "DY"), source.setting.dose_times.first_dates
    if not (source.has(column) and first_dates):
        return
    stamps, day = source.text(time), read_numbers(source.text(column))
    rows = placed & (day.abs() * 24 <= LONGEST_HOURS) & (day != 0) & source.subject.isin(list(first_dates))
    rows &= stamps.str.fullmatch(_LOCAL).fillna(value=False).astype("bool")
    if not rows.any():
        return
    first = source.subject[rows].map(dict(first_dates))
    dates = pd.to_datetime(stamps[rows].str[:10], errors="coerce") - pd.to_datetime(first, errors="coerce")
    days = dates.dt.days - day[rows] + (day[rows] > 0)
    off = (days - _counted_from_zero(days)).fillna(0)
    off = off[off != 0]
    told = spans.loc[off.index, ["earliest", "latest"]].sub(durations(24 * off), axis=0)
    against = pd.Series([f"{column} ({apart(24 * by)})" for by in off], off.index, dtype="str")
    yield testimony(spans.index, rows.index[rows], against, told)


def _counted_from_zero(days: "pd.Series[float]") -> float:
    """Return by how many days all study days of a feed are off: one where it has a day 0, which SDTM has not."""
    usual = days.median()
    return usual if abs(usual) == 1 and (days == usual).mean() >= NEARLY_ALL else 0.0


# --- When the row became known ---------------------------------------------------------------------------


def _known(source: Source, spans: pd.DataFrame, placed: "pd.Series[bool]") -> Iterator[Testimony]:
    """Doubt what was known before it was, where nearly all rows of a site were: a clock there is of another zone.

    A row here and there is charted ahead, or under the hour that it was planned for.
    """
    known, column = source.known, source.known_at
    if known is None:
        return
    asked = placed & known["problem"].isna()
    early = asked & (spans["earliest"] - known["latest"] > pd.Timedelta(hours=SAME_HOURS))
    if int(early.sum()) < FEWEST:  # of no site can nearly all be
        return
    off = hours_off(spans[asked], known[asked])
    site = source.subject[off.index].map(dict(source.setting.sites))
    ahead = (off > SAME_HOURS).astype("float64").groupby(site)
    nearly_all = (ahead.transform("mean") >= NEARLY_ALL) & (ahead.transform("size") >= FEWEST)
    typical = off.groupby(site).transform("median")[nearly_all & (off > SAME_HOURS)]
    told = known.loc[typical.index].assign(earliest=known["earliest"] - pd.Timedelta(hours=CHARTED_HOURS))
    against = [
        f"{column} ({apart(by)} at site {one})" for by, one in zip(typical, site[typical.index], strict=True)
    ]
    yield testimony(spans.index, off.index, pd.Series(against, typical.index, dtype="str"), told)
