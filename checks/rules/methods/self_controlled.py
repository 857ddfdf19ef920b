"""The exact conditional test at planned looks, at shares of the planned doses that have closed."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import numpy as np
from scipy.special import betainc

from checks.rules.closed_doses import doses_at_looks, moments_of_looks
from checks.rules.conditional import ConditionalMethod, ConditionalWalk
from checks.rules.conditioned import Conditioned, Strata, StrataAsTheyClose, comparison
from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence
from checks.rules.methods.method import (
    DESCRIPTIVE,
    LENGTHS,
    TimingSection,
    exact_surveillance,
    next_look,
)
from checks.rules.methods.sequential import EQUAL
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs, RuleResult
from checks.rules.trials import NEVER, IntArray, Trials, Walk
from checks.scenario import Scenario
from checks.statistics.timing.conditional import conditional
from checks.statistics.timing.planned_looks import planned_looks
from checks.statistics.timing.sequential import BinomialBoundary


class SelfControlled(ConditionalMethod):
    """Crossed where the exact test at a planned look is within that look's equal share of alpha.

    A look has the events of the doses closed by then. It tests them together, so that the same hours of the clock of
    all closed doses of a subject are one stratum.
    """

    needs = ("looks",)
    takes = (*ConditionalMethod.takes, "n_max")
    boundary_is = BoundaryIs.P_VALUE
    statistic_is = "relative_incidence"

    def known(self, rule: TimingSection, evidence: Evidence, scenario: Scenario) -> tuple[Conditioned, ...]:
        """Return the events at each planned look taken so far, and at the data cut-off."""
        strata = Strata(rule.control, rule.clock, rule.charting, united=True)
        closes = map(strata.closes, evidence.opportunities)
        called = moments_of_looks(closes, _numbers(rule, evidence), evidence.data_cutoff)
        closing = StrataAsTheyClose(evidence, strata)
        return tuple(closing.judge(scenario, moment) for moment in (*called, evidence.data_cutoff))

    def walk(self, rule: TimingSection, known: Sequence[Conditioned], gamma: float) -> ConditionalWalk:
        """Take the planned looks that have been called so far."""
        *looks, now = known
        taken = planned_looks(
            [(look.in_risk, look.probabilities) for look in looks],
            rule.alpha,
            rule.planned_looks,
            gamma=gamma,
        )
        crosses = [within and _enough(rule, look) for within, look in zip(taken.within, looks, strict=True)]
        return ConditionalWalk(
            now,
            crossed_at=crosses.index(True) + 1 if any(crosses) else None,
            boundary=rule.share,
            p_value=conditional(now.in_risk, now.probabilities, gamma=gamma).p_value,
            detail={
                "p_value_is": DESCRIPTIVE,
                "planned_looks": rule.looks,
                "looks_taken": len(looks),
                "p_at_looks": list(taken.p_values),
            },
        )

    def evaluate(self, rule: TimingSection, evidence: Evidence) -> RuleResult:
        """Judge the events of each scenario at the planned looks, and say when the next is taken."""
        found, closes = super().evaluate(rule, evidence), Strata(rule.control).closes
        closed = sum(closes(one) <= evidence.data_cutoff for one in evidence.opportunities)
        following = next((number for number in _numbers(rule, evidence) if number > closed), None)
        return replace(found, detail={**found.detail, "next_look": next_look(following, "closed doses")})

    def statistic(self, rule: TimingSection, walk: ConditionalWalk) -> float | None:
        """Return the relative incidence of all events judged."""
        return comparison(walk.judged).relative_incidence

    def surveillance(self, rule: TimingSection, plan: Plan) -> tuple[Surveillance, ...]:
        """Return what it does within so many events, all with the planned probability, as many by each look."""
        return tuple(exact_surveillance(boundary_in_events(rule, plan.ratio, n)) for n in LENGTHS)

    def simulate(self, rule: TimingSection, plan: Plan) -> Walk:
        """Take the looks as shares of the planned dose windows close, all events with the planned probability."""

        def through(trials: Trials) -> IntArray:
            subjects, doses = trials.cases.shape[1:]
            at = np.full(len(trials.cases), NEVER)
            for windows in doses_at_looks(rule.planned_looks, subjects, doses):
                events, in_risk, whose = trials.by(windows)
                p_values = betainc(np.maximum(in_risk, 1), events - in_risk + 1.0, 1 / (1 + plan.ratio))
                enough = (in_risk >= max(rule.min_events, 1)) & (whose >= rule.min_subjects)
                rare = enough & (p_values <= rule.share)
                at[rare] = np.minimum(at[rare], ceil(windows / doses))
            return at

        return through

    def notes(self, rule: TimingSection, plan: Plan) -> tuple[str, ...]:
        """Say when looks are taken."""
        return (
            "Looks are taken as equal shares of the planned doses close, here as equal shares of the events come; "
            "each spends an equal share of alpha.",
            EQUAL,
        )


def numbers_of_looks(rule: TimingSection, subjects: int | None, doses: int | None) -> tuple[int, ...]:
    """Return how many doses must have closed at each planned look: of the subjects of the rule, else of the study."""
    return doses_at_looks(rule.planned_looks, rule.n_max or subjects, doses)


def _numbers(rule: TimingSection, evidence: Evidence) -> tuple[int, ...]:
    return numbers_of_looks(rule, evidence.planned_subjects, evidence.planned_doses)


def _enough(rule: TimingSection, look: Conditioned) -> bool:
    return bool(look.enough(rule.min_events, rule.min_subjects)[-1:].any())


def boundary_in_events(rule: TimingSection, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary in events of a self-controlled rule: looks at equal shares of so many events."""
    numbers = tuple(dict.fromkeys(doses_at_looks(rule.planned_looks, length, 1)))
    return BinomialBoundary(
        numbers, tuple(fewest_in_risk(n, ratio, rule.share, rule.min_events) for n in numbers), ratio
    )


def fewest_in_risk(n: int, ratio: float, share: float, least: int) -> int | None:
    """Return the fewest x, ``least`` or more, with P(Bin(n, 1 / (1 + ratio)) >= x) <= ``share``; None where none."""
    x = np.arange(least, n + 1)
    rare = x[betainc(x, n - x + 1.0, 1.0 / (1.0 + ratio)) <= share]
    return int(rare[0]) if rare.size else None
