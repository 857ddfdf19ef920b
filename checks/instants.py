"""Instants: the span of UTC time that an SDTM stamp (ISO 8601, possibly partial) can mean at its site.

SDTM writes a date and time as ISO 8601 in the extended form, cut off on the right where it is not known
further ("2012-02"), with a hyphen for a part unknown in the middle ("2003---15"): SDTM Implementation Guide,
section 4.4. A stamp is never completed by an invented time: what it leaves open becomes a span. An offset in
the stamp wins; else the zone of the site holds. Clock changes follow PEP 495: a local time that happens twice
spans both instants, one that never happens spans what it would be under the offsets before and after.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.errors import UsageError

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2300
"""Years that a stamp may have: wide enough for data with dates shifted to protect the subjects."""

ALLOWED_FORM: Final = "YYYY-MM-DDThh:mm[:ss][Z or +hh:mm], cut off on the right where it is not known further"

BLANK: Final = "blank"
NOT_ISO: Final = "not ISO 8601"
NO_KNOWN_ZONE: Final = (
    "INT96 of Parquet, which carries no zone: some software writes UTC by it, some local time"
)
NO_DATE: Final = "no year, so no date"
NO_SUCH_DATE: Final = "no such date"
NO_SUCH_TIME: Final = "no such time of day"
NO_SUCH_OFFSET: Final = "no such offset from UTC"
YEAR_OUTSIDE: Final = f"year outside {FIRST_YEAR} to {LAST_YEAR}"
NO_ZONE: Final = "no time zone: the stamp has no offset and its site has no zone"

GAP: Final = "a local time that never happened: the clock was put forward over it"
OVERLAP: Final = "a local time that happened twice: the clock was put back over it"

_PATTERN: Final = (
    r"^(?P<year>[0-9]{4}|-)(?:-(?P<month>[0-9]{2}|-)(?:-(?P<day>[0-9]{2}|-)"
    r"(?:[T ](?P<hour>[0-9]{2}|-)(?::(?P<minute>[0-9]{2}|-)(?::(?P<second>[0-9]{2}|-)(?:[.,][0-9]+)?)?)?"
    r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<offset_hours>[0-9]{2})(?::?(?P<offset_minutes>[0-9]{2}))?)?)?)?)?$"
)
_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")
_DAY: Final = 3
_HOUR: Final = 4
_MINUTE: Final = 5
_TEMPLATE: Final = "0000-00-00T00:00:00"
_TEMPLATE_CODES: Final = np.array([[ord(letter)] for letter in _TEMPLATE], dtype=np.uint32)
_DIGIT_AT: Final = np.array([[letter == "0"] for letter in _TEMPLATE])
_POSITIONS: Final = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
_T_AT: Final = _TEMPLATE.index("T")
"""Where databases and RFC 3339 may write a blank instead: no other reading is possible."""

_USUAL_LENGTHS: Final = (10, 16, 19)
_LENGTHS_WITH_Z: Final = (17, 20)
_LARGEST_OFFSET_MINUTES: Final = 14 * 60
"""Kiribati keeps +14:00, the largest offset of the IANA database."""

Seconds = npt.NDArray[np.datetime64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]


def require_zoned(data_cutoff: datetime) -> None:
    """Require of a data cut-off that it has an offset from UTC; a UsageError otherwise."""
    if not isinstance(data_cutoff, datetime) or data_cutoff.tzinfo is None:
        raise UsageError(f"data cut-off {data_cutoff}; allowed: a time with an offset from UTC")


def parse_stamps(stamps: "pd.Series[str]", zones: "pd.Series[str] | str") -> pd.DataFrame:
    """Turn SDTM stamps into spans of UTC instants.

    Parameters
    ----------
    stamps
        Text, one stamp a row; blank or missing where there is none.
    zones
        The IANA time zone of each stamp's site (same index), or one zone for all of them.

    Returns
    -------
    pandas.DataFrame
        With the index of ``stamps``: ``earliest`` and ``latest`` (UTC, seconds; alike when the stamp is an
        instant, else ``latest`` is the last second of the span), ``timed`` (has an hour and a minute), ``clock``
        (the second of the day as written; -1 without a time), ``zoned`` (has an offset), ``problem`` (why there is
        no span; missing when there is one) and ``note`` (a clock change that makes the instant uncertain; missing
        otherwise).

    Raises
    ------
    UsageError
        When a zone is not in the IANA database.
    """
    stamp_codes, texts = pd.factorize(stamps)
    if isinstance(zones, str):
        zone_codes, names = np.zeros(len(stamps), dtype=np.int64), np.array([zones], dtype=object)
    else:
        zone_codes, uniques = pd.factorize(zones)
        names = np.asarray(uniques, dtype=object)
    # The code -1 is a missing stamp or zone; both become one more, last, value.
    width = len(names) + 1
    pairs = (stamp_codes.astype(np.int64) % (len(texts) + 1)) * width + zone_codes % width
    row_codes, unique_pairs = pd.factorize(pairs)
    stripped = pd.Series(texts, dtype="str").str.strip()
    unique_texts = np.append(np.asarray(stripped, dtype=object), "")[unique_pairs // width]
    unique_zones = np.append(names, "")[unique_pairs % width]
    parsed = _parse_unique(unique_texts, unique_zones)
    return parsed.take(row_codes).set_axis(stamps.index)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of stamps: one row each, year to second, -1 where a part is unknown."""

    numbers: Integers
    iso: Flags
    offset: Integers
    has_offset: Flags

    @property
    def depth(self) -> Integers:
        """Count the parts known from the left without a hole: 0 (not even the year) to 6 (the second)."""
        return np.asarray(np.cumprod(self.numbers >= 0, axis=1).sum(axis=1), dtype=np.int64)


