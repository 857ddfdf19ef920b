"""Which files of a cumulative feed are its parts, which are older snapshots of another, and which parts are missing.

A folder may hold the parts of one state (a file for each site), or one snapshot after another (``ae_20240601.csv``,
``ae_20240608.csv``). Parts share no records; snapshots share most of them. Snapshots are taken in the order of the
dates in their names, as if they had arrived one after the other; where the names do not tell it, the delivery is
refused: rows of an older state would count beside those of the newer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from checks.knowledge.arrivals import Arrival, Integers, identity
from checks.knowledge.keys import code_rows, combined
from checks.tables import DeliveredTable

SNAPSHOT_SHARES: Final = 0.5
"""Two files of which the smaller shares so much of its records with the other are no parts: parts share none."""

FEWEST: Final = 4
"""So many rows that two files hold alike, whatever the rows are numbered, are no coincidence of a chart any more."""

_MONTHS: Final = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_DATE: Final = re.compile(
    r"(?<!\d)(?:(?P<year>20\d{2})(?P<by>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=by)(?P<day>[0-2]\d|3[01])"
    rf"|(?P<d>[0-2]\d|3[01])[-_.]?(?P<name>{_MONTHS.replace(' ', '|')})[-_.]?(?P<y>20\d{{2}}))"
    r"(?P<clock>[T_-]?[0-2]\d[-_.]?[0-5]\d(?:[-_.]?[0-5]\d)?Z?)?(?!\d)",
    re.IGNORECASE,
)
"""A date in a file's name, year first or with the month's name, so that only one is meant; a time may follow."""

_PART: Final = re.compile(r"(?<!\d)(\d{1,5})[ _.-]?of[ _.-]?(\d{1,5})(?!\d)", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"part[ _.-]?(\d{1,3})(?!\d)", re.IGNORECASE)
"""``part1`` of how many is not said; more digits are those of engines that leave out empty parts."""


@dataclass(frozen=True, slots=True)
class _Dated:
    """A file's name without the date in it, and that date as digits; none where there is none."""

    stem: str
    date: str


def _dated(name: str) -> _Dated:
    match = _DATE.search(name)
    if match is None:
        return _Dated(name, "")
    date = match["year"] and match["year"] + match["month"] + match["day"]
    if not date:
        date = f"{match['y']}{_MONTHS.split().index(match['name'].upper()) + 1:02}{match['d']}"
    clock = re.sub(r"\D", "", match["clock"] or "")
    return _Dated(f"{name[: match.start()]}*{name[match.end() :]}".lower(), f"{date}{clock:0<6}")


def in_order(ordered: Sequence[Arrival], domain: str) -> tuple[Arrival, ...]:
    """Take snapshots that arrived at once one after the other; say of a delivery that mixes them what is wrong."""
    return tuple(step for one in ordered for step in _steps(one, domain))


def _steps(arrival: Arrival, domain: str) -> tuple[Arrival, ...]:
    shares = _shares(arrival.files, domain)
    if not shares:
        return (arrival,)
    steps = dict.fromkeys(range(len(arrival.files)), 0)
    for snapshots in _same_stem(arrival.files):
        following = list(pairwise(snapshots))
        if all(tuple(sorted(pair)) in shares for pair in following):
            steps |= {place: number for number, place in enumerate(snapshots)}
    mixed = [pair for pair in _of_several(shares, arrival.files) if steps[pair[0]] == steps[pair[1]]]
    if mixed:
        return (replace(arrival, conflict=_mixed(arrival.files, min(mixed), shares[min(mixed)], domain)),)
    last = max(steps.values())
    if not last:
        return (arrival,)
    each = [
        [file for place, file in enumerate(arrival.files) if steps[place] == number] for number in range(last)
    ]
    files = [tuple(map(_superseded, some)) for some in each]
    files.append(tuple(file for place, file in enumerate(arrival.files) if steps[place] == last))
    return tuple(replace(arrival, files=some) for some in files)


