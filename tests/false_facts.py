"""Small studies with planted cases, and the faults of time, code and spelling that public reports describe.

Four subjects of two sites in two time zones; two of them have a fever with respiratory distress some six hours after
a dose, which is a signal, or, where one of the two is told by a date alone, a watch. A fault is laid on their feeds
as a sender would have made it: on a feed, a site, a column, or the rows of one subject.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from small_studies import UNITS, Row, elapsed, frames, look_at_study, small_protocol

ZONES = {"FR01": "Europe/Paris", "US01": "America/New_York"}
SUBJECTS = ("FR01-001", "FR01-002", "US01-003", "US01-004")
FIRST_DAY = datetime(2024, 6, 10)
DATA_CUTOFF = datetime(2024, 7, 1, tzinfo=UTC)
PROTOCOL = small_protocol(
    study={"id": "FALSE-FACTS", "timezone": "Europe/Paris"},
    sites=ZONES,
    treatment={"names": ["STUDYDRUG"], "planned_doses": 2},
)
Feeds = Mapping[str, pd.DataFrame]
WITNESSES = ((), ("RFXSTDTC",), ("VSRFTDTC",), ("VSRFTDTC", "VSELTM"), ("RFXSTDTC", "VSRFTDTC", "VSELTM"))
"""Columns that tell a time again: of the first dose (RFXSTDTC), of the dose, and of a measurement since the dose."""
AILMENTS = ("HEADACHE", "NAUSEA", "RASH", "FATIGUE", "INSOMNIA", "COUGH")


@dataclass(frozen=True)
class Study:
    """Feeds with what was planted in them, and the columns that tell a time again.

    ``dated`` is the one of the ``ill`` whose distress is told by a date alone, if any.
    """

    feeds: Feeds
    ill: tuple[str, ...]
    dated: str
    witnesses: tuple[str, ...]

    def with_feed(self, domain: str, table: pd.DataFrame) -> "Study":
        return replace(self, feeds={**self.feeds, domain: table})

    def look(self, folder: Path) -> Mapping[str, Any]:
        return look_at_study(self.feeds, PROTOCOL, DATA_CUTOFF, folder).document()


def written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def study(rng: Random, witnesses: Sequence[str]) -> Study:
    """A study whose doses, charting and kinds of cases are drawn; all stamps are local, to the minute."""
    ill = tuple(rng.sample(SUBJECTS, 2))
    dated = rng.choice(ill) if rng.random() < 0.25 else ""
    one_hour, on_the_hour = rng.random() < 0.4, rng.random() < 0.5
    ex: list[Row] = []
    vs: list[Row] = []
    ae: list[Row] = []
    first: dict[str, datetime] = {}
    for place, subject in enumerate(SUBJECTS):
        start = FIRST_DAY + timedelta(days=place + rng.randrange(2), hours=8)
        if not one_hour:
            start += timedelta(hours=rng.randrange(-1, 13), minutes=rng.choice([0, 5, 20, 45]))
        first[subject] = start
        for dose in (start, start + timedelta(days=3))[: rng.randint(1, 2)]:
            told = rng.random() < 0.4 or subject == dated
            case = dose == start and subject in ill
            ex.append(given(subject, dose, rng.choice([0, 30, 120])))
            vs += charted(rng, subject, dose, witnesses, case, told, on_the_hour)
            if case and told:
                onset = dose + timedelta(hours=6, minutes=rng.randrange(1, 29))
                ae.append(
                    event(subject, "Dyspnoea", f"{onset:%Y-%m-%d}" if subject == dated else written(onset))
                )
        for ailment in rng.sample(AILMENTS, 3):
            ae.append(
                event(
                    subject,
                    ailment.capitalize(),
                    written(start + timedelta(minutes=rng.randrange(-900, 3000))),
                )
            )
    made = frames(ex, vs, ae, SUBJECTS)
    dm = made["dm"].assign(SITEID=made["dm"]["USUBJID"].str[:4])
    if "RFXSTDTC" in witnesses:
        dm = dm.assign(RFXSTDTC=[written(first[subject]) for subject in dm["USUBJID"]])
    return Study({**made, "dm": dm}, ill, dated, tuple(witnesses))


def given(subject: str, dose: datetime, minutes: int) -> Row:
    return {
        "USUBJID": subject,
        "EXSTDTC": written(dose),
        "EXENDTC": written(dose + timedelta(minutes=minutes)),
    }


def event(subject: str, term: str, stamp: str) -> Row:
    return {"USUBJID": subject, "AETERM": term, "AEDECOD": term.upper(), "AESTDTC": stamp}


def charted(
    rng: Random,
    subject: str,
    dose: datetime,
    witnesses: Sequence[str],
    case: bool,
    told: bool,
    on_the_hour: bool,
) -> list[Row]:
    """Hourly charting from 10 h before a dose to 24 h after it; a case is abnormal twice from hour 6 on."""
    rows: list[Row] = []
    whole = (dose + timedelta(minutes=30)).replace(minute=0) if on_the_hour else dose
    for hour in range(-10, 25):
        at = whole + timedelta(hours=hour, minutes=0 if on_the_hour else rng.randrange(-4, 25))
        abnormal = case and hour in (6, 7)
        values = {"TEMP": 38.9 if abnormal else rng.choice([36.6, 36.9, 37.1])}
        values["OXYSAT"] = 86 if abnormal and not told else rng.choice([96, 97, 98])
        again = {
            "VSRFTDTC": written(dose),
            "VSELTM": elapsed(hour),
        }
        rows += [
            {
                "USUBJID": subject,
                "VSTESTCD": test,
                "VSORRES": f"{value:g}",
                "VSORRESU": UNITS[test],
                "VSDTC": written(at),
                **{name: again[name] for name in witnesses if name in again},
            }
            for test, value in values.items()
        ]
    return rows


# --- what is said ----------------------------------------------------------------------------------------------

QUIET = {"no_signal": 0, "watch": 1, "signal": 2, "not_assessable": 3}
"""A look that cannot be assessed is never the quieter one: it asks for help by itself."""


def quieter(after: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return QUIET[after["verdict"]] < QUIET[before["verdict"]]


def said_anew(after: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    return said(after) - said(before)


def said(document: Mapping[str, Any]) -> set[str]:
    """What a look says of its feeds: the findings of checks, and their problems.

    That rows belong to no dose is no word about why: what follows from a dose that went astray.
    """
    checks = {
        f"{one['domain']} {one['name']}: {one['message']}"
        for one in document["checks"]
        if one["name"] != "subject_dosed"
    }
    return checks | {text for feed in document["feeds"] for text in feed["problems"]}


# --- faults ----------------------------------------------------------------------------------------------------

Change = Callable[[str], str]


@dataclass(frozen=True)
class Where:
    """Columns of one domain, on all rows or on those of a site or a subject."""

    domain: str
    columns: tuple[str, ...]
    whose: str = ""

    def __str__(self) -> str:
        return f"{'+'.join(self.columns)} of {self.whose or 'all'}"


def changed(one: Study, where: Where, change: Change) -> Study:
    """Every filled cell of the columns there, changed."""
    table = one.feeds[where.domain].copy()
    rows = table["USUBJID"].str.startswith(where.whose)
    for column in where.columns:
        if column in table:
            filled = rows & (table[column].str.len() > 0)
            table.loc[filled, column] = table.loc[filled, column].map(change)
    return one.with_feed(where.domain, table)


def shifted_by(hours: int) -> Change:
    """Clock times moved by whole hours; a date without a time stays."""

    def shift(stamp: str) -> str:
        return written(datetime.fromisoformat(stamp) + timedelta(hours=hours)) if "T" in stamp else stamp

    return shift


def at_clock(clock: str) -> Change:
    """The date at one time of day, as a system writes it that has no time."""
    return lambda stamp: f"{stamp[:10]}T{clock}"


def midnight(zone: str, told_in: str) -> Change:
    """The date as the instant of its midnight in one zone, told in another, with the offset."""

    def change(stamp: str) -> str:
        instant = datetime.fromisoformat(stamp[:10]).replace(tzinfo=ZoneInfo(zone))
        return instant.astimezone(ZoneInfo(told_in)).isoformat().replace("+00:00", "Z")

    return change


def dates(zone: str) -> Mapping[str, Change]:
    """The ways in which a date without a time is written, by a site in this zone."""
    return {
        "the date": lambda stamp: stamp[:10],
        "00:00": at_clock("00:00"),
        "00:00:00": at_clock("00:00:00"),
        "12:00": at_clock("12:00"),
        "23:59": at_clock("23:59"),
        "midnight of UTC": midnight("UTC", "UTC"),
        "midnight of UTC, told at the site": midnight("UTC", zone),
        "midnight at the site, told in UTC": midnight(zone, "UTC"),
    }
