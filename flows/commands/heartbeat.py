"""`postdose heartbeat`: for an outside watchdog, whether looks and feeds are as fresh as the protocol asks."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.epilog = (
        "Exit codes: 0 alive, 30 no look or an old one, a feed stale or blocked, 40 a message was given up, "
        "41 the ledger cannot be read."
    )
    parser.add_argument("protocol", type=Path, help="study protocol file")
    parser.add_argument("--state", help="database URL of the ledger (default: as of a look)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Say whether looks and feeds are as fresh as the protocol asks."""
    from flows.heartbeat import run_heartbeat

    return run_heartbeat(options.protocol, state=options.state, now=datetime.now(UTC), as_json=options.json)
