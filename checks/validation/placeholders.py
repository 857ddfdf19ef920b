"""Stamps that are no time: a day from which computers count, before birth, years before all else of a subject.

Such a row has no known time: it stays, and may be of any time from the subject's first contact to the cut-off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from checks.instants import parse_stamps

Days = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

EPOCHS: Final = ("1900-01-01", "1904-01-01", "1960-01-01", "1970-01-01")
"""Day 1 of Excel's two calendars, day 0 of SAS and of POSIX: what a missing number becomes as a date."""

PLACEHOLDER: Final = "{year}-01-01, a placeholder: a time not known"
UNBORN: Final = "in {year}, before the subject was born: a time not known"
BEFORE_CONTACT: Final = "in {year}, a year or more before the subject's first contact by DM: a time not known"
APART: Final = "in {year}, a year or more before all else that is told of the subject: a time not known"
AFTER: Final = "in {year}, a year or more after all else that is told of the subject: a time not known"

SHORT_OF_A_YEAR: Final = 300
"""Days. A year mistyped moves a row by 365 or more; data of a study may lie as far apart as its follow-up is long."""

YEAR: Final = 365.25
"""Days of a year of the calendar."""

LIVED_YEARS: Final = 5
"""Years. So near a data cut-off a day of ``EPOCHS`` is one of the study: its dates were shifted to that time."""

YEARS_OFF: Final = (*range(1, 10), *range(10, 100, 10))
"""A year is mistyped in one digit: the year before as a rule, another of the decade, or that of another decade."""

NEAR: Final = 3
"""Days by which a row in the right year may lie outside of what else is told: leap days, and a visit more."""

DUE: Final = 60
"""Days before the data cut-off of which the newest row of a subject in a running trial surely is."""

CONTACTS: Final = {"EX": "EXSTDTC", "VS": "VSDTC", "LB": "LBDTC"}
"""What shows that a subject is in the study; an event may have begun long before."""

LONG_AGO: Final = np.iinfo(np.int64).min // 2
NEVER: Final = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True)
class Contacts:
    """When the study first met each subject: dates of DM, and the feeds as delivered, read where they are asked.

    ``born`` and ``first`` are in days since 1970; ``tables`` by domain.
    """

    born: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _read: dict[str, pd.DataFrame] = field(default_factory=dict)

    def elsewhere(self, domain: str, subjects: pd.Index) -> tuple[Days, Days]:
        """Return the first and the last day that other feeds tell of each subject."""
        first, last = np.full(len(subjects), NEVER), np.full(len(subjects), LONG_AGO)
        for name in CONTACTS:
            if name != domain and name in self.tables:
                known = self._days(name).reindex(subjects)
                first = np.minimum(first, known["first"].fillna(NEVER).to_numpy(np.int64))
                last = np.maximum(last, known["last"].fillna(LONG_AGO).to_numpy(np.int64))
        return first, last

    def _days(self, domain: str) -> pd.DataFrame:
        """Return the first and last day of each subject in a feed."""
        if domain not in self._read:
            table = self.tables[domain]
            column = CONTACTS[domain]
            if not {column, "USUBJID"} <= set(table.columns):
                return pd.DataFrame({"first": [], "last": []})
            codes, texts = pd.factorize(table[column].str.strip().str[:10])
            each = np.append(_days_of(pd.Series(texts, dtype="str")), LONG_AGO)
            days = pd.Series(each[codes], index=table["USUBJID"].str.strip())
            days = days[days > LONG_AGO]
            by_subject = days.groupby(level=0)
            self._read[domain] = pd.DataFrame({"first": by_subject.min(), "last": by_subject.max()})
        return self._read[domain]


