"""The rows of a domain in a FHIR R4 delivery: the newest version of each resource, as text.

DM comes from Patient, EX from MedicationAdministration, VS and LB from Observation, AE from AdverseEvent; resources
of other types are of other feeds. --SEQ is the id of the resource, which stays the same through its versions:
of several versions in one delivery the one with the newest ``meta.lastUpdated`` counts, or the last where
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
from dataclasses import dataclass, field, replace
from datetime import datetime

from checks.errors import FeedError
from checks.tables import DELETED, ENTERED
from flows.feeds.content import Content, FeedOptions
from flows.feeds.readers.fhir import rows
from flows.feeds.readers.fhir.directory import Directory
from flows.feeds.readers.fhir.export import RESOURCES, Export
from flows.feeds.readers.fhir.resources import NOTHING, Element, Entry, delivered, part, parts, word
from flows.feeds.readers.fhir.rows import Row
from flows.feeds.records import Records, gather


@dataclass(frozen=True, slots=True)
class _Version:
    """The newest version of one record seen so far: its place, its time, and the reference to its subject."""

    place: int
    moment: datetime | None
    subject: Element


@dataclass(slots=True)
class _Survey:
    """What one pass over a delivery saw: people, medications, and the newest version of each record."""

    directory: Directory
    newest: dict[str, _Version] = field(default_factory=dict)
    _references: dict[str | None, Element] = field(default_factory=dict)

    def take(self, place: int, entry: Entry, kind: str) -> None:
        """Take in one entry."""
        if entry.kind != kind or entry.id is None:
            return
        moment, before = _moment(entry.resource), self.newest.get(entry.id)
        reference = part(entry.resource, "subject")
        # A subject has many records: one copy of its reference serves them all.
        subject = (
            self._references.setdefault(word(reference, "reference"), reference) if reference else NOTHING
        )
        if before is None:
            self.newest[entry.id] = _Version(place, moment, subject)
        elif before.moment is None or moment is None or moment >= before.moment:
            self.newest[entry.id] = _Version(place, moment, subject or before.subject)

    def counts(self, place: int, entry: Entry) -> bool:
        """Whether an entry is the newest version of its record; one without an id is a record of its own."""
        return entry.id is None or self.newest[entry.id].place == place

    def subject_of(self, entry: Entry) -> str | None:
        """Return whose a record is, of a deletion by an earlier version: it names only the record."""
        contained = parts(entry.resource, "contained")
        subject = self.directory.subject(part(entry.resource, "subject"), contained)
        if subject is None and entry.deleted and entry.id is not None:
            return self.directory.subject(self.newest[entry.id].subject)
        return subject


def read(content: Content, options: FeedOptions, export: Export | None = None) -> Records:
    """Read FHIR R4 resources: NDJSON, plain or gzip, or one JSON file with a resource or a Bundle.

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
    together = Export(options) if export is None else export
    sequence = () if domain == "DM" else (f"{domain}SEQ",)
    names = ("USUBJID", *sequence, *rows.COLUMNS[domain], ENTERED, DELETED)
    with delivered(content, options) as entries:
        survey = _Survey(together.directory)
        for place, entry in enumerate(entries()):
            if export is None:
                together.note(content.name, entry)
            survey.take(place, entry, kind)
        together.require_whole(content.name)
        unsaid = _Unsaid()
        cells = (
            (entry.number, [row.get(name) for name in names])
            for place, entry in enumerate(entries())
            if entry.kind == kind and survey.counts(place, entry)
            for row in _rows(entry, domain, survey)
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
        named = bool(part(entry.resource, "medicationReference"))
        self.drug_lost |= named and row.get("EXTRT") is None
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


def _rows(entry: Entry, domain: str, survey: _Survey) -> Iterator[Row]:
    resource = entry.resource
    common: Row = {
        ENTERED: word(part(resource, "meta"), "lastUpdated"),
        DELETED: "Y" if _is_taken_back(entry) else None,
    }
    if domain == "DM":
        yield survey.directory.row(entry) | common
        return
    common["USUBJID"] = survey.subject_of(entry)
    for row in _of_domain(entry, domain, survey.directory):
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


def _is_taken_back(entry: Entry) -> bool:
    return entry.deleted or word(entry.resource, "status") == "entered-in-error"


def _moment(resource: Element) -> datetime | None:
    """Return when this version was written; None where that is not told with an offset, as R4 asks."""
    try:
        moment = datetime.fromisoformat(word(part(resource, "meta"), "lastUpdated") or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
