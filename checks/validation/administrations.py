"""Decide which rows of EX are study drug that was given, and when; what was given is not kept."""

from typing import Final

import pandas as pd

from checks.validation import catalogue
from checks.validation.raw import (
    Columns,
    Needed,
    Prepared,
    Setting,
    Shown,
    Source,
    common,
    ends,
    state,
    times,
)
from checks.validation.values import read_numbers

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("treatment", ("EXTRT",)),
    Needed("start", ("EXSTDTC",)),
)

NOT_GIVEN: Final = frozenset(
    {
        "NOT DONE", "NOT GIVEN", "NOT ADMINISTERED", "CANCELLED", "CANCELED", "HOLD", "HOLD DOSE", "HELD",
        "ON HOLD", "REWRITTEN", "OMITTED", "MISSED", "REFUSED",
    }
)  # fmt: skip
"""EXSTAT of a dose that was not given: NOT DONE is the CDISC term (code list ND), the rest are charted."""

GIVEN: Final = frozenset({"COMPLETED", "COMPLETE", "GIVEN", "DONE", "ADMINISTERED"})
"""EXSTAT of a dose that was given, besides the blank that SDTM asks for."""


def prepare(source: Source, setting: Setting) -> Prepared:
    """Make EX ready to be judged. Rows of other drugs, and doses not given, need no time and no amount."""
    judged, shown = common(source, setting)
    treatment = source.text("EXTRT")
    data = ~source.is_header
    names = [name.strip().casefold() for name in setting.protocol.treatment.names]
    study_drug = data & (treatment.isna() | treatment.str.casefold().isin(names).fillna(False))
    status = _status(source, study_drug)
    given = study_drug & ~_not_given(source)
    spans, time_judged, time_shown = times("EXSTDTC", source.text("EXSTDTC"), given, source, setting)
    end_judged, end_shown = ends("EXENDTC", spans, given, source, setting)
    amount_judged, amount_shown = _amount(source, given)
    judged |= time_judged | end_judged | amount_judged
    judged["treatment_state"] = state({"blank": treatment.isna()}, catalogue.KNOWN, data)
    judged["status_state"] = status
    dead = source.subject.map(dict(setting.deaths)).astype("datetime64[s, UTC]")
    judged["hours_to_death"] = ((dead - spans["earliest"]).dt.total_seconds() / 3600).where(spans["placed"])
    shown |= time_shown | end_shown | amount_shown
    shown["treatment_state"] = Shown("EXTRT", treatment)
    shown["status_state"] = Shown("EXSTAT", source.text("EXSTAT").fillna(_occurrence(source)))
    shown["hours_to_death"] = Shown("EXSTDTC", source.text("EXSTDTC"))
    typed = spans[["earliest", "latest"]].assign(USUBJID=source.subject, EXSEQ=source.record)
    keep = spans["placed"] & given
    known_until = spans["earliest"].where(spans["placed"])
    return Prepared(pd.DataFrame(judged), shown, typed, keep, given, known_until)


def _occurrence(source: Source) -> "pd.Series[str]":
    """Return EXOCCUR, or ECOCCUR where doses come as collected."""
    return source.first_of(("EXOCCUR", "ECOCCUR")).str.upper()


def _not_given(source: Source) -> pd.Series:
    """Whether a row says that the dose was not given."""
    words = source.text("EXSTAT").str.upper()
    return (words.isin(NOT_GIVEN) | (_occurrence(source) == "N")).fillna(False).astype("bool")


def _status(source: Source, among: "pd.Series[bool]") -> "pd.Series[str]":
    """Say whether the status of each row is one we know."""
    words, occurrence = source.text("EXSTAT").str.upper(), _occurrence(source)
    unknown = words.notna() & ~words.isin(NOT_GIVEN | GIVEN) | occurrence.notna() & ~occurrence.isin(
        ["Y", "N"]
    )
    return state({"unknown": unknown}, catalogue.KNOWN, among)


def _amount(source: Source, given: "pd.Series[bool]") -> tuple[Columns, dict[str, Shown]]:
    """Judge the amount of each dose given, if any are delivered; 0 is placebo, not missing."""
    text = source.text("EXDOSE")
    # A feed that is kept blind may leave the column out, or blank.
    if text.isna().all():
        return {}, {}
    amount = read_numbers(text)
    judged: Columns = {
        "amount_state": state({"unreadable": amount.isna()}, catalogue.NUMBER, given),
        "amount": amount.where(given),
    }
    return judged, {name: Shown("EXDOSE", text) for name in judged}
