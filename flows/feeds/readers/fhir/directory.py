"""The people and medications of FHIR deliveries, by id: whose a record is, and what a drug is called."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from flows.feeds.readers.fhir.resources import (
    NOTHING,
    Element,
    Entry,
    first_word,
    part,
    parts,
    reference_id,
    word,
)
from flows.feeds.readers.fhir.rows import Row

_BY_IDENTIFIER: Final = "Patient?identifier="
"""How a conditional reference begins (HL7 FHIR R4 4.0.1, RESTful API, transaction)."""


def medication_reference(resource: Element) -> Element:
    """Return the reference to the Medication that was given, of R4 or R5, empty where there is none."""
    return part(resource, "medicationReference") or part(resource, "medication", "reference")


@dataclass(slots=True)
class Directory:
    """The people and medications of one delivery, by id."""

    subject_system: str | None
    _addresses: dict[str, str] = field(default_factory=dict)
    _identifiers: dict[str, str] = field(default_factory=dict)
    _enrolments: dict[str, tuple[str | None, str | None, str | None]] = field(default_factory=dict)
    _medications: dict[str, str] = field(default_factory=dict)

    def note(self, entry: Entry) -> None:
        """Take in a Patient, a ResearchSubject or a Medication; anything else is left."""
        if entry.id is None:
            return
        if entry.address is not None:
            self._addresses[entry.address] = entry.id
        if entry.kind == "Patient":
            identifier = self._identifier(entry.resource)
            if identifier is not None:
                self._identifiers[entry.id] = identifier
        elif entry.kind == "ResearchSubject":
            self._enrol(entry.resource)
        elif entry.kind == "Medication":
            name = first_word(part(entry.resource, "code"))
            if name is not None:
                self._medications[entry.id] = name

    def _enrol(self, enrolment: Element) -> None:
        person = part(enrolment, "individual") or part(enrolment, "subject")  # R4, R5
        patient, identifier = self._patient(person), self._identifier(enrolment)
        # A subject may be in other studies too: theirs have no identifier of this system.
        if patient is not None and (identifier is not None or patient not in self._enrolments):
            arms = (
                word(enrolment, "assignedArm") or word(enrolment, "assignedComparisonGroup"),
                word(enrolment, "actualArm") or word(enrolment, "actualComparisonGroup"),
            )
            self._enrolments[patient] = (identifier, *arms)

    def subject(self, reference: Element, resource: Element = NOTHING) -> str | None:
        """Return the USUBJID that a reference to a Patient means, None where it means none.

        It may be one that the resource itself contains, or a search for an identifier of the system.
        """
        own = self._matching(part(reference, "identifier"))
        if own is not None:
            return own
        target = word(reference, "reference") or ""
        if target.startswith("#"):
            inside = next(
                (one for one in parts(resource, "contained") if word(one, "id") == target[1:]), NOTHING
            )
            return self._identifier(inside) if self.subject_system else None
        if target.startswith(_BY_IDENTIFIER):
            system, _, value = unquote(target.removeprefix(_BY_IDENTIFIER)).rpartition("|")
            return value if system == self.subject_system else None
        return self._usubjid(self._patient(reference))

    def row(self, entry: Entry) -> Row:
        """Return the DM row of a Patient."""
        _, assigned, actual = self._enrolments.get(entry.id or "", (None, None, None))
        organization = part(entry.resource, "managingOrganization")
        dead = word(entry.resource, "deceasedDateTime") or word(entry.resource, "deceasedBoolean") == "true"
        return {
            "USUBJID": self._identifier(entry.resource) or self._usubjid(entry.id),
            "SITEID": word(part(organization, "identifier"), "value") or self._id(organization),
            "ARMCD": assigned,
            "ACTARMCD": actual,
            "BRTHDTC": word(entry.resource, "birthDate"),
            "DTHDTC": word(entry.resource, "deceasedDateTime"),
            "DTHFL": "Y" if dead else None,
        }

    def medication(self, resource: Element) -> str | None:
        """Return what a resource's ``medication[x]`` is called: contained, in the delivery, or by display.

        In R5 concept and reference stand in one ``medication``.
        """
        concept = part(resource, "medicationCodeableConcept") or part(resource, "medication", "concept")
        if concept:
            return first_word(concept)
        reference = medication_reference(resource)
        target = word(reference, "reference") or ""
        for contained in parts(resource, "contained") if target.startswith("#") else ():
            if word(contained, "id") == target[1:]:
                return first_word(part(contained, "code"))
        return self._medications.get(self._id(reference) or "") or word(reference, "display")

    def _id(self, reference: Element) -> str | None:
        address = word(reference, "reference") or ""
        return self._addresses.get(address) or reference_id(reference)[1]

    def _patient(self, reference: Element) -> str | None:
        kind = reference_id(reference)[0]
        return self._id(reference) if kind in ("Patient", None) else None

    def _usubjid(self, patient: str | None) -> str | None:
        if patient is None or self.subject_system is None:
            return patient
        return self._identifiers.get(patient) or self._enrolments.get(patient, (None,))[0]

    def _identifier(self, resource: Element) -> str | None:
        matching = map(self._matching, parts(resource, "identifier"))
        return next((value for value in matching if value is not None), None)

    def _matching(self, identifier: Element) -> str | None:
        matches = self.subject_system is not None and word(identifier, "system") == self.subject_system
        return word(identifier, "value") if matches else None
