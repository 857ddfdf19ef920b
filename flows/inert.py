"""Text of feeds and people as listings, pages and terminals may hold it: nothing in it commands who opens it."""

import json
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from checks.errors import DefectError, PostdoseError

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
R = TypeVar("R")

_PLACES: Final = 4
"""Places in our code that tell where a defect is."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
                   "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
"""What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV Injection), in either width."""

_BEGINS: Final = re.compile(rf"(^|[;|])(?=[ \"]*[{re.escape(''.join(_FORMULA))}]|')")
"""Where a cell begins with a formula or an apostrophe: also behind what is a separator elsewhere (OWASP)."""

_NEUTRAL: Final = re.compile(r"(^|[;|])'")

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

UNSEEN: Final = (
    "\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Beyond ASCII's control characters: those of Unicode, what turns the direction of text, what has no width (its
categories Cc, Cf, Zl, Zp), and halves of a character."""

_COMMANDS: Final = re.compile(f"[\x00-\x1f{UNSEEN}]")

_ESCAPED: Final = re.compile(r"(?:\\u[0-9a-f]{4})+|\\\\")


def inert_cell(text: str) -> str:
    r"""Return a text as a cell of a listing: a formula to no spreadsheet, a command to no terminal.

    What would be a formula has an apostrophe before it, and so has what begins with one, also behind ``;`` or ``|``,
    at which some spreadsheets divide a cell; a number has none. A character that commands is written ``\u001b``, and
    a backslash as two. ``cell_text`` returns the text.
    """
    written = _COMMANDS.sub(_as_written, text.replace("\\", "\\\\"))
    return written if _NUMBER.fullmatch(written) else _BEGINS.sub(r"\1'", written)


def cell_text(cell: str) -> str:
    """Return the text that a cell of a listing stands for, as it was before ``inert_cell``."""
    return _ESCAPED.sub(lambda one: json.loads(f'"{one[0]}"'), _NEUTRAL.sub(r"\1", cell))


def _as_written(one: re.Match[str]) -> str:
    """Return a character as JSON escapes it."""
    return json.dumps(one[0])[1:-1] if ord(one[0]) > 0x7F else f"\\u{ord(one[0]):04x}"


def inert_csv(table: "pd.DataFrame") -> str:
    """Return a table as CSV of which each text is an inert cell; times are of a second, in UTC."""
    texts = {
        name: column.map({one: inert_cell(str(one)) for one in column.dropna().unique()})
        for name, column in table.items()
        if column.dtype.kind not in "biufM"
    }
    shown = table.assign(**{str(name): column for name, column in texts.items()})
    return shown.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")


def without_its_words(work: Callable[P, R], /) -> Callable[P, R]:
    """Return what does the same work, and raises what nobody foresaw by its kind and place alone.

    The words of a library's error may quote a value, a name or a path, and are kept and shown by whoever meets it:
    a log, a database, a terminal. Our own errors, and those of the operating system, are raised as they are.

    Raises
    ------
    DefectError
        Of any other exception.
    """

    @wraps(work)
    def done(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        except (PostdoseError, OSError):
            raise
        except Exception as error:
            raise defect_of(error) from None

    return done


def defect_of(error: BaseException) -> DefectError:
    """Return an error that nobody foresaw by its kind, and by the last places in our code on the way to it."""
    frames = [
        one for one in extract_tb(error.__traceback__) if {"checks", "flows"} & set(Path(one.filename).parts)
    ]
    places = [f"{'/'.join(Path(one.filename).parts[-3:])}:{one.lineno}" for one in frames[-_PLACES:]]
    return DefectError(
        f"found {type(error).__name__} at {' < '.join(reversed(places)) or 'no place of ours'}"
    )


def inert_line(text: str) -> str:
    r"""Return a text for a terminal, a log or a document, in which a character that commands is written ``\u001b``.

    Lines stay, and JSON stays the same document.
    """
    return _COMMANDS.sub(lambda one: one[0] if one[0] == "\n" else _as_written(one), text)
