"""The resources of a FHIR R4 or R5 delivery in JSON, taken apart, and their elements, read leniently.

A delivery is NDJSON, or one resource, or a Bundle, in which a deletion stands as an entry whose request has the
method DELETE (HL7 FHIR R4 4.0.1, Bundle; the Bulk Data Access implementation guide for NDJSON). An element of
another type than R4 gives it counts as absent, so that one odd resource stays one odd row. Numbers are text as
written (38.30 keeps its digits).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

from checks.errors import FeedError
from flows.feeds.content import GZIP, JSON, Content, FeedOptions, decompressed
from flows.feeds.decoding import as_text, measure

Element = Mapping[str, object]

NOTHING: Final[Element] = {}

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"

_SYSTEMS: Final[Mapping[str, str]] = {
    "loinc.org": LOINC,
    "loinc": LOINC,
    "2.16.840.1.113883.6.1": LOINC,
    "snomed.info/sct": SNOMED,
    "snomed": SNOMED,
    "snomed ct": SNOMED,
    "snomed-ct": SNOMED,
    "2.16.840.1.113883.6.96": SNOMED,
    "iso:std:iso:11073:10101": MDC,
    "mdc": MDC,
    "2.16.840.1.113883.6.24": MDC,
    "unitsofmeasure.org": UCUM,
    "ucum": UCUM,
    "2.16.840.1.113883.6.8": UCUM,
}
"""A code system by its other names (HL7 Terminology 6.5, external code systems: OID; the rest as people write it)."""

_PREFIX: Final = re.compile(r"^(https?://(www\.)?|urn:(oid:)?)")
_HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape of one half of a surrogate pair: a character only beside its other half (RFC 8259, section 8.2)."""

UUID: Final = "urn:uuid:"


def part(element: Element, *names: str) -> Element:
    """Return the element that a path of names leads to, empty where there is none."""
    for name in names:
        found = element.get(name)
        element = found if isinstance(found, dict) else NOTHING
    return element


def parts(element: Element, name: str) -> list[Element]:
    """Return the elements of a list; a single element counts as a list of one."""
    found = element.get(name)
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)]


def word(element: Element, name: str) -> str | None:
    """Return a primitive as text, None where there is none."""
    found = element.get(name)
    if isinstance(found, str):
        return found.strip() or None
    if isinstance(found, bool):
        return "true" if found else "false"
    return None


@cache
def system_of(written: str) -> str:
    """Return a code system's URI, however it is written: by OID, another URL, an edition or a name."""
    plain = _PREFIX.sub("", written.strip().lower()).rstrip("/")
    edition = "snomed.info/sct" if plain.startswith("snomed.info/sct/") else plain
    return _SYSTEMS.get(edition, written)


def codings(concept: Element) -> Iterator[tuple[str | None, str]]:
    """Yield system and code of each coding of a CodeableConcept."""
    for coding in parts(concept, "coding"):
        code, system = word(coding, "code"), word(coding, "system")
        if code is not None:
            yield None if system is None else system_of(system), code


def first_word(concept: Element) -> str | None:
    """Return the text of a CodeableConcept, else the display of its first coding that has one, else a code."""
    displays = [word(coding, "display") for coding in parts(concept, "coding")]
    codes = [code for _, code in codings(concept)]
    return next((one for one in (word(concept, "text"), *displays, *codes) if one is not None), None)


def names(concept: Element) -> tuple[str, ...]:
    """Return the text of a CodeableConcept and the displays of its codings, each once."""
    displays = [word(coding, "display") for coding in parts(concept, "coding")]
    return tuple(dict.fromkeys(one for one in (word(concept, "text"), *displays) if one is not None))


def reference_id(reference: Element) -> tuple[str | None, str | None]:
    """Return type and id of a literal reference: relative, absolute, or to one version."""
    path = (word(reference, "reference") or "").partition("/_history/")[0]
    kind, _, name = path.rpartition("/")
    return kind.rpartition("/")[2] or word(reference, "type"), name.removeprefix(UUID) or None


_WHEN: Final = ("effective", "occurrence", "occurence")
"""What says when: ``effective[x]`` of R4; ``occurrence[x]`` of R5, and of an administration with one r."""


def when(resource: Element) -> tuple[str | None, str | None]:
    """Return start and end of when it was; several instants of a Timing are none."""
    told = (_when(resource, name) for name in _WHEN)
    return next((one for one in told if one != (None, None)), (None, None))


def _when(resource: Element, name: str) -> tuple[str | None, str | None]:
    moment = word(resource, f"{name}DateTime") or word(resource, f"{name}Instant")
    period = part(resource, f"{name}Period")
    if moment is None and not period:
        events = part(resource, f"{name}Timing").get("event")
        moments = [one for one in events if isinstance(one, str)] if isinstance(events, list) else []
        return (moments[0], None) if len(moments) == 1 else (None, None)
    return moment or word(period, "start"), word(period, "end")


