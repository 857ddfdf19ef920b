"""What a page sets in rows: tables, their columns and cells, and terms with what is said of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

Row = TypeVar("Row", bound=Mapping[Any, object])


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, a second line in smaller letters, and a tone that the style sheet knows."""

    text: str
    note: str = ""
    tone: str = ""


Columns: TypeAlias = Mapping[str, str | Callable[[Row], Cell | str]]
"""The headings of a table, in order, with what stands below: a field of each row, or what is made of the row."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is read; ``empty`` is said when it has no row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""


def table(caption: str, columns: Columns[Row], rows: Iterable[Row], empty: str = "") -> Table:
    """Return the table of such rows below such columns; the first names the row."""
    values = ([one[of] if isinstance(of, str) else of(one) for of in columns.values()] for one in rows)
    return Table(caption, tuple(columns), tuple(cells(*row) for row in values), empty)


def cells(*values: object) -> tuple[Cell, ...]:
    """Return a row: a cell as it is, a count with its thousands apart, all else as text."""
    return tuple(value if isinstance(value, Cell) else Cell(_text(value)) for value in values)


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True)
class Item:
    """A term with its value and what the value means."""

    term: str
    value: str
    note: str = ""
