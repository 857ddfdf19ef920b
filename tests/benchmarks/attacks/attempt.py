"""One attempt and what came of it; what the parts share: a folder, a PostgreSQL server, what was done before."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from postgresql import a_postgresql, postgresql_programs


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried, whether it held, and what was seen; one that ``sums_up`` is printed below the table."""

    part: str
    kind: str
    name: str
    held: bool
    said: str = ""
    sums_up: bool = False
    numbers: dict[str, float] = field(default_factory=dict)


def tried(kept: Path) -> list[Attempt]:
    """Return what was tried so far; a line that was cut short was not."""
    found = []
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else ():
        try:
            found.append(Attempt(**json.loads(line)))
        except ValueError:
            continue
    return found


def held(check: Callable[[], str]) -> tuple[bool, str]:
    """Return whether a check held, and what it said."""
    try:
        return True, check()
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"[:500]


class Bench(ExitStack):
    """The folder of all attempts, what was done before by name, and a PostgreSQL server once one is asked for."""

    def __init__(self, work: Path) -> None:
        super().__init__()
        self.work = work
        self.done: dict[str, Attempt] = {}

    @cached_property
    def postgresql(self) -> str | None:
        """The URL of its `postgres` database; None where no server is installed."""
        programs = postgresql_programs()
        return None if programs is None else self.enter_context(a_postgresql(programs)).url
