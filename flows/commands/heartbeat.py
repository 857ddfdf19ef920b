"""`postdose heartbeat`: for an outside watchdog, whether looks and feeds are as fresh as the protocol asks."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from flows.commands.arguments import add_json, add_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Exit codes: 0 alive, 30 no look or an old one, a feed stale or blocked, 40 a message was given up, "
        "41 the ledger cannot be read."
    )
    parser.add_argument("protocol", type=Path, help="study protocol file")
    add_state(parser, "as of a look")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    from flows.heartbeat import run_heartbeat

    return run_heartbeat(options.protocol, state=options.state, now=datetime.now(UTC), as_json=options.json)
