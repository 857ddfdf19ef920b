"""Columns that hold the arm are named by readers, the simulator and the closed path alone."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"""["'](?:ACT)?ARM(?:CD|NRS|UD)?["']""")
MAY_NAME = {"checks/tables.py", "flows/looks/closed/arms.py", "flows/simulate/sdtm.py"}
"""Readers of another standard give a feed such columns as well: they say what was delivered, and decide nothing."""


def test_no_other_module_names_a_column_that_holds_the_arm() -> None:
    sources = [path for package in ("checks", "flows") for path in (ROOT / package).rglob("*.py")]
    naming = {path.relative_to(ROOT).as_posix() for path in sources if NAMED.search(path.read_text("utf-8"))}
    assert {name for name in naming if not name.startswith("flows/feeds/")} == MAY_NAME


def test_active_arms_are_read_by_the_closed_path_alone() -> None:
    sources = [path for package in ("checks", "flows") for path in (ROOT / package).rglob("*.py")]
    reading = {
        path.relative_to(ROOT).parent.as_posix()
        for path in sources
        if ".active_arms" in path.read_text("utf-8")
    }
    assert reading <= {"checks/closed", "flows/looks/closed", "checks/protocol"}