def _parse_unique(texts: Objects, zones: Objects) -> pd.DataFrame:
    """Parse stamps that occur once for each zone."""
    parts = _read_parts(texts)
    problem = _problem(texts, parts, zones)
    depth = np.where(pd.isna(problem), parts.depth, 0)
    start, end = _local_span(parts.numbers, depth)
    earliest, latest, note = _to_utc(start, end, parts, zones, depth)
    return pd.DataFrame(
        {
            "earliest": pd.DatetimeIndex(earliest, tz="UTC"),
            "latest": pd.DatetimeIndex(latest, tz="UTC"),
            "timed": depth >= _MINUTE,
            "clock": _clock(parts.numbers, depth),
            "zoned": parts.has_offset,
            "problem": pd.Categorical(problem),
            "note": pd.Categorical(note),
        }
    )


def _clock(numbers: Integers, depth: Integers) -> npt.NDArray[np.int32]:
    """Return the second of the day that each stamp shows; -1 for one without a time."""
    _, _, _, hour, minute, second = numbers.T
    clock = (hour * 60 + minute) * 60 + np.maximum(second, 0)
    return np.where(depth >= _MINUTE, clock, -1).astype(np.int32)


def _read_parts(texts: Objects) -> _Parts:
    """Take stamps apart: the usual complete forms by position, the rest by the full grammar."""
    parts = _read_usual(texts)
    rest = ~parts.iso & (texts != "")
    if rest.any():
        other = _read_any(texts[rest])
        parts.numbers[rest], parts.iso[rest] = other.numbers, other.iso
        parts.offset[rest], parts.has_offset[rest] = other.offset, other.has_offset
    return parts


def _read_usual(texts: Objects) -> _Parts:
    """Read stamps of the forms YYYY-MM-DD, YYYY-MM-DDThh:mm and YYYY-MM-DDThh:mm:ss, the last two also with Z."""
    width = len(_TEMPLATE)
    # one row a letter: what is asked of all stamps lies side by side
    codes = texts.astype(f"U{width + 2}").view(np.uint32).reshape(len(texts), width + 2).T.copy()
    lengths = (codes != 0).sum(axis=0)
    last_letter = codes[np.maximum(lengths, 1) - 1, np.arange(len(texts))]
    utc = np.isin(lengths, _LENGTHS_WITH_Z) & (last_letter == ord("Z"))
    lengths = lengths - utc
    codes[_T_AT] = np.where(codes[_T_AT] == ord(" "), ord("T"), codes[_T_AT])
    values = codes.astype(np.int64) - ord("0")
    digit = (values >= 0) & (values <= 9)
    fits = np.where(_DIGIT_AT, digit[:width], codes[:width] == _TEMPLATE_CODES)
    usual = np.any([(lengths == length) & fits[:length].all(axis=0) for length in _USUAL_LENGTHS], axis=0)
    numbers = np.full((len(texts), len(_PARTS)), -1, dtype=np.int64)
    for part, (first, last) in enumerate(_POSITIONS):
        weights = 10 ** np.arange(last - first)[::-1]
        numbers[:, part] = np.where(usual & (lengths >= last), weights @ values[first:last], -1)
    return _Parts(numbers, usual, np.zeros(len(texts), dtype=np.int64), usual & utc)


def _read_any(texts: Objects) -> _Parts:
    parts = pd.Series(texts, dtype="str").str.extract(_PATTERN)
    columns = [_integers(parts[name], unknown=-1) for name in _PARTS]
    hours, minutes = (
        _integers(parts["offset_hours"], unknown=0),
        _integers(parts["offset_minutes"], unknown=0),
    )
    sign = np.where((parts["sign"] == "-").to_numpy(), -1, 1)
    # "+02:75" is no offset: the largest offset stands in for it, and is refused below.
    offset = np.where(minutes > 59, _LARGEST_OFFSET_MINUTES + 1, hours * 60 + minutes)
    return _Parts(
        np.column_stack(columns),
        parts["year"].notna().to_numpy(dtype=bool),
        sign * offset,
        (parts["sign"].notna() | parts["utc"].notna()).to_numpy(dtype=bool),
    )


