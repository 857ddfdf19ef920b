"""The rows of a domain in a FHIR R4 or R5 delivery: the newest version of each resource, as text.

DM comes from Patient, EX from MedicationAdministration, VS and LB from Observation, AE from AdverseEvent; resources
of other types are of other feeds. --SEQ is the id of the resource, which stays the same through its versions:
of several versions in one delivery the one with the newest ``meta.lastUpdated`` counts, or the last in its file where
that does not tell. ENTERED is that time. A resource with status entered-in-error, and a deleted one, is a row
with DELETED = Y.

USUBJID is the value of the identifier whose system the protocol's ``subject_system`` names: that of the
Patient, else of the ResearchSubject, in the files of the same delivery or of one before it, else the one that the
reference itself carries. A
reference that leads to none has no USUBJID: an id of the hospital must not stand in for it. Without
``subject_system`` the id of the Patient is the USUBJID. SITEID is the Patient's managing organization: the
value of the reference's identifier, else the id of the Organization.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.errors import FeedError
from checks.tables import DELETED, ENTERED
from flows.feeds.content import Content, FeedOptions
from flows.feeds.readers.fhir import rows
from flows.feeds.readers.fhir.directory import Directory, medication_reference
from flows.feeds.readers.fhir.export import RESOURCES, Export
from flows.feeds.readers.fhir.resources import Entry, delivered, part, word
from flows.feeds.readers.fhir.rows import Row
from flows.feeds.readers.fhir.survey import is_taken_back
from flows.feeds.records import Records, gather


def read(content: Content, options: FeedOptions, export: Export | None = None) -> Records:
    """Read FHIR R4 or R5 resources: NDJSON, plain or gzip, or one JSON file with a resource or a Bundle.

    ``export`` is what all files of the delivery say together, where there are others.

    Raises
    ------
    FeedError
        When the domain has no FHIR resource, a line is no JSON, no resource, or reports a failed export, or the file
        is half of a search or an export.
    """
    domain, kind = options.domain, RESOURCES.get(options.domain)
    if kind is None:
        raise FeedError(content.name, f"FHIR for {domain}", f"FHIR for {', '.join(RESOURCES)}")
    together = export or Export(options)
    sequence = () if domain == "DM" else (f"{domain}SEQ",)
    names = ("USUBJID", *sequence, *rows.COLUMNS[domain], ENTERED, DELETED)
    with delivered(content, options) as entries:
        if not together.has(content):
            together.survey(content, entries())
        survey = together.require_whole(content)
        unsaid = _Unsaid()
        cells = (
            (entry.number, [row.get(name) for name in names])
            for place, entry in enumerate(entries())
            if entry.kind == kind and survey.counts(place, entry)
            for row in _rows(entry, domain, together)
            if unsaid.take(entry, row)
        )
        return replace(gather(cells, names), remarks=unsaid.remarks())


@dataclass(slots=True)
class _Unsaid:
    """What the rows of a delivery leave to be inferred, and whom and what they refer to that is not there."""

    uncoded: int = 0
    strangers: int = 0
    drug_lost: bool = False

    def take(self, entry: Entry, row: Row) -> bool:
        """Take in one row, and keep it."""
        self.uncoded += row.get(rows.INFERRED) is not None
        self.strangers += row["USUBJID"] is None and bool(part(entry.resource, "subject"))
        nameless = "EXTRT" in row and row["EXTRT"] is None
        self.drug_lost |= nameless and bool(medication_reference(entry.resource))
        return True

    def remarks(self) -> tuple[str, ...]:
        """Return what is to be said of the file; not how many doses a drug is unknown of: it may be of one arm."""
        said = {
            f"{self.uncoded:,} results name their test by a code without its system: taken for LOINC or SNOMED CT. "
            "Ask the sender for `coding.system`": self.uncoded,
            f"{self.strangers:,} records refer to people who are not in the delivery, or have no identifier of "
            "`subject_system`. Ask the sender for every Patient (or ResearchSubject), in the same delivery": (
                self.strangers
            ),
            "administrations refer to a Medication that is not in the delivery, so that nobody knows what was given. "
            "Ask the sender for every Medication, in the same delivery": self.drug_lost,
        }
        return tuple(remark for remark, holds in said.items() if holds)


def _rows(entry: Entry, domain: str, export: Export) -> Iterator[Row]:
    resource = entry.resource
    common: Row = {
        ENTERED: word(part(resource, "meta"), "lastUpdated"),
        DELETED: "Y" if is_taken_back(entry) else None,
    }
    if domain == "DM":
        yield export.directory.row(entry) | common
        return
    common["USUBJID"] = export.subject_of(entry)
    for row in _of_domain(entry, domain, export.directory):
        suffix = row.pop(f"{domain}SEQ", None)
        sequence = entry.id if entry.id is None or suffix is None else f"{entry.id}.{suffix}"
        yield row | common | {f"{domain}SEQ": sequence}


def _of_domain(entry: Entry, domain: str, directory: Directory) -> Iterator[Row]:
    if entry.deleted:
        yield {}
    elif domain == "EX":
        yield rows.dose(entry.resource, directory.medication(entry.resource))
    elif domain == "AE":
        yield rows.event(entry.resource)
    else:
        yield from rows.measured(entry.resource, domain)