def _superseded(file: DeliveredTable) -> DeliveredTable:
    said = "an older state of the feed, by the date in its name: what a newer one says instead holds"
    return replace(file, delivery=replace(file.delivery, remarks=(*file.delivery.remarks, said)))


def _same_stem(files: Sequence[DeliveredTable]) -> list[list[int]]:
    """Return the places of files whose names differ in their date alone, each group in the order of the dates."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for place, file in enumerate(files):
        dated = _dated(file.delivery.name)
        if dated.date:
            groups.setdefault(dated.stem, []).append((dated.date, place))
    return [[place for _, place in sorted(group)] for group in groups.values() if len(group) > 1]


def _mixed(files: Sequence[DeliveredTable], pair: tuple[int, int], shared: float, domain: str) -> str:
    first, second = (files[place].delivery.called for place in pair)
    return (
        f"{domain}: {first} and {second} found with {shared:.0%} of the records of the smaller in both: two states "
        "of the feed, and which is the newer is not told; allowed: one file, parts that share no record (one for "
        "each site), or snapshots with their dates in their names (20240608). Name the files so"
    )


def _shares(files: Sequence[DeliveredTable], domain: str) -> dict[tuple[int, int], float]:
    """Return the pairs of files that share ``SNAPSHOT_SHARES`` or more of the smaller's records, and how many."""
    there = {place: file.table for place, file in enumerate(files) if file.table is not None}
    with_subject = {place: table for place, table in there.items() if "USUBJID" in table.columns}
    if len(with_subject) < 2:
        return {}
    listed = [
        pd.DataFrame({"subject": pd.unique(table["USUBJID"].dropna()), "file": place})
        for place, table in with_subject.items()
    ]
    subjects = pd.concat(listed)["subject"]
    several = frozenset(subjects[subjects.duplicated()])
    if not several:  # a file for each site: nothing more is to be compared
        return {}
    parts = {place: table[table["USUBJID"].isin(several)] for place, table in with_subject.items()}
    stacked = pd.concat(list(parts.values()), ignore_index=True)
    file = np.repeat(list(parts), [len(part) for part in parts.values()])
    codes = code_rows(stacked, domain, None)
    numbered = np.where(
        (codes.sequence >= 0) & (codes.natural >= 0), combined([codes.sequence, codes.natural]), -1
    )
    sizes = {place: len(table) for place, table in with_subject.items()}
    long = np.isin(file, [place for place, size in sizes.items() if size >= FEWEST])
    return _most(_common(np.where(long, codes.body, -1), file, sizes), _common(numbered, file, sizes))


def _common(keys: Integers, file: Integers, sizes: Mapping[int, int]) -> dict[tuple[int, int], float]:
    """Return for each pair of files the share of the smaller's rows whose key the other has."""
    held = pd.DataFrame({"key": keys, "file": file})[keys >= 0].drop_duplicates()
    held = held[held.duplicated("key", keep=False)]
    pairs = held.merge(held, on="key")
    pairs = pairs[pairs["file_x"] < pairs["file_y"]]
    counts = pairs.groupby(["file_x", "file_y"]).size().reset_index(name="rows")
    both = zip(counts["file_x"], counts["file_y"], counts["rows"], strict=True)
    return {(int(one), int(other)): rows / min(sizes[one], sizes[other]) for one, other, rows in both}


