"""Criteria of a component: what the protocol may say of a vital, a laboratory test or terms, and when it is met.

One class a kind: its fields are the keys of the study protocol file, its methods say when it is met. Measurements are
compared as arrays, in the canonical unit of their test, but no array library is imported: a protocol is read without.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Discriminator, StringConstraints, Tag, model_validator

from checks.fields import NotEmpty, Positive, Section, Text
from checks.measurements import VITALS, convert, convert_difference, unit_of, units_for
from checks.problems import ProblemAt, one_of, refuse, refuse_all, shown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Rows = npt.NDArray[np.int64] | npt.NDArray[np.bool_]

ROUNDING = 1e-6
"""A charted decimal such as 38.4 - 37.4 falls short of 1.0 in binary: differences are compared to a millionth."""


def _known(values: "Values") -> "Flags":
    return abs(values) <= float("inf")  # nan is not


@dataclass(frozen=True, slots=True)
class Amounts:
    """Values of measurements and the upper limits of normal beside them: arrays of one length, nan for none."""

    values: "Values"
    upper_limits: "Values"

    def at(self, rows: "Rows") -> "Amounts":
        """Return the amounts of some rows."""
        return Amounts(self.values[rows], self.upper_limits[rows])


class Measured(Section):
    """A criterion of one test; ``DOMAIN`` is where its measurements are, ``KEY`` the key that names the test."""

    KEY: ClassVar[str]
    DOMAIN: ClassVar[str]

    @property
    def test(self) -> tuple[str, str]:
        """The domain and the code of the test."""
        return self.DOMAIN, str(getattr(self, self.KEY))

    @property
    def relative(self) -> bool:
        """Whether the criterion compares with a baseline: the median of the test before the dose."""
        return False

    @property
    def rises(self) -> bool:
        """Whether a higher value is further into the criterion."""
        return True

    @abstractmethod
    def comparable(self, amounts: Amounts) -> "Flags":
        """Return where the criterion can be judged at all; elsewhere the test was not measured."""

    @abstractmethod
    def within_bound(self, amounts: Amounts) -> "Flags":
        """Return where the value satisfies the bound; what is not comparable never does."""

    def met(self, amounts: Amounts, baselines: "Values") -> "Flags":
        """Return where the criterion is met; against a missing baseline a relative one is not measured."""
        return self.within_bound(amounts)


_COMPARISONS = ("at_least", "below", "rise_at_least", "fall_at_least")
_LIMITS = ("at_least", "below", "and_at_least", "and_below")
_COMPANIONS = {"and_at_least": "rise_at_least", "and_below": "fall_at_least"}


class VitalCriterion(Measured):
    """A vital compared with a limit or with its baseline, in one of its units.

    ``at_least`` and ``below`` are absolute; ``rise_at_least`` and ``fall_at_least`` refer to the baseline and may ask
    for a bound besides (``and_at_least``, ``and_below``).
    """

    KEY: ClassVar[str] = "vital"
    DOMAIN: ClassVar[str] = "VS"

    vital: str
    at_least: float | None = None
    below: float | None = None
    rise_at_least: Positive | None = None
    fall_at_least: Positive | None = None
    and_at_least: float | None = None
    and_below: float | None = None
    unit: Text | None = None

    @model_validator(mode="after")
    def _is_one_comparison(self) -> Self:
        of_unit = [*self._unit_findings()]
        refuse_all([*of_unit, *self._comparison_findings(), *(() if of_unit else self._limit_findings())])
        return self

    def _unit_findings(self) -> Iterator[ProblemAt]:
        if self.vital not in VITALS:
            yield ProblemAt(("vital",), shown(self.vital), one_of(tuple(VITALS), self.vital))
        elif self.unit is None or unit_of(self.vital, self.unit) is None:
            allowed = f"a unit of {self.vital}: {', '.join(units_for(self.vital))}"
            yield ProblemAt(("unit",), shown(self.unit), allowed)

    def _limit_findings(self) -> Iterator[ProblemAt]:
        """Require limits that a measurement can reach: one in another unit than it says is never met, or always."""
        lowest, highest = VITALS[self.vital].plausible
        unit = VITALS[self.vital].units[0].name
        for name in _LIMITS:
            given = getattr(self, name)
            if given is not None and not lowest <= convert(self.vital, given, str(self.unit)) <= highest:
                allowed = f"{lowest:g} to {highest:g} {unit}, between which {self.vital} can be"
                yield ProblemAt((name,), f"{given:g} {self.unit}", allowed)
        if self.change is not None and self.change > highest - lowest:
            found = f"a change of {self.rise_at_least or self.fall_at_least:g} {self.unit}"
            yield ProblemAt(
                (), found, f"at most {highest - lowest:g} {unit}, by which {self.vital} can change"
            )

    def _comparison_findings(self) -> Iterator[ProblemAt]:
        comparisons = [name for name in _COMPARISONS if getattr(self, name) is not None]
        if len(comparisons) != 1:
            found = " and ".join(comparisons) or "no comparison"
            yield ProblemAt((), found, f"exactly one of {', '.join(_COMPARISONS)}")
        for companion, needed in _COMPANIONS.items():
            if getattr(self, companion) is not None and needed not in comparisons:
                yield ProblemAt((companion,), companion, f"{companion} only beside {needed}")

    @property
    def relative(self) -> bool:
        """Whether the criterion is a rise or a fall."""
        return self.change is not None

    @property
    def rises(self) -> bool:
        """Whether a higher value is further into the criterion."""
        return self.at_least is not None or self.rise_at_least is not None

    @property
    def bound(self) -> float | None:
        """The limit in the canonical unit, None where a relative criterion has none."""
        given = (getattr(self, name) for name in _LIMITS)
        return next((convert(self.vital, one, str(self.unit)) for one in given if one is not None), None)

    @property
    def change(self) -> float | None:
        """The rise or fall in the canonical unit, None for an absolute criterion."""
        given = (self.rise_at_least, self.fall_at_least)
        return next(
            (convert_difference(self.vital, one, str(self.unit)) for one in given if one is not None), None
        )

    def comparable(self, amounts: Amounts) -> "Flags":
        """Return where there is a value."""
        return _known(amounts.values)

    def within_bound(self, amounts: Amounts) -> "Flags":
        """Return where the value is at the limit or above it, or below it."""
        bound = self.bound
        if bound is None:
            return _known(amounts.values)
        return amounts.values >= bound if self.rises else amounts.values < bound

    def met(self, amounts: Amounts, baselines: "Values") -> "Flags":
        """Return where the bound is satisfied and the baseline left by as much as the criterion asks."""
        change = self.change
        if change is None:
            return self.within_bound(amounts)
        moved = (amounts.values - baselines) * (1 if self.rises else -1)
        return self.within_bound(amounts) & (moved >= change - ROUNDING)

    def told_apart(self, lowest: "Values", highest: "Values") -> "Flags":
        """Return where the criterion may hold for the one value and not for the other."""
        bound, change = self.bound, self.change
        apart = lowest > highest  # nowhere
        if bound is not None:
            apart |= (lowest < bound) & (highest >= bound)
        if change is not None:
            apart |= highest - lowest >= change - ROUNDING
        return apart


class LabCriterion(Measured):
    """A laboratory result above a multiple of the upper limit of normal that came with it, in its unit.

    A result without its limit is not measured: it may have been above, and it is never taken for normal.
    """

    KEY: ClassVar[str] = "lab"
    DOMAIN: ClassVar[str] = "LB"

    lab: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, to_upper=True)]
    above_times_uln: Positive

    def comparable(self, amounts: Amounts) -> "Flags":
        """Return where there are a value and its limit."""
        return _known(amounts.values) & _known(amounts.upper_limits)

    def within_bound(self, amounts: Amounts) -> "Flags":
        """Return where the value is above so many times its limit."""
        return amounts.values > self.above_times_uln * amounts.upper_limits


class TermsCriterion(Section):
    """Adverse events of any of these terms."""

    KEY: ClassVar[str] = "terms"
    DOMAIN: ClassVar[str] = "AE"

    terms: Annotated[tuple[Text, ...], NotEmpty]


KINDS: Mapping[str, type[VitalCriterion] | type[LabCriterion] | type[TermsCriterion]] = {
    kind.KEY: kind for kind in (VitalCriterion, LabCriterion, TermsCriterion)
}
"""The kinds of criteria, by the key that tells them apart."""


def _of_one_kind(value: Any) -> Any:  # noqa: ANN401 - whatever the file says, or a criterion already made
    if isinstance(value, Section):
        return value
    if not isinstance(value, Mapping):
        raise refuse(shown(value), "a mapping of keys to values")
    given = [key for key in value if value[key] is not None]
    kinds = [key for key in KINDS if key in given]
    if not kinds:
        allowed = "a vital with a limit and a unit, a lab with above_times_uln, or a list of terms"
        raise refuse("neither vital, lab nor terms", allowed)
    if len(kinds) > 1:
        *others, last = kinds
        beside = ", ".join(key for key in given if key != last)
        raise refuse(f"{last} beside {beside}", f"{last} alone, or a {' or a '.join(others)} without {last}")
    return value


def _kind(value: Any) -> str:  # noqa: ANN401 - as above
    given = (
        value.model_fields_set
        if isinstance(value, Section)
        else [key for key in value if value[key] is not None]
    )
    return next(key for key in KINDS if key in given)


Criterion = Annotated[
    Annotated[VitalCriterion, Tag("vital")]
    | Annotated[LabCriterion, Tag("lab")]
    | Annotated[TermsCriterion, Tag("terms")],
    Discriminator(_kind),
    BeforeValidator(_of_one_kind),
]
