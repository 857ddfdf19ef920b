"""The test that a FHIR Observation reports, as rows of VS or LB: one for it, or one a component.

Which codes of LOINC and SNOMED CT name which test is said by the catalogue of tests. A code that is not there stays
as the test's code: validation leaves such a test alone, as it does in any feed.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from checks.measurements import CATALOGUE, CatalogueTest
from flows.feeds.readers.fhir.elements import (
    LOINC,
    SNOMED,
    Element,
    codings,
    first_word,
    part,
    parts,
    result,
    unit,
    when,
    word,
)
from flows.feeds.readers.fhir.people import Row

_PLACES: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        (system, code): place
        for place, test in enumerate(CATALOGUE)
        for system, codes in ((LOINC, test.loinc), (SNOMED, test.snomed))
        for code in codes
    }
)
"""Place of the test in the catalogue, by system and code."""

_COLUMNS: Final = ("TESTCD", "TEST", "ORRES", "ORRESU", "STAT", "REASND", "DTC", "ENDTC")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "VS": tuple(f"VS{name}" for name in _COLUMNS),
    "LB": tuple(f"LB{name}" for name in (*_COLUMNS, "ORNRHI")),
}

NOT_DONE: Final = "NOT DONE"
"""--STAT of a test without a result (CDISC code list ND)."""

CATEGORY: Final[Mapping[str, str]] = {"VS": "vital-signs", "LB": "laboratory"}
"""The category of R4 that says of an observation which domain it belongs to."""


def rows(resource: Element, domain: str) -> Iterator[Row]:
    """Yield the rows of an Observation in VS or LB; none when its category says that it belongs to another domain.

    Status amended and corrected are results; cancelled (not done, or not to the end) is NOT DONE, and so is
    registered (no result yet) while there is no value. Each row's --SEQ is what the record's id is to be
    followed by: nothing, or the test of a component.
    """
    code = part(resource, "code")
    components = parts(resource, "component")
    if not _is_of(resource, [code, *(part(one, "code") for one in components)], domain):
        return
    start, end = when(resource)
    status = word(resource, "status")
    own = _has_result(resource) or not components
    for element in ([resource] if own else []) + components:
        row = _row(element, status, domain)
        suffix = None if element is resource else row["TESTCD"] or row["TEST"]
        told = row | {"SEQ": suffix, "DTC": start, "ENDTC": end}
        yield {f"{domain}{name}": cell for name, cell in told.items()}


def _is_of(resource: Element, concepts: list[Element], domain: str) -> bool:
    """Whether an observation belongs to a domain: by its category, or a code; one without either is a vital sign."""
    categories = [code for concept in parts(resource, "category") for _, code in codings(concept)]
    if CATEGORY[domain] in categories or (domain == "VS" and not categories):
        return True
    return any(_listed(concept, domain) for concept in concepts)


def _listed(concept: Element, domain: str) -> CatalogueTest | None:
    """Return the test that the codings name: of two (a pulse is a heart rate too) the catalogue's first."""
    named = [
        _PLACES[found] for system, code in codings(concept) if (found := (system or LOINC, code)) in _PLACES
    ]
    return next((CATALOGUE[place] for place in sorted(named) if CATALOGUE[place].domain == domain), None)


def _has_result(element: Element) -> bool:
    return any(name.startswith("value") for name in element) or bool(part(element, "dataAbsentReason"))


def _row(element: Element, status: str | None, domain: str) -> Row:
    concept = part(element, "code")
    test = _listed(concept, domain)
    value, written = result(element)
    absent = part(element, "dataAbsentReason")
    undone = status == "cancelled" or (value is None and (status == "registered" or bool(absent)))
    return {
        "TESTCD": next((code for _, code in codings(concept)), None) if test is None else test.code,
        "TEST": first_word(concept) if test is None else test.label,
        "ORRES": value,
        "ORRESU": written,
        "STAT": NOT_DONE if undone else None,
        "REASND": first_word(absent) if undone else None,
        "ORNRHI": _upper_limit(element, written),
    }


def _upper_limit(element: Element, written: str | None) -> str | None:
    """Return the upper limit of normal, where one is given in the unit of the result.

    A range without a type is the normal one (R4, Observation.referenceRange.type); others are not of healthy people.
    """
    for one in parts(element, "referenceRange"):
        kinds = [code for _, code in codings(part(one, "type"))]
        high = part(one, "high")
        if (not kinds or "normal" in kinds) and high and unit(high) == written:
            return word(high, "value")
    return None
