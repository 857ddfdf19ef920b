"""`postdose ledger`: verifies, exports or moves the record of looks, or names its head."""

import argparse
import os
from pathlib import Path

from flows.commands.arguments import add_json, add_state
from flows.settings import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, dest="action", metavar="verify|export|head|move")
    verify = actions.add_parser("verify", help="verify the chain; name the first bad record")
    verify.add_argument(
        "--expect-head", metavar="HASH", help="a hash that a report or `head` named: it must be in the chain"
    )
    verify.add_argument(
        "--rebuild",
        action="store_true",
        help="write anew from the records what is kept beside them, where the chain holds",
    )
    export = actions.add_parser("export", help="print every record, one JSON object a line")
    head = actions.add_parser("head", help="print the newest record's sequence and hash")
    move = actions.add_parser(
        "move", help="copy the ledger into another, empty database, and verify it there"
    )
    move.add_argument("--to", required=True, metavar="URL", help="the other database")
    for action in (verify, export, head, move):
        add_state(action, "POSTDOSE_STATE, else postdose.sqlite in this folder")
        add_json(action)


def run(options: argparse.Namespace) -> int:
    from flows.ledger.command import run_export, run_head, run_move, run_verify

    settings = read_settings(os.environ, state=options.state, folder=Path())
    if options.action == "verify":
        return run_verify(
            settings, expect_head=options.expect_head, rebuild=options.rebuild, as_json=options.json
        )
    if options.action == "move":
        return run_move(settings, to=options.to, as_json=options.json)
    run = run_export if options.action == "export" else run_head
    return run(settings, as_json=options.json)
