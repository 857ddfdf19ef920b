"""Numbers as delivered: the text of a plain one, or none."""

import re
from typing import Final

import numpy as np
import pandas as pd

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")

_SINGLE_DIGITS: Final = 7
"""A decimal of at most six digits survives single precision (IEEE 754 binary32, FLT_DIG of C)."""

_SINGLE_LEAST: Final = 1e-4
_SINGLE_MOST: Final = 1e6
"""Between these a number in single precision is written without an exponent."""


def read_number(text: str | None) -> float:
    """Return the plain number that a text is, NaN when it is none ("<0.5", "37,2").

    A decimal comma that the protocol tells has been made a point by the reader of the feed.
    """
    if text is None:
        return float("nan")
    return _as_charted(text) if _NUMBER.fullmatch(text) else float("nan")


def _as_charted(text: str) -> float:
    """Return a number; one that single precision has made of a short decimal is that decimal: 38.29999923706055."""
    number = float(text)
    if len(text) <= _SINGLE_DIGITS + 3 or not _SINGLE_LEAST < abs(number) < _SINGLE_MOST:
        return number
    single = np.float32(number)
    short = str(single)
    return (
        float(short)
        if float(single) == number and len(short.strip("-0").replace(".", "")) < _SINGLE_DIGITS
        else number
    )


def read_numbers(texts: "pd.Series[str]") -> "pd.Series[float]":
    """Return the number that each text is; the same text is read once."""
    codes, uniques = pd.factorize(texts)
    numbers = np.array([*(read_number(str(text)) for text in uniques), float("nan")], dtype=np.float64)
    return pd.Series(numbers[codes], index=texts.index)
