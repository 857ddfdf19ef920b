"""How far long work is, said now and then: after its first part, and from then on every quarter of a minute."""

import logging
import time

LOGGER = logging.getLogger("postdose")
SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """Counts what is done of ``total``, and says with ``what`` it is how long the rest will take."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._begun = self._told = time.monotonic()

    def add(self, number: int = 1) -> None:
        """Count so many more as done."""
        first, now = not self._done, time.monotonic()
        self._done += number
        if first or now - self._told > SECONDS_BETWEEN_LINES:
            left = (now - self._begun) / self._done * (self._total - self._done)
            LOGGER.info("%s %d of %d; some %.0f s to go", self._what, self._done, self._total, left)
            self._told = now
