"""The rule that units have cases more often than a null rate explains, at a boundary calibrated beforehand.

Beside its answer it says how far the background moves it: by the binomial tail P(X >= events) at the number of units
complete, and by the posterior probability that the rate exceeds the background under a beta prior centred on that
background. Assumption: independent units with one rate. Units still open make n fractional; the tail takes the next
whole number, which never makes events look rarer than they are. Reference: Geller NL, Follman D, Leifer ES, Carter
SL, in: Geller (ed.), Advances in Clinical Trial Biostatistics, 2003.
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from inspect import signature
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator
from scipy.special import betainc, betaincc

from checks.fields import NotEmpty, Positive, Rate, Whole
from checks.problems import ProblemAt, refuse_all, shown
from checks.rules.counted import design_counted
from checks.rules.designs import CountedDesign
from checks.rules.evidence import BackgroundEvidence, Evidence
from checks.rules.plan import Plan
from checks.rules.rate_looks import RateWalk, crosses, pending_sizes, units_of, walk
from checks.rules.rule import BoundaryIs, Json, Rule, RuleResult, naming, option_findings, verdicts
from checks.rules.trials import BoolArray, IntArray, Trials, Walk, first_along
from checks.scenario import ByScenario
from checks.statistics.boundaries import METHODS, Boundary

WINDOW_NOTE = "Windows of one subject are taken as independent; where cases recur, the error is larger."

UNITS: Mapping[str, str] = {"subject": "participant", "window": "dose window"}

COMMON = ("n_max", "null_rate", "alpha", "looks")
"""What every method takes."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    name: tuple(one for one in signature(method).parameters if one not in COMMON)
    for name, method in METHODS.items()
}
"""The options each rate method needs; it takes no other."""

KEPT = 64
"""Boundaries kept: a replay asks for those of the same rules at every data cut-off."""

PRIOR_WEIGHT = 10.0
"""Units that the prior is worth where the rule states none: a quarter of the 40 subjects planned in NCT03821038."""

ROUNDING = 1e-9  # sixths of a subject do not add up to whole ones in binary

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal[tuple(METHODS)]


