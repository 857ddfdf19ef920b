"""What a protocol's rules do before they are used, alone and together, and what they spend of its alpha.

A rule spends its probability of ever crossing when there is no harm: exactly, at the planned numbers. A count
rule has no alpha, so that its probability at the declared background is counted. A scan spends at most its
alpha: the permutation p-values of its planned looks are exact, each held against its share. The sum over the
rules, each with its alpha or with what it spends where that is more, bounds the probability that any of them
crosses (Bonferroni's inequality), however they depend on each other.
"""

from collections.abc import Mapping

from checks.design.combined import combine
from checks.design.results import ProtocolDesign, Spending
from checks.protocol import StudyProtocol
from checks.rules.plan import Plan
from checks.statistics import parameters

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
    bound = sum(max(spent[name] or 0.0, declared[name] or 0.0) for name in spent)
    return Spending(
        familywise_alpha=alpha,
        method=multiplicity.method if multiplicity else None,
        rationale=multiplicity.rationale if multiplicity else None,
        planned_subjects=plan.subjects,
        declared=declared,
        spent=spent,
        counts=tuple(rule.id for rule in rules if rule.has_error_rates and rule.declared_alpha is None),
        total_declared=_total(declared),
        total_spent=_total(spent),
        bound=bound,
        unknown=unknown,
        within=_within(bound, alpha, complete=not unknown),
    )


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
