"""The exact versions that are tested together, as deployments/constraints.txt names them with their hashes."""

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HASH = "--hash=sha256:"


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of a package, with the SHA-256 of each of its files, and whether this machine needs it."""

    name: str
    version: str
    sha256: tuple[str, ...]
    needed: bool


def read_pins(text: str) -> tuple[Pin, ...]:
    """Return the pins of a file, sorted by name; one that is there with an extra as well is one pin."""
    found = {pin.name: pin for pin in _pins(text)}
    return tuple(found[name] for name in sorted(found))


def _pins(text: str) -> Iterator[Pin]:
    for line in text.replace("\\\n", " ").splitlines():
        said, *hashes = line.partition("#")[0].split(HASH)
        if not said.strip():
            continue
        asked = Requirement(said.strip())
        (version,) = (one.version for one in asked.specifier)
        needed = asked.marker is None or asked.marker.evaluate()
        yield Pin(canonicalize_name(asked.name), version, tuple(one.strip() for one in hashes), needed)
