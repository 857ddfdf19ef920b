"""Rows of LB that a laboratory rule or the case definition needs, each beside its upper limit of normal.

A result without a readable time may at worst be of any time.
"""

from typing import Final

import numpy as np
import pandas as pd

from checks.forms import said_of_number, with_forms
from checks.numbers import read_numbers
from checks.protocol import StudyProtocol
from checks.validation import states, witnesses
from checks.validation.collected_results import Results, results_of
from checks.validation.raw import Needed, Prepared, Shown, Source, state
from checks.validation.testimony import Testimony, testimony
from checks.validation.unused_rows import count_codes
from checks.validation.values import BLANK, NOT_A_NUMBER, half_a_digit

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("test", ("LBTESTCD",)),
    Needed("time", ("LBDTC",)),
    Needed("value", ("LBSTRESN", "LBORRES")),
)

_BINARY: Final = 1e-9
"""A charted decimal is not exact in binary: differences are compared to a billionth of what rounding allows."""


def tests_used(protocol: StudyProtocol) -> frozenset[str]:
    """Return the tests that a laboratory rule or a criterion of the case definition names."""
    ruled = (test.upper() for rule in protocol.rules for test in rule.lab_tests)
    return tests_named(protocol).union(ruled)


def tests_named(protocol: StudyProtocol) -> frozenset[str]:
    """Return the tests that a criterion of the case definition names."""
    return frozenset(code for domain, code in protocol.case_definition.tests if domain == "LB")


def prepare(source: Source) -> Prepared:
    """Make LB ready to be judged: of tests that no rule uses, only subject, test and key matter."""
    judged, shown = source.common()
    code = source.text("LBTESTCD").str.upper()
    read = results_of(source, code, tests_used(source.setting.protocol), beside=("STNRHI", "ORNRHI"))
    test, used, text, limit_text = read.test, read.used, read.value, read.beside
    spans, time_judged = source.times(used)
    value, limit = read_numbers(text.where(used)), read_numbers(limit_text.where(used))
    higher, told_again = _told_again(source, read, value, spans)
    testimonies = [*witnesses.compare_rows(source, spans, used), *told_again]
    spans, witness_judged = witnesses.doubt(source, spans, testimonies)
    judged |= time_judged | witness_judged
    judged |= {
        "LBTESTCD_state": state({"blank": test.isna()}, states.KNOWN, ~source.is_header),
        "LBSTAT_state": read.status,
        "LBORRES_given": state({BLANK: text.isna()}, states.KNOWN, used),
        "LBORRES_state": with_forms(
            state({NOT_A_NUMBER: value.isna()}, states.NUMBER, used & text.notna()),
            NOT_A_NUMBER,
            text,
            said_of_number,
            source.quotes,
        ),
        "LBORRES_value": value,
        "LBORNRHI_state": state(
            {BLANK: limit_text.isna(), NOT_A_NUMBER: limit.isna()}, states.NUMBER, used & text.notna()
        ),
    }
    shown |= dict.fromkeys(("LBORRES_given", "LBORRES_state", "LBORRES_value"), Shown(read.column, text))
    shown["LBSTAT_state"] = read.status_shown
    shown["LBDTC_witness"] = witnesses.shown_result(source, read, higher.notna())
    shown["LBORNRHI_state"] = Shown(read.beside_column, limit_text)
    typed = source.at_any_time(spans).assign(
        domain="LB",
        sequence=source.record,
        test=test,
        value=value.where(higher.isna(), higher),
        alternative=np.nan,
        unit=source.text("LBSTRESU").where(read.column == "LBSTRESN", source.text("LBORRESU")),
        upper_limit=limit,
    )
    enrolled = used & source.enrolled
    named = tests_named(source.setting.protocol)
    matters = (used & test.isin(named)) | (test.isna() & bool(named))
    ruled = test.isin(list(tests_used(source.setting.protocol)))
    unused = (
        *count_codes("a test that no rule names", ~source.is_header & ~ruled, test, source.quotes),
        *count_codes("not done", ~source.is_header & ruled & ~used, test, source.quotes),
    )
    return Prepared(judged, shown, typed, enrolled, matters, spans["known_until"], unused=unused)


def _told_again(
    source: Source, read: Results, value: "pd.Series[float]", spans: pd.DataFrame
) -> "tuple[pd.Series[float], list[Testimony]]":
    """Return the higher of a result and of what another column tells of it, where they differ, and the testimonies.

    What was collected is compared where it is in the same unit. A limit is an upper one: at worst the higher holds. A
    unit of the last digits of both is rounding.
    """
    standard = read.used & (read.column == "LBSTRESN") & value.notna()
    highest, testimonies = pd.Series(np.nan, spans.index), []
    for column in filter(source.has, ("LBORRES", "LBSTRESC")):
        text = source.text(column)
        rows = standard & text.notna()
        if column == "LBORRES" and rows.any():
            rows &= source.text("LBORRESU").str.casefold() == source.text("LBSTRESU").str.casefold()
        if rows.any():
            higher = _higher(read, value, text, rows)
            against = pd.Series(f"{column} (another value)", higher.index, dtype="str")
            testimonies.append(testimony(rows.index, rows.index[rows], against, spans))
            highest = pd.concat([highest, higher.reindex(rows.index)], axis=1).max(axis=1)
    return highest, testimonies


def _higher(
    read: Results, value: "pd.Series[float]", text: "pd.Series[str]", rows: "pd.Series[bool]"
) -> "pd.Series[float]":
    told = read_numbers(text.where(rows))
    off = (told - value).abs()[rows]
    off = off[off > 0]
    rounded = 2 * (text[off.index].map(half_a_digit) + read.value[off.index].map(half_a_digit))
    return told.where(told > value, value)[off.index[off > rounded.astype("float64") * (1 + _BINARY)]]
