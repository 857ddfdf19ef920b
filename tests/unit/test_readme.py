"""The README names every command, and every command names each of its actions, where a user looks for them."""

import argparse
from pathlib import Path

import pytest

from flows.commands.cli import COMMANDS

ROWS = [
    line
    for line in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `postdose ")
]


def actions_of(name: str) -> argparse.Action | None:
    parser = argparse.ArgumentParser(prog=name)
    COMMANDS[name][0].add_arguments(parser)
    found = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return found[0] if found else None


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_and_each_action_has_its_place_in_the_table(name: str) -> None:
    rows = [
        row
        for row in ROWS
        if row.startswith(f"| `postdose {name} ") or row.startswith(f"| `postdose {name}`")
    ]
    assert rows
    actions = actions_of(name)
    for action in actions.choices if actions is not None and actions.choices else ():
        assert any(action in row for row in rows)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_names_each_action(name: str) -> None:
    actions = actions_of(name)
    if actions is not None and isinstance(actions.metavar, str) and "|" in actions.metavar:
        assert actions.metavar.split("|") == list(actions.choices or ())
