"""What each arm shows: its windows, its cases, its rate, and its own timing; then active against control.

Every arm is evaluated as a study of its own by the same stages as the pooled look, so the arms add up to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import pandas as pd

from checks.cases import Findings
from checks.cases.evidence import in_risk
from checks.closed.comparison import Counted, compare_counts, exact_share, sides_by_scenario
from checks.looks import Look, evidence_of, findings_of
from checks.protocol import StudyProtocol
from checks.rules import Evidence, compare
from checks.rules.evidence import Estimate
from checks.scenario import ByScenario, Scenario
from checks.statistics.timing.self_controlled import Comparison
from checks.validation import Validation


class Side(StrEnum):
    """Whether an arm gives the study drug; unknown where the arm of a subject cannot be read."""

    ACTIVE = "active"
    CONTROL = "control"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ArmResult:
    """What one arm shows, in each scenario; windows are those of trusted doses.

    ``rates`` is None, and ``timing`` None, in a scenario for which nothing was observed.
    """

    name: str
    side: Side
    subjects: int
    subjects_dosed: int
    doses: int
    windows_evaluable: int
    windows_open: int
    windows_unobserved: int
    with_case: ByScenario[Counted]
    rates: ByScenario[Estimate | None]
    events_in_control: ByScenario[int]
    hours_in_risk: float
    hours_in_control: float
    timing: ByScenario[Comparison | None]


@dataclass(frozen=True, slots=True)
class ByArm:
    """Every arm, and active against control: the counts of both sides and Fisher's p-value in each scenario.

    A p-value is None where one side has nobody who could be judged: ``problem`` then says which.
    """

    arms: tuple[ArmResult, ...]
    sides: ByScenario[tuple[Counted, Counted]]
    p_values: ByScenario[float | None]
    problem: str | None


def evaluate_by_arm(pooled: Look, arms: Mapping[str, str]) -> ByArm:
    """Return what each arm shows at a look.

    Parameters
    ----------
    pooled
        The look whose tables are told apart: by its protocol, up to its data cut-off.
    arms
        The arm's code by USUBJID; a subject who is not here is of unknown arm.
    """
    members = _members(pooled.validation, arms)
    results = tuple(
        _arm(name, _side(name, pooled.protocol), members[name], pooled) for name in sorted(members)
    )
    sides = sides_by_scenario(*(_on_side(results, side) for side in Side))
    p_values = sides.map(lambda pair: compare_counts(*pair))
    return ByArm(results, sides, p_values, _problem(sides.main))


def _members(validation: Validation, arms: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Return the subjects of each arm, with those of unknown arm under the empty name, if there are any."""
    subjects = sorted({*validation.subjects["USUBJID"], *validation.unplaced, *arms} - {""})
    names = {arms.get(subject, "") for subject in subjects}
    return {name: [one for one in subjects if arms.get(one, "") == name] for name in names}


def _side(name: str, protocol: StudyProtocol) -> Side:
    if not name:
        return Side.UNKNOWN
    active = {arm.casefold() for arm in protocol.treatment.active_arms}
    return Side.ACTIVE if name.casefold() in active else Side.CONTROL


def _arm(name: str, side: Side, subjects: Sequence[str], pooled: Look) -> ArmResult:
    """Go the path of the pooled look from validated tables on, with the rows of one arm."""
    own = _own(pooled.validation, subjects)
    findings = findings_of(own, pooled.protocol, data_cutoff=pooled.data_cutoff)
    evidence = evidence_of(findings, own, pooled.protocol)
    given = findings.doses[findings.doses["trusted"]]
    windows = given["window"].value_counts()
    with_case = _with_case(findings, own.unplaced)
    return ArmResult(
        name=name,
        side=side,
        subjects=len(subjects),
        subjects_dosed=int(given["USUBJID"].nunique()),
        doses=len(given),
        windows_evaluable=int(windows.get("evaluable", 0)),
        windows_open=int(windows.get("open", 0)),
        windows_unobserved=int(windows.get("unobserved", 0)),
        with_case=with_case,
        rates=with_case.map(exact_share),
        events_in_control=evidence.events_in_control(),
        hours_in_risk=evidence.hours_in_risk,
        hours_in_control=evidence.hours_in_control,
        timing=ByScenario.of(partial(_timing, evidence)),
    )


def _own(validation: Validation, subjects: Sequence[str]) -> Validation:
    """Return the tables with the rows of some subjects; all subjects stay known."""

    def own(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["USUBJID"].isin(subjects)]

    return replace(
        validation,
        administrations=own(validation.administrations),
        measurements=own(validation.measurements),
        adverse_events=own(validation.adverse_events),
        unplaced=validation.unplaced & set(subjects),
    )


def _with_case(findings: Findings, unplaced: frozenset[str]) -> ByScenario[Counted]:
    """Count subjects with a case among those with one or with an evaluable window."""
    doses = findings.doses
    evaluable = set(doses.loc[doses["trusted"] & (doses["window"] == "evaluable"), "USUBJID"])

    def counted(scenario: Scenario) -> Counted:
        held = {case.USUBJID for case in findings.cases if in_risk(case)[scenario]}
        held |= unplaced if scenario is Scenario.WORST else set()
        return Counted(len(held), len(evaluable | held))

    return ByScenario.of(counted)


def _timing(evidence: Evidence, scenario: Scenario) -> Comparison | None:
    if evidence.hours_in_risk <= 0 or evidence.hours_in_control <= 0:
        return None
    return compare(evidence, scenario)


def _on_side(results: Sequence[ArmResult], side: Side) -> ByScenario[Counted]:
    return ByScenario.of(
        lambda scenario: sum((one.with_case[scenario] for one in results if one.side is side), Counted(0, 0))
    )


def _problem(main: tuple[Counted, Counted]) -> str | None:
    empty = [side for side, counted in zip((Side.ACTIVE, Side.CONTROL), main, strict=True) if not counted.n]
    if not empty:
        return None
    return f"no subject of the {' and '.join(empty)} arms has an evaluable window or a case"
