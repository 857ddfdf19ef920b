"""How look.json is made of what one look found: a pure function of protocol, deliveries and data cut-off."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

import pandas as pd

from checks.cases import Case
from checks.cases.charting import charting
from checks.code_version import code_version
from checks.looks.caveats import cannot_show, caveats
from checks.looks.document import (
    BackgroundPart,
    CasePart,
    ChangePart,
    ChartingPart,
    CheckPart,
    ExpectationsPart,
    ExposurePart,
    FeedPart,
    LookDocument,
    OwnExpectations,
    QuarantinePart,
    RepairPart,
    RulePart,
    TimingPart,
    Unanswered,
)
from checks.looks.repairs import first_repairs
from checks.looks.severity_charts import severity_detail
from checks.protocol import StudyProtocol
from checks.protocol.model import Background
from checks.rules import RuleResult, compare
from checks.rules.evidence import AssumedRate
from checks.scenario import Scenario
from checks.signals import Verdict, near_rules
from checks.stamps import stamp
from checks.validation import CheckResult

if TYPE_CHECKING:
    from checks.looks.path import Look

SCHEMA = "postdose/look/1"

Part = TypeVar("Part")


def build_document(look: "Look") -> LookDocument:
    """Return look.json without ``ledger``, ``signals`` and ``delivery``: the same bytes for the same inputs."""
    return {
        "schema": SCHEMA,
        "study": look.protocol.study.id,
        "data_cutoff": stamp(look.data_cutoff),
        "verdict": str(look.verdict),
        "protocol_sha256": look.protocol.sha256,
        **_expectations(look.protocol),
        "code_version": code_version(),
        "look_id": _look_id(look),
        "blinded": True,
        "simulated": look.protocol.study.simulated,
        "feeds": [_part(FeedPart, feed) for feed in look.feeds],
        "exposure": _exposure(look.doses),
        "cases": [case_part(case) for case in look.cases],
        "rules": [_rule(result, look) for result in look.rules],
        "timing": _timing(look),
        "background": _background(look),
        "checks": [
            _part(CheckPart, check)
            for check in look.validation.checks
            if check.outcome in {"failed", "error"}
        ],
        "quarantine": _quarantine(look.quarantine, look.validation.checks),
        "changes": _changes(look.changes),
        "caveats": list(caveats(look)),
        "cannot_show": list(cannot_show(look)),
        **_unanswered(look),  # type: ignore[typeddict-item]  # what the ledger adds is not in it
    }


def _expectations(protocol: StudyProtocol) -> OwnExpectations:
    files: list[ExpectationsPart] = [{"file": one.name, "sha256": one.sha256} for one in protocol.suites]
    return {"expectations": files} if files else {}


def _unanswered(look: "Look") -> Unanswered:
    told: Unanswered = {}
    near = near_rules(look.rules, look.protocol) if look.verdict is Verdict.NOT_ASSESSABLE else ()
    if near:
        told["watch_beneath"] = list(near)
    repairs = first_repairs(look)
    if repairs:
        told["repairs"] = [_part(RepairPart, one) for one in repairs]
    if look.too_little is not None:
        given, seen = look.doses[look.doses["trusted"]], look.validation
        rows = charting(seen.measurements, seen.subjects, given, look.protocol, look.data_cutoff)
        told["observation"] = [_part(ChartingPart, one) for one in rows]
    return told


def _look_id(look: "Look") -> str:
    hashes = [sha for feed in look.feeds for sha in (feed.domain, *feed.sha256)]
    parts = [look.protocol.study.id, look.protocol.sha256, stamp(look.data_cutoff), code_version(), *hashes]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _exposure(doses: pd.DataFrame) -> ExposurePart:
    given = doses[doses["trusted"]]
    fates = given["window"].value_counts()
    return {
        "subjects_dosed": int(given["USUBJID"].nunique()),
        "doses": len(given),
        "windows_evaluable": int(fates.get("evaluable", 0)),
        "windows_open": int(fates.get("open", 0)),
        "windows_unobserved": int(fates.get("unobserved", 0)),
        "windows_under_observed": int(fates.get("under_observed", 0)),
        "doses_quarantined": int((~doses["trusted"]).sum()),
        "doses_interrupted": int((given["interruptions"] != "").sum()),
    }


def _rule(result: RuleResult, look: "Look") -> RulePart:
    rule = next(rule for rule in look.protocol.rules if rule.id == result.id)
    said = {**result.detail, "rationale": rule.rationale, "source": rule.source}
    part = _part(RulePart, replace(result, detail=said))
    part["detail"].update(severity_detail(result, look))
    return part


def _part(kind: type[Part], found: object) -> Part:
    """Return what was found, by the keys of one part of look.json, which have the names of its attributes."""
    return cast("Part", {name: _plain(getattr(found, name)) for name in kind.__annotations__})


def case_part(case: Case) -> CasePart:
    """Return a case as look.json has it."""
    return _part(CasePart, case)


def _plain(value: object) -> object:
    """Return a value as JSON can hold it: times as stamps, records as mappings, None for an infinite number."""
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    match value:
        case float():
            return value if math.isfinite(value) else None
        case str():
            return str(value)
        case datetime():
            return stamp(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
        case _:
            return value


def _timing(look: "Look") -> TimingPart:
    evidence = look.evidence
    observed = evidence.opportunity_in_risk > 0 and evidence.opportunity_in_control > 0
    comparison = compare(evidence) if observed else None
    worse = [
        compare(evidence, scenario).p_value if observed else None
        for scenario in (Scenario.BEST, Scenario.WORST)
    ]
    timing = {
        "risk_window_hours": look.protocol.risk_window_hours,
        "events_in_risk": evidence.events_in_risk().main,
        "events_in_control": evidence.events_in_control().main,
        "hours_in_risk": round(evidence.hours_in_risk, 4),
        "hours_in_control": round(evidence.hours_in_control, 4),
        "opportunity_in_risk": round(evidence.opportunity_in_risk, 4),
        "opportunity_in_control": round(evidence.opportunity_in_control, 4),
        "relative_incidence": comparison.relative_incidence if comparison else None,
        "ci95": comparison.ci95 if comparison else (None, None),
        "ci95_sides": 2,
        "p_value": comparison.p_value if comparison else None,
        "p_best": worse[0],
        "p_worst": worse[1],
        "adjusted": False,
        "scan": _scan(look.rules),
    }
    return cast("TimingPart", _plain(timing))


def _scan(results: Sequence[RuleResult]) -> Mapping[str, object] | None:
    """Return the window that the first scan rule found; None without such a rule, or when it cannot be evaluated."""
    for result in results:
        if result.chose_window and result.p_value is not None:
            return {"window_hours": result.window_hours, "p_value": result.p_value}
    return None


def _background(look: "Look") -> BackgroundPart:
    background = look.evidence.background
    found = {
        "events": background.events,
        "hours": round(background.hours, 4),
        "per_window": background.estimated.get("window"),
        "per_subject": background.estimated.get("subject"),
        "assumed": _assumed(look.protocol.background, background.assumed),
    }
    return cast("BackgroundPart", _plain(found))


def _assumed(declared: Background | None, by_unit: Mapping[str, AssumedRate]) -> Mapping[str, object] | None:
    if declared is None:
        return None
    by_units = {f"per_{unit}": by_unit[unit] for unit in ("window", "subject") if unit in by_unit}
    return {"rate": declared.rate, "unit": declared.unit, "range": declared.range, **by_units}


def _changes(changes: pd.DataFrame) -> list[ChangePart]:
    """Return how many values were corrected, and records deleted or restored, by domain."""
    counts = changes.groupby(["domain", "kind"], sort=True).size().reset_index(name="number")
    return cast("list[ChangePart]", counts.to_dict("records"))


def _quarantine(quarantine: pd.DataFrame, checks: Sequence[CheckResult]) -> list[QuarantinePart]:
    """Return how many rows each check withheld; a row with two reasons is counted under both."""
    messages = {(check.domain, check.name): check.message for check in checks}
    counts = quarantine.groupby(["domain", "check"], sort=True).size().reset_index(name="rows")
    counts["message"] = [
        messages.get(which, "") for which in zip(counts["domain"], counts["check"], strict=True)
    ]
    return cast("list[QuarantinePart]", counts.to_dict("records"))
