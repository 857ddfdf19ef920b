"""Decide what a stopping rule of each kind must say, and which options its method takes."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from checks.fields import Name, NotEmpty, NotNegative, Positive, Rate, Section, Text, Whole
from checks.problems import Finding, refuse_all, shown


class _Rule(Section):
    id: Name
    rationale: Text
    source: Text


class CountRule(_Rule):
    """Crossed when this many distinct subjects are cases."""

    kind: Literal["count"]
    cases: Whole


class LabLimitRule(_Rule):
    """Crossed when this many subjects have a result above so many times the upper limit of normal."""

    kind: Literal["lab_limit"]
    test: Text
    above_times_uln: Positive
    subjects: Whole = 1


RateMethod = Literal[
    "pocock", "obrien_fleming", "wang_tsiatis", "beta_binomial", "chen_chaloner", "sprt", "maxsprt"
]
TimingMethod = Literal["self_controlled", "scan", "maxsprt_binomial", "maxsprt_poisson", "e_process"]

RATE_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "pocock": (),
    "obrien_fleming": (),
    "wang_tsiatis": ("delta",),
    "beta_binomial": ("prior",),
    "chen_chaloner": ("prior", "alternative_rate", "nu"),
    "sprt": ("alternative_rate",),
    "maxsprt": (),
}
"""The options each rate method needs; it takes no other."""

TIMING_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "self_controlled": ("looks",),
    "scan": ("looks",),
    "maxsprt_binomial": ("n_max",),
    "maxsprt_poisson": ("expected_max",),
    "e_process": (),
}
"""The options each timing method needs."""

TIMING_EXTRAS: Mapping[str, tuple[str, ...]] = {"maxsprt_poisson": ("delay",)}
"""The options a timing method takes beside those it needs."""


def _option_findings(
    rule: Section, method: str, needed: tuple[str, ...], extras: tuple[str, ...], every: set[str]
) -> Iterator[Finding]:
    given = {name for name in every & rule.model_fields_set if getattr(rule, name) is not None}
    for name in needed:
        if name not in given:
            yield Finding((name,), "nothing", f"a value: method {method} needs {name}")
    takes = ", ".join((*needed, *extras)) or "none of these options"
    for name in sorted(given - {*needed, *extras}):
        yield Finding((name,), f"option {name}", f"leave it out: method {method} takes {takes}")


class RateRule(_Rule):
    """Crossed when more units have an event than a null rate explains, at its calibrated boundary."""

    kind: Literal["rate"]
    method: RateMethod
    unit: Literal["subject", "window"]
    n_max: Whole
    null_rate: Rate
    alpha: Rate
    looks: Annotated[tuple[Whole, ...], NotEmpty] | None = None
    prior: tuple[Positive, Positive] | None = None
    delta: float | None = None
    alternative_rate: Rate | None = None
    nu: Rate | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        every = {name for names in RATE_OPTIONS.values() for name in names}
        findings = list(_option_findings(self, self.method, RATE_OPTIONS[self.method], (), every))
        if self.alternative_rate is not None and self.alternative_rate <= self.null_rate:
            allowed = f"above null_rate {self.null_rate:g}"
            findings.append(Finding(("alternative_rate",), shown(self.alternative_rate), allowed))
        refuse_all([*findings, *self._look_findings()])
        return self

    def _look_findings(self) -> Iterator[Finding]:
        looks = self.looks or ()
        for place, (before, after) in enumerate(pairwise(looks), start=1):
            if after <= before:
                yield Finding(("looks", place), f"{after} after {before}", "looks that increase")
        if max(looks, default=0) > self.n_max:
            yield Finding(("looks",), f"a look at {max(looks)}", f"looks up to n_max {self.n_max}")


class TimingRule(_Rule):
    """Crossed when cases gather in the risk window more than the subjects' own other hours explain."""

    kind: Literal["timing"]
    method: TimingMethod
    alpha: Rate
    n_max: Whole | None = None
    expected_max: Positive | None = None
    min_events: Whole = 1
    min_subjects: Whole = 1
    looks: Whole | None = None
    delay: NotNegative = 0.0

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        every = {"looks", "n_max", "expected_max", "delay"}
        extras = TIMING_EXTRAS.get(self.method, ())
        findings = list(_option_findings(self, self.method, TIMING_OPTIONS[self.method], extras, every))
        if self.n_max is not None and self.min_events > self.n_max:
            allowed = f"at most n_max {self.n_max}, or the rule can never cross"
            findings.append(Finding(("min_events",), str(self.min_events), allowed))
        refuse_all(findings)
        return self


Rule = Annotated[CountRule | RateRule | TimingRule | LabLimitRule, Field(discriminator="kind")]
RULE_KINDS = ("count", "rate", "timing", "lab_limit")
