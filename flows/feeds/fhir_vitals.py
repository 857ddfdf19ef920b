"""Decide which vital a FHIR Observation reports, and make it rows of VS: one for it, or one a component.

Codes are LOINC's: those of the R4 vital-signs profile (body temperature, respiratory rate, heart rate, oxygen
saturation, the blood pressure panel), the temperatures of a site of the body, and inhaled oxygen. A code that
is not listed stays as the test's code: validation leaves such a test alone, as it does in any feed.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from flows.feeds.fhir_elements import (
    LOINC,
    Element,
    codings,
    first_word,
    part,
    parts,
    result,
    when,
    word,
)
from flows.feeds.fhir_people import Row

TESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "8310-5": "TEMP",  # body temperature
        "8328-7": "TEMP",  # axillary
        "8329-5": "TEMP",  # core
        "8331-1": "TEMP",  # oral
        "8332-9": "TEMP",  # rectal
        "8333-7": "TEMP",  # tympanic
        "9279-1": "RESP",
        "2708-6": "OXYSAT",  # arterial blood
        "59408-5": "OXYSAT",  # arterial blood, by pulse oximetry
        "8867-4": "HR",
        "8480-6": "SYSBP",
        "8462-4": "DIABP",
        "3150-6": "FIO2",  # inhaled oxygen concentration
        "19994-3": "FIO2",  # inspired gas setting of a ventilator
    }
)
"""LOINC code -> VSTESTCD."""

COLUMNS: Final = ("VSTESTCD", "VSTEST", "VSORRES", "VSORRESU", "VSSTAT", "VSREASND", "VSDTC", "VSENDTC")

NOT_DONE: Final = "NOT DONE"
"""VSSTAT of a test without a result (CDISC code list ND)."""

VITAL_SIGNS: Final = "vital-signs"


def rows(resource: Element) -> Iterator[Row]:
    """Yield the rows of an Observation; none when its category says that it belongs to another domain.

    Status amended and corrected are results; cancelled (not done, or not to the end) is NOT DONE, and so is
    registered (no result yet) while there is no value. Each row's VSSEQ is what the record's id is to be
    followed by: nothing, or the test of a component.
    """
    code = part(resource, "code")
    components = parts(resource, "component")
    if not _is_vital(resource, [code, *(part(one, "code") for one in components)]):
        return
    start, end = when(resource)
    status = word(resource, "status")
    own = _has_result(resource) or not components
    for element in ([resource] if own else []) + components:
        row = _row(element, status)
        suffix = None if element is resource else row["VSTESTCD"] or row["VSTEST"]
        yield row | {"VSSEQ": suffix, "VSDTC": start, "VSENDTC": end}


def _is_vital(resource: Element, concepts: list[Element]) -> bool:
    categories = [code for concept in parts(resource, "category") for _, code in codings(concept)]
    return not categories or VITAL_SIGNS in categories or any(_listed(concept) for concept in concepts)


def _listed(concept: Element) -> str | None:
    found = (TESTS.get(code) for system, code in codings(concept) if system in (LOINC, None))
    return next((test for test in found if test is not None), None)


def _has_result(element: Element) -> bool:
    return any(name.startswith("value") for name in element) or bool(part(element, "dataAbsentReason"))


def _row(element: Element, status: str | None) -> Row:
    concept = part(element, "code")
    value, unit = result(element)
    absent = part(element, "dataAbsentReason")
    undone = status == "cancelled" or (value is None and (status == "registered" or bool(absent)))
    return {
        "VSTESTCD": _listed(concept) or next((code for _, code in codings(concept)), None),
        "VSTEST": first_word(concept),
        "VSORRES": value,
        "VSORRESU": unit,
        "VSSTAT": NOT_DONE if undone else None,
        "VSREASND": first_word(absent) if undone else None,
    }
