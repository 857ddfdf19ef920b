"""Elements of FHIR R4 resources, read leniently, whatever the sender put there.

An element of another type than R4 gives it counts as absent, so that one odd resource stays one odd row.
Numbers are text as written (38.30 keeps its digits): see ``lines``.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final

Element = Mapping[str, object]

NOTHING: Final[Element] = {}

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
UCUM: Final = "http://unitsofmeasure.org"


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


def codings(concept: Element) -> Iterator[tuple[str | None, str]]:
    """Yield system and code of each coding of a CodeableConcept."""
    for coding in parts(concept, "coding"):
        code = word(coding, "code")
        if code is not None:
            yield word(coding, "system"), code


def first_word(concept: Element) -> str | None:
    """Return the text of a CodeableConcept, else the display of its first coding that has one, else a code."""
    displays = [word(coding, "display") for coding in parts(concept, "coding")]
    codes = [code for _, code in codings(concept)]
    return next((one for one in (word(concept, "text"), *displays, *codes) if one is not None), None)


def when(resource: Element) -> tuple[str | None, str | None]:
    """Return start and end of ``effective[x]``; several instants of a Timing are none."""
    moment = word(resource, "effectiveDateTime") or word(resource, "effectiveInstant")
    period = part(resource, "effectivePeriod")
    if moment is None and not period:
        events = part(resource, "effectiveTiming").get("event")
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
    if code is None or system not in (UCUM, None):
        return word(quantity, "unit") or code
    head, brace, rest = code.partition("{")
    bare = head + rest.partition("}")[2] if brace else code
    return bare or code
