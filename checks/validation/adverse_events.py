"""Adverse events, row by row: term, grade, seriousness, and when each can have begun and ended."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from checks.flags import YES_OR_NO, answers
from checks.numbers import read_numbers
from checks.terms import NO_TERM, NOT_CODED, folded, letters
from checks.validation import states, witnesses
from checks.validation.occurrence import told
from checks.validation.raw import Needed, Prepared, Shown, Source, state
from checks.validation.unused_rows import count_unused

_TERMS: Final = ("AEDECOD", "AETERM")

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("start", ("AESTDTC",)),
    Needed("term", _TERMS),
)


def prepare(source: Source) -> Prepared:
    """Make AE ready to be judged; an event without a readable start may at worst lie in any dose's hours."""
    judged, shown = source.common()
    occurred = _occurred(source)
    data = ~source.is_header & ~occurred.not_at_all
    spans, time_judged = source.times(data)
    coded, verbatim = _terms(source, "AEDECOD", NOT_CODED), _terms(source, "AETERM", NO_TERM)
    term = coded.fillna(verbatim)
    grade = source.text("AETOXGR").str.upper().str.replace(r"^GRADE\s*|\.0+$", "", regex=True)
    numeric = read_numbers(grade).notna()
    severity, serious = source.text("AESEV"), source.text("AESER")
    ends, end_judged = source.ends(data, spans)
    spans, witness_judged = witnesses.judge_rows(source, spans, data)
    judged |= time_judged | end_judged | witness_judged | source.dosed(spans["placed"])
    judged |= {
        "AETERM_state": state({"blank": term.isna()}, states.KNOWN, data),
        "AEDECOD_state": state(
            {"a placeholder": coded.isna() & verbatim.notna()},
            states.KNOWN,
            data & source.text("AEDECOD").notna(),
        ),
        "AEOCCUR_state": state(
            {"did not occur": occurred.not_at_all}, states.KNOWN, occurred.answered & ~source.is_header
        ),
        "AESTAT_state": occurred.status,
        "AESEV": severity.where(data),
        "AESER": serious.where(data),
        "AETOXGR_state": state({"word": ~numeric}, states.NUMBER, data & grade.notna()),
        "AETOXGR_grade": grade.where(data & numeric),
    }
    shown["AETERM_state"] = Shown("AEDECOD" if source.has("AEDECOD") else "AETERM", source.first_of(_TERMS))
    shown |= {"AESTAT_state": occurred.shown, "AEOCCUR_state": Shown("AEOCCUR", source.text("AEOCCUR"))}
    shown["AETOXGR_state"] = Shown("AETOXGR", grade)
    keep = data & source.enrolled & term.notna()
    components = source.setting.protocol.case_definition.components.values()
    named = frozenset().union(*(component.terms for component in components))
    matters = data & (term.isna() | term.isin(named) | verbatim.isin(named))
    typed = pd.DataFrame(
        {
            "AESEQ": source.record,
            "term": term,
            "verbatim": verbatim,
            "grade": grade.fillna(severity.str.upper()),
            "serious": _yes_or_no(serious),
            "fatal": _fatal(source),
            "timed": spans["timed"],
            **source.at_any_time(spans),
            **source.after_start(ends, spans),
        }
    )
    unused = (
        *count_unused("a term that no criterion names", data & ~matters),
        *count_unused("did not occur", ~source.is_header & ~data),
    )
    return Prepared(judged, shown, typed, keep, matters, spans["known_until"], unused=unused)


def _terms(source: Source, column: str, placeholders: Set[str]) -> "pd.Series[str]":
    """Return the terms of a column as they are compared, missing where a placeholder stands for none."""
    codes, distinct = pd.factorize(source.text(column))
    read = [None if letters(folded(one)).upper() in placeholders else folded(one) for one in distinct]
    return pd.Series(pd.array([*read, None], dtype="str").take(codes), index=source.subject.index)


def _yes_or_no(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Return Y or N however it is spelt, any other text in upper case."""
    said = answers(texts, YES_OR_NO)
    return texts.str.upper().mask(said.yes, "Y").mask(said.no, "N")


def _fatal(source: Source) -> "pd.Series[bool]":
    """Whether the subject died of the event: by its outcome, or by the criterion that made it serious."""
    return (source.text("AEOUT").str.upper() == "FATAL") | answers(source.text("AESDTH"), YES_OR_NO).yes


@dataclass(frozen=True, slots=True)
class _Occurred:
    """What each row says of whether its event occurred, and the state of what it says."""

    not_at_all: "pd.Series[bool]"
    answered: "pd.Series[bool]"
    status: "pd.Series[Any]"
    shown: Shown


NO_OUTCOME: Final = ("NOT APPLICABLE", "NA", "N/A", "UNKNOWN")
"""AEOUT that says nothing: UNKNOWN is a term of the CDISC code list OUT, the others stand where none applies."""


def _occurred(source: Source) -> _Occurred:
    """Say of each event whether it occurred: a pre-specified one is asked for, and need not have.

    AESTAT of a pre-specified event says that it was not asked for: nothing is known of it. What did not occur has no
    outcome, no end, and is not serious; a severity and a date, which forms fill in, do not contradict.
    """
    columns = ("AEOCCUR", "AEPRESP", "AESTAT")
    texts = [source.text(column) for column in columns]
    occurred, asked, done = (told(text, column[2:]) for column, text in zip(columns, texts, strict=True))
    prespecified = asked.yes | asked.unknown
    no = occurred.no | (done.no & prespecified & ~occurred.yes)
    bad = {
        "says that the event did not occur, beside an outcome, an end or seriousness": (
            no & _has_course(source) if no.any() else no
        ),
        "says that the event was not asked for, though it was told": done.no & ~no,
        "says neither that the event occurred nor that it did not": occurred.unknown | done.unknown,
        "does not say whether the event occurred that was asked for": prespecified & texts[0].isna() & ~no,
    }
    of_status = (done.no | done.unknown) & ~occurred.no & ~occurred.unknown
    column = pd.Series("AEOCCUR", texts[0].index, dtype="str").mask(of_status, "AESTAT")
    shown = Shown(column, texts[0].mask(of_status, texts[2]))
    among = ~source.is_header & (occurred.no | occurred.unknown | prespecified | done.no | done.unknown)
    status, shown = source.status(bad, among, shown)
    answered = texts[0].notna() | prespecified | done.no
    return _Occurred(no & (status == states.KNOWN), answered, status, shown)


def _has_course(source: Source) -> "pd.Series[bool]":
    """Whether a row tells of an event what only one that occurred has."""
    outcome = source.text("AEOUT").str.upper()
    serious = answers(source.text("AESER"), YES_OR_NO).yes | _fatal(source)
    return serious | source.text("AEENDTC").notna() | (outcome.notna() & ~outcome.isin(NO_OUTCOME))
