"""The process in which new deliveries are read for the first time, each in a child of its own that may die of it.

The server is started by ``flows.feeds.admission``, and loads the readers once. For each request it forks: it has one
thread, so a child is whole. A child may use so much memory and time, and then ends; what it answers is that the file
was read, or why it is refused. When the parent goes, at any moment, the server ends its child and itself.

Anything else that a reader finds wrong with a file is no refusal: reading it again finds the same and says so.
"""

import ctypes
import json
import os
import pickle
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

from checks.errors import FeedTooLargeError
from flows.feeds.content import Content, FeedOptions, identify
from flows.feeds.one_file import table_of

READY: Final = b"ready"
MOST: Final = 1 << 20
"""Bytes of a message: a request holds what the protocol says of one feed."""

FHIR: Final = "flows.feeds.readers.fhir"

MEMORY_SHARE: Final = 0.5
"""Of the memory of the machine, or the container, for one file: a look holds all feeds, and works on them, beside."""

LEAST_MEMORY: Final = 2 << 30
"""Bytes that a file may always take: the readers themselves map half of that."""

_CGROUP: Final = Path("/sys/fs/cgroup/memory.max")
_PR_SET_PDEATHSIG: Final = 1
"""Of prctl(2): the signal that a process gets when its parent ends."""


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read, whose descriptor comes with it: as ``Content`` has it, and what is said of its feed."""

    name: str
    sha256: str
    file: str
    most: int
    options: FeedOptions


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: why it is refused, None if it was read; or why it could not be tried at all."""

    refused: str | None = None
    untried: str | None = None


def serve(parent: socket.socket) -> None:
    """Answer requests until the parent goes."""
    parent.send(READY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(parent, MOST, 1)
        if not message:
            return
        request = pickle.loads(message)  # noqa: S301 - from our parent, over sockets that nobody else has
        if request.options.format == "fhir":
            import_module(FHIR)  # once, and not in each child
        answer = _in_a_child(request, descriptors[0], parent)
        os.close(descriptors[0])
        parent.send(pickle.dumps(answer))


def _in_a_child(request: Request, descriptor: int, parent: socket.socket) -> Answer:
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return Answer(untried=type(error).__name__)
    if child == 0:
        _read_and_end(request, descriptor, writing)
    os.close(writing)
    try:
        return _heard_of(child, reading, parent, request.options.limits.max_read_seconds)
    finally:
        os.close(reading)


def _heard_of(child: int, reading: int, parent: socket.socket, seconds: float) -> Answer:
    """Return what a child answers, or how it ended; it is not there any more afterwards."""
    gone = parent.fileno()
    heard, _, _ = select.select([reading, gone], [], [], seconds)
    said = os.read(reading, MOST) if reading in heard else b""
    if reading not in heard:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if gone in heard and reading not in heard:
        raise SystemExit
    if not heard:
        return Answer(f"that reading it takes longer than {seconds:g} s (`limits.max_read_seconds`)")
    if said:
        return Answer(json.loads(said))
    if os.WIFSIGNALED(status):
        return Answer(f"that its reader was ended by signal {os.WTERMSIG(status)}")
    return Answer(f"that its reader ended with status {os.WEXITSTATUS(status)}")


def _read_and_end(request: Request, descriptor: int, writing: int) -> NoReturn:
    """Read the file under all limits, and say why it is refused, or null."""
    try:
        _limit_ourselves(request.options.limits.max_read_seconds)
        os.write(writing, json.dumps(_refusal(request, descriptor)).encode())
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


def _refusal(request: Request, descriptor: int) -> str | None:
    try:
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            kind = identify(stream)
            content = Content(request.name, request.sha256, stream, kind, request.file, request.most)
            table_of(content, request.options, None)
    except FeedTooLargeError as error:
        return error.found
    except MemoryError:
        return "that reading it takes more memory than one file may"
    except Exception:
        return None
    return None


def _limit_ourselves(seconds: float) -> None:
    """Bound this process: memory, time on the processor, no dump of it; with its parent it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, now + most_memory())
    _limit(resource.RLIMIT_CPU, int(seconds) + 5)  # where nobody watches the clock any more
    _limit(resource.RLIMIT_CORE, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # what a library says as it dies may hold a value
        os.dup2(nowhere, stream)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, hard if kind == resource.RLIMIT_AS else most))


def most_memory() -> int:
    """Return the bytes of memory that one file may take as it is read, and all tables of one feed."""
    return max(LEAST_MEMORY, int(MEMORY_SHARE * _memory()))


def _memory() -> int:
    """Return the bytes of memory that this machine, or its container, has."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(pages, int(_CGROUP.read_text()))
    except (OSError, ValueError):
        return pages
