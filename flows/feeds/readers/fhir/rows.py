"""What FHIR R4 and R5 resources say, as rows of SDTM: of EX, of AE, and of VS and LB.

MedicationAdministration (value set medication-admin-status): completed, in-progress and stopped were given, at least
in part. not-done was not, nor one that ``wasNotGiven`` or ``notGiven`` (its name in DSTU2 and STU3); its period is
then when it did not take place, and has no end. on-hold and unknown are neither: R4 takes on-hold for a dose that was
begun and halted, charts also for one that was never begun. Such a status goes on as it is, for validation to judge.
Parts of an administration (``partOf``) share its id as EXLNKID; EXLNKGRP is the request that it answers.

AdverseEvent: it began at ``date`` (R5: ``occurrence[x]``, with its end), else it was there when ``detected``.
``recordedDate`` says nothing of the beginning: it becomes AEDTC, and an event with no other time has no start, which
validation takes for any time. An event that was only potential, or is refuted, did not occur. R5 says what happened
in ``code``, R4 in ``event``; R5 has several outcomes, of which death is the one that counts.

Observation: a row for it, or one a component. Status amended and corrected are results as final is; any other goes on
as it is. Which codes of LOINC, SNOMED CT and IEEE 11073 name which test is said by the catalogue of tests. A code
that is not there stays as the test's code, with its name as VSTEST: validation says what becomes of such a test.

A modifier extension may turn what a resource says into its contrary, and nobody may read past one that is not known
(HL7 FHIR R4 4.0.1, section 2.4, Extensibility): its record has a status that says neither yes nor no.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from checks.measurements import CATALOGUE, CatalogueTest, unit_of
from checks.validation.test_codes import vital_named
from flows.feeds.readers.fhir.resources import (
    LOINC,
    MDC,
    SNOMED,
    Element,
    codings,
    first_word,
    names,
    part,
    parts,
    reference_id,
    result,
    unit,
    when,
    word,
)

_NAMES: Final[Mapping[tuple[str | None, str], str]] = {
    (LOINC, "20564-1"): "Oxygen saturation in Blood",
    (LOINC, "89276-0"): "Oxygen saturation in Arterial blood by Pulse oximetry --W exercise",
    (LOINC, "76528-9"): "Breath rate spontaneous",
    (SNOMED, "271625008"): "Respiratory rate, spontaneous",
    (MDC, "150316"): "Oxygen saturation",
}
"""Names of codes that may stand for a vital sign and are none of the catalogue's: a coding need not bring its display
(value sets as of the catalogue; HL7 FHIR validator, profile resprate; ISO/IEEE 11073-10101, MDC_SAT_O2)."""

Row = dict[str, str | None]
"""Cells of a row of SDTM, by column."""

_MEASURED: Final = ("TESTCD", "TEST", "ORRES", "ORRESU", "STAT", "REASND", "DTC", "ENDTC")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "DM": ("SITEID", "ARMCD", "ACTARMCD", "BRTHDTC", "DTHDTC", "DTHFL"),
    "EX": (
        "EXTRT", "EXDOSE", "EXDOSU", "EXSTAT", "EXOCCUR", "EXSTDTC", "EXENDTC", "EXLNKID", "EXLNKGRP",
    ),
    "VS": tuple(f"VS{name}" for name in _MEASURED),
    "AE": (
        "AETERM", "AEDECOD", "AEOCCUR", "AEPRESP", "AESTDTC", "AEENDTC", "AEDTC", "AESER", "AESDTH", "AESEV", "AEOUT",
    ),
    "LB": tuple(f"LB{name}" for name in (*_MEASURED, "ORNRHI")),
}  # fmt: skip
"""The columns of each domain, beside USUBJID, --SEQ, ENTERED and DELETED."""

NOT_DONE: Final = "NOT DONE"
"""--STAT of a dose that was not given, or a test without a result (CDISC code list ND); blank says that it was."""

MODIFIED: Final = "MODIFIED"
"""--STAT or --OCCUR of a record with a modifier extension."""

INFERRED: Final = "INFERRED"
"""A cell that is no column: the test is known only by a code without its system."""

GIVEN: Final = frozenset({"completed", "in-progress", "stopped"})
RESULTS: Final = frozenset({"final", "amended", "corrected"})

FATAL: Final = "FATAL"

OUTCOMES: Final[Mapping[str, str]] = {
    "resolved": "RECOVERED/RESOLVED",
    "recovering": "RECOVERING/RESOLVING",
    "ongoing": "NOT RECOVERED/NOT RESOLVED",
    "resolvedwithsequelae": "RECOVERED/RESOLVED WITH SEQUELAE",
    "fatal": FATAL,
    "unknown": "UNKNOWN",
}
"""AEOUT (CDISC code list OUT) by the code of R4's value set adverse-event-outcome, in lower case."""

