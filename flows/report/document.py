"""Decide what look.json holds: a pure function of protocol, deliveries and data cut-off."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from checks.cases import Case
from checks.evaluation import Estimate, RuleResult, RuleVerdict
from checks.protocol import StudyProtocol
from checks.rules.timing import compare
from checks.validation import CheckResult, FeedOutcome
from flows.report.caveats import caveats
from flows.report.look import Look

SCHEMA = "postdose/look/1"


def build_document(look: Look) -> dict[str, Any]:
    """Return look.json without ``ledger``, ``signals`` and ``delivery``: the same bytes for the same inputs."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "study": look.protocol.study.id,
        "data_cutoff": instant(look.data_cutoff),
        "verdict": str(look.verdict),
        "protocol_sha256": look.protocol.sha256,
        **_expectations(look.protocol),
        "code_version": code_version(),
        "look_id": _look_id(look),
        "blinded": True,
        "simulated": look.protocol.study.simulated,
        "feeds": [_feed(feed) for feed in look.validation.feeds],
        "exposure": _exposure(look.findings.doses),
        "cases": [_case(case) for case in look.findings.cases],
        "rules": [_rule(result, look.protocol) for result in look.results],
        "timing": _timing(look),
        "background": _background(look),
        "checks": [_check(check) for check in look.validation.checks if check.outcome in {"failed", "error"}],
        "quarantine": _quarantine(look.validation.quarantine, look.validation.checks),
        "changes": _changes(look.changes),
        "caveats": list(caveats(look)),
    }
    return document


def instant(moment: datetime | pd.Timestamp) -> str:
    """Return a moment as UTC to the second, ISO 8601 with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def code_version() -> str:
    """Return the version and a hash of the source files that decided."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for path in sorted(path for package in ("checks", "flows") for path in (root / package).rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version('postdose')}+{digest.hexdigest()[:12]}"


def _expectations(protocol: StudyProtocol) -> dict[str, Any]:
    """Return the files of the study's own expectations; nothing for a study without any."""
    files = [{"file": one.name, "sha256": one.sha256} for one in protocol.suites]
    return {"expectations": files} if files else {}


def _look_id(look: Look) -> str:
    hashes = [sha for feed in look.validation.feeds for sha in (feed.domain, *feed.sha256)]
    parts = [look.protocol.study.id, look.protocol.sha256, instant(look.data_cutoff), code_version(), *hashes]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _feed(feed: FeedOutcome) -> dict[str, Any]:
    return {
        "domain": feed.domain,
        "sha256": list(feed.sha256),
        "rows_read": feed.rows_read,
        "rows_accepted": feed.rows_accepted,
        "rows_quarantined": feed.rows_quarantined,
        "rows_superseded": feed.rows_superseded,
        "rows_not_yet_known": feed.rows_not_yet_known,
        "outcome": feed.outcome,
        "received": None if feed.received is None else instant(feed.received),
        "latest": None if feed.latest is None else instant(feed.latest),
        "stale": feed.stale,
        "within_limit": feed.within_limit,
        "problems": list(feed.problems),
    }


def _exposure(doses: pd.DataFrame) -> dict[str, int]:
    given = doses[doses["trusted"]]
    return {
        "subjects_dosed": int(given["USUBJID"].nunique()),
        "doses": len(given),
        **{
            f"windows_{fate}": int((given["window"] == fate).sum())
            for fate in ("evaluable", "open", "unobserved")
        },
        "doses_quarantined": int((~doses["trusted"]).sum()),
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        **asdict(case),
        "dose_start": instant(case.dose_start),
        "onset_hours": list(case.onset_hours),
        "components": {
            name: {
                "onset_hours": list(part.onset_hours),
                "evidence": list(part.evidence),
                "query": part.query,
            }
            for name, part in case.components.items()
        },
    }


def _rule(result: RuleResult, protocol: StudyProtocol) -> dict[str, Any]:
    rule = next(rule for rule in protocol.rules if rule.id == result.id)
    explained = asdict(result)
    explained["detail"] = {**result.detail, "rationale": rule.rationale, "source": rule.source}
    return {name: _plain(value) for name, value in explained.items()}


def _plain(value: object) -> object:
    if isinstance(value, RuleVerdict):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return finite(value)


def finite(value: object) -> object:
    """Return a number as JSON can hold it: None for what is infinite or undefined."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _timing(look: Look) -> dict[str, Any]:
    timing = look.evidence.timing
    comparison = compare(look.evidence) if timing.hours_in_risk > 0 and timing.hours_in_control > 0 else None
    return {
        "risk_window_hours": list(look.protocol.risk_window_hours),
        "events_in_risk": timing.in_risk.main,
        "events_in_control": timing.in_control.main,
        "hours_in_risk": round(timing.hours_in_risk, 4),
        "hours_in_control": round(timing.hours_in_control, 4),
        "relative_incidence": finite(comparison.relative_incidence) if comparison else None,
        "ci95": [finite(limit) for limit in comparison.ci95] if comparison else [None, None],
        "p_value": finite(comparison.p_value) if comparison else None,
        "adjusted": False,
        "scan": _scan(look.results),
    }


def _scan(results: Sequence[RuleResult]) -> dict[str, Any] | None:
    """Return the window that the first scan rule found; None without such a rule, or when it cannot be evaluated."""
    for result in results:
        if result.method == "scan" and result.p_value is not None:
            return {"window_hours": _plain(result.detail["window_hours"]), "p_value": result.p_value}
    return None


def _background(look: Look) -> dict[str, Any]:
    background, declared = look.evidence.background, look.protocol.background
    assumed = None
    if declared is not None:
        assumed = {
            "rate": declared.rate,
            "unit": declared.unit,
            "range": _plain(declared.range),
            **{
                f"per_{unit}": {"rate": rate.rate, "range": _plain(rate.range)}
                for unit, rate in background.assumed.items()
            },
        }
    return {
        "events": background.events,
        "hours": round(background.hours, 4),
        **{f"per_{unit}": _estimate(background.estimated.get(unit)) for unit in ("window", "subject")},
        "assumed": assumed,
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else {"estimate": found.estimate, "ci95": list(found.ci95)}


def _check(check: CheckResult) -> dict[str, Any]:
    return asdict(check)


def _changes(changes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how many values were corrected, and records deleted or restored, by domain."""
    counts = changes.groupby(["domain", "kind"], sort=True).size().reset_index(name="number")
    return [
        {"domain": domain, "kind": kind, "number": number}
        for domain, kind, number in zip(
            counts["domain"], counts["kind"], counts["number"].tolist(), strict=True
        )
    ]


def _quarantine(quarantine: pd.DataFrame, checks: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """Return how many rows each check withheld; a row with two reasons is counted under both."""
    messages = {(check.domain, check.name): check.message for check in checks}
    counts = quarantine.groupby(["domain", "check"], sort=True).size().reset_index(name="rows")
    return [
        {"domain": domain, "check": name, "rows": rows, "message": messages.get((domain, name), "")}
        for domain, name, rows in zip(counts["domain"], counts["check"], counts["rows"].tolist(), strict=True)
    ]
