"""closed.json, arms.csv and files.csv: what each arm shows, who is on it, and the names of the files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd

from checks.closed import ArmResult, ByArm, Side
from checks.closed.comparison import Counted
from checks.looks import LookDocument, code_version
from checks.rules.evidence import Estimate
from checks.scenario import Scenario
from checks.statistics.timing.self_controlled import Comparison
from checks.tables import Feed
from flows.looks.closed.arms import Arms
from flows.pages.closed import page as shown
from flows.pages.closed.page import Access, ArmShown, ClosedDocument, RiskAgainstControl, Share, Withheld

SCHEMA = "postdose/closed/1"
UNKNOWN_ARM = "not known"


@dataclass(frozen=True, slots=True)
class Closed:
    """Everything one closed report has found."""

    look: LookDocument
    access: Access
    arms: Arms
    results: ByArm
    withheld: pd.DataFrame
    told: Mapping[str, Sequence[str]]
    """Telltales that stand in a file of the blinded look, by the file's name: there should be none."""


def build_closed(closed: Closed) -> ClosedDocument:
    """Return closed.json."""
    return {
        "schema": SCHEMA,
        "study": closed.look["study"],
        "data_cutoff": closed.look["data_cutoff"],
        "look_id": closed.look["look_id"],
        "code_version": code_version(),
        "blinded": False,
        "access": closed.access,
        "arms": [_arm(one) for one in closed.results.arms],
        "comparison": {
            "test": "Fisher's exact test, one-sided for more cases on the active arms",
            "readings": {
                reading: {
                    "active": _counted(active),
                    "control": _counted(control),
                    "p_value": closed.results.p_values[reading],
                }
                for reading, (active, control) in closed.results.sides.items()
            },
            "problem": closed.results.problem,
        },
        "contradicted_arms": list(closed.arms.contradicted),
        "switched_arms": list(closed.arms.switched),
        "withheld_administrations": cast(Sequence[Withheld], closed.withheld.to_dict("records")),
        "telltales_in_the_blinded_look": {name: list(words) for name, words in closed.told.items()},
    }


def build_listing(closed: Closed, subjects: Sequence[str]) -> pd.DataFrame:
    """Return arms.csv: the arm of each subject, and whether the subject is a case in the risk window."""
    sides = {one.name: str(one.side) for one in closed.results.arms}
    in_window = {"no": 0, "possible": 1, "yes": 2}
    cases: dict[str, str] = {}
    for case in closed.look["cases"]:
        known = cases.get(case["USUBJID"], "no")
        cases[case["USUBJID"]] = max(known, case["in_risk_window"], key=in_window.__getitem__)
    rows = [
        {
            "USUBJID": subject,
            "arm": closed.arms.by_subject.get(subject, UNKNOWN_ARM),
            "side": sides.get(closed.arms.by_subject.get(subject, ""), str(Side.UNKNOWN)),
            "case_in_risk_window": cases.get(subject, "no"),
        }
        for subject in subjects
    ]
    return pd.DataFrame(rows, columns=["USUBJID", "arm", "side", "case_in_risk_window"])


def build_files(feeds: Mapping[str, Feed]) -> pd.DataFrame:
    """Return files.csv: the name of each file that a blinded output calls by domain and number."""
    rows = [
        (feed.domain, one.called, one.name, one.sha256) for feed in feeds.values() for one in feed.deliveries
    ]
    return pd.DataFrame(rows, columns=["domain", "file", "name", "sha256"])


def _counted(counted: Counted) -> shown.Counted:
    return {"events": counted.events, "n": counted.n}


def _arm(one: ArmResult) -> ArmShown:
    return {
        "arm": one.name or UNKNOWN_ARM,
        "side": str(one.side),
        "subjects": one.subjects,
        "subjects_dosed": one.subjects_dosed,
        "doses": one.doses,
        "windows_evaluable": one.windows_evaluable,
        "windows_open": one.windows_open,
        "windows_unobserved": one.windows_unobserved,
        "subjects_with_case": {
            reading: _share(one.with_case[reading], one.rates[reading]) for reading in Scenario
        },
        "hours_in_risk": round(one.hours_in_risk, 4),
        "hours_in_control": round(one.hours_in_control, 4),
        "self_controlled": {
            reading: _timing(one.timing[reading], one.events_in_control[reading]) for reading in Scenario
        },
    }


def _share(counted: Counted, rate: Estimate | None) -> Share:
    share, limits = (None, None) if rate is None else (rate.estimate, list(rate.ci95))
    return {"events": counted.events, "n": counted.n, "rate": share, "ci95": limits}


def _timing(comparison: Comparison | None, events_in_control: int) -> RiskAgainstControl | None:
    """Return one scenario's comparison of risk with control hours; None where one kind was not observed."""
    if comparison is None:
        return None
    limits = [_finite(limit) for limit in comparison.ci95]
    return {
        "events_in_risk": comparison.events_in_risk,
        "events_in_control": events_in_control,
        "relative_incidence": _finite(comparison.relative_incidence),
        "ci95": limits,
        "p_value": _finite(comparison.p_value),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
