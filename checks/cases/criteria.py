"""Criteria of the case definition on one measurement, absolute or against a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.measurements import convert, convert_difference
from checks.protocol.model import CaseDefinition, Component, Criterion

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class VitalCriterion:
    """One criterion on one vital in its canonical unit; ``sign`` is +1 for a rise and -1 for a fall.

    An absolute criterion has ``change`` None. A relative one compares with the baseline median and may also
    ask for a bound (``and_at_least``, ``and_below``); ``bound`` is then None where it does not.
    """

    vital: str
    sign: int
    bound: float | None
    change: float | None

    @property
    def relative(self) -> bool:
        """Whether the criterion needs a baseline."""
        return self.change is not None

    def within_bound(self, values: Values) -> Flags:
        """Return where the value satisfies the bound; missing values never do."""
        if self.bound is None:
            return ~np.isnan(values)
        return values >= self.bound if self.sign > 0 else values < self.bound

    def met(self, values: Values, baselines: Values) -> Flags:
        """Return where the criterion is met; against a missing baseline a relative one is not measured."""
        inside = self.within_bound(values)
        if self.change is None:
            return inside
        # a charted decimal such as 38.4 - 37.4 falls short of 1.0 in binary: compare to a millionth
        return inside & (self.sign * (values - baselines) >= self.change - 1e-6)


def vital_criteria(component: Component) -> tuple[VitalCriterion, ...]:
    """Return the component's numeric criteria in canonical units."""
    return tuple(_canonical(criterion) for criterion in component.criteria if criterion.vital is not None)


def terms(component: Component) -> frozenset[str]:
    """Return the adverse-event terms of a component, case folded."""
    return frozenset(term.casefold() for criterion in component.criteria for term in criterion.terms or ())


def vitals_of(criteria: Sequence[VitalCriterion]) -> tuple[str, ...]:
    """Return the distinct vitals of the criteria, sorted."""
    return tuple(sorted({criterion.vital for criterion in criteria}))


def vitals_named(definition: CaseDefinition) -> frozenset[str]:
    """Return the vitals that a criterion of the case definition names."""
    return frozenset(
        criterion.vital
        for component in definition.components.values()
        for criterion in component.criteria
        if criterion.vital is not None
    )


def _canonical(criterion: Criterion) -> VitalCriterion:
    vital, unit = str(criterion.vital), str(criterion.unit)

    def bound(value: float | None) -> float | None:
        return None if value is None else float(convert(vital, value, unit))

    def change(value: float | None) -> float:
        return float(convert_difference(vital, value or 0.0, unit))

    if criterion.at_least is not None:
        return VitalCriterion(vital, 1, bound(criterion.at_least), None)
    if criterion.below is not None:
        return VitalCriterion(vital, -1, bound(criterion.below), None)
    if criterion.rise_at_least is not None:
        return VitalCriterion(vital, 1, bound(criterion.and_at_least), change(criterion.rise_at_least))
    return VitalCriterion(vital, -1, bound(criterion.and_below), change(criterion.fall_at_least))
