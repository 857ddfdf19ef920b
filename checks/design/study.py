"""Decide what a protocol's rules do before they are used, alone and together."""

from checks.design.combined import combine
from checks.design.counted import design_count, design_rate, planned_subjects
from checks.design.results import ProtocolDesign, RuleDesign, UnratedDesign
from checks.design.spending import spend_protocol
from checks.design.timed import design_timing
from checks.protocol import StudyProtocol
from checks.protocol.rules import CountRule, RateRule, Rule, TimingRule
from checks.statistics import parameters


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
    planned = planned_subjects(protocol, subjects)
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
        spending=spend_protocol(protocol, subjects=subjects),
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