def contacts_of(
    subjects: "pd.Series[str]",
    born: "pd.Series[str]",
    met: "list[pd.Series[str]]",
    tables: Mapping[str, pd.DataFrame],
) -> Contacts:
    """Return when the study met each subject: the earliest of some dates of DM; without, what its feeds tell."""
    birth, *first = np.split(_days_of(pd.concat([born, *met])), 1 + len(met))
    earliest = np.where(np.stack(first) > LONG_AGO, first, NEVER).min(axis=0)
    return Contacts(
        {name: int(day) for name, day in zip(subjects, birth, strict=True) if day > LONG_AGO},
        {name: int(day) for name, day in zip(subjects, earliest, strict=True) if day < NEVER},
        tables,
    )


def _days_of(dates: "pd.Series[str]") -> Days:
    """Return the first day that each stamp can mean, since 1970; long ago where there is none, or a placeholder."""
    read = parse_stamps(dates, "UTC")["earliest"]
    days = np.where(read.isna(), LONG_AGO, np.asarray(read.astype("int64"), np.int64) // 86_400)
    return np.where(is_placeholder(days), LONG_AGO, days)


def is_placeholder(days: Days) -> Flags:
    """Return whether each day, since 1970, is one of ``EPOCHS``, or by some zone beside it."""
    return np.asarray(np.logical_or.reduce([_is_of(days, epoch) for epoch in EPOCHS]), bool)


def _is_of(days: Days, epoch: str) -> Flags:
    return np.abs(days - _day(epoch)) <= 1


def _day(date: str) -> int:
    return int(np.datetime64(date, "D").astype(np.int64))


def without_placeholders(
    spans: pd.DataFrame, subject: tuple[Days, pd.Index], domain: str, contacts: Contacts, cutoff: pd.Timestamp
) -> pd.DataFrame:
    """Return the spans of a column, those of rows whose stamp is no time as wide as it can be; ``note`` says why.

    Parameters
    ----------
    spans
        As ``checks.validation.time_precision.read_times`` returns them.
    subject
        A code for each row, -1 where it is blank, and the subjects that the codes are of.
    domain, contacts, cutoff
        What the column dates, when the study met its subjects, and the data cut-off: of a year near it no day is a
        placeholder.
    """
    known = spans["earliest"].notna().to_numpy(bool)
    if not known.any():
        return spans
    days = np.where(known, np.asarray(spans["earliest"].astype("int64"), np.int64) // 86_400, NEVER)
    today = int(cutoff.timestamp()) // 86_400
    lives = _Lives(days, *subject, domain, contacts)
    early = lives.places(known & (days < today - SHORT_OF_A_YEAR))
    late = lives.places(known & (days > today))
    if not len(early) and not len(late):
        return spans
    kinds = np.full(len(spans), "", dtype=object)
    for epoch in EPOCHS:
        if today - _day(epoch) > LIVED_YEARS * YEAR:
            kinds[_is_of(days, epoch)] = PLACEHOLDER.replace("{year}", epoch[:4])
    if domain == "AE":  # nobody knows the hour of what was long before; a date may be true
        early = early[spans["timed"].to_numpy(bool)[early]]
    _judge_lives(kinds, lives, early[kinds[early] == ""])
    _judge_late(kinds, lives, late, today)
    here = np.flatnonzero(kinds != "")
    return spans if not len(here) else _at_any_time(spans, lives, here, kinds, cutoff)


@dataclass(frozen=True, slots=True)
class _Lives:
    """The rows of a column by subject: the day of each and the code of its subject."""

    days: Days
    codes: Days
    subjects: pd.Index
    domain: str
    contacts: Contacts

    def places(self, which: Flags) -> Days:
        """Return the places of some rows that have a subject."""
        return np.flatnonzero(which & (self.codes >= 0))

    def of_each(self, known: Mapping[str, int], rows: Days) -> Days:
        """Return a day of the subject of some rows, long ago where it is not known."""
        each = np.array([known.get(name, LONG_AGO) for name in self.subjects], np.int64)
        return each[self.codes[rows]]


def _judge_lives(kinds: npt.NDArray[np.object_], lives: _Lives, early: Days) -> None:
    """Say of which early rows the stamp lies before birth, or years before the subject was met."""
    day, code = lives.days[early], lives.codes[early]
    kinds[early[day < lives.of_each(lives.contacts.first, early) - SHORT_OF_A_YEAR]] = BEFORE_CONTACT
    kinds[early[day < lives.of_each(lives.contacts.born, early)]] = UNBORN
    first, last = lives.contacts.elsewhere(lives.domain, lives.subjects)
    apart = (kinds[early] == "") & (first[code] < NEVER) & (day < first[code] - SHORT_OF_A_YEAR)
    for one in np.unique(code[apart]):
        rows = early[apart & (code == one)]
        own = lives.days[lives.places(lives.codes == one)]
        own = own[own < NEVER]
        if lives.domain != "AE":
            rows = rows[_misdated(lives.days[rows], own, int(first[one]), int(last[one]))]
        kinds[rows] = APART


def _judge_late(kinds: npt.NDArray[np.object_], lives: _Lives, late: Days, today: int) -> None:
    """Say of which rows after the data cut-off the stamp lies a year or more after all else of the subject.

    A row that is only not yet due, as in a look at the past, has others of its subject before it.
    """
    if not len(late) or lives.days[late].max() <= today + SHORT_OF_A_YEAR - DUE:
        return
    _, last = lives.contacts.elsewhere(lives.domain, lives.subjects)
    for one in np.unique(lives.codes[late]):
        rows = late[lives.codes[late] == one]
        days = lives.days[lives.places(lives.codes == one)]
        before = max(int(days[days <= today].max(initial=LONG_AGO)), min(int(last[one]), today))
        if before > LONG_AGO and lives.days[rows].min() > max(before, int(last[one])) + SHORT_OF_A_YEAR:
            kinds[rows] = AFTER


def _misdated(days: Days, own: Days, first: int, last: int) -> Flags:
    """Whether rows of one subject, years before what other feeds tell, are in a wrong year.

    They would be among the rest some whole years later; or they are of a first of January, where clocks begin that
    were never set. A stay in hospital years before is neither.
    """
    january = days - days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(
        np.int64
    )
    if (january <= 1).all():
        return np.ones(len(days), bool)
    rest = own[own > days.max() + SHORT_OF_A_YEAR]
    first, last = min(first, int(rest.min(initial=NEVER))), max(last, int(rest.max(initial=LONG_AGO)))
    if last - first > SHORT_OF_A_YEAR:  # of so long a stay any year tells a day
        return np.zeros(len(days), bool)
    later = days[:, None] + np.round(np.array(YEARS_OFF) * YEAR).astype(np.int64)
    return np.asarray(((later >= first - NEAR) & (later <= last + NEAR)).any(axis=1))


def _at_any_time(
    spans: pd.DataFrame, lives: _Lives, here: Days, kinds: npt.NDArray[np.object_], cutoff: pd.Timestamp
) -> pd.DataFrame:
    """Return the spans with some rows from their subject's first contact, if it is known, to the cut-off."""
    elsewhere, _ = lives.contacts.elsewhere(lives.domain, lives.subjects)
    of_dm = np.array([lives.contacts.first.get(name, NEVER) for name in lives.subjects], np.int64)
    met = np.append(np.minimum(elsewhere, of_dm), NEVER)[lives.codes[here]]
    # a day for the zones; where nothing else is told, the first day that a stamp may have
    since = np.where(met < NEVER, met - 1, _day(EPOCHS[0])).astype("datetime64[D]").astype("datetime64[s]")
    years = lives.days[here].astype("datetime64[D]").astype("datetime64[Y]").astype(str)
    notes = spans["note"].astype("object")
    notes.iloc[here] = [kind.format(year=year) for kind, year in zip(kinds[here], years, strict=True)]
    earliest, latest, timed = (spans[name].copy() for name in ("earliest", "latest", "timed"))
    earliest.iloc[here] = pd.DatetimeIndex(since, tz="UTC")
    latest.iloc[here] = cutoff
    timed.iloc[here] = False
    return spans.assign(earliest=earliest, latest=latest, timed=timed, note=notes.astype("category"))
