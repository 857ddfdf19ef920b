"""The arm of each subject from DM, and what was delivered for the administrations that were withheld."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from checks.tables import Feed

ACTUAL: Final = "ACTARMCD"
PLANNED: Final = "ARMCD"

NO_ARM: Final = frozenset({"SCRNFAIL", "NOTASSGN", "NOTTRT", "UNPLAN"})
"""Codes that say that there is no arm: screen failure, not assigned, not treated, unplanned treatment.

Source: SDTM Implementation Guide 3.2, section 5.2 (DM), on ARMCD and ACTARMCD.
"""

WITHHELD: Final = ("USUBJID", "record", "source_file", "source_row", "EXTRT", "EXDOSE")


@dataclass(frozen=True, slots=True)
class Arms:
    """The arm of each subject, by code; the planned one where no actual one is given.

    ``contradicted`` are subjects whose rows of DM give several arms: theirs is not known. ``switched`` are those
    who received another arm than planned: they count where they were treated.
    """

    by_subject: Mapping[str, str]
    contradicted: tuple[str, ...]
    switched: tuple[str, ...]


def read_arms(dm: Feed) -> Arms:
    """Return the arm of each subject of DM, as delivered."""
    if dm.table is None:
        return Arms({}, (), ())
    subjects, actual, planned = (_text(dm.table, name) for name in ("USUBJID", ACTUAL, PLANNED))
    actual, planned = (codes.mask(codes.str.upper().isin(NO_ARM)) for codes in (actual, planned))
    rows = pd.DataFrame({"subject": subjects, "arm": actual.fillna(planned), "planned": planned})
    rows = rows[rows["subject"].notna() & rows["arm"].notna()]
    several = rows.groupby("subject")["arm"].nunique() > 1
    contradicted = tuple(sorted(several.index[several]))
    clear = rows[~rows["subject"].isin(contradicted)]
    other = clear["planned"].notna() & (clear["planned"].str.casefold() != clear["arm"].str.casefold())
    return Arms(
        dict(zip(clear["subject"], clear["arm"], strict=True)),
        contradicted,
        tuple(sorted(clear.loc[other, "subject"].unique())),
    )


def withheld_administrations(ex: Feed, quarantine: pd.DataFrame) -> pd.DataFrame:
    """Return treatment and amount of the rows of EX that were withheld because of what they say was given."""
    unclear = quarantine[(quarantine["domain"] == "EX") & (quarantine["check"] == "administration_clear")]
    if ex.table is None:
        return pd.DataFrame(columns=list(WITHHELD))
    given = ex.table.reindex(columns=["source_file", "source_row", "EXTRT", "EXDOSE"])
    listed = unclear.merge(given, on=["source_file", "source_row"], how="left")
    return listed[list(WITHHELD)].fillna("")


def _text(table: pd.DataFrame, column: str) -> "pd.Series[str]":
    if column not in table.columns:
        return pd.Series(pd.NA, index=table.index, dtype="str")
    trimmed = table[column].astype("str").str.strip()
    return trimmed.mask(trimmed == "")
