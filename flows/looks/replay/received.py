"""The deliveries that a look could know, as one hash: a look stays good as long as it is the same."""

import hashlib
from bisect import bisect_right
from datetime import UTC, datetime
from functools import cache

from checks.tables import Delivery
from flows.looks.reading import Delivered

_AS_FOUND = datetime.min.replace(tzinfo=UTC)


class Received:
    """The deliveries of a study in order of receipt; those read as found were there from the beginning."""

    def __init__(self, delivered: Delivered) -> None:
        files = [
            (_when(one.delivery), domain, one.delivery) for domain, some in delivered.items() for one in some
        ]
        ordered = sorted((when, domain, one.sha256, one.name) for when, domain, one in files)
        self._when = [when for when, *_ in ordered]

        @cache
        def digest(count: int) -> str:
            words = "\n".join("\t".join((when.isoformat(), *names)) for when, *names in ordered[:count])
            return hashlib.sha256(words.encode()).hexdigest()

        self._digest = digest

    def by(self, cutoff: datetime) -> str:
        """Return the hash of the deliveries received by a moment."""
        return self._digest(bisect_right(self._when, cutoff))


def _when(delivery: Delivery) -> datetime:
    return _AS_FOUND if delivery.received_at is None else delivery.received_at
