"""`postdose prefect`: Prefect's own command with our settings, in place of this one."""

import argparse
import os
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: what follows is Prefect's to parse."""


def run(options: argparse.Namespace) -> int:
    """Run Prefect's own command in place of this one."""
    command = [sys.executable, "-m", "prefect", *options.handed_on]
    os.execv(sys.executable, command)  # noqa: S606 - in our place, so that signals reach it
