"""One look of a replay: the same stages as any look, on what was known at its data cut-off."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from checks.knowledge import Knowledge
from checks.looks import Look, look_at
from checks.looks.document import RulePart
from checks.protocol import StudyProtocol
from flows.ledger import canonical
from flows.pages.replay_document import LookSummary

DETAIL = ("boundary_is", "window_hours")
"""What a replay keeps of a rule's detail: without it nobody can say what was compared with the boundary."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Makes looks at one study."""

    protocol: StudyProtocol

    def look(self, knowledge: Knowledge, data_cutoff: datetime) -> Look:
        """Make one look at what was known; nothing is sent, written or remembered of a signal."""
        return look_at(knowledge, self.protocol, data_cutoff=data_cutoff)


def entry_of(look: Look) -> LookSummary:
    """Return what a replay keeps of one look."""
    document = look.document()
    cases = [case["in_risk_window"] for case in document["cases"]]
    return {
        "data_cutoff": document["data_cutoff"],
        "look_id": document["look_id"],
        "look_sha256": hashlib.sha256(canonical(document).encode()).hexdigest(),
        "verdict": document["verdict"],
        "rules": [_answer(rule) for rule in document["rules"]],
        "cases": {place: cases.count(place) for place in ("yes", "possible", "no")},
    }


def _answer(rule: RulePart) -> RulePart:
    return {**rule, "detail": {name: said for name, said in rule["detail"].items() if name in DETAIL}}
