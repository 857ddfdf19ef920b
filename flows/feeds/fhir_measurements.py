"""The vital sign that a FHIR Observation reports, as rows of VS: one for it, or one a component.

Which codes of LOINC and SNOMED CT name which test is said by the catalogue of tests. A code that is not there stays
as the test's code: validation leaves such a test alone, as it does in any feed.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from checks.measurements import CATALOGUE, CatalogueTest
from flows.feeds.fhir_elements import (
    LOINC,
    SNOMED,
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

_PLACES: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        (system, code): place
        for place, test in enumerate(CATALOGUE)
        for system, codes in ((LOINC, test.loinc), (SNOMED, test.snomed))
        for code in codes
    }
)
"""Place of the test in the catalogue, by system and code."""

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


def _listed(concept: Element) -> CatalogueTest | None:
    """Return the test that the codings name: of two (a pulse is a heart rate too) the catalogue's first."""
    named = [
        _PLACES[found] for system, code in codings(concept) if (found := (system or LOINC, code)) in _PLACES
    ]
    return CATALOGUE[min(named)] if named else None


def _has_result(element: Element) -> bool:
    return any(name.startswith("value") for name in element) or bool(part(element, "dataAbsentReason"))


def _row(element: Element, status: str | None) -> Row:
    concept = part(element, "code")
    test = _listed(concept)
    value, unit = result(element)
    absent = part(element, "dataAbsentReason")
    undone = status == "cancelled" or (value is None and (status == "registered" or bool(absent)))
    return {
        "VSTESTCD": next((code for _, code in codings(concept)), None) if test is None else test.code,
        "VSTEST": first_word(concept) if test is None else test.label,
        "VSORRES": value,
        "VSORRESU": unit,
        "VSSTAT": NOT_DONE if undone else None,
        "VSREASND": first_word(absent) if undone else None,
    }
