"""Administrations: the rows of EX that are study drug given, and when; what was given is not known here."""

from typing import Final

import pandas as pd

from checks.blinding import ANOTHER_DRUG, IMPOSSIBLE, STUDY_DRUG
from checks.tables import WITHHELD
from checks.validation import catalogue
from checks.validation.raw import Columns, Needed, Prepared, Shown, Source, state

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


KEPT_BLIND: Final = 2
"""So many subjects without any possible amount are a feed that is kept blind for some of them, often those on
placebo: to withhold their doses would tell who they are. One subject's missing amounts are taken for a mistake."""


OVER_MIDNIGHT_HOURS: Final = 12
"""An end so long before its start, on one date, is nearer to the same time of the next day."""

ONE_DOSE: Final = frozenset({"ONCE", "X1", "1 TIME", "CONTINUOUS"})
"""EXDOSFRQ of a row that is one administration: ONCE and CONTINUOUS are the CDISC terms (code list FREQ)."""


def prepare(source: Source) -> Prepared:
    """Make EX ready to be judged. Rows of other drugs, and doses not given, need no time and no amount."""
    judged, shown = source.common()
    treatment = source.text("EXTRT")
    data = ~source.is_header
    study_drug = data & (treatment.isna() | (treatment == STUDY_DRUG))
    given = study_drug & ~_not_given(source)
    spans, time_judged = source.times(given)
    end_judged = source.ends(given, spans)
    unclear = treatment.isna() | _amount_unclear(source, given)
    another = treatment == ANOTHER_DRUG
    dead = source.subject.map(dict(source.setting.deaths)).astype("datetime64[s, UTC]")
    to_death = (dead - spans["earliest"]).dt.total_seconds() / 3600
    judged |= time_judged | end_judged | _over_midnight(source, end_judged)
    judged |= {
        "administration_state": state({"unclear": unclear}, catalogue.KNOWN, data),
        "EXSTAT_state": _status(source, study_drug),
        "EXDOSFRQ_state": _doses_of_a_row(source, given),
        "treatment_state": state({"not listed": another}, catalogue.KNOWN, data & treatment.notna()),
        "EXSTDTC_hours_to_death": to_death.where(spans["placed"]),
    }
    withheld = Shown(WITHHELD, pd.Series(WITHHELD, index=data.index, dtype="str"))
    shown |= dict.fromkeys(("administration_state", "treatment_state"), withheld)
    shown["EXSTAT_state"] = Shown("EXSTAT", source.text("EXSTAT").fillna(_occurrence(source)))
    typed = spans[["earliest", "latest"]].assign(USUBJID=source.subject, EXSEQ=source.record)
    keep = spans["placed"] & given
    return Prepared(judged, shown, typed, keep, given, spans["known_until"])


def _over_midnight(source: Source, end_judged: Columns) -> Columns:
    """Take the end of an infusion over midnight, written with the date of its start, to be on the next day.

    By the clock it ends 12 h or more before it starts: the day after is then the nearer reading.
    """
    start, end = source.text("EXSTDTC"), source.text("EXENDTC")
    hours = end_judged["EXENDTC_hours_after_start"]
    timed = end.str.contains(":", regex=False) & start.str.contains(":", regex=False)
    over = timed & (start.str[:10] == end.str[:10]) & (hours <= -OVER_MIDNIGHT_HOURS)
    return {
        "EXENDTC_midnight": state({"over midnight": over}, catalogue.KNOWN, hours.notna()),
        "EXENDTC_hours_after_start": hours.mask(over, hours + 24),
    }


def _doses_of_a_row(source: Source, given: "pd.Series[bool]") -> "pd.Series[str]":
    """Say whether each row with a frequency is one dose: it is not when it is repeated over several dates."""
    frequency, end = source.text("EXDOSFRQ").str.upper(), source.text("EXENDTC").str[:10]
    dates = end.notna() & (end != source.text("EXSTDTC").str[:10])
    repeated = dates & ~frequency.isin(ONE_DOSE)
    return state({"repeated": repeated}, catalogue.KNOWN, given & frequency.notna())


def _occurrence(source: Source) -> "pd.Series[str]":
    """Return EXOCCUR, or ECOCCUR where doses come as collected."""
    return source.first_of(("EXOCCUR", "ECOCCUR")).str.upper()


def _not_given(source: Source) -> pd.Series:
    words = source.text("EXSTAT").str.upper()
    return words.isin(NOT_GIVEN) | (_occurrence(source) == "N")


def _status(source: Source, among: "pd.Series[bool]") -> "pd.Series[str]":
    words, occurrence = source.text("EXSTAT").str.upper(), _occurrence(source)
    unknown = words.notna() & ~words.isin(NOT_GIVEN | GIVEN) | occurrence.notna() & ~occurrence.isin(
        ["Y", "N"]
    )
    return state({"unknown": unknown}, catalogue.KNOWN, among)


def _amount_unclear(source: Source, given: "pd.Series[bool]") -> "pd.Series[bool]":
    """Whether a dose given has an impossible amount, or none although its subject has others."""
    amount = source.text("EXDOSE").where(given)
    possible = amount.notna() & (amount != IMPOSSIBLE)
    with_amounts = possible.groupby(source.subject).transform("any").fillna(value=False).astype("bool")
    without = source.subject[given & ~with_amounts].nunique()
    kept_blind = ~with_amounts & (without >= KEPT_BLIND or not with_amounts.any())
    return (amount == IMPOSSIBLE) | (given & amount.isna() & ~kept_blind)
