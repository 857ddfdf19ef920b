"""`postdose prefect`: Prefect's own command with our settings, in place of this one."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

VERSION: Final = ("version", "--version", "-v")
"""What Prefect's command begins with where it tells its version; further on they are of what is deployed."""


def asks_for_help(handed_on: Sequence[str]) -> bool:
    """Whether what is handed on has Prefect's command print its help or version and end, without a server."""
    return not handed_on or handed_on[0] in VERSION or "--help" in handed_on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: what follows is Prefect's to parse."""


def run(options: argparse.Namespace) -> int:
    """Run Prefect's own command in place of this one."""
    command = [sys.executable, "-m", "prefect", *options.handed_on]
    os.execv(sys.executable, command)  # noqa: S606 - in our place, so that signals reach it
