"""The deliveries of a study, ready for looks at any past data cut-off, and what is kept of such a look."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self, cast

from checks.knowledge import Deliveries
from checks.looks import Look, look_at, make_ready
from checks.looks.document import RuleDetail
from checks.protocol import StudyProtocol
from flows.ledger import canonical
from flows.looks.reading import Delivered, decided_at, read_delivered
from flows.looks.study import Study
from flows.pages.replay import LookSummary

_AS_FOUND = datetime.min.replace(tzinfo=UTC)
"""What was read as found was there from the beginning."""

DETAIL = ("boundary_is", "window_hours")
"""What a replay keeps of a rule's detail: without it nobody can say what was compared with the boundary."""


@dataclass(frozen=True, slots=True)
class History:
    """A study with all its deliveries; ``received`` is each with its time of receipt, in that order, in a line.

    ``earlier`` are the histories that hold before a moment, oldest first: each time that a person sets a delivery
    aside or restores it begins another.
    """

    protocol: StudyProtocol
    deliveries: Deliveries
    received: Sequence[tuple[datetime, str]]
    earlier: tuple[tuple[datetime, "History"], ...] = ()

    @classmethod
    def of(cls, protocol: StudyProtocol, delivered: Delivered) -> Self:
        """Make the deliveries of a study ready."""
        files = sorted(
            (one.delivery.received_at or _AS_FOUND, domain, one.delivery.sha256, one.delivery.name)
            for domain, some in delivered.items()
            for one in some
        )
        received = [(when, "\t".join((when.isoformat(), *names))) for when, *names in files]
        return cls(protocol, make_ready(delivered, protocol), received)

    def look(self, data_cutoff: datetime) -> Look:
        """Look with the data as they were known then; nothing is sent, written or remembered of a signal."""
        known = self.as_of(data_cutoff).deliveries.known_at(data_cutoff)
        return look_at(known, self.protocol, data_cutoff=data_cutoff)

    def as_of(self, data_cutoff: datetime) -> "History":
        """Return the history as it was at a data cut-off."""
        return next((history for until, history in self.earlier if data_cutoff < until), self)

    def deliveries_sha256(self, data_cutoff: datetime) -> str:
        """Return the hash of what was received by then: a look stays good as long as it is the same."""
        by_then = (line for when, line in self.as_of(data_cutoff).received if when <= data_cutoff)
        return hashlib.sha256("\n".join(by_then).encode()).hexdigest()


def read_history(
    study: Study, feeds: str | None, *, by: datetime, now: datetime, unseen: frozenset[str] = frozenset()
) -> History:
    """Read a study's deliveries as of an instant, and as they were before each decision of a person on one.

    ``feeds`` is a folder to read them from as they are found there, of which nothing was decided; deliveries
    ``unseen``, by their labels, are as if they had not come.
    """

    def read(instant: datetime) -> History:
        return History.of(
            study.protocol,
            read_delivered(study.protocol, study.settings, feeds, by=instant, now=now, unseen=unseen),
        )

    turns = decided_at(study.inbox().store, by=by) if feeds is None else ()
    earlier = tuple((turn, read(turn - timedelta(seconds=1))) for turn in turns)
    return replace(read(by), earlier=earlier)


def entry_of(look: Look) -> LookSummary:
    """Return what a replay keeps of one look."""
    document = look.document()
    cases = [case["in_risk_window"] for case in document["cases"]]
    return {
        "data_cutoff": document["data_cutoff"],
        "look_id": document["look_id"],
        "look_sha256": hashlib.sha256(canonical(document).encode()).hexdigest(),
        "verdict": document["verdict"],
        "rules": [
            {
                **rule,
                "detail": cast(RuleDetail, {n: said for n, said in rule["detail"].items() if n in DETAIL}),
            }
            for rule in document["rules"]
        ],
        "cases": {place: cases.count(place) for place in ("yes", "possible", "no")},
    }