MEDDRA: Final = frozenset(
    {"http://terminology.hl7.org/CodeSystem/MDRAE", "https://www.meddra.org", "http://www.meddra.org"}
)
"""Systems by which MedDRA is named."""

CATEGORY: Final[Mapping[str, str]] = {"VS": "vital-signs", "LB": "laboratory"}
"""The category of R4 that says of an observation which domain it belongs to."""

_PLACES: Final[Mapping[tuple[str | None, str], int]] = MappingProxyType(
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
    negated = any(word(resource, name) == "true" for name in ("wasNotGiven", "notGiven", "doNotPerform"))
    not_given = status == "not-done" or (negated and status in ("completed", "stopped"))
    given = status in GIVEN and not negated
    return {
        "EXTRT": medication,
        "EXDOSE": word(amount, "value"),
        "EXDOSU": unit(amount),
        "EXSTAT": _modified(resource) or (None if given else NOT_DONE if not_given else status.upper()),
        "EXOCCUR": "N" if negated else None,
        "EXSTDTC": start,
        "EXENDTC": None if not_given else end,
        "EXLNKID": _whole(resource),
        "EXLNKGRP": reference_id(part(resource, "request"))[1],
    }


def _modified(*elements: Element) -> str | None:
    return (
        MODIFIED
        if any("modifierExtension" in one and parts(one, "modifierExtension") for one in elements)
        else None
    )


def _whole(resource: Element) -> str | None:
    """Return the id of the administration that this one is a part of, else its own; of a procedure with its type."""
    for kind, name in map(reference_id, parts(resource, "partOf")):
        if name is not None:
            return name if kind in ("MedicationAdministration", None) else f"{kind}/{name}"
    return word(resource, "id")


def event(resource: Element) -> Row:
    """Return the row of one adverse event."""
    happened, graded = part(resource, "event") or part(resource, "code"), part(resource, "severity")
    severity = next((code for _, code in codings(graded)), None) or first_word(graded) or ""
    serious = _seriousness(part(resource, "seriousness"))
    occurred, (began, ended) = _occurred(resource), when(resource)
    return {
        "AETERM": first_word(happened),
        "AEDECOD": _decoded(happened),
        "AEOCCUR": occurred,
        "AEPRESP": "Y" if occurred == "N" else None,
        "AESTDTC": word(resource, "date") or began or word(resource, "detected"),
        "AEENDTC": None if occurred == "N" else ended,
        "AEDTC": word(resource, "recordedDate"),
        "AESER": "Y"
        if serious.startswith("serious") or serious == "resultsindeath"
        else "N"
        if serious.startswith("non")
        else serious or None,
        "AESDTH": "Y" if serious in ("seriousresultsindeath", "resultsindeath") else None,
        "AESEV": severity.upper() or None,
        "AEOUT": _outcome(parts(resource, "outcome")),
    }


def _occurred(resource: Element) -> str | None:
    """Return AEOCCUR: N of what did not occur, blank of what did, and what says neither as it is."""
    refuted = {code for _, code in codings(part(resource, "verificationStatus"))} & {
        "refuted",
        "entered-in-error",
    }
    actuality, status = word(resource, "actuality") or "actual", word(resource, "status") or "completed"
    modified = _modified(resource)
    if modified or refuted or actuality == "potential" or status == "not-done":
        return modified or "N"
    known = actuality == "actual" and status in ("completed", "in-progress", "entered-in-error")
    return None if known else (actuality if actuality != "actual" else status).upper()


def _outcome(concepts: list[Element]) -> str | None:
    """Return AEOUT: that of several which says that the subject died, else the first."""
    said = [next((code for _, code in codings(one)), None) or first_word(one) for one in concepts]
    told = [OUTCOMES.get(one.lower(), one.upper()) for one in said if one is not None]
    return FATAL if FATAL in told else next(iter(told), None)


def _decoded(happened: Element) -> str | None:
    """Return the display of the MedDRA coding, else of the first coding that has one."""
    shown = [(word(one, "system") not in MEDDRA, word(one, "display")) for one in parts(happened, "coding")]
    ranked = sorted(shown, key=lambda one: one[0])
    return next((display for _, display in ranked if display is not None), None)


def _seriousness(concept: Element) -> str:
    """Return how serious an event is said to be, in lower case (codes Serious... and Non-serious of R4)."""
    return (next((code for _, code in codings(concept)), None) or first_word(concept) or "").lower()


def measured(resource: Element, domain: str) -> Iterator[Row]:
    """Yield the rows of an Observation in VS or LB; none when its category says that it belongs to another domain.

    cancelled (not done, or not to the end) is NOT DONE, and so is what has a reason for its absence; registered (no
    result yet) is, while there is no value. Each row's --SEQ is what the record's id is to be followed by: nothing,
    or the test of a component.
    """
    components = parts(resource, "component")
    if not _is_of(resource, [part(one, "code") for one in (resource, *components)], domain):
        return
    start, end = when(resource)
    status = word(resource, "status")
    own = any(name.startswith("value") for name in resource) or bool(part(resource, "dataAbsentReason"))
    end = None if end == start else end
    for element in ([resource] if own or not components else []) + components:
        row = _result(element, status, domain) | ({"STAT": MODIFIED} if _modified(resource, element) else {})
        suffix = None if element is resource else row["TESTCD"] or row["TEST"]
        told = row | {"SEQ": suffix, "DTC": start, "ENDTC": end}
        yield {name if name == INFERRED else f"{domain}{name}": cell for name, cell in told.items()}


def _is_of(resource: Element, concepts: list[Element], domain: str) -> bool:
    """Whether an observation belongs to a domain: by its category, or a code; what neither says is a vital sign."""
    categories = [code for concept in parts(resource, "category") for _, code in codings(concept)]
    if CATEGORY[domain] in categories or (domain == "VS" and CATEGORY["LB"] not in categories):
        return True
    listed = [_listed(concept, either)[0] for concept in concepts for either in CATEGORY]
    if domain == "LB" or any(listed):
        return any(one is not None and one.domain == domain for one in listed)
    return any(vital_named(names(concept)) for concept in concepts)  # a blood gas has a saturation


def _listed(concept: Element, domain: str) -> tuple[CatalogueTest | None, bool]:
    """Return the test that the codings name, and whether only a code without its system does.

    Of two tests (a pulse is a heart rate too) it is the catalogue's first. LOINC's codes end in a check digit, and
    SNOMED's have one: a code of the catalogue is hardly another system's.
    """
    codes = list(codings(concept))
    test = _first(codes, domain)
    if test is not None or all(system is not None for system, _ in codes):
        return test, False
    test = _first(
        [(system, code) for none, code in codes if none is None for system in (LOINC, SNOMED)], domain
    )
    return test, test is not None


def _first(codes: list[tuple[str | None, str]], domain: str) -> CatalogueTest | None:
    places = sorted(_PLACES[one] for one in codes if one in _PLACES)
    return next((CATALOGUE[place] for place in places if CATALOGUE[place].domain == domain), None)


def _result(element: Element, status: str | None, domain: str) -> Row:
    concept = part(element, "code")
    test, inferred = _listed(concept, domain)
    value, written = result(element)
    if test is not None and domain == "VS":
        written = _agreed(test.code, written, word(part(element, "valueQuantity"), "unit"))
    absent = part(element, "dataAbsentReason")
    undone = status == "cancelled" or bool(absent) or (value is None and status == "registered")
    other = None if status is None or status in RESULTS else status.upper()
    return {
        "TESTCD": next((code for _, code in codings(concept)), first_word(concept))
        if test is None
        else test.code,
        "TEST": _name(concept) if test is None else test.label,
        INFERRED: "Y" if inferred else None,
        "ORRES": value,
        "ORRESU": written,
        "STAT": NOT_DONE if undone else other,
        "REASND": first_word(absent) if undone else None,
        "ORNRHI": _upper_limit(element, written),
    }


def _name(concept: Element) -> str | None:
    """Return all that a test is called; of a code that comes without a name, its own."""
    own = next((_NAMES[one] for one in codings(concept) if one in _NAMES), None)
    return "; ".join(names(concept)) or own or first_word(concept)


@cache
def _agreed(vital: str, code: str | None, text: str | None) -> str | None:
    """Return the unit of a vital: that of the code, unless only the text beside it is one; both where they differ."""
    if text is None or code is None or text == code:
        return code
    of_code, of_text = unit_of(vital, code), unit_of(vital, text)
    if of_code is None or of_text is None:
        return code if of_text is None else text
    return code if of_code == of_text else f"{code}, and {text}"


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
