"""What the files of FHIR deliveries say together: people and medications, whole searches, whole exports.

A search is answered in pages: each Bundle has the link ``next`` until the last, and ``total`` is the number of
matches on all of them (HL7 FHIR R4 4.0.1, Bundle.link, Bundle.total; RESTful API, Paging). A bulk export is a set of
files that its manifest lists (Bulk Data Access 2.0.0, Response - Output Manifest). Half of either is not the feed:
what is missing might be the harm. So a page is refused unless the other pages of its search are there too, and a
manifest unless the files that it lists are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from checks.errors import FeedError
from flows.feeds.content import Content, FeedOptions, opened
from flows.feeds.location import DeliveredFile, file_name
from flows.feeds.readers.fhir.directory import Directory
from flows.feeds.readers.fhir.resources import NOTHING, Element, Entry, delivered, part, parts, word
from flows.feeds.readers.fhir.survey import Survey, settle, surveyed

RESOURCES: Final = {
    "DM": "Patient",
    "EX": "MedicationAdministration",
    "VS": "Observation",
    "AE": "AdverseEvent",
    "LB": "Observation",
}
"""Domain -> the type of the resources that are its records."""

BESIDE: Final = frozenset({"Patient", "ResearchSubject", "Medication", "OperationOutcome", "Bundle"})
"""What every domain needs of an export, beside its records: whose they are, what went wrong, what was deleted."""


LONGEST_NUMBER = 10
"""Digits of the largest unsignedInt of FHIR, 2,147,483,647 (HL7 FHIR R4 4.0.1, Data Types)."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: its file, its own link and that to the next, the total, and what matched, by address."""

    file: str
    own: str | None
    next: str | None
    total: int | None
    matches: frozenset[str]


