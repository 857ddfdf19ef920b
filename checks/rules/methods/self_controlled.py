"""The exact conditional test at planned looks, at shares of the planned doses that have closed."""

from collections.abc import Iterator
from math import ceil

import numpy as np
from scipy.special import betainc

from checks.rules.conditional import ConditionalMethod, ConditionalWalk
from checks.rules.conditioned import Conditioned, Strata, comparison, conditioned
from checks.rules.designs import Surveillance
from checks.rules.evidence import Evidence
from checks.rules.methods.method import (
    DESCRIPTIVE,
    FEWEST_IN_CLUSTER,
    LENGTHS,
    TimingSection,
    exact_surveillance,
    next_look,
)
from checks.rules.methods.sequential import EQUAL
from checks.rules.plan import Plan
from checks.rules.rule import BoundaryIs
from checks.rules.trials import NEVER, IntArray, Trials, Walk
from checks.scenario import Scenario
from checks.statistics.timing.conditional import conditional
from checks.statistics.timing.planned_looks import looks_at_events_in_risk, planned_looks
from checks.statistics.timing.sequential import BinomialBoundary

Look = tuple[tuple[bool, ...], tuple[float, ...], bool]
"""Of the events known at a look which lie in risk hours, their probabilities, and whether so many may cross."""

NOT_PLANNED = "at the first events in risk hours of closed doses: no number of doses is planned"
"""When looks are taken that no share of the planned doses can call."""


class SelfControlled(ConditionalMethod):
    """Crossed where the exact test at a planned look is within that look's equal share of alpha.

    Look k of K is taken when k / K of the planned doses have closed, with the events of the doses closed by then: a
    number of doses tells nothing of where events fell. Where no number is planned, the looks are taken at the first
    events in risk hours, from the fewest that may cross on, which keeps to alpha too
    (``checks.statistics.timing.planned_looks``).
    """

    needs = ("looks",)
    takes = (*ConditionalMethod.takes, "n_max")
    boundary_is = BoundaryIs.P_VALUE
    statistic_is = "relative_incidence"

    def walk(
        self, rule: TimingSection, evidence: Evidence, scenario: Scenario, gamma: float
    ) -> ConditionalWalk:
        """Take the planned looks that have been called so far."""
        doses = planned_doses(rule, evidence.planned_subjects, evidence.planned_doses)
        strata = Strata(rule.control, rule.clock, united=doses is not None)
        judged = conditioned(evidence, scenario, strata)
        if doses is None:
            looks, call = list(_at_events(rule, judged)), "events in risk hours of closed doses"
            following = _least(rule) + len(looks)
        else:
            looks, call = list(_at_doses(rule, evidence, scenario, strata, doses)), "closed doses"
            following = _called_at(rule, doses)[len(looks)] if len(looks) < rule.planned_looks else 0
        taken = planned_looks([look[:2] for look in looks], rule.alpha, rule.planned_looks, gamma=gamma)
        crosses = [within and look[2] for within, look in zip(taken.within, looks, strict=True)]
        done = len(looks) == rule.planned_looks
        return ConditionalWalk(
            judged,
            crossed_at=crosses.index(True) + 1 if any(crosses) else None,
            boundary=rule.share,
            p_value=conditional(judged.in_risk, judged.probabilities, gamma=gamma).p_value,
            detail={
                "p_value_is": DESCRIPTIVE,
                "planned_looks": rule.looks,
                "planned_doses": doses,
                "looks_are_taken": NOT_PLANNED if doses is None else "at equal shares of the planned doses",
                "looks_taken": len(looks),
                "p_at_looks": list(taken.p_values),
                "next_look": next_look(None if done else following, call),
            },
        )

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
            for windows in _called_at(rule, subjects * doses):
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


def planned_doses(rule: TimingSection, subjects: int | None, doses: int | None) -> int | None:
    """Return the doses that are planned: of the subjects of the rule, else of the study; None without either."""
    subjects = rule.n_max or subjects
    return None if subjects is None or doses is None else subjects * doses


def _called_at(rule: TimingSection, number: int) -> tuple[int, ...]:
    """Return the equal shares of a number at which the planned looks are taken."""
    planned = rule.planned_looks
    return tuple(ceil(look * number / planned) for look in range(1, planned + 1))


def _least(rule: TimingSection) -> int:
    return max(rule.min_events, FEWEST_IN_CLUSTER)


def _at_doses(
    rule: TimingSection, evidence: Evidence, scenario: Scenario, strata: Strata, doses: int
) -> Iterator[Look]:
    """Yield the looks at shares of the planned doses that have closed."""
    closes = sorted(map(strata.closes, evidence.opportunities))
    for number in _called_at(rule, doses):
        if number > len(closes) or closes[number - 1] > evidence.data_cutoff:
            return
        known = conditioned(evidence, scenario, strata, until=closes[number - 1])
        yield known.in_risk, known.probabilities, bool(_enough(rule, known, len(known.events)))


def _at_events(rule: TimingSection, judged: Conditioned) -> Iterator[Look]:
    """Yield the looks at events in risk hours.

    The look at one of several of one moment has all events of that moment, and of those in risk hours the ones up to
    its own: what the next ones say is the next looks'.
    """
    for number in looks_at_events_in_risk(judged.in_risk, _least(rule), rule.planned_looks):
        end = next(end for end in judged.ends if end >= number)
        in_risk = (*judged.in_risk[:number], *[False] * (end - number))
        yield in_risk, judged.probabilities[:end], _enough(rule, judged, end)


def _enough(rule: TimingSection, judged: Conditioned, end: int) -> bool:
    return end > 0 and bool(judged.enough(rule.min_events, rule.min_subjects)[end - 1])


def boundary_in_events(rule: TimingSection, ratio: float, length: int) -> BinomialBoundary:
    """Return the boundary in events of a self-controlled rule: looks at equal shares of so many events."""
    numbers = tuple(dict.fromkeys(_called_at(rule, length)))
    return BinomialBoundary(
        numbers, tuple(fewest_in_risk(n, ratio, rule.share, rule.min_events) for n in numbers), ratio
    )


def fewest_in_risk(n: int, ratio: float, share: float, least: int) -> int | None:
    """Return the fewest x, ``least`` or more, with P(Bin(n, 1 / (1 + ratio)) >= x) <= ``share``; None where none."""
    x = np.arange(least, n + 1)
    rare = x[betainc(x, n - x + 1.0, 1.0 / (1.0 + ratio)) <= share]
    return int(rare[0]) if rare.size else None
