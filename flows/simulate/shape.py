"""What a simulated world takes of a protocol: windows, planned doses, and vital signs that show its components."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from checks.criteria import VitalCriterion
from checks.measurements import VITALS
from checks.protocol import StudyProtocol
from checks.protocol.case_definition import Component

Span = tuple[float, float]

DAY = 24
MARGIN = 2.0
"""Hours charted before the first and after the last hour that a window names."""

WELL = {
    "TEMP": 36.8, "RESP": 16.0, "OXYSAT": 97.0, "HR": 80.0, "PULSE": 80.0, "SYSBP": 120.0, "DIABP": 75.0, "MAP": 90.0,
    "FIO2": 0.3,
}  # fmt: skip
"""What vital signs read outside episodes: the middle of what is normal in adults; FIO2 with some oxygen."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A vital sign that shows a component, in its canonical unit: in health, in an episode, and how it varies."""

    test: str
    well: float
    ill: float
    spread: float
    """Standard deviation: a sixth of the way to the nearest bound, so that health seldom shows it by chance."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a protocol says of windows, planned doses and what is charted."""

    risk: Span
    control: tuple[Span, ...]
    doses: int
    signs: tuple[Sign, ...]
    slow: str
    """The test that speaks longest."""

    @property
    def before(self) -> float:
        """Hours before a dose from which it is charted."""
        return MARGIN - min(self.risk[0], *(start for start, _ in self.control), 0)

    @property
    def after(self) -> float:
        """Hours after a dose until which it is charted."""
        return MARGIN + max(self.risk[1], *(end for _, end in self.control))

    @property
    def between(self) -> int:
        """Hours between doses: whole days in which the windows of one find room."""
        return DAY * math.ceil((self.before + self.after - 2 * MARGIN) / DAY)

    @property
    def width(self) -> float:
        """Hours of a risk window."""
        return self.risk[1] - self.risk[0]


def shape_of(protocol: StudyProtocol) -> Shape | str:
    """Return what a world needs of a protocol, or why its cases cannot be simulated."""
    signs: dict[str, Sign] = {}
    for name, component in protocol.case_definition.components.items():
        shown = _signs_of(component)
        if shown is None:
            return f"no vital sign alone shows {name}"
        signs.update((one.test, one) for one in shown)
    hours = {code: protocol.case_definition.hours_of(("VS", code)).fresh for code in signs}
    return Shape(
        risk=protocol.risk_window_hours,
        control=protocol.control_windows_hours,
        doses=protocol.treatment.planned_doses or 1,
        signs=tuple(signs.values()),
        slow=max(signs, key=lambda code: hours[code]),
    )


def _signs_of(component: Component) -> tuple[Sign, ...] | None:
    """Return what shows a component: the first vital sign of any, or each of all; None where vital signs do not."""
    vitals = [one for one in component.measured if isinstance(one, VitalCriterion)]
    codes = list(dict.fromkeys(one.vital for one in vitals))
    signs = [_sign(code, [one for one in vitals if one.vital == code]) for code in codes]
    if component.all_of is None:
        return next(((one,) for one in signs if one is not None), None)
    every = tuple(one for one in signs if one is not None)
    return every if len(every) == len(signs) and len(vitals) == len(component.criteria) else None


def _sign(code: str, criteria: Sequence[VitalCriterion]) -> Sign | None:
    """Return a vital sign, half as far again beyond its furthest bound when ill; None where health is beyond one."""
    toward, well = (1 if criteria[0].rises else -1), WELL[code]
    away = [max(_distance(one, well, toward), one.change or 0.0) for one in criteria]
    if min(away) <= 0 or any(one.rises != criteria[0].rises for one in criteria):
        return None
    lowest, highest = VITALS[code].plausible
    return Sign(code, well, min(max(well + toward * 1.5 * max(away), lowest), highest), min(away) / 6)


def _distance(one: VitalCriterion, well: float, toward: int) -> float:
    return 0.0 if one.bound is None else (one.bound - well) * toward
