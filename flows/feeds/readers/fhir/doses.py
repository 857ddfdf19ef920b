"""What a FHIR MedicationAdministration says of a dose, as a row of EX.

Status (R4 value set medication-admin-status): completed, in-progress and stopped were given, at least in
part. not-done was not. on-hold and unknown are neither: R4 takes on-hold for a dose that was begun and
halted, charts also for one that was never begun. Taking such a dose as given would open hours in which cases
count, as not given would lose them; so its status goes on as it is, and validation sets the row apart as one
of a status it does not know: it takes part in the worst case, and the site is asked.
"""

from collections.abc import Callable
from typing import Final

from flows.feeds.readers.fhir.elements import Element, part, unit, when, word
from flows.feeds.readers.fhir.people import Row

COLUMNS: Final = ("EXTRT", "EXDOSE", "EXDOSU", "EXSTAT", "EXSTDTC", "EXENDTC")

GIVEN: Final = frozenset({"completed", "in-progress", "stopped"})
NOT_DONE: Final = "NOT DONE"
"""EXSTAT of a dose that was not given (CDISC code list ND); blank says that it was."""


def row(resource: Element, medication: Callable[[Element], str | None]) -> Row:
    """Return the row of one administration; ``medication`` says what its drug is called."""
    dose = part(resource, "dosage", "dose")
    start, end = when(resource)
    return {
        "EXTRT": medication(resource),
        "EXDOSE": word(dose, "value"),
        "EXDOSU": unit(dose),
        "EXSTAT": _status(word(resource, "status") or "unknown"),
        "EXSTDTC": start,
        "EXENDTC": end,
    }


def _status(status: str) -> str | None:
    if status in GIVEN:
        return None
    return NOT_DONE if status == "not-done" else status.upper()
