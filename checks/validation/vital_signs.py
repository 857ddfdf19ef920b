"""Rows of VS that the case definition needs: measurements of its vitals, and what each says.

A measurement without a readable time may at worst lie in any dose's hours, as an event may.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from checks.criteria import VitalCriterion
from checks.forms import said_of_number, said_of_unit, with_forms
from checks.measurements import VITALS
from checks.protocol import StudyProtocol
from checks.validation import states, witnesses
from checks.validation.collected_results import Results, results_of
from checks.validation.raw import Needed, Prepared, Shown, Source, state
from checks.validation.test_codes import read_codes
from checks.validation.testimony import Testimony, testimony
from checks.validation.unused_rows import count_codes, count_tests
from checks.validation.values import BLANK, NOT_A_NUMBER, UNKNOWN_UNIT, read_vitals

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("test", ("VSTESTCD",)),
    Needed("time", ("VSDTC",)),
    Needed("value", ("VSSTRESN", "VSORRES")),
    Needed("unit", ("VSSTRESU", "VSORRESU")),
)

ALWAYS: Final = frozenset({"HR"})
"""Typed besides the vitals of the case definition: shown beside each case."""

_BINARY: Final = 1e-6
"""A charted decimal is not exact in binary: differences are compared to a millionth."""


def vitals_used(protocol: StudyProtocol) -> frozenset[str]:
    """Return the vitals that a criterion of the case definition names, and those always typed."""
    return ALWAYS | {one.vital for one in _vital_criteria(protocol)}


def _vital_criteria(protocol: StudyProtocol) -> list[VitalCriterion]:
    components = protocol.case_definition.components.values()
    return [one for part in components for one in part.criteria if isinstance(one, VitalCriterion)]


def prepare(source: Source) -> Prepared:
    """Make VS ready to be judged: of vitals that no criterion uses, only subject, test and key matter."""
    judged, shown = source.common()
    vitals = vitals_used(source.setting.protocol)
    codes = read_codes(source, frozenset(one.vital for one in _vital_criteria(source.setting.protocol)))
    read = results_of(source, codes.test, vitals, beside=("STRESU", "ORRESU"))
    test, used = read.test, read.used
    spans, time_judged = source.times(used)
    measured = read_vitals(test.where(used), read.value, read.beside)
    for vital in vitals:
        judged[f"VSSTRESN_{vital}"] = measured["measured"].where(test == vital)
    certain = used & spans["placed"] & (spans["earliest"] == spans["latest"])
    certain &= ~codes.doubt
    # of rows that share a key none is sound: they contradict no other
    certain &= ~(judged["VSSEQ_key"].notna() & judged["VSSEQ_key"].duplicated(keep=False))
    original, told_again = _told_again(source, read, measured, spans)
    testimonies = [*witnesses.compare_rows(source, spans, used), *told_again]
    widened, witness_judged = witnesses.doubt(source, spans, testimonies)
    certain &= ~witnesses.contradicted(witness_judged["VSDTC_witness"])
    judged |= time_judged | witness_judged | source.dosed(used & spans["placed"])
    odd = measured["unit_state"] == UNKNOWN_UNIT
    judged |= {
        "VSORRES_state": with_forms(
            measured["value_state"], NOT_A_NUMBER, read.value, said_of_number, source.quotes
        ),
        "VSORRESU_state": with_forms(
            measured["unit_state"],
            UNKNOWN_UNIT,
            test[odd].str.cat(read.beside[odd], sep=" "),
            said_of_unit,
            source.quotes,
        ),
        "VSORRESU_fit": measured["unit_fit"],
        "VSORRES_agreement": _agreement(source, test, spans, measured, certain),
        "VSSTAT_state": read.status,
        "VSORRES_given": state({BLANK: read.value.isna()}, states.KNOWN, used),
        "VSTESTCD_spelling": codes.spelling,
        "VSTESTCD_state": codes.meaning,
    }
    shown["VSDTC_witness"] = witnesses.shown_result(source, read, original.notna())
    shown |= _shown_results(read, source.setting.protocol) | {"VSSTAT_state": read.status_shown}
    typed = source.at_any_time(widened).assign(
        domain="VS",
        sequence=source.record,
        test=test,
        value=measured["value"],
        alternative=measured["alternative"].fillna(original),
        unit=test.astype("category").map({vital: one.units[0].name for vital, one in VITALS.items()}),
        upper_limit=np.nan,
    )
    enrolled = used & source.enrolled
    of_vital = test.isin(list(vitals))
    unused = (
        *count_tests(codes, ~source.is_header & ~of_vital, source.quotes),
        *count_codes("not done", ~source.is_header & of_vital & ~used, codes.name, source.quotes),
    )
    return Prepared(judged, shown, typed, enrolled, used | test.isna(), spans["known_until"], unused=unused)


def _told_again(
    source: Source, read: Results, measured: pd.DataFrame, spans: pd.DataFrame
) -> "tuple[pd.Series[float], list[Testimony]]":
    """Return other values that columns beside those read tell of the results, and the testimony of each column."""
    other, testimonies = pd.Series(np.nan, spans.index), []
    units = {"VSORRES": "VSORRESU", "VSSTRESC": "VSSTRESU"}
    for column in filter(source.has, units):
        rows = read.used & (read.column != column) & source.text(column).notna()
        if rows.any():
            found = _another_value(
                read, measured, rows, (source.text(column), source.text(units[column])), source
            )
            against = pd.Series(f"{column} (another value)", found.index, dtype="str")
            testimonies.append(testimony(rows.index, rows.index[rows], against, spans))
            other = other.fillna(found)
    return other, testimonies


def _another_value(
    read: Results,
    measured: pd.DataFrame,
    rows: "pd.Series[bool]",
    told_in: "tuple[pd.Series[str], pd.Series[str]]",
    source: Source,
) -> "pd.Series[float]":
    """Return the values told beside those read, by text and unit, of the rows where they are others.

    Both are rounded, each in its unit, or cut off: they are alike within a unit of the last digits of both. Others
    are taken for one as long as the case definition cannot tell them apart.
    """
    text, unit = told_in
    differ = rows & ((text != read.value) | (unit != read.beside))
    told = read_vitals(read.test[differ], text[differ], unit[differ])
    here = measured[differ]
    sound = told["position"].between(0, 1) & here["position"].between(0, 1)
    rounded = 2 * (told["rounding"] + here["rounding"]) + _BINARY
    lowest, highest = (getattr(np, name)(told["value"], here["value"]) for name in ("minimum", "maximum"))
    apart = _told_apart(read.test[differ], lowest, highest, source.setting.protocol)
    return told["value"].where(sound & (highest - lowest > rounded) & apart).dropna()


def _agreement(
    source: Source,
    test: "pd.Series[str]",
    spans: pd.DataFrame,
    measured: pd.DataFrame,
    certain: "pd.Series[bool]",
) -> "pd.Series[Any]":
    """Say of the measurements of one vital at one instant whether they agree, missing where one stands alone.

    Measurements that differ by no more than their rounding are one: a value calculated in C beside its F. Others
    stand side by side as long as the case definition cannot tell them apart.
    """
    same = {"subject": source.subject_codes[0], "test": pd.factorize(test)[0], "instant": spans["earliest"]}
    sound = certain & measured["position"].between(0, 1)
    rows = pd.DataFrame(same, index=test.index)[sound]
    beside = rows[rows.duplicated(keep=False)].join([test.rename("vital"), measured[["value", "rounding"]]])
    groups = beside.assign(
        least=beside["value"] - beside["rounding"], most=beside["value"] + beside["rounding"]
    ).groupby(list(same), sort=False)
    lowest, highest = groups["value"].transform("min"), groups["value"].transform("max")
    differ = groups["least"].transform("max") > groups["most"].transform("min") + _BINARY
    contradict = differ & _told_apart(beside["vital"], lowest, highest, source.setting.protocol)
    return state({"contradicts": contradict}, states.AGREES, contradict | True).reindex(test.index)


def _told_apart(
    test: "pd.Series[str]", lowest: "pd.Series[float]", highest: "pd.Series[float]", protocol: StudyProtocol
) -> "pd.Series[bool]":
    """Whether some criterion may hold for the one value of a vital and not for the other."""
    apart = pd.Series(False, index=test.index)
    for one in _vital_criteria(protocol):
        told_apart = one.told_apart(np.asarray(lowest, np.float64), np.asarray(highest, np.float64))
        apart |= (test == one.vital) & pd.Series(told_apart, index=test.index)
    return apart


def _shown_results(read: Results, protocol: StudyProtocol) -> dict[str, Shown]:
    """Show value and unit together: either may be the mistaken one."""
    of_value = ["VSORRES_given", "VSORRES_state", "VSORRES_agreement"]
    of_value += [f"VSSTRESN_{vital}" for vital in vitals_used(protocol)]
    of_unit = ("VSORRESU_state", "VSORRESU_fit")
    return dict.fromkeys(of_value, Shown(read.column, read.value, read.beside)) | dict.fromkeys(
        of_unit, Shown(read.beside_column, read.value, read.beside)
    )
