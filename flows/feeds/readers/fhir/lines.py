"""The resources of a FHIR delivery in JSON, taken apart: NDJSON, or one resource, or a Bundle.

Source: HL7 FHIR R4 (4.0.1), Bundle; and the Bulk Data Access implementation guide for NDJSON (a resource a
line). A deletion stands in a Bundle as an entry whose request has the method DELETE.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from checks.errors import FeedError
from flows.feeds.content import GZIP, JSON, Content, decompressed
from flows.feeds.decoding import as_text, measure
from flows.feeds.options import FeedOptions
from flows.feeds.readers.fhir.elements import NOTHING, Element, part, parts, word

UUID: Final = "urn:uuid:"


@dataclass(slots=True)
class Entry:
    """One resource: its line (or its place in a Bundle that is the whole file), and whether it was deleted.

    ``address`` is the entry's fullUrl, by which other entries may refer to it; a resource without an id has
    the UUID of that address.
    """

    number: int
    resource: Element
    deleted: bool = False
    address: str | None = None
    kind: str | None = field(init=False)
    id: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.kind, self.id = word(self.resource, "resourceType"), word(self.resource, "id")
        if self.id is None and self.address is not None and self.address.startswith(UUID):
            self.id = self.address.removeprefix(UUID)


@contextmanager
def delivered(content: Content, options: FeedOptions) -> Iterator[Callable[[], Iterator[Entry]]]:
    """Yield what goes through the resources of a delivery, those of Bundles too, as often as it is called.

    Raises
    ------
    FeedError
        When it is not JSON text, or not in the encoding of the options; naming the line that is no JSON, or no
        resource, or says that the export failed.
    """
    if content.name.lower().endswith(".gz"):
        content.require(GZIP, allowed="a compressed file, as its name says")
    with decompressed(content) as plain:
        plain.require(JSON, allowed="FHIR resources in JSON (NDJSON)")
        yield partial(_entries, plain, measure(plain, options.encoding).codec)


def _entries(content: Content, codec: str) -> Iterator[Entry]:
    with as_text(content, codec, newline="\n") as text:
        if content.name.lower().endswith(".json"):
            whole = _resource(text.read(), 1, content.name)
            yield from _each(whole, 1, content.name, by_place=whole.get("resourceType") == "Bundle")
            return
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield from _each(_resource(line, number, content.name), number, content.name, by_place=False)


def _resource(text: str, line: int, file: str) -> Element:
    try:
        found = _DECODER.decode(text.rstrip())
    except json.JSONDecodeError as error:
        at = f"line {line + error.lineno - 1}, column {error.colno}"
        raise FeedError(file, f"no JSON at {at}", "a FHIR resource in each line (NDJSON)") from error
    except (ValueError, RecursionError) as error:
        allowed = "JSON numbers, and no deeper nesting"
        raise FeedError(file, f"no valid JSON in line {line}", allowed) from error
    if not isinstance(found, dict) or word(found, "resourceType") is None:
        raise FeedError(file, f"no resourceType in line {line}", "FHIR R4 resources")
    return found


def _each(resource: Element, line: int, file: str, *, by_place: bool) -> Iterator[Entry]:
    if resource["resourceType"] != "Bundle":
        yield _sound(Entry(line, resource), file)
        return
    for place, entry in enumerate(parts(resource, "entry"), start=1):
        number, address = place if by_place else line, word(entry, "fullUrl")
        if word(part(entry, "request"), "method") == "DELETE":
            yield Entry(number, _deleted(entry), deleted=True, address=address)
        elif part(entry, "resource"):
            yield _sound(Entry(number, part(entry, "resource"), address=address), file)


def _sound(entry: Entry, file: str) -> Entry:
    """Refuse an OperationOutcome that reports an error: what came with it may not be all there is."""
    issues = parts(entry.resource, "issue") if entry.kind == "OperationOutcome" else []
    if any(word(issue, "severity") in ("error", "fatal") for issue in issues):
        found = f"an OperationOutcome that reports an error, in line {entry.number}"
        raise FeedError(file, found, "an export that ended without one")
    return entry


def _deleted(entry: Element) -> Element:
    """Return what is known of a deleted resource: type, id, and when."""
    kind, _, name = (word(part(entry, "request"), "url") or "").partition("?")[0].rpartition("/")
    moment = word(part(entry, "response"), "lastModified")
    meta = {"lastUpdated": moment} if moment else NOTHING
    return {"resourceType": kind.rpartition("/")[2], "id": name, "meta": meta}


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# Numbers stay as they are written.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse_constant)
