"""Decide how exact numbers are written down: as JSON with ten digits, and as percentages for people."""

import json
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH = 80

DIGITS = 10
"""Significant digits in JSON: more than any use needs, fewer than the last bits in which machines differ."""


def rounded(document: Mapping[str, object]) -> dict[str, Any]:
    """Return a document as JSON can hold it: tuples as lists, numbers with ten digits, None for no number."""
    return {key: _rounded(item) for key, item in document.items()}


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return rounded(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def to_json(document: Mapping[str, Any]) -> str:
    """Return one JSON document, indented, ending in a line feed."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def percent(share: float | None) -> str:
    """Return a probability as a percentage that says neither never nor always where it is not."""
    if share is None:
        return "-"
    if 0 < share < 0.0001:
        return "<0.01%"
    if share >= 0.9995:
        return ">99.9%"
    return f"{share:.1%}" if share >= 0.1 or share == 0 else f"{share:.2%}"


def runs(numbers: Sequence[int], values: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last place of each stretch of consecutive numbers with the same value."""
    start = 0
    for place in range(1, len(numbers) + 1):
        goes_on = (
            place < len(numbers)
            and values[place] == values[start]
            and numbers[place] == numbers[place - 1] + 1
        )
        if not goes_on:
            yield start, place - 1
            start = place


def columns(rows: Sequence[Sequence[str]], *, indent: int = 2) -> list[str]:
    """Return rows, the first of them the header, as lines: names at the left, numbers at the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append((" " * indent + "  ".join((row[0].ljust(widths[0]), *numbers))).rstrip())
    return lines


def wrapped(text: str, *, indent: str = "") -> list[str]:
    """Return text in lines of at most 80 columns."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
