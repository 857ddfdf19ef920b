"""Administrations: the rows of EX that are study drug given, and when; what was given is not known here."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from checks.blinding import ANOTHER_DRUG, IMPOSSIBLE, STUDY_DRUG
from checks.tables import WITHHELD
from checks.validation import states
from checks.validation.raw import Columns, Needed, Prepared, Shown, Source, state

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("treatment", ("EXTRT",)),
    Needed("start", ("EXSTDTC",)),
)

NOT_GIVEN: Final[Mapping[str, frozenset[str]]] = {
    "EXSTAT": frozenset(
        {
            "NOT DONE", "NOT GIVEN", "NOT ADMINISTERED", "CANCELLED", "CANCELED", "HOLD", "HOLD DOSE", "HELD",
            "ON HOLD", "REWRITTEN", "OMITTED", "MISSED", "REFUSED",
        }
    ),
    "EXOCCUR": frozenset({"N"}),
    "EXMOOD": frozenset({"SCHEDULED", "PLANNED", "INTENDED"}),
}  # fmt: skip
"""What says that a dose was not given, or is yet to be.

Of EXSTAT, NOT DONE is the CDISC term (code list ND), the rest are charted; of EXMOOD, SCHEDULED is what the SDTM
Implementation Guide has (ECMOOD).
"""

GIVEN: Final[Mapping[str, frozenset[str]]] = {
    "EXSTAT": frozenset({"COMPLETED", "COMPLETE", "GIVEN", "DONE", "ADMINISTERED"}),
    "EXOCCUR": frozenset({"Y"}),
    "EXMOOD": frozenset({"PERFORMED"}),
}
"""What says that a dose was given, besides the blank that SDTM asks for."""

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
    ends, end_judged = source.ends(given, spans)
    status, status_shown = _status(source, study_drug)
    unclear = treatment.isna() | _amount_unclear(source, given)
    another = treatment == ANOTHER_DRUG
    dead = source.subject.map(dict(source.setting.deaths)).astype("datetime64[s, UTC]")
    to_death = (dead - spans["earliest"]).dt.total_seconds() / 3600
    over, over_judged = _over_midnight(source, end_judged)
    judged |= time_judged | end_judged | over_judged
    judged |= {
        "administration_state": state({"unclear": unclear}, states.KNOWN, data),
        "EXSTAT_state": status,
        "EXDOSFRQ_state": _doses_of_a_row(source, given),
        "treatment_state": state({"not listed": another}, states.KNOWN, data & treatment.notna()),
        "EXSTDTC_hours_to_death": to_death.where(spans["placed"]),
    }
    withheld = Shown(WITHHELD, pd.Series(WITHHELD, index=data.index, dtype="str"))
    shown |= dict.fromkeys(("administration_state", "treatment_state"), withheld)
    shown["EXSTAT_state"] = status_shown
    next_day = ends.where(~over, ends + pd.Timedelta(days=1))
    typed = spans[["earliest", "latest"]].assign(
        USUBJID=source.subject,
        EXSEQ=source.record,
        link=source.text("EXLNKID"),
        **source.after_start(next_day, spans),
    )
    keep = spans["placed"] & given
    return Prepared(judged, shown, typed, keep, given, spans["known_until"])


def _over_midnight(source: Source, end_judged: Columns) -> "tuple[pd.Series[bool], Columns]":
    """Take the end of an infusion over midnight, written with the date of its start, to be on the next day.

    By the clock it ends 12 h or more before it starts: the day after is then the nearer reading.
    """
    start, end = source.text("EXSTDTC"), source.text("EXENDTC")
    hours = end_judged["EXENDTC_hours_after_start"]
    timed = end.str.contains(":", regex=False) & start.str.contains(":", regex=False)
    over = timed & (start.str[:10] == end.str[:10]) & (hours <= -OVER_MIDNIGHT_HOURS)
    return over, {
        "EXENDTC_midnight": state({"over midnight": over}, states.KNOWN, hours.notna()),
        "EXENDTC_hours_after_start": hours.mask(over, hours + 24),
    }


def _doses_of_a_row(source: Source, given: "pd.Series[bool]") -> "pd.Series[str]":
    """Say whether each row with a frequency is one dose: it is not when it is repeated over several dates."""
    frequency, end = source.text("EXDOSFRQ").str.upper(), source.text("EXENDTC").str[:10]
    dates = end.notna() & (end != source.text("EXSTDTC").str[:10])
    repeated = dates & ~frequency.isin(ONE_DOSE)
    return state({"repeated": repeated}, states.KNOWN, given & frequency.notna())


def _said(source: Source) -> dict[str, "pd.Series[str]"]:
    """Return what says whether a dose was given: EXSTAT, EXOCCUR and EXMOOD, or as EC collected them."""
    return {
        "EXSTAT": source.text("EXSTAT"),
        "EXOCCUR": source.first_of(("EXOCCUR", "ECOCCUR")),
        "EXMOOD": source.first_of(("EXMOOD", "ECMOOD")),
    }


def _not_given(source: Source) -> "pd.Series[bool]":
    said = [words.str.upper().isin(list(NOT_GIVEN[name])) for name, words in _said(source).items()]
    return said[0] | said[1] | said[2]


def _status(source: Source, among: "pd.Series[bool]") -> "tuple[pd.Series[str], Shown]":
    """Judge whether each row says clearly if its dose was given, and show the first that does not."""
    column, text = pd.Series("EXSTAT", index=among.index, dtype="str"), source.text("EXSTAT")
    unknown = ~(among | True)
    for name, words in _said(source).items():
        here = words.notna() & ~words.str.upper().isin(list(NOT_GIVEN[name] | GIVEN[name])) & ~unknown
        column, text, unknown = column.mask(here, name), text.mask(here, words), unknown | here
    return state({"unknown": unknown}, states.KNOWN, among), Shown(column, text)


def _amount_unclear(source: Source, given: "pd.Series[bool]") -> "pd.Series[bool]":
    """Whether a dose given has an impossible amount, or none although its subject has others."""
    amount = source.text("EXDOSE").where(given)
    possible = amount.notna() & (amount != IMPOSSIBLE)
    with_amounts = possible.groupby(source.subject).transform("any").fillna(value=False).astype("bool")
    without = source.subject[given & ~with_amounts].nunique()
    kept_blind = ~with_amounts & (without >= KEPT_BLIND or not with_amounts.any())
    return (amount == IMPOSSIBLE) | (given & amount.isna() & ~kept_blind)
