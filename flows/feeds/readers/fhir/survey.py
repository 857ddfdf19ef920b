"""Which version of each record counts: the newest of a file, and of the files of one delivery."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from flows.feeds.readers.fhir.resources import NOTHING, Element, Entry, part, word

STAGES: Final = {"registered": 0, "preliminary": 0, "final": 1, "amended": 2, "corrected": 2}
"""How far a result has come (HL7 FHIR R4 4.0.1, value set observation-status); what has no such status is final."""

GONE: Final = 3


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record: its place in the file, its time, the reference to its subject, how far it had come."""

    place: int
    moment: datetime | None
    subject: Element
    stage: int


@dataclass(slots=True)
class Survey:
    """What one pass over a file saw of the records of a kind: the newest version of each, by id."""

    kind: str
    newest: dict[str, Version] = field(default_factory=dict)
    _references: dict[str | None, Element] = field(default_factory=dict)

    def take(self, place: int, entry: Entry) -> None:
        """Take in one entry; of two without a time the later counts."""
        if entry.kind != self.kind or entry.id is None:
            return
        moment, before = _moment(entry.resource), self.newest.get(entry.id)
        reference = part(entry.resource, "subject")
        # A subject has many records: one copy of its reference serves them all.
        subject = (
            self._references.setdefault(word(reference, "reference"), reference) if reference else NOTHING
        )
        if before is None:
            self.newest[entry.id] = Version(place, moment, subject, _stage(entry))
        elif before.moment is None or moment is None or moment >= before.moment:
            self.newest[entry.id] = Version(place, moment, subject or before.subject, _stage(entry))

    def counts(self, place: int, entry: Entry) -> bool:
        """Whether an entry is the newest version of its record; one without an id is a record of its own."""
        newest = None if entry.id is None else self.newest.get(entry.id)
        return entry.id is None or (newest is not None and newest.place == place)

    def owners(self) -> dict[str, Element]:
        """Return the subjects of the records, by id, where they are told."""
        return {name: version.subject for name, version in self.newest.items() if version.subject}

    def has_orphans(self) -> bool:
        """Whether some record is taken back without telling whose it is."""
        return any(version.stage == GONE and not version.subject for version in self.newest.values())


def surveyed(kind: str, entries: Iterable[Entry]) -> Survey:
    """Return the survey of a file's records of one kind."""
    survey = Survey(kind)
    for place, entry in enumerate(entries):
        survey.take(place, entry)
    return survey


def settle(surveys: Sequence[Survey]) -> None:
    """Let of a record that several files of one delivery have the newest version alone count.

    Where no time tells which it is, the status does: one is taken back or corrected after it was final. Of others
    each stays, and validation finds them with one number.
    """
    best: dict[str, Survey] = {}
    for survey in surveys:
        for name in list(survey.newest):
            other = best.setdefault(name, survey)
            if other is not survey and (newer := _newer(other, survey, name)) is not None:
                older = other if newer is survey else survey
                version, past = newer.newest[name], older.newest.pop(name)
                newer.newest[name] = replace(version, subject=version.subject or past.subject)
                best[name] = newer


def _newer(one: Survey, other: Survey, name: str) -> Survey | None:
    """Return the survey with the newer version of a record, None where nothing tells which it is."""
    first, second = one.newest[name], other.newest[name]
    if first.moment is not None and second.moment is not None and first.moment != second.moment:
        return other if second.moment > first.moment else one
    if first.stage != second.stage:
        return other if second.stage > first.stage else one
    return None


def is_taken_back(entry: Entry) -> bool:
    """Whether a version takes its record back."""
    return entry.deleted or word(entry.resource, "status") == "entered-in-error"


def _stage(entry: Entry) -> int:
    return GONE if is_taken_back(entry) else STAGES.get(word(entry.resource, "status") or "", 1)


def _moment(resource: Element) -> datetime | None:
    """Return when this version was written; None where that is not told with an offset, as R4 asks."""
    try:
        moment = datetime.fromisoformat(word(part(resource, "meta"), "lastUpdated") or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
