"""Threads for what may fail or hang: one that cannot be had, or dies, is known of and waited for no longer."""

from _thread import start_new_thread
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Lock
from typing import Final, TypeVar

T = TypeVar("T")

BEGINS_WITHIN: Final = 5.0
"""Seconds in which a thread has begun on any machine that can tell at all; one that died of memory never does."""


def apart(work: Callable[[], T]) -> "Future[T] | None":
    """Begin work in a thread that does not keep the process from ending, and return what will have become of it.

    Whatever it raises is kept, also what would end a process. None where no thread began, and none will.

    ``threading.Thread.start`` waits without end for a thread that has no memory for its first step.
    """
    became: Future[T] = Future()
    taken, begun = Lock(), Event()

    def run() -> None:
        if taken.acquire(blocking=False):
            begun.set()
            _keep(became, work)

    try:
        start_new_thread(run, ())
    except (RuntimeError, MemoryError):
        return None
    return became if begun.wait(BEGINS_WITHIN) or not taken.acquire(blocking=False) else None


def apart_or_here(work: Callable[[], T]) -> "Future[T]":
    """Begin work in a thread, or do it here where none can be had; return what will have become of it."""
    became = apart(work)
    if became is None:
        became = Future()
        _keep(became, work)
    return became


def _keep(became: "Future[T]", work: Callable[[], T]) -> None:
    try:
        became.set_result(work())
    except BaseException as error:
        became.set_exception(error)
