"""What a look prints: no standard output that is closed, full or of few characters changes what it exits with."""

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from flows.inert import inert_line


def print_last(text: Callable[[], str], *, otherwise: str) -> None:
    """Print what a command has found, its last words; where it cannot be made, print ``otherwise``.

    What standard output does not take is said on standard error, and left out for good.
    """
    try:
        said = text()
    except Exception as error:  # a template that is missing: the verdict is said all the same
        _complain(f"the summary could not be made ({type(error).__name__})")
        said = otherwise
    try:
        print(said, flush=True)
    except (OSError, ValueError) as error:  # nobody reads; the disk is full; it is closed
        _complain(f"nothing could be printed ({type(error).__name__})\n{otherwise}")
        sys.stdout = _given_up(1)


def _complain(problem: str) -> None:
    try:
        print(f"postdose: {problem}", file=sys.stderr, flush=True)
    except (OSError, ValueError):  # nor may standard error change anything
        sys.stderr = _given_up(2)


def _given_up(descriptor: int) -> io.StringIO:
    """Return what takes the place of a stream, so that what it still holds back is not tried again at the end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    return io.StringIO()


def document_text(document: Mapping[str, object]) -> str:
    """Return a document as JSON that standard output can take, whatever characters it has."""
    only_ascii = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    return inert_line(json.dumps(document, indent=1, ensure_ascii=only_ascii))