def _integers(texts: "pd.Series[str]", *, unknown: int) -> Integers:
    """Read whole numbers; ``unknown`` where there is none."""
    return pd.to_numeric(texts, errors="coerce").fillna(unknown).to_numpy(dtype=np.int64)


def _problem(texts: Objects, parts: _Parts, zones: Objects) -> Objects:
    """Say of each stamp why it has no span; None when it has one."""
    year, month, day, hour, minute, second = parts.numbers.T
    conditions = {
        BLANK: texts == "",
        NO_KNOWN_ZONE: _ends_in_int96(texts, ~parts.iso),
        NOT_ISO: ~parts.iso,
        NO_DATE: year < 0,
        YEAR_OUTSIDE: (year < FIRST_YEAR) | (year > LAST_YEAR),
        NO_SUCH_DATE: (month == 0) | (month > 12) | (day == 0) | (day > _days(year, month)),
        NO_SUCH_TIME: (hour > 23) | (minute > 59) | (second > 59),
        NO_SUCH_OFFSET: np.abs(parts.offset) > _LARGEST_OFFSET_MINUTES,
        NO_ZONE: ~parts.has_offset & (zones == ""),
    }
    problem = np.full(len(texts), None, dtype=object)
    for reason, holds in conditions.items():
        problem[pd.isna(problem) & holds] = reason
    return problem


def _ends_in_int96(texts: Objects, among: Flags) -> Flags:
    found = np.zeros(len(texts), bool)
    found[among] = [text.endswith(" INT96") for text in texts[among]]
    return found


def _days(year: Integers, month: Integers) -> Integers:
    """Return the days of each month: 31 where the month is not known, 29 for February of an unknown year."""
    known = (month >= 1) & (month <= 12)
    first = _month(np.where(year >= 0, year, 2000), np.where(known, month, 1))
    days = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    return np.where(known, days, 31)


def _month(year: Integers, month: Integers) -> Seconds:
    """Return months as numpy counts them, from January 1970."""
    return ((year - 1970) * 12 + month - 1).astype("datetime64[M]")


def _local_span(numbers: Integers, depth: Integers) -> tuple[Seconds, Seconds]:
    """Return the first and the last local second that each stamp can mean; NaT where the depth is 0."""
    known = np.where(np.arange(len(_PARTS)) < depth[:, None], numbers, [1970, 1, 1, 0, 0, 0])
    month = _month(known[:, 0], known[:, 1])
    within = ((known[:, 2] - 1) * 24 + known[:, 3]) * 3600 + known[:, 4] * 60 + known[:, 5]
    start = month.astype("datetime64[s]") + within
    # A year (depth 1) begins in January and ends eleven months later. A stamp to the minute is an instant.
    month_end = (month + np.where(depth == 1, 12, 1)).astype("datetime64[s]") - 1
    length = np.select([depth == _DAY, depth == _HOUR], [86_399, 3_599], 0)
    end = np.where(depth < _DAY, month_end, start + length)
    nowhere = np.datetime64("NaT", "s")
    return np.where(depth > 0, start, nowhere), np.where(depth > 0, end, nowhere)


def _to_utc(
    start: Seconds, end: Seconds, parts: _Parts, zones: Objects, depth: Integers
) -> tuple[Seconds, Seconds, Objects]:
    """Move local spans to UTC, by the offset in the stamp or else the zone, noting clock changes."""
    shift = parts.offset * 60
    earliest, latest = start - shift, end - shift
    note = np.full(len(start), None, dtype=object)
    naive = ~parts.has_offset & (depth > 0)
    for name in pd.unique(zones[naive]):
        here = np.flatnonzero(naive & (zones == name))
        folds = _both_folds(np.concatenate([start[here], end[here]]), str(name))
        (first_before, last_before), (first_after, last_after) = (np.split(one, 2) for one in folds)
        # A local day begins and ends once, whatever its clock does meanwhile; hours and minutes may not.
        fine = depth[here] > _DAY
        earliest[here] = np.where(fine, np.minimum(first_before, first_after), first_before)
        latest[here] = np.maximum(last_before, last_after)
        note[here[fine & (first_after > first_before)]] = OVERLAP
        note[here[fine & (first_after < first_before)]] = GAP
    return earliest, latest, note


def _both_folds(local: Seconds, zone: str) -> tuple[Seconds, Seconds]:
    """Return each local time in UTC under the offsets before and after a clock change, else the same."""
    place = _zone(zone)
    localized = pd.DatetimeIndex(local).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    before = np.array(localized.tz_convert(None), dtype="datetime64[s]")
    after = before.copy()
    for index in np.flatnonzero(np.isnat(before)):
        moment: datetime = local[index].item().replace(tzinfo=place)
        either = (moment.replace(fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1))
        before[index], after[index] = (np.datetime64(one, "s") for one in either)
    return before, after


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"time zone {name!r}; allowed: a name of the IANA database, like Europe/Paris"
        ) from error
