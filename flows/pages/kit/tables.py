"""What a page sets in rows: tables, their cells, and terms with what is said of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, a second line in smaller letters, and a tone that the style sheet knows."""

    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is read: the first cell of a row names the row; ``empty`` is said when there is none."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A term with its value and what the value means."""

    term: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above every page: the name of its tab, which study, and whether that is simulated."""

    tab: str
    study: str
    title: str
    registry: str
    simulated: bool
