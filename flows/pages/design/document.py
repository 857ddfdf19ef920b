"""Decide what design.json says: every rule with its source, its errors and its power, and what was assumed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from checks.design import ProtocolDesign
from checks.protocol import StudyProtocol
from flows.pages.kit.terminal import rounded
from flows.report.document import code_version

SCHEMA = "postdose/design/1"


def build_design(protocol: StudyProtocol, design: ProtocolDesign) -> dict[str, Any]:
    """Return the design of a protocol as one document: the same bytes for the same protocol."""
    return rounded(
        {
            "schema": SCHEMA,
            "study": protocol.study.id,
            "protocol_sha256": protocol.sha256,
            "code_version": code_version(),
            "simulated": protocol.study.simulated,
            "seed": design.seed,
            "simulations": design.simulations,
            "planned_subjects": design.planned_subjects,
            "planned_doses": design.planned_doses,
            "background": _background(protocol),
            "rules": [
                {**asdict(one), "rationale": rule.rationale, "source": rule.source}
                for one, rule in zip(design.rules, protocol.rules, strict=True)
            ],
            "combined": None if design.combined is None else asdict(design.combined),
            "spending": asdict(design.spending),
        }
    )


def _background(protocol: StudyProtocol) -> Mapping[str, Any] | None:
    return None if protocol.background is None else protocol.background.model_dump(mode="json")
