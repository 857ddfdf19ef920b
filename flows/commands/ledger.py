"""`postdose ledger`: verifies, exports or moves the record of looks, names its head, or goes on in another."""

import argparse
import os
from pathlib import Path

from checks.errors import FilesDifferError, UsageError
from flows.commands.arguments import add_json, add_state
from flows.settings import Settings, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        required=True, dest="action", metavar="verify|export|head|move|accept-head|quarantine"
    )
    verify = actions.add_parser(
        "verify", help="verify the chain; name the first bad record, and exit 4 where there is one"
    )
    verify.add_argument(
        "protocol", nargs="?", help="study protocol file: the heads kept beside it are compared too"
    )
    verify.add_argument(
        "--files", action="store_true", help="compare the files of every look of the study with the records"
    )
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
    accept = actions.add_parser(
        "accept-head", help="go on in a ledger that lacks the newest head known beside the study"
    )
    accept.add_argument("protocol", help="study protocol file")
    accept.add_argument("--by", required=True, metavar="NAME", help="who says so")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why its records are given up")
    quarantine = actions.add_parser(
        "quarantine",
        help="leave records that another hand put in out of the chain (needs POSTDOSE_LEDGER_KEY)",
    )
    quarantine.add_argument("sequence", nargs="+", type=int, help="the record, as `verify` names it")
    quarantine.add_argument("--by", required=True, metavar="NAME", help="who says so")
    quarantine.add_argument("--reason", required=True, metavar="TEXT", help="how it came there")
    for action in (verify, export, head, move, accept, quarantine):
        add_state(action, "POSTDOSE_STATE, else postdose.sqlite in this folder, or beside the protocol")
        add_json(action)


def run(options: argparse.Namespace) -> int:
    from flows.ledger.command import run_export, run_head, run_move

    if options.action == "verify":
        return _verify(options)
    if options.action == "accept-head":
        return _accept(options)
    settings = read_settings(os.environ, state=options.state, folder=Path())
    if options.action == "quarantine":
        return _quarantine(options, settings)
    if options.action == "move":
        return run_move(settings, to=options.to, as_json=options.json)
    run = run_export if options.action == "export" else run_head
    return run(settings, as_json=options.json)


def _verify(options: argparse.Namespace) -> int:
    from functools import partial

    from checks.protocol import load_protocol
    from flows.ledger.command import Beside, run_verify

    beside, folder = [], Path()
    if options.files and options.protocol is None:
        raise UsageError("--files: found no PROTOCOL; allowed: `postdose ledger verify --files PROTOCOL`")
    if options.protocol is not None:
        from flows.ledger.heads import heads_that_differ
        from flows.looks.kept_files import files_that_differ

        protocol = load_protocol(Path(options.protocol))
        folder = protocol.folder
        heads = partial(heads_that_differ, folder=folder, study=protocol.study.id)
        beside = [Beside("the heads beside the study", heads)]
        if options.files:
            files = partial(files_that_differ, protocol=protocol)
            beside.append(Beside("the files of its looks", files, FilesDifferError))
    return run_verify(
        read_settings(os.environ, state=options.state, folder=folder),
        expect_head=options.expect_head,
        rebuild=options.rebuild,
        as_json=options.json,
        beside=beside,
    )


def _accept(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime
    from functools import partial

    from checks.protocol import load_protocol
    from flows.ledger.command import run_accept
    from flows.looks.kept_files import unknown_folders

    protocol = load_protocol(Path(options.protocol))
    return run_accept(
        read_settings(os.environ, state=options.state, folder=protocol.folder),
        protocol,
        by=options.by,
        reason=options.reason,
        now=datetime.now(UTC),
        as_json=options.json,
        unknown=partial(unknown_folders, protocol=protocol),
    )


def _quarantine(options: argparse.Namespace, settings: Settings) -> int:
    from datetime import UTC, datetime

    from flows.commands.words_of_people import require_untelling_of
    from flows.ledger import Ledger
    from flows.ledger.command import run_quarantine

    studies = Ledger.of(settings, must_exist=True).standings()
    require_untelling_of(studies, {"--by": options.by, "--reason": options.reason}, settings)
    return run_quarantine(
        settings,
        options.sequence,
        by=options.by,
        reason=options.reason,
        now=datetime.now(UTC),
        as_json=options.json,
    )
