"""Adverse events, row by row: term, grade, seriousness, and when each can have begun and ended."""

import pandas as pd

from checks.numbers import read_numbers
from checks.validation import states
from checks.validation.raw import Needed, Prepared, Shown, Source, state

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("start", ("AESTDTC",)),
    Needed("term", ("AEDECOD", "AETERM")),
)


def prepare(source: Source) -> Prepared:
    """Make AE ready to be judged; an event without a readable start may at worst lie in any dose's hours."""
    judged, shown = source.common()
    data = ~source.is_header
    spans, time_judged = source.times(data)
    term = source.first_of(("AEDECOD", "AETERM"))
    grade = source.text("AETOXGR").str.upper().str.replace(r"^GRADE\s*|\.0+$", "", regex=True)
    numeric = read_numbers(grade).notna()
    severity, serious = source.text("AESEV"), source.text("AESER")
    ends, end_judged = source.ends(data, spans)
    judged |= time_judged | end_judged | source.dosed(spans["placed"])
    judged |= {
        "AETERM_state": state({"blank": term.isna()}, states.KNOWN, data),
        "AESEV": severity.where(data),
        "AESER": serious.where(data),
        "AETOXGR_state": state({"word": ~numeric}, states.NUMBER, data & grade.notna()),
        "AETOXGR_grade": grade.where(data & numeric),
    }
    shown["AETERM_state"] = Shown("AEDECOD" if source.has("AEDECOD") else "AETERM", term)
    shown["AETOXGR_state"] = Shown("AETOXGR", grade)
    keep = data & source.enrolled & term.notna()
    components = source.setting.protocol.case_definition.components.values()
    named = frozenset().union(*(component.terms for component in components))
    told, verbatim = term.str.casefold(), source.text("AETERM").str.casefold()
    matters = data & (term.isna() | told.isin(named) | verbatim.isin(named))
    typed = pd.DataFrame(
        {
            "AESEQ": source.record,
            "term": told,
            "verbatim": verbatim,
            "grade": grade.fillna(severity.str.upper()),
            "serious": serious.str.upper(),
            "fatal": _fatal(source),
            "timed": spans["timed"],
            **source.at_any_time(spans),
            **source.after_start(ends, spans),
        }
    )
    return Prepared(judged, shown, typed, keep, matters, spans["known_until"])


def _fatal(source: Source) -> "pd.Series[bool]":
    """Whether the subject died of the event: by its outcome, or by the criterion that made it serious."""
    outcome, death = source.text("AEOUT").str.upper(), source.text("AESDTH").str.upper()
    return (outcome == "FATAL") | (death == "Y")
