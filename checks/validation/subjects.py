"""Subjects in the study: one row of DM each, at a site whose time zone the protocol gives, and when they died."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from checks.flags import YES_OR_NO, answers
from checks.instants import BLANK, NO_ZONE, parse_stamps
from checks.validation import states
from checks.validation.placeholders import Contacts, contacts_of
from checks.validation.raw import Needed, Prepared, Shown, Source, state

NEEDED = (Needed("subject", ("USUBJID",)), Needed("site", ("SITEID",)))

SAID_WITHOUT_DATE: Final = "blank, though DTHFL says that the subject died"
"""The state of a death without a date."""


def prepare(source: Source) -> Prepared:
    """Make DM ready to be judged; treatment arms are not read."""
    judged, shown = source.common()
    site = source.text("SITEID")
    # A blank site is not in the list either: it must not pass for a check that does not concern the row.
    judged["SITEID_text"] = site.fillna("").where(~source.is_header & source.subject.notna())
    judged["DMSTAT_state"], shown["DMSTAT_state"] = source.status(
        {}, source.is_header & False, Shown("USUBJID", source.subject)
    )
    zones = site.map(dict(source.setting.protocol.sites)).astype("str")
    died = parse_stamps(source.text("DTHDTC"), zones)
    known = died["earliest"] <= source.setting.data_cutoff
    undated = _undated_deaths(source, died)
    died_or_not = (source.text("DTHDTC").notna() & ~source.is_header) | undated[SAID_WITHOUT_DATE]
    judged["DTHDTC_state"] = state(undated, states.READABLE, died_or_not)
    nobody_knows = pd.concat(undated, axis="columns").any(axis="columns")
    typed = pd.DataFrame(
        {
            "USUBJID": source.subject,
            "SITEID": site,
            "timezone": zones,
            "died_earliest": died["earliest"].where(known),
            "died_latest": died["latest"].where(known).mask(nobody_knows, source.setting.data_cutoff),
        }
    )
    nowhen = pd.Series(pd.NaT, index=typed.index, dtype="datetime64[s, UTC]")
    every = pd.Series(True, typed.index)
    return Prepared(judged, shown, typed, every, ~every, nowhen)


def _undated_deaths(source: Source, died: pd.DataFrame) -> "dict[str, pd.Series[bool]]":
    """Return of whom DM says that they died, and does not say when in a way that can be read, by the reason."""
    unreadable = ~died["problem"].isin([BLANK, NO_ZONE]) & died["problem"].notna() & ~source.is_header
    said_so = answers(source.text("DTHFL"), YES_OR_NO).yes & source.text("DTHDTC").isna() & ~source.is_header
    return {SAID_WITHOUT_DATE: said_so, "a text that cannot be read": unreadable}


def deaths(source: Source, zones: Mapping[str, str]) -> dict[str, pd.Timestamp]:
    """Return the last instant at which each subject with a date of death can have died."""
    died = _latest(source, "DTHDTC", zones)
    known = died.notna() & source.subject.notna()
    return dict(zip(source.subject[known], died[known], strict=True))


def exposed(source: Source, zones: Mapping[str, str], data_cutoff: pd.Timestamp) -> frozenset[str]:
    """Return the subjects of whom DM says that they were exposed by the data cut-off (RFXSTDTC)."""
    known = source.subject.isin(list(zones))
    return frozenset(source.subject[known & (_latest(source, "RFXSTDTC", zones) <= data_cutoff)])


def _latest(source: Source, column: str, zones: Mapping[str, str]) -> "pd.Series[pd.Timestamp]":
    """Return the last instant that each row's stamp in a column can mean."""
    return parse_stamps(source.text(column), source.subject.map(dict(zones)).astype("str"))["latest"]


def contacts(source: Source, tables: Mapping[str, pd.DataFrame]) -> Contacts:
    """Return when the study met each subject: by birth and first dates of DM, and by the other feeds."""
    met = [source.text(column) for column in ("RFICDTC", "RFSTDTC", "RFXSTDTC")]
    return contacts_of(source.subject, source.text("BRTHDTC"), met, tables)
