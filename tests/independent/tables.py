"""The tables beside this file: numbers that other programs gave, each table with its source in its first line."""

import csv
from pathlib import Path


def rows_of(name: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with (Path(__file__).parent / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))
