"""What is said of a rule before it is used: exact numbers, and simulated ones with their error."""

from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True, slots=True)
class Estimate:
    """A probability from simulation, with its Monte Carlo standard error and exact 95 % limits."""

    value: float
    standard_error: float
    ci95: tuple[float, float]
    simulations: int


def estimate(hits: int, simulations: int) -> Estimate:
    """Return the share of simulated trials with a property, and how far chance may have moved it.

    The limits are those of Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.
    """
    share = hits / simulations
    low = float(special.betaincinv(hits, simulations - hits + 1, 0.025)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, simulations - hits, 0.975)) if hits < simulations else 1.0
    return Estimate(share, (share * (1 - share) / simulations) ** 0.5, (low, high), simulations)


@dataclass(frozen=True, slots=True)
class PendingSize:
    """How often a rule crosses at its null rate when subjects enter while others have windows still open.

    ``subjects_per_course`` is the mean number of subjects that enter while one receives all planned doses.
    """

    subjects_per_course: float
    crossing: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedDesign:
    """A count or rate rule: its boundary, and what it does, exactly, under stated true rates.

    Rates are cases per ``unit`` (subject or dose window). ``size`` is the probability of ever crossing at
    ``null_rate``, ``size_by_look`` where it is spent; both are None when the protocol names no null rate.
    ``background`` pairs each end of the declared background with the probability of crossing there.
    """

    id: str
    kind: str
    method: str | None
    unit: str
    n_max: int
    looks: tuple[int, ...]
    events: tuple[int | None, ...]
    null_rate: float | None
    alpha: float | None
    critical_value: float | None
    size: float | None
    size_by_look: tuple[float, ...] | None
    rates: tuple[float, ...]
    reject_probability: tuple[float, ...]
    expected_n: tuple[float, ...]
    expected_events: tuple[float, ...]
    background: tuple[tuple[float, float], ...]
    curve: tuple[tuple[float, float], ...]
    pending: tuple[PendingSize, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveillance:
    """A timing rule over one length of surveillance, in events or in expected events.

    ``power``, ``expected_length`` and ``expected_in_risk`` have one value a relative incidence: the probability
    of crossing, and the mean length and mean events in risk hours when surveillance stops, at the crossing or at
    its end; ``without_harm`` holds the two means when there is none. ``size_by_look`` says at which look that
    probability is spent. The errors are Monte Carlo standard errors, None where the numbers are exact.
    """

    length: float
    looks: tuple[float, ...]
    events: tuple[int | None, ...] | None
    size: float
    size_error: float | None
    power: tuple[float, ...]
    power_error: tuple[float, ...] | None
    expected_length: tuple[float, ...]
    expected_in_risk: tuple[float, ...]
    without_harm: tuple[float, float]
    size_by_look: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingDesign:
    """A timing rule: size and power over the true relative incidence, for one or more lengths.

    ``smallest_attainable_p`` has the p-value of one event, of two and so on, all in risk hours, at the planned ratio,
    up to the first number that crosses; empty of a rule that does not condition on the subject.
    ``looks_called_by`` says what calls a planned look.
    """

    id: str
    kind: str
    method: str
    alpha: float
    ratio: float
    planned_looks: int | None
    looks_called_by: str
    min_events: int
    min_subjects: int
    smallest_attainable_p: tuple[float, ...]
    length_unit: str
    relative_incidence: tuple[float, ...]
    surveillance: tuple[Surveillance, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnratedDesign:
    """A rule without error rates, and why it has none."""

    id: str
    kind: str
    notes: tuple[str, ...]


RuleDesign = CountedDesign | TimingDesign | UnratedDesign