class RateRule(Rule):
    """Crossed when more units have an event than a null rate explains, at its calibrated boundary."""

    kind: Literal["rate"]
    method: Method
    unit: Literal["subject", "window"]
    n_max: Whole
    null_rate: Rate
    alpha: Rate
    looks: Annotated[tuple[Whole, ...], NotEmpty] | None = None
    prior: tuple[Positive, Positive] | None = None
    delta: float | None = None
    alternative_rate: Rate | None = None
    nu: Rate | None = None

    cases_cross: ClassVar[bool] = True

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        every = {name for names in OPTIONS.values() for name in names}
        problems = list(option_findings(self, self.method, OPTIONS[self.method], (), every))
        if self.alternative_rate is not None and self.alternative_rate <= self.null_rate:
            allowed = f"above null_rate {self.null_rate:g}"
            problems.append(ProblemAt(("alternative_rate",), shown(self.alternative_rate), allowed))
        refuse_all([*problems, *self._look_findings()])
        return self

    def _look_findings(self) -> Iterator[ProblemAt]:
        looks = self.looks or ()
        for place, (before, after) in enumerate(pairwise(looks), start=1):
            if after <= before:
                yield ProblemAt(("looks", place), f"{after} after {before}", "looks that increase")
        if max(looks, default=0) > self.n_max:
            yield ProblemAt(("looks",), f"a look at {max(looks)}", f"looks up to n_max {self.n_max}")

    def disagreements(self, planned_doses: int | None) -> Iterator[ProblemAt]:
        """Require that a rate per subject says over how many doses."""
        if self.unit == "subject" and planned_doses is None:
            found = "unit subject without treatment.planned_doses"
            yield ProblemAt(("unit",), found, "treatment.planned_doses, or unit window")

    @property
    def method_name(self) -> str:
        """The method of its boundary."""
        return self.method

    @property
    def declared_alpha(self) -> float:
        """The alpha that its boundary keeps to."""
        return self.alpha

    @property
    def planned(self) -> tuple[int, float] | None:
        """The subjects at its last look and the null rate, where it counts subjects."""
        return (self.n_max, self.null_rate) if self.unit == "subject" else None

    def question(self) -> str:
        """Ask for the rate of cases."""
        method = self.method.replace("_", " ")
        return f"Are cases more frequent than {self.null_rate:.3g} per {UNITS[self.unit]}? ({method})"

    def boundary(self) -> Boundary:
        """Return the boundary that the rule declares; a DesignError names the rule that has none."""
        with naming(self):
            return _boundary(self)

    def evaluate(self, evidence: Evidence) -> RuleResult:
        """Return whether the rate boundary was crossed at any look taken so far along the path of its units.

        How a look is taken, and why it stays: ``checks.rules.rate_looks``. A scenario that has not reached the
        first look says nothing yet. What crosses in one crosses in those that speak more against the drug: an
        additional case of a pending subject can bring a look forward, before a case that another counts.
        """
        boundary, path = _boundary(self), units_of(evidence, self.unit)
        walks = ByScenario.of(lambda scenario: walk(path, scenario, boundary))
        main = walks.main
        return self.answer(
            verdicts(walks.map(lambda one: one.crossed if one.looks else None)),
            events=main.events,
            n_evaluable=round(main.n, 2),
            boundary=boundary.events[len(main.looks) - 1] if main.looks else None,
            p_value=self._p_value(evidence.background, main) if main.looks else None,
            detail=self._detail(evidence.background, walks, boundary),
        )

    def _p_value(self, background: BackgroundEvidence, main: RateWalk) -> float:
        """Return the tail at the assumed background, at the null rate where the protocol assumes none."""
        assumed = background.assumed.get(self.unit)
        return tail(main.events, main.n, self.null_rate if assumed is None else assumed.rate)

    def _detail(
        self, background: BackgroundEvidence, walks: ByScenario[RateWalk], boundary: Boundary
    ) -> Mapping[str, Json]:
        main = walks.main
        if not main.looks:
            reason = f"{main.n:.2f} {self.unit}s complete; first look at {boundary.looks[0]}"
            return {"boundary_is": BoundaryIs.EVENTS, "reason": reason, "events_known": main.known}
        detail: dict[str, Json] = {
            "boundary_is": BoundaryIs.EVENTS,
            "p_value_is": "exact binomial tail at this n, not adjusted for the looks before",
            "unit": self.unit,
            "null_rate": self.null_rate,
            "size": boundary.size,
            "events_best": walks.best.events,
            "events_worst": walks.worst.events,
            "events_known": main.known,
            "next_look": next(iter(boundary.looks[len(main.looks) :]), None),
            "path": _path(main, boundary),
            "backgrounds": over_backgrounds(self, main.events, main.n, background),
        }
        contradicted = contradiction(self, background)
        return detail if contradicted is None else {**detail, "background_contradicts": contradicted}

    def design(self, plan: Plan) -> CountedDesign:
        """Return what the boundary does; while dose windows are open, by simulation."""
        boundary, doses = self.boundary(), plan.doses or 1
        pending = (
            pending_sizes(boundary, self.null_rate, doses=doses, seed=plan.seed, simulations=plan.simulations)
            if self.unit == "subject" and doses > 1
            else ()
        )
        return design_counted(
            self,
            boundary,
            null_rate=self.null_rate,
            background=plan.backgrounds.get(self.unit),
            unit=self.unit,
            pending=pending,
            notes=(WINDOW_NOTE,) if self.unit == "window" else (),
        )

    def spends(self, plan: Plan) -> float:
        """Return the exact size of the boundary."""
        return self.boundary().size

    def boundary_on_subjects(self, plan: Plan) -> Boundary | None:
        """Return the boundary, where it counts subjects and its null rate is what the plan takes for harmless."""
        return self.boundary() if self.unit == "subject" and self.null_rate == plan.harmless else None

    def simulate(self, plan: Plan) -> Walk:
        """Return the walk that takes each look when so many units are complete."""
        boundary = _boundary(self)
        looks = np.array(boundary.looks)

        def through(trials: Trials) -> IntArray:
            units: BoolArray = np.asarray(trials.cases if self.unit == "window" else trials.cases.any(axis=2))
            events: IntArray = np.cumsum(units.reshape(len(units), -1), axis=1, dtype=np.int64)
            reached = np.flatnonzero(looks <= events.shape[1])
            a_subject = trials.cases.shape[2] if self.unit == "window" else 1
            crossed = crosses(boundary, reached, np.asarray(events[:, looks[reached] - 1]))
            return first_along(crossed, -(-looks[reached] // a_subject))

        return through


@lru_cache(KEPT)
def _boundary(rule: RateRule) -> Boundary:
    """Return the boundary that a rate rule of the protocol declares; it depends on the rule alone."""
    options = {name: getattr(rule, name) for name in OPTIONS[rule.method]}
    return METHODS[rule.method](
        n_max=rule.n_max, null_rate=rule.null_rate, alpha=rule.alpha, looks=rule.looks, **options
    )


def _path(main: RateWalk, boundary: Boundary) -> Mapping[str, Json]:
    return {
        "n": list(main.looks),
        "events": list(main.events_at_looks),
        "boundary": list(boundary.events[: len(main.looks)]),
    }


def tail(events: int, n: float, rate: float) -> float:
    """Return P(Bin(n, rate) >= events); ``n`` is rounded up to a whole number."""
    if events == 0:
        return 1.0
    whole = max(events, math.ceil(n - ROUNDING))
    return float(betainc(events, whole - events + 1, rate))


def posterior_above(events: int, n: float, rate: float, weight: float) -> float:
    """Return the posterior probability of a rate above ``rate``, the prior centred on it and worth ``weight``."""
    free = max(0.0, n - events)
    return float(betaincc(weight * rate + events, weight * (1 - rate) + free, rate))


def over_backgrounds(
    rule: RateRule, events: int, n: float, background: BackgroundEvidence
) -> list[Mapping[str, float | str]]:
    """Return what the same events say at each background: assumed, its range, estimated, its upper limit."""
    weight = PRIOR_WEIGHT if rule.prior is None else sum(rule.prior)
    return [
        {
            "background": name,
            "rate": rate,
            "p_value": tail(events, n, rate),
            "posterior_above": posterior_above(events, n, rate, weight),
        }
        for name, rate in sorted(_rates(rule, background), key=lambda one: (one[1], one[0]))
    ]


def _rates(rule: RateRule, background: BackgroundEvidence) -> Iterator[tuple[str, float]]:
    assumed, estimated = background.assumed.get(rule.unit), background.estimated.get(rule.unit)
    if assumed is None or assumed.rate != rule.null_rate:
        yield "null rate", rule.null_rate
    if assumed is not None:
        yield "assumed", assumed.rate
        if assumed.range is not None:
            yield from zip(("assumed, lowest", "assumed, highest"), assumed.range, strict=True)
    if estimated is not None:
        if estimated.estimate > 0:
            yield "estimated", estimated.estimate
        if estimated.ci95[1] < 1:
            yield "estimated, upper limit", estimated.ci95[1]


def contradiction(rule: RateRule, background: BackgroundEvidence) -> str | None:
    """Return a sentence when the null rate lies outside the 95 % limits of the control hours, else None."""
    estimated = background.estimated.get(rule.unit)
    if estimated is None or estimated.ci95[0] <= rule.null_rate <= estimated.ci95[1]:
        return None
    low, high = estimated.ci95
    where = "below" if rule.null_rate < low else "above"
    return (
        f"null_rate {rule.null_rate:.3g} per {rule.unit} lies {where} the 95 % limits {low:.3g} to {high:.3g} "
        f"of the same subjects' control hours ({background.events} in {background.hours:,.0f} observed hours)"
    )
