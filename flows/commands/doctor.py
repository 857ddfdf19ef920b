"""`postdose doctor`: what would stop a look tonight."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocols", nargs="*", type=Path, metavar="PROTOCOL")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    from flows.doctor import run_doctor

    return run_doctor(options.protocols, os.environ, datetime.now(UTC), as_json=options.json)