@dataclass(slots=True)
class Export:
    """What the files of a delivery, and of those before it, say together about one domain's records."""

    options: FeedOptions
    directory: Directory = field(init=False)
    _earlier: list[DeliveredFile] = field(default_factory=list)
    _surveys: dict[str, Survey] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)
    _pages: list[Page] = field(default_factory=list)
    _manifests: dict[str, Element] = field(default_factory=dict)
    _owners: dict[str, Element] | None = None

    def __post_init__(self) -> None:
        self.directory = Directory(self.options.subject_system)

    def take(self, files: Sequence[DeliveredFile]) -> None:
        """Take in the files of one delivery; what is wrong with one is said when it is read itself."""
        self._surveys = {}
        for file in files:
            self._pages = [page for page in self._pages if page.file != file.name]
            with suppress(Exception), _opened(file, self.options) as (content, entries):
                self.survey(content, entries)
        surveys = list(self._surveys.values())
        settle(surveys)
        self._know_owners(surveys)
        self._earlier += files

    def _know_owners(self, surveys: Sequence[Survey]) -> None:
        """Remember whose each record is, from the first deletion on of which an earlier delivery must tell it."""
        if self._owners is None and any(survey.has_orphans() for survey in surveys):
            self._owners = {}
            for file in self._earlier:
                with suppress(Exception), _opened(file, self.options) as (_, entries):
                    self._owners |= surveyed(self._kind(), entries).owners()
        if self._owners is not None:
            for survey in surveys:
                self._owners |= survey.owners()

    def survey(self, content: Content, entries: Iterable[Entry]) -> None:
        """Take in the resources of one file."""
        self._lines[content.file] = 0
        self._surveys[content.sha256] = surveyed(self._kind(), self._noted(content.file, entries))

    def _noted(self, file: str, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the resources of a file, and note those that others refer to."""
        last = 0
        for entry in entries:
            self._lines[file] += entry.number != last
            last = entry.number
            self.directory.note(entry)
            if entry.kind is None:
                self._manifests[file] = entry.resource
            elif entry.kind == "Bundle":
                self._pages.extend(_page(file, entry.resource, self._needed()))
            yield entry

    def has(self, content: Content) -> bool:
        """Whether a file has been taken in, as it is."""
        return content.sha256 in self._surveys

    def require_whole(self, content: Content) -> Survey:
        """Return which versions of a file's records count; refuse half of what has its other half elsewhere.

        Raises
        ------
        FeedError
            For a page of a search without the others, and for a manifest without the files that it lists.
        """
        file = content.file
        if file in self._manifests:
            self._require_files(content.name, self._manifests[file])
        for pages in _halves(self._pages):
            if any(page.file == file for page in pages):
                allowed = "all pages of a search, in one delivery (a folder of them)"
                raise FeedError(content.name, _half(pages), allowed)
        return self._surveys[content.sha256]

    def subject_of(self, entry: Entry) -> str | None:
        """Return whose a record is, of a deletion by an earlier version: it names only the record."""
        reference = part(entry.resource, "subject")
        if not reference and entry.deleted and entry.id is not None:
            versions = [one.newest[entry.id] for one in self._surveys.values() if entry.id in one.newest]
            known = (version.subject for version in versions if version.subject)
            reference = next(known, (self._owners or {}).get(entry.id, NOTHING))
        return self.directory.subject(reference, entry.resource)

    def _kind(self) -> str:
        return RESOURCES[self.options.domain]

    def _needed(self) -> frozenset[str]:
        return BESIDE | {self._kind()}

    def _require_files(self, manifest: str, said: Element) -> None:
        listed = [one for name in ("output", "deleted", "error") for one in parts(said, name)]
        needed = [one for one in listed if word(one, "type") in self._needed()]
        absent = Counter(str(word(one, "type")) for one in needed if not self._is_there(one, manifest))
        if absent:
            named = ", ".join(f"{kind} ({number})" for kind, number in absent.items())
            found = f"that {absent.total()} of the files it lists are not whole in the delivery: {named}"
            raise FeedError(manifest, found, "all files of an export, in one delivery")

    def _is_there(self, listed: Element, manifest: str) -> bool:
        """Whether a listed file is there, with as many lines as resources are listed."""
        name, count = file_name(word(listed, "url") or ""), word(listed, "count")
        lines = max(self._lines.get(name, -1), self._lines.get(f"{name}.gz", -1))
        return lines >= (_number(count, "count", manifest) or 0)


@contextmanager
def _opened(file: DeliveredFile, options: FeedOptions) -> Iterator[tuple[Content, Iterator[Entry]]]:
    with opened(file, options.limits) as content, delivered(content, options) as entries:
        yield content, entries()


def _page(file: str, bundle: Element, needed: frozenset[str]) -> Iterable[Page]:
    """Yield what a Bundle says of its search, unless it found resources that are of other feeds alone."""
    # a relation is the same in any case (RFC 8288, section 3.3)
    links = {(word(link, "relation") or "").lower(): word(link, "url") for link in parts(bundle, "link")}
    total = word(bundle, "total")
    entries = [
        one
        for one in parts(bundle, "entry")
        if word(part(one, "search"), "mode") not in ("include", "outcome")
    ]
    kinds = {word(part(one, "resource"), "resourceType") for one in entries}
    if not kinds or kinds & needed:
        matches = frozenset(_address(one, place) for place, one in enumerate(entries))
        whole = _number(total, "total", file)
        yield Page(file, links.get("self"), links.get("next"), whole, matches)


def _number(said: str | None, name: str, file: str) -> int | None:
    """Return a number of resources or matches; None where none is said."""
    if said is None or not said.isdigit():
        return None
    if not said.isascii() or len(said) > LONGEST_NUMBER:
        raise FeedError(
            file, f"a `{name}` that is no number of at most {LONGEST_NUMBER} digits", "a number of resources"
        )
    return int(said)


def _address(entry: Element, place: int) -> str:
    resource = part(entry, "resource")
    name = f"{word(resource, 'resourceType')}/{word(resource, 'id') or place}"
    version = word(part(resource, "meta"), "versionId")  # a history has each version of a resource
    return f"{word(entry, 'fullUrl') or name} {version}"


def _halves(pages: Sequence[Page]) -> list[tuple[Page, ...]]:
    """Return the searches of which pages are missing.

    The pages of one search follow each other by their links, up to one without ``next``, and have as many matches as
    the total says. Where a server writes a page's own link otherwise than the link to it, the total alone decides:
    pages with one total, of which as many as are last ones, are whole when they have that many matches.
    """
    by_total: dict[int | None, list[tuple[Page, ...]]] = defaultdict(list)
    for chain in _chains(pages):
        if not _is_whole(chain):
            by_total[_total(chain)].append(chain)
    halves = []
    for total, chains in by_total.items():
        last = sum(1 for chain in chains if chain[-1].next is None)
        found = frozenset().union(*(page.matches for chain in chains for page in chain))
        if total is None or not last or len(found) < total * last:
            halves.extend(chains)
    return halves


def _chains(pages: Sequence[Page]) -> list[tuple[Page, ...]]:
    """Return the pages that lead to each other, each chain from its first page here."""
    by_link = {page.own: page for page in pages if page.own is not None}
    led_to = {page.next for page in pages}
    chains = []
    for first in (page for page in pages if page.own is None or page.own not in led_to):
        chain = [first]
        while (following := by_link.get(chain[-1].next or "")) is not None and following not in chain:
            chain.append(following)
        chains.append(tuple(chain))
    return chains


def _is_whole(chain: Sequence[Page]) -> bool:
    total = _total(chain)
    enough = total is None or len(frozenset().union(*(page.matches for page in chain))) >= total
    return chain[-1].next is None and enough


def _total(chain: Sequence[Page]) -> int | None:
    return max((page.total for page in chain if page.total is not None), default=None)


def _half(chain: Sequence[Page]) -> str:
    found = len(frozenset().union(*(page.matches for page in chain)))
    counted = f"{found}" if (total := _total(chain)) is None else f"{found} of {total}"
    lost = "" if chain[-1].next is None else ", with a link `next` that leads to no page here"
    return f"half of a search: {counted} entries{lost}"
