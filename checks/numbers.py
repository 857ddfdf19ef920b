"""Numbers as delivered: the text of a plain one, or none."""

import re
from typing import Final

import numpy as np
import pandas as pd

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


def read_number(text: str | None) -> float:
    """Return the plain number that a text is, NaN when it is none ("<0.5", "37,2").

    A decimal comma that the protocol tells has been made a point by the reader of the feed.
    """
    if text is None:
        return float("nan")
    return float(text) if _NUMBER.fullmatch(text) else float("nan")


def read_numbers(texts: "pd.Series[str]") -> "pd.Series[float]":
    """Return the number that each text is; the same text is read once."""
    codes, uniques = pd.factorize(texts)
    numbers = np.array([*(read_number(str(text)) for text in uniques), float("nan")], dtype=np.float64)
    return pd.Series(numbers[codes], index=texts.index)