def _most(*shares: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    pairs = {pair for some in shares for pair in some}
    most = {pair: max(some.get(pair, 0.0) for some in shares) for pair in pairs}
    return {pair: share for pair, share in most.items() if share >= SNAPSHOT_SHARES}


def _of_several(
    shares: Mapping[tuple[int, int], float], files: Sequence[DeliveredTable]
) -> dict[tuple[int, int], float]:
    """Return the pairs of files of more than one row: a file of one is a record, of which there may be versions."""
    sizes = [0 if file.table is None else len(file.table) for file in files]
    return {pair: share for pair, share in shares.items() if min(sizes[place] for place in pair) > 1}


def with_parts(ordered: Sequence[Arrival], domain: str) -> tuple[Arrival, ...]:
    """Complete the deliveries of a cumulative feed that comes in parts, such as a file for each site.

    A delivery of several files is in parts: a later file takes the place of the part of its name, or of the older
    snapshot of that part, or is a new part, and the other parts stay. The store keeps what has not changed once, so
    they do not arrive again. Files that hold most of every part are a whole state anew, whatever their names.
    """
    whole: list[Arrival] = []
    for one in ordered:
        # of files that are no one delivery none stays
        before = whole[-1].files if whole and not whole[-1].conflict and len(whole[-1].files) > 1 else ()
        before = () if _is_whole(one.files, before, domain) else before
        stay = tuple(file for file in before if not any(_replaces(new, file, domain) for new in one.files))
        files = tuple(sorted((*one.files, *stay), key=identity))
        conflict = one.conflict or _conflict(one.files, before, files, domain)
        whole.append(replace(one, files=files, conflict=conflict))
    return tuple(whole)


def _is_whole(new: Sequence[DeliveredTable], before: Sequence[DeliveredTable], domain: str) -> bool:
    """Whether the files of one delivery together hold most records of each part before, and no fewer.

    Files of the names that the parts have take the place of these, and need not be compared.
    """
    tables = [one.table for one in new if one.table is not None]
    if not before or not tables or _are_known(new, before):
        return False
    whole = replace(new[0], table=pd.concat(tables, ignore_index=True))
    held = (_shares((part, whole), domain) for part in before if part.table is not None)
    return sum(map(len, tables)) >= sum(len(one.table) for one in before if one.table is not None) and all(
        held
    )


def _conflict(
    new: Sequence[DeliveredTable],
    before: Sequence[DeliveredTable],
    files: Sequence[DeliveredTable],
    domain: str,
) -> str | None:
    """Say why the files that now make a delivery cannot be its parts; None where they can."""
    missing = missing_parts(file.delivery.name for file in files)
    if missing is not None:
        return f"{domain}: {missing}"
    if not before or _are_known(new, before):
        return None
    shares = _of_several(_shares(files, domain), files)
    return _mixed(files, min(shares), shares[min(shares)], domain) if shares else None


def _are_known(new: Sequence[DeliveredTable], before: Sequence[DeliveredTable]) -> bool:
    """Whether all files have names that the parts before have."""
    return {file.delivery.name for file in new} <= {file.delivery.name for file in before}


def _replaces(new: DeliveredTable, part: DeliveredTable, domain: str) -> bool:
    """Whether a file is a newer state of a part: of its name, or of a later date, with most of its records."""
    if new.delivery.name == part.delivery.name or new.delivery.sha256 == part.delivery.sha256 != "":
        return True
    after, before = _dated(new.delivery.name), _dated(part.delivery.name)
    if not before.date or after.stem != before.stem or after.date <= before.date:
        return False
    return part.table is None or bool(_shares((part, new), domain))


def missing_parts(names: Iterable[str]) -> str | None:
    """Say which numbered parts of a file are missing (``vs_part2of3.csv``); None where none is."""
    sets: dict[str, tuple[set[int], int | None]] = {}
    for name in names:
        match = _PART.search(name) or _NUMBERED.search(name)
        if match is None:
            continue
        total = int(match[2]) if match.re is _PART else None
        set_name = f"{name[: match.start(1)]}*{name[match.end() :]}"
        sets.setdefault(f"{set_name} of {total}", (set(), total))[0].add(int(match[1]))
    problems = (_missing(*found) for found in sets.values())
    return next((one for one in problems if one is not None), None)


def _missing(numbers: set[int], total: int | None) -> str | None:
    first = 0 if 0 in numbers else 1
    if total is None:
        # one file alone may be of the second part of a study
        expected = set(range(first, max(numbers) + 1)) if len(numbers) > 1 else numbers
    else:
        expected = set(range(first, first + total))
    lacking = sorted(expected - numbers)
    if not lacking:
        return None
    listed = ", ".join(map(str, lacking))
    return (
        f"a file in parts found without part {listed}; allowed: every part, from {first} to {max(expected)}"
    )
