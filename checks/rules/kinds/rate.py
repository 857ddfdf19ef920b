"""The rule that units have cases more often than a null rate explains, at a boundary calibrated beforehand."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from inspect import signature
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from checks.fields import NotEmpty, Positive, Rate, Whole
from checks.problems import ProblemAt, refuse_all, shown
from checks.rules.backgrounds import contradiction, over_backgrounds, tail
from checks.rules.counted import design_counted
from checks.rules.designs import CountedDesign
from checks.rules.evidence import BackgroundEvidence, Evidence
from checks.rules.pending import pending_sizes
from checks.rules.plan import Plan
from checks.rules.rate_looks import RateWalk, crosses, units_of, walk
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
    def planned_subjects(self) -> int | None:
        """The subjects at its last look, where it counts subjects."""
        return self.n_max if self.unit == "subject" else None

    @property
    def harmless_rate(self) -> float | None:
        """The null rate, where it is one per subject."""
        return self.null_rate if self.unit == "subject" else None

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
