"""What the files of FHIR deliveries say together: people and medications, whole searches, whole exports.

A search is answered in pages: each Bundle has the link ``next`` until the last, and ``total`` is the number of
matches on all of them (HL7 FHIR R4 4.0.1, Bundle.link, Bundle.total; RESTful API, Paging). A bulk export is a set of
files that its manifest lists (Bulk Data Access 2.0.0, Response - Output Manifest). Half of either is not the feed:
what is missing might be the harm. So a page is refused unless the other pages of its search are there too, and a
manifest unless the files that it lists are.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from checks.errors import FeedError
from flows.feeds.content import FeedOptions, opened
from flows.feeds.location import DeliveredFile, file_name
from flows.feeds.readers.fhir.directory import Directory
from flows.feeds.readers.fhir.resources import Element, Entry, glanced, part, parts, word

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
    _lines: dict[str, int] = field(default_factory=dict)
    _pages: list[Page] = field(default_factory=list)
    _manifests: dict[str, Element] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory = Directory(self.options.subject_system)

    def take(self, files: Iterable[DeliveredFile]) -> None:
        """Take in the files of one delivery; what is wrong with one is said when it is read itself."""
        for file in files:
            lines, self._pages = 0, [page for page in self._pages if page.file != file.name]
            with suppress(FeedError), opened(file) as content, glanced(content, self.options) as found:
                for _, entry in found:
                    lines += entry is None
                    if entry is not None:
                        self.note(file.name, entry)
            self._lines[file.name] = lines

    def note(self, file: str, entry: Entry) -> None:
        """Take in one resource of a file, where it is one that others refer to."""
        self.directory.note(entry)
        if entry.kind is None:
            self._manifests[file] = entry.resource
        elif entry.kind == "Bundle":
            self._pages.extend(_page(file, entry.resource, self._needed()))

    def require_whole(self, file: str) -> None:
        """Refuse a file that is half of something of which the other half has not arrived.

        Raises
        ------
        FeedError
            For a page of a search without the others, and for a manifest without the files that it lists.
        """
        if file in self._manifests:
            self._require_files(file, self._manifests[file])
        for pages in _halves(self._pages):
            if any(page.file == file for page in pages):
                raise FeedError(
                    file, _half(pages), "all pages of a search, in one delivery (a folder of them)"
                )

    def _needed(self) -> frozenset[str]:
        return BESIDE | {RESOURCES[self.options.domain]}

    def _require_files(self, manifest: str, said: Element) -> None:
        listed = [one for name in ("output", "deleted", "error") for one in parts(said, name)]
        absent = [
            name for one in listed if word(one, "type") in self._needed() and (name := self._absent(one))
        ]
        if absent:
            found = (
                f"that {len(absent)} of the files it lists are not whole in the delivery: {', '.join(absent)}"
            )
            raise FeedError(manifest, found, "all files of an export, in one delivery")

    def _absent(self, listed: Element) -> str | None:
        """Return the name of a listed file that is not there, or has fewer lines than resources are listed."""
        name, count = file_name(word(listed, "url") or ""), word(listed, "count")
        lines = max(self._lines.get(name, -1), self._lines.get(f"{name}.gz", -1))
        if lines < 0:
            return name
        return f"{name} ({lines} of {count})" if count and count.isdigit() and lines < int(count) else None


def _page(file: str, bundle: Element, needed: frozenset[str]) -> Iterable[Page]:
    """Yield what a Bundle says of its search, unless it found resources that are of other feeds alone."""
    links = {word(link, "relation"): word(link, "url") for link in parts(bundle, "link")}
    total = word(bundle, "total")
    entries = [
        one
        for one in parts(bundle, "entry")
        if word(part(one, "search"), "mode") not in ("include", "outcome")
    ]
    kinds = {word(part(one, "resource"), "resourceType") for one in entries}
    if not kinds or kinds & needed:
        matches = frozenset(_address(one, place) for place, one in enumerate(entries))
        whole = int(total) if total is not None and total.isdigit() else None
        yield Page(file, links.get("self"), links.get("next"), whole, matches)


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
