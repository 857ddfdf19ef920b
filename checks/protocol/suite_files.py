"""The expectations that a study brings: the files ``expectations/<domain>.json`` beside its protocol file.

They are part of what the study decided beforehand, so they are read with the protocol and hashed with it. What they
hold is read where feeds are validated: one that cannot be used stops its feed, not the look.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks.errors import Problem
from checks.protocol.one_file import content_of

FOLDER: Final = "expectations"
MOST_BYTES: Final = 1 << 24
"""An expectation is some hundred bytes."""

JUDGED: Final = ("DM", "EX", "VS", "AE", "LB")
"""The feeds whose rows are judged; the others are recorded by their hash alone."""

_WHOLE_FILE: Final = "the file"


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """One file of a study's own expectations: its domain, its name beside the protocol, and its bytes.

    ``content`` is None for a file that cannot be read, and ``fault`` then says why.
    """

    domain: str
    name: str
    content: bytes | None
    fault: str = ""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal."""
        return hashlib.sha256(self.content or b"").hexdigest()


def read_suite_files(folder: Path) -> tuple[SuiteFile, ...]:
    """Read the files of a study's own expectations, in the order of their names."""
    paths = sorted((folder / FOLDER).glob("*.json"))
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> SuiteFile:
    domain, name = path.stem.upper(), f"{FOLDER}/{path.name}"
    try:
        return SuiteFile(domain, name, content_of(path, MOST_BYTES))
    except OSError as error:
        return SuiteFile(domain, name, None, (error.strerror or type(error).__name__).lower())


def misplaced(files: Sequence[SuiteFile], declared: Sequence[str], folder: Path) -> Iterator[Problem]:
    """Yield a problem for each file whose name is not that of a feed which the protocol has, and a look judges."""
    allowed = [f"{domain.lower()}.json" for domain in JUDGED if domain in declared]
    for one in files:
        if one.domain not in JUDGED or one.domain not in declared:
            yield Problem(
                str(folder / one.name),
                1,
                _WHOLE_FILE,
                "expectations of no feed that is judged",
                ", ".join(allowed),
            )


def combined_sha256(protocol_sha256: str, files: Sequence[SuiteFile]) -> str:
    """Return what names a protocol file together with the expectations beside it: its own hash where there are none.

    Otherwise it is the SHA-256 of that hash, and of a line ``HASH  NAME`` for each file, as sha256sum writes them.
    """
    if not files:
        return protocol_sha256
    lines = [protocol_sha256, *(f"{one.sha256}  {one.name}" for one in files)]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
