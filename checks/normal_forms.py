"""Normal forms of Unicode, of any text in a time that grows with its length."""

import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

MOST_MARKS: Final = 30
"""Marks in a row that the Stream-Safe Text Format allows: twice as many as any language has (UAX #15, section 13)."""

JOINER: Final = "\N{COMBINING GRAPHEME JOINER}"


def normal_form(form: Literal["NFKC", "NFKD"], text: str) -> str:
    """Return a text in a normal form, in the Stream-Safe Text Format: to sort many marks in a row takes years."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, "".join(_stream_safe(text)) if len(text) > MOST_MARKS else text)


def _stream_safe(text: str) -> Iterator[str]:
    marks = 0
    for one in text:
        marks = marks + 1 if unicodedata.combining(one) else 0
        if marks > MOST_MARKS:
            yield JOINER
            marks = 1
        yield one
