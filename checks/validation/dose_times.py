"""When each subject's doses were, as feeds other than EX tell it: DM, and what measurements are counted from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from checks.instants import parse_stamps
from checks.tables import TEXT, TIME, Feed, Table

TOLD = Table("told", {"USUBJID": TEXT, "column": TEXT, "earliest": TIME, "latest": TIME})
"""One row for each time of a dose that a column of another feed tells: RFXSTDTC, RFXENDTC, VSRFTDTC and the like."""

GIVEN = Table("given", {"USUBJID": TEXT, "earliest": TIME, "latest": TIME})
"""When doses began and ended, as EX tells it: one row for each start, and for each end that is known."""

_COUNTED_FROM: Final = ("VS", "LB", "PC")
"""Feeds whose --RFTDTC may be the time of a dose: what their time points are counted from."""

_DOSE: Final = (
    r"\b(?:(?:PRE|POST)[- ]?)?"
    r"(?:DOS(?:E|ES|ING)|INFUSIONS?|INJECTIONS?|VACCINATIONS?|ADMINISTRATIONS?|EXPOSURE|STUDY (?:DRUG|TREATMENT))\b"
)

_FILLED_IN: Final = pd.Timestamp("1972-01-01T00:00:00Z")
"""Doses told before it (1900, 1960, 1970) are blanks that software filled in: the zeros of its calendars."""


@dataclass(frozen=True, slots=True)
class DoseTimes:
    """What is known of subjects besides the rows that are judged.

    ``first_dates`` has the RFSTDTC of each as a date (study day 1), ``told`` the doses that other
    feeds tell, ``given`` those of EX, once it has been read.
    """

    first_dates: Mapping[str, str] = field(default_factory=dict)
    told: pd.DataFrame = field(default_factory=TOLD.empty)
    given: pd.DataFrame = field(default_factory=GIVEN.empty)


def dose_times(
    feeds: Mapping[str, Feed], zones: Mapping[str, str], treatments: Iterable[str], known: pd.Timestamp
) -> DoseTimes:
    """Gather what DM and the reference times of measurements tell of the doses of enrolled subjects.

    Parameters
    ----------
    feeds
        As delivered, by lower-case domain.
    zones
        The time zone of each enrolled subject.
    treatments
        Names of study drug: reference points that name one are doses.
    known
        The data cut-off: nothing later is known.
    """
    told = [one for one in _told(feeds, zones, tuple(treatments)) if len(one)]
    subjects = _texts(feeds.get("dm"), ("USUBJID", "RFSTDTC"))
    subjects = subjects[subjects["USUBJID"].isin(list(zones))].drop_duplicates("USUBJID").set_index("USUBJID")
    dates = subjects["RFSTDTC"].dropna().str[:10]
    whole = dates[dates.str.fullmatch(r"\d{4}-\d\d-\d\d")]
    spans = TOLD.conform(pd.concat(told)) if told else TOLD.empty()
    spans = spans[(spans["earliest"] <= known) & (spans["latest"] >= _FILLED_IN)].reset_index(drop=True)
    return DoseTimes(dict(zip(whole.index.astype("str"), whole, strict=True)), spans)


def _told(
    feeds: Mapping[str, Feed], zones: Mapping[str, str], treatments: tuple[str, ...]
) -> Iterator[pd.DataFrame]:
    for column in ("RFXSTDTC", "RFXENDTC"):
        yield _spans(_texts(feeds.get("dm"), ("USUBJID", column)), column, zones)
    for domain in _COUNTED_FROM:
        column, point = f"{domain}RFTDTC", f"{domain}TPTREF"
        rows = _texts(feeds.get(domain.lower()), ("USUBJID", column, point)).drop_duplicates()
        if len(rows):
            of_doses = rows[point].isna() | names_dose(rows[point], treatments)
            yield _spans(rows[of_doses], column, zones)


def _texts(feed: Feed | None, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return columns of a feed trimmed, missing where blank; no row where the first two were not delivered."""
    table = None if feed is None else feed.table
    if table is None or not {*columns[:2]} <= {*table.columns}:
        return pd.DataFrame(columns=list(columns), dtype="str")
    unique = table.reindex(columns=list(columns)).astype("str").drop_duplicates()
    trimmed = unique.apply(lambda texts: texts.str.strip())
    found: pd.DataFrame = trimmed.mask(trimmed == "").reset_index(drop=True)
    return found


def _spans(rows: pd.DataFrame, column: str, zones: Mapping[str, str]) -> pd.DataFrame:
    rows = rows[rows["USUBJID"].isin(list(zones)) & rows[column].notna()].drop_duplicates(["USUBJID", column])
    spans = reference_spans(rows[column], rows["USUBJID"].map(dict(zones)).astype("str"))
    return spans.assign(USUBJID=rows["USUBJID"], column=column)[spans["problem"].isna()]


def names_dose(texts: "pd.Series[str]", treatments: Iterable[str]) -> "pd.Series[bool]":
    """Return which reference points (--TPTREF) are doses: by the usual words, or by the names of study drug."""
    named = (rf"\b{re.escape(name.upper())}\b" for name in treatments)
    found = texts.str.upper().str.contains("|".join((_DOSE, *named)), regex=True)
    return found.fillna(value=False).astype("bool")


def reference_spans(stamps: "pd.Series[str]", zones: "pd.Series[str]") -> pd.DataFrame:
    """Return the spans of times of reference, of which a midnight is more often a date whose time was filled in."""
    return parse_stamps(stamps.str.replace(r"T00:00(?::00)?$", "", regex=True), zones)
