"""When each subject's doses were, as feeds other than EX tell it: DM, and what measurements are counted from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from checks.instants import parse_stamps
from checks.tables import TEXT, TIME, Feed, Table
from checks.validation.placeholders import is_placeholder

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
    subjects = _texts(feeds.get("dm"), ("USUBJID", "RFSTDTC", "RFXSTDTC", "RFXENDTC"))
    subjects = subjects[subjects["USUBJID"].isin(list(zones))].drop_duplicates("USUBJID").set_index("USUBJID")
    dates = subjects["RFSTDTC"].dropna().str[:10]
    whole = dates[dates.str.fullmatch(r"\d{4}-\d\d-\d\d")]
    told = [*_exposures(subjects), *_references(feeds, frozenset(zones), tuple(treatments))]
    rows = (
        pd.concat(told, ignore_index=True) if told else pd.DataFrame(columns=["USUBJID", "column", "stamp"])
    )
    spans = reference_spans(rows["stamp"].astype("str"), rows["USUBJID"].map(dict(zones)).astype("str"))
    days = np.asarray(spans["earliest"].astype("int64"), np.int64) // 86_400
    placed = (spans["earliest"] <= known) & ~is_placeholder(days)
    first_dates = dict(zip(whole.index.astype("str"), whole, strict=True))
    return DoseTimes(first_dates, TOLD.conform(rows.join(spans[["earliest", "latest"]])[placed]))


def _exposures(subjects: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the first and last exposures of DM: subject, column, stamp."""
    for column in ("RFXSTDTC", "RFXENDTC"):
        stamps = subjects[column].dropna()
        yield pd.DataFrame({"USUBJID": stamps.index, "column": column, "stamp": stamps.to_numpy()})


def _references(
    feeds: Mapping[str, Feed], enrolled: frozenset[str], treatments: tuple[str, ...]
) -> Iterator[pd.DataFrame]:
    """Yield the doses from which time points are counted, each once: subject, column, stamp."""
    for domain in _COUNTED_FROM:
        column, point = f"{domain}RFTDTC", f"{domain}TPTREF"
        rows = _texts(feeds.get(domain.lower()), ("USUBJID", column, point))
        rows = rows[rows["USUBJID"].isin(list(enrolled)) & rows[column].notna()]
        if len(rows):
            of_doses = rows[rows[point].isna() | names_dose(rows[point], treatments)]
            once = of_doses.drop_duplicates(["USUBJID", column]).rename(columns={column: "stamp"})
            yield once[["USUBJID", "stamp"]].assign(column=column)


def _texts(feed: Feed | None, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return columns of a feed trimmed, missing where blank; no row where none but the first was delivered."""
    table = None if feed is None else feed.table
    if table is None or columns[0] not in table or not {*columns[1:]} & {*table.columns}:
        return pd.DataFrame(columns=list(columns), dtype="str")
    unique = table.reindex(columns=list(columns)).astype("str").drop_duplicates()
    trimmed = unique.apply(lambda texts: texts.str.strip())
    found: pd.DataFrame = trimmed.mask(trimmed == "").reset_index(drop=True)
    return found


def names_dose(texts: "pd.Series[str]", treatments: Iterable[str]) -> "pd.Series[bool]":
    """Return which reference points (--TPTREF) are doses: by the usual words, or by the names of study drug."""
    named = (rf"\b{re.escape(name.upper())}\b" for name in treatments)
    found = texts.str.upper().str.contains("|".join((_DOSE, *named)), regex=True)
    return found.fillna(value=False).astype("bool")


def reference_spans(stamps: "pd.Series[str]", zones: "pd.Series[str]") -> pd.DataFrame:
    """Return the spans of times of reference, of which a midnight is more often a date whose time was filled in."""
    return parse_stamps(stamps.str.replace(r"T00:00(?::00)?$", "", regex=True), zones)
