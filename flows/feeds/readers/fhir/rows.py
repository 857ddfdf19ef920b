"""What FHIR R4 resources say, as rows of SDTM: of EX, of AE, and of VS and LB.

MedicationAdministration (value set medication-admin-status): completed, in-progress and stopped were given, at least
in part. not-done was not. on-hold and unknown are neither: R4 takes on-hold for a dose that was begun and halted,
charts also for one that was never begun. Taking such a dose as given would open hours in which cases count, as not
given would lose them; so its status goes on as it is, and validation sets the row apart as one of a status it does
not know: it takes part in the worst case, and the site is asked.

AdverseEvent: it began at ``date``, else it was there when ``detected``. ``recordedDate`` says nothing of the
beginning: it becomes AEDTC, and an event with no other time has no start, which validation takes for any time. An
event that was only potential never happened: it is a record taken back.

Observation: a row for it, or one a component. Which codes of LOINC, SNOMED CT and IEEE 11073 name which test is
said by the catalogue of tests. A code that is not there stays as the test's code: validation leaves such a test
alone, as it does in any feed.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from checks.measurements import CATALOGUE, CatalogueTest
from flows.feeds.readers.fhir.resources import (
    LOINC,
    MDC,
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

Row = dict[str, str | None]
"""Cells of a row of SDTM, by column."""

_MEASURED: Final = ("TESTCD", "TEST", "ORRES", "ORRESU", "STAT", "REASND", "DTC", "ENDTC")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "DM": ("SITEID", "ARMCD", "ACTARMCD", "DTHDTC"),
    "EX": ("EXTRT", "EXDOSE", "EXDOSU", "EXSTAT", "EXSTDTC", "EXENDTC"),
    "VS": tuple(f"VS{name}" for name in _MEASURED),
    "AE": ("AETERM", "AEDECOD", "AESTDTC", "AEDTC", "AESER", "AESEV"),
    "LB": tuple(f"LB{name}" for name in (*_MEASURED, "ORNRHI")),
}
"""The columns of each domain, beside USUBJID, --SEQ, ENTERED and DELETED."""

NOT_DONE: Final = "NOT DONE"
"""--STAT of a dose that was not given, or a test without a result (CDISC code list ND); blank says that it was."""

GIVEN: Final = frozenset({"completed", "in-progress", "stopped"})

MEDDRA: Final = frozenset(
    {"http://terminology.hl7.org/CodeSystem/MDRAE", "https://www.meddra.org", "http://www.meddra.org"}
)
"""Systems by which MedDRA is named."""

CATEGORY: Final[Mapping[str, str]] = {"VS": "vital-signs", "LB": "laboratory"}
"""The category of R4 that says of an observation which domain it belongs to."""

_PLACES: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        (system, code): place
        for place, test in enumerate(CATALOGUE)
        for system, codes in ((LOINC, test.loinc), (SNOMED, test.snomed), (MDC, test.mdc))
        for code in codes
    }
)
"""Place of the test in the catalogue, by system and code."""


def dose(resource: Element, medication: str | None) -> Row:
    """Return the row of one administration; ``medication`` is what its drug is called."""
    amount, status = part(resource, "dosage", "dose"), word(resource, "status") or "unknown"
    start, end = when(resource)
    return {
        "EXTRT": medication,
        "EXDOSE": word(amount, "value"),
        "EXDOSU": unit(amount),
        "EXSTAT": None if status in GIVEN else NOT_DONE if status == "not-done" else status.upper(),
        "EXSTDTC": start,
        "EXENDTC": end,
    }


def event(resource: Element) -> Row:
    """Return the row of one adverse event."""
    happened, graded = part(resource, "event"), part(resource, "severity")
    severity = next((code for _, code in codings(graded)), None) or first_word(graded) or ""
    return {
        "AETERM": first_word(happened),
        "AEDECOD": _decoded(happened),
        "AESTDTC": word(resource, "date") or word(resource, "detected"),
        "AEDTC": word(resource, "recordedDate"),
        "AESER": _seriousness(part(resource, "seriousness")),
        "AESEV": severity.upper() or None,
    }


def _decoded(happened: Element) -> str | None:
    """Return the display of the MedDRA coding, else of the first coding that has one."""
    shown = [(word(one, "system") not in MEDDRA, word(one, "display")) for one in parts(happened, "coding")]
    ranked = sorted(shown, key=lambda one: one[0])
    return next((display for _, display in ranked if display is not None), None)


def _seriousness(concept: Element) -> str | None:
    """Return Y or N (codes Serious... and Non-serious of R4); any other word as it is."""
    said = next((code for _, code in codings(concept)), None) or first_word(concept)
    lowered = (said or "").casefold()
    if lowered.startswith("non"):
        return "N"
    return "Y" if lowered.startswith("serious") else said


def measured(resource: Element, domain: str) -> Iterator[Row]:
    """Yield the rows of an Observation in VS or LB; none when its category says that it belongs to another domain.

    Status amended and corrected are results; cancelled (not done, or not to the end) is NOT DONE, and so is
    registered (no result yet) while there is no value. Each row's --SEQ is what the record's id is to be
    followed by: nothing, or the test of a component.
    """
    components = parts(resource, "component")
    if not _is_of(resource, [part(one, "code") for one in (resource, *components)], domain):
        return
    start, end = when(resource)
    status = word(resource, "status")
    own = any(name.startswith("value") for name in resource) or bool(part(resource, "dataAbsentReason"))
    for element in ([resource] if own or not components else []) + components:
        row = _result(element, status, domain)
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


def _result(element: Element, status: str | None, domain: str) -> Row:
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
