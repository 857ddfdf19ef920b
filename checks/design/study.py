"""What a protocol's rules do before they are used, alone and together, and what they spend of its alpha.

A rule spends its probability of ever crossing when there is no harm: exactly, at the planned numbers. A count rule
has no alpha, so that its probability at the declared background is counted. Rules that count the same subjects cross
on one path, so that together they spend what the lowest of their boundaries does. A scan spends at most its alpha:
the permutation p-values of its planned looks are exact, each held against its share. The sum over the rules, each
with its alpha or with what it spends where that is more, bounds the probability that any of them crosses
(Bonferroni's inequality), however they depend on each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.design.combined import combine
from checks.design.results import ProtocolDesign, Spending
from checks.protocol import StudyProtocol
from checks.rules.plan import Plan
from checks.rules.rule import Rule
from checks.statistics import parameters
from checks.statistics.boundaries import lowest, operating_characteristics

ROUNDING = 1e-12
"""Shares of alpha such as .025 + .025 do not add up to .05 in binary."""


def design_protocol(
    protocol: StudyProtocol, *, seed: int, simulations: int, subjects: int | None = None
) -> ProtocolDesign:
    """Return the operating characteristics of every rule of a protocol; the same arguments, the same numbers.

    Parameters
    ----------
    protocol : StudyProtocol
        Rules, windows, planned doses, background and declared multiplicity.
    seed, simulations : int
        Seed and number of simulated trials, where numbers are not exact.
    subjects : int, optional
        Planned subjects; by default the largest number that a rate rule on subjects plans for.

    Raises
    ------
    DesignError
        When a rule has no boundary within its alpha (names the rule), the seed is negative, or there are neither
        simulations nor subjects.
    """
    parameters.count("seed", seed)
    parameters.count("simulations", simulations, at_least=1)
    plan = plan_of(protocol, subjects=subjects, seed=seed, simulations=simulations)
    return ProtocolDesign(
        seed=seed,
        simulations=simulations,
        planned_subjects=plan.subjects,
        planned_doses=plan.doses,
        rules=tuple(rule.design(plan) for rule in protocol.rules),
        combined=combine(protocol.rules, plan),
        spending=spend(protocol, plan),
    )


def spend_protocol(protocol: StudyProtocol) -> Spending:
    """Return what the protocol declares as its error, and what its rules spend by themselves and in sum.

    Planned subjects are the largest number that a rate rule on subjects plans for.

    Raises
    ------
    DesignError
        When a rule has no boundary within its alpha (names the rule).
    """
    return spend(protocol, plan_of(protocol))


def spend(protocol: StudyProtocol, plan: Plan) -> Spending:
    """Return what the protocol declares as its error, and what its rules spend at what it plans."""
    rules = protocol.rules
    spent = {rule.id: rule.spends(plan) for rule in rules}
    declared = {rule.id: rule.declared_alpha for rule in rules}
    multiplicity = protocol.multiplicity
    alpha = multiplicity.familywise_alpha if multiplicity and multiplicity.method != "none" else None
    unknown = tuple(rule.id for rule in rules if spent[rule.id] is None and rule.has_error_rates)
    path = _one_path(rules, plan)
    shares = {name: max(spent[name] or 0.0, declared[name] or 0.0) for name in spent}
    of_path = None if path is None else max(path.spends, sum(declared[name] or 0.0 for name in path.rules))
    apart = sum(share for name, share in shares.items() if path is None or name not in path.rules)
    bound = apart + (of_path or 0.0)
    return Spending(
        familywise_alpha=alpha,
        method=multiplicity.method if multiplicity else None,
        rationale=multiplicity.rationale if multiplicity else None,
        planned_subjects=plan.subjects,
        declared=declared,
        spent=spent,
        one_path=() if path is None else path.rules,
        one_path_spends=None if path is None else path.spends,
        counts=tuple(rule.id for rule in rules if rule.has_error_rates and rule.declared_alpha is None),
        total_declared=_total(declared),
        total_spent=_total(spent),
        bound=bound,
        unknown=unknown,
        within=_within(bound, alpha, complete=not unknown),
    )


@dataclass(frozen=True, slots=True)
class _Path:
    """Rules that hold one count of subjects to a boundary, and the probability that it crosses any of them."""

    rules: tuple[str, ...]
    spends: float


def _one_path(rules: Sequence[Rule], plan: Plan) -> _Path | None:
    """Return the rules that count the same subjects at the rate without harm; None unless there are two or more."""
    held = {rule.id: one for rule in rules if (one := rule.boundary_on_subjects(plan)) is not None}
    if len(held) < 2 or plan.harmless is None:
        return None
    crossing = operating_characteristics(lowest(tuple(held.values())), [plan.harmless]).reject_probability
    return _Path(tuple(held), float(crossing[0]))


def _total(shares: Mapping[str, float | None]) -> float:
    return sum(share for share in shares.values() if share is not None)


def _within(bound: float, alpha: float | None, *, complete: bool) -> bool | None:
    """Return whether alpha covers the bound; one that is not complete can exceed it, and never be within."""
    if alpha is None:
        return None
    if bound > alpha + ROUNDING:
        return False
    return True if complete else None


def plan_of(
    protocol: StudyProtocol, *, subjects: int | None = None, seed: int = 0, simulations: int = 1
) -> Plan:
    """Return what a protocol plans; by default the subjects are the most that a rule plans for.

    The rate per subject taken for harmless is the background, else what the first rule takes for it.

    Raises
    ------
    DesignError
        When fewer than one subject is given.
    """
    backgrounds = protocol.assumed_rates()
    planned = [one for rule in protocol.rules if (one := rule.planned) is not None]
    background = backgrounds.get("subject")
    return Plan(
        risk_window=protocol.risk_window_hours,
        control_windows=protocol.control_windows_hours,
        subjects=protocol.planned_subjects
        if subjects is None
        else parameters.count("subjects", subjects, at_least=1),
        doses=protocol.treatment.planned_doses,
        backgrounds=backgrounds,
        harmless=background.rate if background else next((rate for _, rate in planned), None),
        seed=seed,
        simulations=simulations,
    )
