"""design.json: every rule with its source, its errors and its power, and what was assumed."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from checks.design import ProtocolDesign
from checks.looks import code_version
from checks.protocol import StudyProtocol
from flows.pages.design.in_worlds import InWorlds, exceeds_alpha
from flows.simulate.chart_trials import ChartTrials

SCHEMA = "postdose/design/1"


def build_design(
    protocol: StudyProtocol,
    design: ProtocolDesign,
    in_charts: ChartTrials | None = None,
    in_worlds: InWorlds | None = None,
) -> dict[str, object]:
    """Return the design of a protocol as one document: the same bytes for the same protocol, charts and trials."""
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
            "exceeds_alpha": exceeds_alpha(design, in_worlds),
            "rules": [
                {**asdict(one), "rationale": rule.rationale, "source": rule.source}
                for one, rule in zip(design.rules, protocol.rules, strict=True)
            ],
            "combined": None if design.combined is None else asdict(design.combined),
            "spending": asdict(design.spending),
            **({} if in_worlds is None else {"simulated_charting": asdict(in_worlds)}),
            **({} if in_charts is None else {"in_charts": asdict(in_charts)}),
        }
    )


def _background(protocol: StudyProtocol) -> Mapping[str, object] | None:
    return None if protocol.background is None else protocol.background.model_dump(mode="json")


DIGITS = 10
"""Significant digits in JSON: more than any use needs, fewer than the last bits in which machines differ."""


def rounded(document: Mapping[str, object]) -> dict[str, object]:
    """Return a document as JSON can hold it: tuples as lists, numbers with ten digits, None for no number."""
    return {key: _rounded(item) for key, item in document.items()}


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return rounded(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def to_json(document: Mapping[str, object]) -> str:
    """Return one JSON document, indented, ending in a line feed."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
