"""What a FHIR AdverseEvent (R4) says, as a row of AE.

It began at ``date``, else it was there when ``detected``. ``recordedDate`` says nothing of the beginning: it
becomes AEDTC, and an event with no other time has no start, which validation takes for any time. An event
that was only potential never happened: it is a record taken back.
"""

from typing import Final

from flows.feeds.readers.fhir.elements import Element, codings, first_word, part, parts, word
from flows.feeds.readers.fhir.people import Row

COLUMNS: Final = ("AETERM", "AEDECOD", "AESTDTC", "AEDTC", "AESER", "AESEV")

MEDDRA: Final = frozenset(
    {"http://terminology.hl7.org/CodeSystem/MDRAE", "https://www.meddra.org", "http://www.meddra.org"}
)
"""Systems by which MedDRA is named."""


def row(resource: Element) -> Row:
    """Return the row of one event."""
    event = part(resource, "event")
    severity = next((code for _, code in codings(part(resource, "severity"))), None)
    return {
        "AETERM": first_word(event),
        "AEDECOD": _decoded(event),
        "AESTDTC": word(resource, "date") or word(resource, "detected"),
        "AEDTC": word(resource, "recordedDate"),
        "AESER": _seriousness(part(resource, "seriousness")),
        "AESEV": (severity or first_word(part(resource, "severity")) or "").upper() or None,
    }


def is_potential(resource: Element) -> bool:
    """Whether the event could have happened, and did not."""
    return word(resource, "actuality") == "potential"


def _decoded(event: Element) -> str | None:
    """Return the display of the MedDRA coding, else of the first coding that has one."""
    shown = [(word(coding, "system") in MEDDRA, word(coding, "display")) for coding in parts(event, "coding")]
    ranked = [display for _, display in sorted(shown, key=lambda one: not one[0]) if display is not None]
    return next(iter(ranked), None)


def _seriousness(concept: Element) -> str | None:
    """Return Y or N (codes Serious... and Non-serious of R4); any other word as it is."""
    said = next((code for _, code in codings(concept)), None) or first_word(concept)
    lowered = (said or "").casefold()
    if lowered.startswith("non"):
        return "N"
    return "Y" if lowered.startswith("serious") else said
