"""Codes like no vital that stand where a needed vital is absent: what they may be by their values and their place.

A site that charts a vital under a code of its own has no row of that vital beside it, while others have. A code that
ever stands beside the vital, on one day of one subject, is another test.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

import numpy as np
import pandas as pd

from checks.measurements import unit_of
from checks.numbers import read_numbers
from checks.validation.raw import Source

_AT_REST: Final[Mapping[str, tuple[float, float]]] = {
    "TEMP": (35.0, 42.0),
    "OXYSAT": (90.0, 100.0),
    "RESP": (8.0, 35.0),
}
"""Where the median of a code lies that is charted for the vital: in C, % and breaths/min, in the well and the ill.

Inspired oxygen is not among them: it is absent wherever nobody is given oxygen."""

_BESIDE: Final = 0.1
"""Of the days of a code, the share on which the vital may stand beside it: the day on which the code was changed."""

_NUMBERS: Final = 0.5
"""The share of a code's results that are numbers, from which their median is one of it."""


def absent_vitals(
    source: Source, codes: "np.ndarray[Any, Any]", vitals: "pd.Series[str]", among: Set[int], needed: Set[str]
) -> dict[int, str]:
    """Return which needed vital each code may be, by its number.

    Parameters
    ----------
    codes, vitals
        The number of each row's code, and the vital that it is read as, missing where it is read as none.
    among
        Numbers of the codes to judge.
    """
    looks_like = {
        code: some for code in sorted(among) if (some := [*_by_values(source, codes == code, needed)])
    }
    if not looks_like:
        return {}
    days = _days(source)
    measured = {vital: np.unique(days[(vitals == vital).to_numpy()]) for vital in needed & set(_AT_REST)}
    found = {}
    for code, some in looks_like.items():
        mine = np.unique(days[codes == code])
        fit = [one for one in some if len(measured[one]) and np.isin(mine, measured[one]).mean() <= _BESIDE]
        if fit:
            found[code] = fit[0]
    return found


def _by_values(source: Source, mine: "np.ndarray[Any, Any]", needed: Set[str]) -> Iterator[str]:
    """Yield the needed vitals that a code's values and units, where it has some, do not contradict."""
    numbers = read_numbers(source.first_of(("VSSTRESN", "VSORRES"))[mine])
    units = source.first_of(("VSSTRESU", "VSORRESU"))[mine].dropna().unique()
    if numbers.notna().mean() < _NUMBERS:
        return
    middle = float(numbers.median())
    for vital, (lowest, highest) in _AT_REST.items():
        fits = all(unit_of(vital, str(unit)) is not None for unit in units)
        if vital in needed and fits and lowest <= middle <= highest:
            yield vital


def _days(source: Source) -> "np.ndarray[Any, Any]":
    """Return a number for the day of the subject of each row."""
    subjects = source.subject_codes[0].astype(np.int64)
    days, names = pd.factorize(source.text("VSDTC").str[:10])
    return subjects * (len(names) + 1) + days
