"""What the rules of a protocol do together before they are used, and what they spend."""

from collections.abc import Mapping
from dataclasses import dataclass

from checks.rules.designs import Estimate, RuleDesign


@dataclass(frozen=True, slots=True)
class CombinedCrossing:
    """How often any rule crosses at one true rate per subject; control hours keep ``background_rate``.

    ``subjects`` and ``cases`` are the mean numbers of complete subjects, and of cases among them, when the first
    rule crosses, or at the end; ``subjects_by_rule`` and ``cases_by_rule`` when this rule alone would stop.
    """

    rate: float
    background_rate: float
    any_rule: Estimate
    by_rule: Mapping[str, Estimate]
    subjects: float
    cases: float
    subjects_by_rule: Mapping[str, float]
    cases_by_rule: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Combined:
    """The rules together: crossing of any of them, by simulation of whole trials.

    ``null_rate`` is the rate per subject that is taken for harmless.
    """

    null_rate: float
    subjects: int
    doses: int
    rules: tuple[str, ...]
    crossings: tuple[CombinedCrossing, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spending:
    """What the protocol declares as its error against what its rules spend.

    ``spent`` holds each rule's probability of crossing without harm, exact, or at most that; ``counts`` names
    the count rules, which declare no alpha. ``one_path`` names the rules that hold the number of subjects with a
    case to a boundary at the same rate: one path crosses them all, ``one_path_spends`` is the exact probability
    that it crosses any. ``bound`` adds up each rule's alpha, or what it spends where that is more, those of one
    path together: no smaller than the probability that any rule crosses. ``unknown`` names the rules that should have
    such a probability and have none. ``within`` says whether the declared familywise alpha covers the bound,
    None when nothing is declared or too little is known.
    """

    familywise_alpha: float | None
    method: str | None
    rationale: str | None
    planned_subjects: int | None
    declared: Mapping[str, float | None]
    spent: Mapping[str, float | None]
    counts: tuple[str, ...]
    one_path: tuple[str, ...]
    one_path_spends: float | None
    total_declared: float
    total_spent: float
    bound: float
    unknown: tuple[str, ...]
    within: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolDesign:
    """Everything that is known of a protocol's rules before they are used."""

    seed: int
    simulations: int
    planned_subjects: int | None
    planned_doses: int | None
    rules: tuple[RuleDesign, ...]
    combined: Combined | None
    spending: Spending
