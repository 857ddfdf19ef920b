"""Values of vitals as they are written: which number, in which unit, and whether a living subject can have it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from checks.measurements import VITALS, convert, convert_difference, unit_of, units_for
from checks.numbers import read_number
from checks.validation import states

BLANK: Final = "blank"
NOT_A_NUMBER: Final = "not a plain number"
UNKNOWN_UNIT: Final = "not a unit of that vital"
ANOTHER_UNIT: Final = "another unit"


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """What one (vital, value, unit) means; the states are those that the catalogue judges, if any."""

    value: float = float("nan")
    alternative: float = float("nan")
    value_state: str | None = None
    unit_state: str | None = None
    unit_fit: str | None = None
    position: float | None = None
    measured: float | None = None
    """The number in the canonical unit where its unit fits, plausible or not."""
    rounding: float | None = None
    """Half a unit of the last digit that was written, in the canonical unit: the number may be off by so much."""


def read_vitals(vitals: "pd.Series[str]", texts: "pd.Series[str]", units: "pd.Series[str]") -> pd.DataFrame:
    """Return the fields of ``WrittenValue`` for each row; each combination that occurs is read once.

    ``vitals`` are keys of ``VITALS``: nothing is read where it is missing. ``texts`` and ``units`` are as delivered,
    trimmed, missing where blank. All have one index.
    """
    rows = pd.DataFrame({"vital": vitals, "text": texts, "unit": units})
    combinations = rows.groupby(["vital", "text", "unit"], dropna=False, sort=False)
    codes = combinations.ngroup().to_numpy()
    first = rows[~pd.Series(codes).duplicated().to_numpy()]
    written = ([None if pd.isna(one) else one for one in row] for row in first.itertuples(index=False))
    values = [
        WrittenValue() if vital is None else read_vital(vital, text, unit) for vital, text, unit in written
    ]
    fields = WrittenValue.__dataclass_fields__
    # pandas would copy each value deeply
    table = pd.DataFrame({name: [getattr(one, name) for one in values] for name in fields})
    states = dict.fromkeys(("value_state", "unit_state", "unit_fit"), "category")
    numbers = dict.fromkeys(("value", "alternative", "position", "measured", "rounding"), "float64")
    return table.astype(states | numbers).take(codes).set_axis(rows.index)


def read_vital(vital: str, text: str | None, unit: str | None) -> WrittenValue:
    """Read one value: number, unit, and whether a living subject can have it.

    A percent sign after the number is its unit. A number that its unit makes impossible but another unit of
    the vital makes possible is not corrected: ``alternative`` says what it would be. A number that no living
    subject can have tells no value: it could have been any.
    """
    if text is None:
        return WrittenValue()
    if text.endswith("%"):
        text, unit = text[:-1].rstrip(), "%" if unit is None else unit
    number = read_number(text)
    if np.isnan(number):
        return WrittenValue(value_state=NOT_A_NUMBER)
    fitting = {name: convert(vital, number, name) for name in units_for(vital)}
    fitting = {name: value for name, value in fitting.items() if 0 <= _position(vital, value) <= 1}
    known = unit_of(vital, unit) if unit is not None else None
    if unit is None and VITALS[vital].unmistakable and fitting:
        known = next(iter(fitting))
    if known is None:
        return _without_unit(vital, fitting, BLANK if unit is None else UNKNOWN_UNIT)
    value = convert(vital, number, known)
    others = [other for name, other in fitting.items() if name != known]
    if known not in fitting and others:
        return WrittenValue(value, others[0], states.NUMBER, states.KNOWN, ANOTHER_UNIT)
    position = _position(vital, value)
    told = value if 0 <= position <= 1 else float("nan")
    rounding = convert_difference(vital, half_a_digit(text), known)
    return WrittenValue(
        told, float("nan"), states.NUMBER, states.KNOWN, states.FITS, position, value, rounding
    )


def half_a_digit(text: str) -> float:
    """Return half a unit of the last digit of a number: 0.05 for "38.3", 0.5 for "38"."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(0.5 * 10.0 ** (int(exponent or 0) - decimals))


def _without_unit(vital: str, fitting: dict[str, float], unit_state: str) -> WrittenValue:
    """Return what a number without a usable unit can be: in the canonical unit, or else in another."""
    own = fitting.pop(units_for(vital)[0], float("nan"))
    return WrittenValue(own, next(iter(fitting.values()), float("nan")), states.NUMBER, unit_state)


def _position(vital: str, value: float) -> float:
    """Return where a value lies between its physiological limits: 0 at the lowest, 1 at the highest."""
    lowest, highest = VITALS[vital].plausible
    return (value - lowest) / (highest - lowest)
