"""Decide what a protocol's rules do before they are used, alone and together, and what alpha they spend."""

from collections.abc import Mapping, Sequence

from checks.design.combined import combine
from checks.design.counted import design_count, design_rate, planned_subjects
from checks.design.results import (
    CountedDesign,
    ProtocolDesign,
    RuleDesign,
    Spending,
    TimingDesign,
    UnratedDesign,
)
from checks.design.timed import design_timing
from checks.protocol import StudyProtocol
from checks.protocol.rules import CountRule, RateRule, Rule, TimingRule

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
        When a rule has no boundary within its alpha; names the rule.
    """
    planned = planned_subjects(protocol) if subjects is None else subjects
    rules = tuple(
        _design(rule, protocol, planned, seed=seed, simulations=simulations) for rule in protocol.rules
    )
    return ProtocolDesign(
        seed=seed,
        simulations=simulations,
        planned_subjects=planned,
        planned_doses=protocol.treatment.planned_doses,
        rules=rules,
        combined=combine(protocol, planned, seed=seed, simulations=simulations),
        spending=spending(protocol, rules),
    )


def _design(
    rule: Rule, protocol: StudyProtocol, planned: int | None, *, seed: int, simulations: int
) -> RuleDesign:
    match rule:
        case CountRule():
            return design_count(rule, protocol, planned)
        case RateRule():
            return design_rate(rule, protocol, seed=seed, simulations=simulations)
        case TimingRule():
            return design_timing(rule, protocol, seed=seed, simulations=simulations)
        case _:
            note = "No error rates: a lab limit is a medical limit, and no model of the results is declared."
            return UnratedDesign(id=rule.id, kind=rule.kind, notes=(note,))


def spending(protocol: StudyProtocol, rules: Sequence[RuleDesign]) -> Spending:
    """Return what the protocol declares as its error, and what its rules spend by themselves and in sum."""
    spent = {design.id: _spent(design) for design in rules}
    declared = {rule.id: getattr(rule, "alpha", None) for rule in protocol.rules}
    multiplicity = protocol.multiplicity
    alpha = multiplicity.familywise_alpha if multiplicity and multiplicity.method != "none" else None
    unknown = tuple(design.id for design in rules if spent[design.id] is None and design.kind != "lab_limit")
    return Spending(
        familywise_alpha=alpha,
        method=multiplicity.method if multiplicity else None,
        rationale=multiplicity.rationale if multiplicity else None,
        declared=declared,
        spent=spent,
        total_declared=_total(declared),
        total_spent=_total(spent),
        unknown=unknown,
        within=_within(max(_total(spent), _total(declared)), alpha, complete=not unknown),
    )


def _within(total: float, alpha: float | None, *, complete: bool) -> bool | None:
    """Return whether alpha covers the total; a sum that is not complete can exceed it, and never be within."""
    if alpha is None:
        return None
    if total > alpha + ROUNDING:
        return False
    return True if complete else None


def _total(shares: Mapping[str, float | None]) -> float:
    return sum(share for share in shares.values() if share is not None)


def _spent(design: RuleDesign) -> float | None:
    """Return a rule's probability of crossing without harm, the largest of those computed for it.

    A rule with planned looks is taken as evaluated after every event, which nothing in a schedule prevents.
    """
    match design:
        case CountedDesign():
            return design.size
        case TimingDesign():
            sizes = ((one.size, one.size_at_every_event or 0.0) for one in design.surveillance)
            return max(max(pair) for pair in sizes)
        case UnratedDesign():
            return None
