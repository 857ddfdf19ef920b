"""Threads that tell: one that cannot be had, or dies before its work, is known of, so that it is done elsewhere."""

from _thread import start_new_thread
from collections.abc import Callable
from threading import Event, Lock
from typing import Final

BEGINS_WITHIN: Final = 5.0
"""Seconds in which a thread has begun on any machine that can tell at all; one that died of memory never does."""


def began_apart(work: Callable[[], None]) -> bool:
    """Begin work in a thread that does not keep the process from ending; False where none began, and none will.

    ``threading.Thread.start`` waits without end for a thread that has no memory for its first step.
    """
    taken, begun = Lock(), Event()

    def run() -> None:
        if taken.acquire(blocking=False):
            begun.set()
            work()

    try:
        start_new_thread(run, ())
    except (RuntimeError, MemoryError):
        return False
    return begun.wait(BEGINS_WITHIN) or not taken.acquire(blocking=False)
