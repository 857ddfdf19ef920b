"""Decide what one look of a replay is: the same stages as any look, on what was known at its data cut-off."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.cases import Charts, find_cases, gather_evidence
from checks.knowledge import Knowledge
from checks.protocol import StudyProtocol
from checks.signals import decide_verdict, evaluate_rules
from checks.validation import validate_feeds
from flows.ledger import canonical
from flows.report import Look, build_document

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
        protocol = self.protocol
        validation = validate_feeds(knowledge.feeds, protocol, data_cutoff)
        known = validation.subjects.set_index("USUBJID").index
        charts = Charts(validation.measurements, validation.adverse_events, known)
        findings = find_cases(validation.administrations, charts, protocol, data_cutoff)
        evidence = gather_evidence(findings, validation.measurements, protocol, unplaced=validation.unplaced)
        results = evaluate_rules(evidence, protocol)
        verdict = decide_verdict(results, validation.feeds, protocol)
        return Look(
            protocol, data_cutoff, validation, findings, evidence, results, verdict, knowledge.changes
        )


def entry_of(look: Look) -> dict[str, Any]:
    """Return what a replay keeps of one look; ``look_sha256`` is the hash that the ledger keeps of it too."""
    document = build_document(look)
    cases = [case["in_risk_window"] for case in document["cases"]]
    return {
        "data_cutoff": document["data_cutoff"],
        "look_id": document["look_id"],
        "look_sha256": hashlib.sha256(canonical(document).encode()).hexdigest(),
        "verdict": document["verdict"],
        "rules": [{name: rule[name] for name in RULE_FIELDS} for rule in document["rules"]],
        "cases": {place: cases.count(place) for place in ("yes", "possible", "no")},
    }
