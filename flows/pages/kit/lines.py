"""Lines of a terminal or a plain mail: wrapped, in columns, in signs that a plain terminal has."""

import textwrap
from collections.abc import Sequence

from flows.pages.kit.words import AT_MOST, DASH, MINUS, printable

WIDTH = 80

PLAIN_SIGNS = str.maketrans({DASH: "-", MINUS: "-", AT_MOST: "<=", "\N{REPLACEMENT CHARACTER}": "?"})
"""What a plain terminal or mail shows in place of our own signs."""


def plain(text: str) -> str:
    """Return the text in printable ASCII, with signs that a plain terminal has."""
    return printable(text).translate(PLAIN_SIGNS).encode("ascii", "backslashreplace").decode("ascii")


def wrapped(
    text: str, *, first: str = "", rest: str = "", width: int = WIDTH, whole_words: bool = False
) -> list[str]:
    """Return text in lines of at most ``width`` columns; with ``whole_words`` one that is longer is not broken."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=not whole_words,
        break_on_hyphens=not whole_words,
    )


def plainly(text: str, first: str = "", rest: str = "  ") -> str:
    """Return text in plain lines of at most 80 columns."""
    return "\n".join(wrapped(plain(text), first=first, rest=rest))


def columns(rows: Sequence[Sequence[str]], *, indent: int = 2) -> list[str]:
    """Return rows, the first of them the header, as lines: names at the left, numbers at the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append((" " * indent + "  ".join((row[0].ljust(widths[0]), *numbers))).rstrip())
    return lines


def in_blocks(*blocks: Sequence[str]) -> str:
    """Return blocks of lines with an empty line between them, without those that are empty."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
