"""Decide which rows of VS are readings of a vital that the case definition needs, and what each says.

A reading without a readable time may at worst lie in any dose's hours, as an event may.
"""

from typing import Final

import pandas as pd

from checks.protocol import StudyProtocol
from checks.validation import catalogue
from checks.validation.raw import Needed, Prepared, Setting, Shown, Source, at_any_time, common, state, times
from checks.validation.values import BLANK, read_vitals

NEEDED = (
    Needed("subject", ("USUBJID",)),
    Needed("test", ("VSTESTCD",)),
    Needed("time", ("VSDTC",)),
    Needed("value", ("VSSTRESN", "VSORRES")),
    Needed("unit", ("VSSTRESU", "VSORRESU")),
)

ALWAYS: Final = frozenset({"HR"})
"""Typed besides the vitals of the case definition: shown beside each case."""


def vitals_used(protocol: StudyProtocol) -> frozenset[str]:
    """Return the vitals that a criterion of the case definition names, and those always typed."""
    criteria = [one for part in protocol.case_definition.components.values() for one in part.criteria]
    return ALWAYS | {one.vital for one in criteria if one.vital is not None}


def prepare(source: Source, setting: Setting) -> Prepared:
    """Make VS ready to be judged: of vitals that no criterion uses, only subject, test and key matter."""
    judged, shown = common(source, setting)
    test = source.text("VSTESTCD").str.upper()
    used = ~source.is_header & test.isin(vitals_used(setting.protocol))
    used &= ~(source.text("VSSTAT").str.upper() == "NOT DONE").fillna(False).astype("bool")
    spans, time_judged, time_shown = times("VSDTC", source.text("VSDTC"), used, source, setting)
    value, unit, column = _result(source)
    readings = read_vitals(test[used], value[used], unit[used]).reindex(test.index)
    judged |= time_judged
    judged |= {name: readings[name] for name in ("value_state", "unit_state", "unit_fit", "position")}
    judged["value_given"] = state({BLANK: value.isna()}, catalogue.KNOWN, used)
    judged["test_state"] = state({"blank": test.isna()}, catalogue.KNOWN, ~source.is_header)
    judged["dosed"] = source.subject.where(used & spans["placed"])
    shown |= time_shown | _shown_result(value, unit, column)
    shown["test_state"] = Shown("VSTESTCD", test)
    typed = at_any_time(spans, setting).assign(
        USUBJID=source.subject,
        VSSEQ=source.record,
        VSTESTCD=test,
        value=readings["value"],
        alternative=readings["alternative"],
    )
    enrolled = used & source.subject.isin(list(setting.zones))
    known_until = spans["earliest"].where(spans["placed"])
    return Prepared(pd.DataFrame(judged), shown, typed, enrolled, used | test.isna(), known_until)


def _result(source: Source) -> tuple["pd.Series[str]", "pd.Series[str]", "pd.Series[str]"]:
    """Return value, unit and the value's column: standardised where both are given, else as collected."""
    value, unit = source.text("VSSTRESN"), source.text("VSSTRESU")
    standard = value.notna() & unit.notna()
    if source.has("VSORRES"):
        collected = ~standard & source.text("VSORRES").notna()
        value, unit = (
            value.mask(collected, source.text("VSORRES")),
            unit.mask(collected, source.text("VSORRESU")),
        )
    else:
        collected = pd.Series(False, index=value.index)
    # A blank is asked for where it was left.
    first = "VSSTRESN" if source.has("VSSTRESN") else "VSORRES"
    column = pd.Series(first, index=value.index, dtype="str").mask(collected, "VSORRES")
    return value, unit, column


def _shown_result(
    value: "pd.Series[str]", unit: "pd.Series[str]", column: "pd.Series[str]"
) -> dict[str, Shown]:
    """Show value and unit together: either may be the mistaken one."""
    unit_column = column.replace({"VSSTRESN": "VSSTRESU", "VSORRES": "VSORRESU"})
    shown = {name: Shown(column, value, unit) for name in ("value_given", "value_state", "position")}
    return shown | {name: Shown(unit_column, value, unit) for name in ("unit_state", "unit_fit")}
