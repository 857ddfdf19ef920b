"""One look of a replay: the same stages as any look, on what was known at its data cut-off."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.knowledge import Knowledge
from checks.looks import Look, look_at
from checks.protocol import StudyProtocol
from flows.ledger import canonical

RULE_FIELDS = (
    "id", "kind", "method", "verdict", "best_case", "worst_case", "events", "n_evaluable", "boundary",
    "statistic", "p_value",
)  # fmt: skip
"""What a replay keeps of each rule's answer."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Makes looks at one study."""

    protocol: StudyProtocol

    def look(self, knowledge: Knowledge, data_cutoff: datetime) -> Look:
        """Make one look at what was known; nothing is sent, written or remembered of a signal."""
        return look_at(knowledge, self.protocol, data_cutoff=data_cutoff)


def entry_of(look: Look) -> dict[str, Any]:
    """Return what a replay keeps of one look; ``look_sha256`` is the hash that the ledger keeps of it too."""
    document = look.document()
    cases = [case["in_risk_window"] for case in document["cases"]]
    return {
        "data_cutoff": document["data_cutoff"],
        "look_id": document["look_id"],
        "look_sha256": hashlib.sha256(canonical(document).encode()).hexdigest(),
        "verdict": document["verdict"],
        "rules": [{name: rule[name] for name in RULE_FIELDS} for rule in map(dict, document["rules"])],
        "cases": {place: cases.count(place) for place in ("yes", "possible", "no")},
    }
