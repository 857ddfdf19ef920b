"""Decide in which unit each vital is kept, and how a value in another unit becomes that one.

Names and submission values of the units follow CDISC SDTM controlled terminology (code list VSRESU) and UCUM.
Conversions: NIST Special Publication 811 (2008), appendix B.9, degree Fahrenheit to degree Celsius
t/C = (t/F - 32) / 1.8; a percentage is a hundredth (same publication, section 7.10.2).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Value = TypeVar("Value", float, "NDArray[np.float64]", "pd.Series[float]")

CANONICAL_UNIT: Mapping[str, str] = MappingProxyType(
    {
        "TEMP": "C",
        "RESP": "breaths/min",
        "OXYSAT": "%",
        "HR": "beats/min",
        "PULSE": "beats/min",
        "SYSBP": "mmHg",
        "DIABP": "mmHg",
        "FIO2": "fraction",
    }
)
"""The vitals a criterion can name, each with the unit in which readings and criteria are compared."""

_TO_CANONICAL: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType(
    {("TEMP", "F"): (32.0, 1.8), ("FIO2", "%"): (0.0, 100.0)}
)
"""(vital, unit) -> (subtract, then divide by); dividing keeps 101 F and 40 % at their nearest float."""

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "C": ("C", "°C", "ºC", "CEL", "DEG C", "DEG. C", "[DEGC]", "?C", "DEGC", "CELSIUS", "DEGREES C"),
    "F": ("F", "°F", "ºF", "[DEGF]", "DEG F", "DEG. F", "?F", "DEGF", "FAHRENHEIT", "DEGREES F"),
    "breaths/min": ("BREATHS/MIN", "BREATHS/MINUTE", "BREATHS PER MINUTE", "BRPM", "INSP/MIN"),
    "beats/min": ("BEATS/MIN", "BEATS/MINUTE", "BEATS PER MINUTE", "{BEATS}/MIN"),
    "/min": ("/MIN", "BPM", "1/MIN", "PER MINUTE"),
    "mmHg": ("MMHG", "MM HG", "MM[HG]"),
    "%": ("%", "PERCENT", "PCT"),
    "fraction": ("FRACTION", "FRACTION OF 1", "1", "RATIO"),
}

SYNONYMS: Mapping[str, str] = MappingProxyType(
    {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
)
"""Upper-case spelling -> unit; ``/min`` stands for the vital's own rate, since breaths and beats share it."""


def unit_of(vital: str, spelling: str) -> str | None:
    """Return the unit that a spelling means for a vital, or None when it is none of a known vital's units."""
    unit = SYNONYMS.get(" ".join(spelling.upper().split()))
    canonical = CANONICAL_UNIT.get(vital, "")
    if unit == "/min" and canonical.endswith("/min"):
        return canonical
    if unit == canonical or (unit is not None and (vital, unit) in _TO_CANONICAL):
        return unit
    return None


def units_for(vital: str) -> tuple[str, ...]:
    """Return the units in which a vital may be given, the canonical one first; none for an unknown vital."""
    canonical = (unit for name, unit in CANONICAL_UNIT.items() if name == vital)
    return (*canonical, *(unit for name, unit in _TO_CANONICAL if name == vital))


def _conversion(vital: str, spelling: str) -> tuple[float, float]:
    unit = unit_of(vital, spelling)
    if unit is None:
        raise ValueError(f"{spelling!r} is no unit of {vital}; allowed: {', '.join(units_for(vital))}")
    return _TO_CANONICAL.get((vital, unit), (0.0, 1.0))


def convert(vital: str, value: Value, unit: str) -> Value:
    """Return readings in the canonical unit of their vital.

    Parameters
    ----------
    vital : str
        A key of ``CANONICAL_UNIT``.
    value : float, array or Series of float, any shape
        In ``unit``.
    unit : str
        Any spelling of a unit of that vital.

    Raises
    ------
    ValueError
        When the unit is not one of the vital's.
    """
    offset, divisor = _conversion(vital, unit)
    return (value - offset) / divisor


def convert_difference(vital: str, value: Value, unit: str) -> Value:
    """Return a rise or fall in the canonical unit; a difference has no zero point (1.8 F is 1 C).

    Parameters and errors are those of ``convert``.
    """
    _, divisor = _conversion(vital, unit)
    return value / divisor
