"""What a protocol plans, as its rules need it before they are used."""

from checks.protocol import StudyProtocol
from checks.protocol.background import assumed_rates
from checks.rules.evidence import AssumedRate
from checks.rules.plan import Plan
from checks.statistics import parameters


def plan_of(
    protocol: StudyProtocol, *, subjects: int | None = None, seed: int = 0, simulations: int = 1
) -> Plan:
    """Return what a protocol plans; by default the subjects are the most that a rule plans for.

    Raises
    ------
    DesignError
        When fewer than one subject is given.
    """
    backgrounds = assumed_rates(protocol)
    return Plan(
        risk_window=protocol.risk_window_hours,
        control_windows=protocol.control_windows_hours,
        subjects=_subjects(protocol, subjects),
        doses=protocol.treatment.planned_doses,
        backgrounds=backgrounds,
        harmless=_harmless(protocol, backgrounds.get("subject")),
        seed=seed,
        simulations=simulations,
    )


def _subjects(protocol: StudyProtocol, given: int | None) -> int | None:
    if given is not None:
        return parameters.count("subjects", given, at_least=1)
    planned = (rule.planned_subjects for rule in protocol.rules)
    return max((number for number in planned if number is not None), default=None)


def _harmless(protocol: StudyProtocol, background: AssumedRate | None) -> float | None:
    """Return the rate per subject taken for harmless: the background, else what the first rule takes for it."""
    if background is not None:
        return background.rate
    rates = (rule.harmless_rate for rule in protocol.rules)
    return next((rate for rate in rates if rate is not None), None)
