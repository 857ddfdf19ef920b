"""`postdose doctor`: what would stop a look tonight."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "protocols",
        nargs="*",
        type=Path,
        metavar="PROTOCOL",
        help="study protocol file; without one, the machine alone",
    )
    parser.epilog = (
        "Exit codes: 0 when nothing would stop a look, else that of the first thing that would: 2 the environment "
        "or the protocol, 41 or 4 the ledger, 40 a role that no alert would reach, 3 a feed."
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    from flows.doctor import run_doctor

    return run_doctor(options.protocols, os.environ, datetime.now(UTC), as_json=options.json)
