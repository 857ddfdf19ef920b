"""Admission: a delivery is read for the first time where its reader's death is survived, and then as any other.

What died of a file, or took too much of memory, bytes or time, refuses it. What was admitted is known by its content,
by what the protocol says of its feed, and by our code: read again, it does the same. Where no process can be started
the file is read all the same: a look without that protection is better than none.
"""

import hashlib
import logging
import os
import pickle
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final

from checks.code_version import code_version
from checks.errors import FeedTooLargeError
from flows.feeds.allowance import Spent
from flows.feeds.content import Content, FeedOptions, opened
from flows.feeds.first_reading import MOST, READY, Answer, Request
from flows.feeds.location import DeliveredFile
from flows.files import create, make_folder

LOGGER = logging.getLogger("postdose")

STARTS_WITHIN: Final = 60.0
"""Seconds in which the server has loaded the readers, which takes one on a machine that is not busy."""

MOST_REMEMBERED: Final = 1 << 26
"""Bytes of a file of admissions: a million contents, of 65 bytes each; a larger one is none, and is not read."""

_START: Final = """\
import os, sys
sys.path[:] = sys.argv[2:]
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
import socket
from flows.feeds.first_reading import serve
serve(socket.socket(fileno=int(sys.argv[1])))
"""
"""Of one thread, so that it may fork, and with the memory of which the operating system keeps count."""


@dataclass(slots=True)
class _Server:
    """A process that reads new deliveries, and our end of the pair of sockets."""

    process: "subprocess.Popen[bytes]"
    channel: socket.socket

    @classmethod
    def started(cls) -> "_Server":
        """Start one.

        Raises
        ------
        OSError
            When it does not start.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-c", _START, str(theirs.fileno()), *sys.path]
            try:
                process = subprocess.Popen(  # noqa: S603 - our own Python, with our own code
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # what interrupts us reaches it by our going
                )
            except BaseException:
                ours.close()
                raise
        server = cls(process, ours)
        try:
            ours.settimeout(STARTS_WITHIN)
            if ours.recv(MOST) != READY:
                raise OSError("it ended")
        except BaseException:
            server.stop()
            raise
        return server

    def ask(self, request: Request, stream: int) -> Answer:
        """Send a file to be read, and wait for what becomes of it.

        Raises
        ------
        OSError
            When the server is not there any more, or does not answer.
        """
        self.channel.settimeout(request.options.limits.max_read_seconds + STARTS_WITHIN)
        socket.send_fds(self.channel, [pickle.dumps(request)], [stream])
        answer = self.channel.recv(MOST)
        if not answer:
            raise ConnectionResetError("it ended")
        said = pickle.loads(answer)  # noqa: S301 - from our own server, over sockets that nobody else has
        if not isinstance(said, Answer):
            raise TypeError("an answer is needed")
        return said

    def stop(self) -> None:
        """End it, and what it reads."""
        self.channel.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class _Holders:
    """How many hold a thing that may be let go once none does."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    count: int = 0

    @contextmanager
    def holding(self, let_go: Callable[[], None]) -> Iterator[None]:
        """Be one of them; the last calls ``let_go``."""
        with self.lock:
            self.count += 1
        try:
            yield
        finally:
            with self.lock:
                self.count -= 1
                if not self.count:
                    let_go()


@dataclass(slots=True)
class _Spare:
    """Servers of this process that wait for the next admission, while a ``with`` of ``servers_kept`` holds.

    ``read`` is what this process has had read: a content under its name and the options, each as a hash.
    """

    read: set[str] = field(default_factory=set)
    _holders: _Holders = field(default_factory=_Holders)
    _servers: list[_Server] = field(default_factory=list)

    def kept(self) -> AbstractContextManager[None]:
        return self._holders.holding(self._end)

    def take(self) -> _Server | None:
        """Return one that lives."""
        with self._holders.lock:
            while self._servers:
                server = self._servers.pop()
                if server.process.poll() is None:
                    return server
                server.stop()
        return None

    def give(self, server: _Server) -> None:
        """Keep one that is not needed now, or end it."""
        with self._holders.lock:
            if self._holders.count:
                self._servers.append(server)
                return
        server.stop()

    def forget(self) -> None:
        """In a forked child: they are its parent's, and only they know when that ends."""
        for server in self._servers:
            server.channel.close()
        self._holders, self._servers = _Holders(), []

    def _end(self) -> None:
        while self._servers:
            self._servers.pop().stop()


