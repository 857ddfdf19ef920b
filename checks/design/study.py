"""What a protocol's rules do before they are used, alone and together."""

from checks.design.combined import combine
from checks.design.planned import plan_of
from checks.design.results import ProtocolDesign
from checks.design.spending import spend
from checks.protocol import StudyProtocol
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