def result(element: Element) -> tuple[str | None, str | None]:
    """Return ``value[x]`` and its unit; a value that is no quantity is text, so that validation can refuse it."""
    if isinstance(element.get("valueQuantity"), dict):
        quantity = part(element, "valueQuantity")
        number = word(quantity, "value")
        comparator = word(quantity, "comparator") or ""
        return (None if number is None else comparator + number), unit(quantity)
    for name in ("valueInteger", "valueString"):
        if word(element, name) is not None:
            return word(element, name), None
    other = next((name for name in sorted(element) if name.startswith("value")), None)
    if other is None:
        return None, None
    concept = first_word(part(element, other))
    return concept or json.dumps(element[other], ensure_ascii=False, sort_keys=True), None


def unit(quantity: Element) -> str | None:
    """Return the UCUM code of a quantity, without its annotations, else its unit as people read it.

    An annotation in curly braces has no meaning in UCUM: ``{breaths}/min`` is ``/min``.
    """
    code, system = word(quantity, "code"), word(quantity, "system")
    if code is None or (system is not None and system_of(system) != UCUM):
        return word(quantity, "unit") or code
    head, brace, rest = code.partition("{")
    bare = head + rest.partition("}")[2] if brace else code
    return bare or code


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

    A Bundle stands before its entries, as an entry of that kind; the manifest of a bulk export as one without a kind.

    Raises
    ------
    FeedError
        When it is not JSON text, or not in the encoding of the options; naming the line that is no JSON, or no
        resource, or says that the export failed.
    """
    if content.file.lower().endswith(".gz"):
        content.require(GZIP, allowed="a compressed file, as its name says")
    with decompressed(content) as plain:
        plain.require(JSON, allowed="FHIR resources in JSON (NDJSON)")
        yield partial(_entries, plain, measure(plain, options.encoding).codec)


def _entries(content: Content, codec: str) -> Iterator[Entry]:
    for number, line in _texts(content, codec):
        yield from _read(line, number, content)


def _texts(content: Content, codec: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank behind its number; a file that is one resource is one text."""
    with as_text(content, codec, newline="\n") as text:
        lines = [(1, text.read())] if _is_one(content) else enumerate(text, start=1)
        yield from ((number, line) for number, line in lines if line.strip())


def _is_one(content: Content) -> bool:
    return content.file.lower().endswith(".json")


def _read(text: str, number: int, content: Content) -> Iterable[Entry]:
    found = _resource(text, number, content.name)
    if found.get("resourceType") != "Bundle":
        return (_sound(Entry(number, found), content.name),)
    return _each(found, number, content.name, by_place=_is_one(content))


def _resource(text: str, line: int, file: str) -> Element:
    try:
        found = _DECODER.decode(text.rstrip())
    except json.JSONDecodeError as error:
        at = f"line {line + error.lineno - 1}, column {error.colno}"
        raise FeedError(file, f"no JSON at {at}", "a FHIR resource in each line (NDJSON)") from error
    except (ValueError, RecursionError) as error:
        allowed = "JSON numbers, and no deeper nesting"
        raise FeedError(file, f"no valid JSON in line {line}", allowed) from error
    if "\\u" in text and _HALF_CHARACTER.search(text):
        _require_whole_characters(found, line, file)
    named = isinstance(found, dict) and (word(found, "resourceType") or is_manifest(found))
    if not isinstance(found, dict) or not named:
        raise FeedError(file, f"no resourceType in line {line}", "FHIR R4 resources")
    return found


def _require_whole_characters(found: object, line: int, file: str) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"an escape that is half a character (\\ud800 to \\udfff) in line {line}"
        raise FeedError(file, half, "Unicode") from error


def is_manifest(found: Element) -> bool:
    """Whether it is the manifest of a bulk export (Bulk Data Access 2.0.0, Response - Output Manifest)."""
    return "transactionTime" in found and isinstance(found.get("output"), list)


def _each(resource: Element, line: int, file: str, *, by_place: bool) -> Iterator[Entry]:
    yield Entry(line, resource)
    for place, entry in enumerate(parts(resource, "entry"), start=1):
        number, address = place if by_place else line, word(entry, "fullUrl")
        if word(part(entry, "request"), "method") == "DELETE":
            yield Entry(number, _deleted(entry), deleted=True, address=address)
        elif (
            word(part(entry, "resource"), "resourceType") == "Bundle"
        ):  # the answer to one request of a batch
            yield from _each(part(entry, "resource"), number, file, by_place=False)
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