_SPARE: Final = _Spare()
os.register_at_fork(after_in_child=_SPARE.forget)


def servers_kept() -> AbstractContextManager[None]:
    """While it holds, a process that has read is kept for the next new delivery, which then need not wait for one."""
    return _SPARE.kept()


@dataclass(slots=True)
class Admission:
    """Reads new deliveries for the first time; its process is its own while a ``with`` of ``reading`` holds."""

    _server: _Server | None = None
    _unprotected: bool = False
    _holders: _Holders = field(default_factory=_Holders)

    def reading(self) -> AbstractContextManager[None]:
        """Keep the process, once there is one, until this ends; inside another it is that one's."""
        return self._holders.holding(self._give_back)

    def admit(self, file: DeliveredFile, options: FeedOptions, spent: Spent) -> str:
        """Read a file for the first time, count its time, and return the SHA-256 of what was read.

        Raises
        ------
        FeedTooLargeError
            When it is refused.
        FeedError
            When it cannot be opened.
        """
        with opened(file, options.limits) as content, self.reading(), self._holders.lock:
            known = _hashed(content.sha256, content.file, repr(options))
            refused = None if known in _SPARE.read else self._refusal(content, options, spent)
            if refused is not None:
                raise FeedTooLargeError(file.label, refused, "a file that can be read within the limits")
            _SPARE.read.add(known)
            return content.sha256

    def _refusal(self, content: Content, options: FeedOptions, spent: Spent) -> str | None:
        """Return why a file is refused; a server that dies of it is tried once more, and then the file is why."""
        request = Request(content.name, content.sha256, content.file, content.most, options)
        for _ in range(2):
            try:
                server = self._started()
            except (OSError, ValueError) as error:
                self._go_without(type(error).__name__)
                return None
            try:
                with spent.counted():
                    answer = server.ask(request, content.stream.fileno())
            except OSError:
                self._stop()
                continue
            if answer.untried is not None:
                self._go_without(answer.untried)
                return None
            return answer.refused
        return "that the process that reads it ended twice"

    def _started(self) -> _Server:
        if self._unprotected:
            raise OSError("said before")
        if self._server is None:
            self._server = _SPARE.take() or _Server.started()
        return self._server

    def _go_without(self, reason: str) -> None:
        """Read new deliveries in this process from now on, and say so once."""
        if not self._unprotected:
            self._unprotected = True
            LOGGER.warning(
                "No process for reading new deliveries can be started (%s): they are read here", reason
            )

    def _give_back(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            _SPARE.give(server)

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class Admitted:
    """What was admitted of a domain under these options by this code: a line of a file for each content."""

    def __init__(self, folder: Path, options: FeedOptions) -> None:
        key = hashlib.sha256(f"{code_version()}\n{options!r}".encode()).hexdigest()[:16]
        self._path = folder / f"{options.domain}-{key}.txt"
        try:
            with _opened(self._path, os.O_RDONLY) as file:
                self._known = set(file.read().decode("ascii").split())
        except (OSError, ValueError):
            self._known = set()

    def has(self, name: str, sha256: str) -> bool:
        """Whether a content was admitted, under a name of that ending."""
        return _entry(name, sha256) in self._known

    def add(self, name: str, sha256: str) -> None:
        """Remember that it was; where it cannot be written, it is admitted anew the next time."""
        entry = _entry(name, sha256)
        self._known.add(entry)
        with suppress(OSError):
            make_folder(self._path.parent)
            create(self._path)
            with _opened(self._path, os.O_RDWR | os.O_APPEND) as file:
                # one write, so that lines of two processes stay apart
                file.write(f"{entry}\n".encode())


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[FileIO]:
    """Open a regular file that can be one of ours, without waiting; an OSError of anything else."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with FileIO(descriptor, "r" if flags == os.O_RDONLY else "a") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_REMEMBERED:
            raise OSError("not a file of admissions")
        yield file


def _entry(name: str, sha256: str) -> str:
    """Return a content with its name's last ending or two, by which its reader is chosen."""
    return _hashed(sha256, *Path(name.lower()).suffixes[-2:])


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
