"""A signal that tells the process to end waits while roles are notified of what a look has found."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""An interrupt, a service manager's request, and a terminal that is closed."""


@dataclass(slots=True)
class Interruption:
    """The signal that told this process to end, None while none has."""

    number: signal.Signals | None = None


@contextmanager
def held_back() -> Iterator[Interruption]:
    """Let what would end this process be noted alone, and asked for between two steps.

    Signals are the main thread's: in another nothing is held back. What is ignored stays ignored.
    """
    held = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield held
        return

    def note(number: int, _frame: object) -> None:
        held.number = signal.Signals(number)

    before = {number: signal.getsignal(number) for number in ENDING}
    taken = {number: was for number, was in before.items() if was not in (signal.SIG_IGN, None)}
    for number in taken:
        signal.signal(number, note)
    try:
        yield held
    finally:
        for number, was in taken.items():
            signal.signal(number, was)
