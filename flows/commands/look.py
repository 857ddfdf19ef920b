"""`postdose look`: one look at a study, and the closed report where one is asked for."""

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from checks.errors import PostdoseError, UsageError
from flows.commands.arguments import add_json, add_state, moment
from flows.commands.printing import document_text, print_last
from flows.settings import STATE, protocol_path

if TYPE_CHECKING:
    from flows.looks.conclusion import LookOutcome

ENGINES = ("local", "dask")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", help="study protocol file")
    parser.add_argument("--feeds", help="folder that holds the feeds, in place of the protocol's paths")
    parser.add_argument(
        "--data-cutoff", type=moment, help="the only 'now', with an offset or Z (default: now)"
    )
    parser.add_argument(
        "--allow-future", action="store_true", help="let the data cut-off be one that is still to come"
    )
    add_state(parser, "postdose.sqlite beside the protocol")
    parser.add_argument("--out", help="folder for the look's files")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="where a large study is computed: in this process (default), or on a Dask cluster",
    )
    parser.add_argument(
        "--closed",
        action="store_true",
        help="write the report by arm as well (needs POSTDOSE_CLOSED=allowed)",
    )
    parser.add_argument(
        "--reason", default="", help="why the arm is read (with --closed; kept in the ledger)"
    )
    parser.add_argument("--by", default="", help="who reads the arm (with --closed; kept in the ledger)")
    add_json(parser, "look.json")


def run(options: argparse.Namespace) -> int:
    if options.state:  # a URL may hold a password: it never becomes a parameter
        os.environ[STATE] = options.state
    from flows.looks.monitor import make_look

    if options.closed:
        _require_closed(options)
    elif options.reason or options.by:
        raise UsageError("--reason, --by: found without --closed; allowed: only with it, to read the arm")
    outcome = make_look(
        options.protocol,
        data_cutoff=options.data_cutoff,
        feeds=options.feeds,
        out=options.out,
        engine=options.engine,
        allow_future=options.allow_future,
    )
    _show(outcome, options.protocol, as_json=options.json)
    return _closed(options, outcome) if options.closed else int(outcome.exit_code)


def _require_closed(options: argparse.Namespace) -> None:
    """Refuse a closed report before the look is made."""
    from flows.looks.closed.report import require_permission
    from flows.looks.study import open_study

    study = open_study(options.protocol, os.environ)
    require_permission(study.settings, study.protocol, reason=options.reason, by=options.by)


def _closed(options: argparse.Namespace, outcome: "LookOutcome") -> int:
    """Write the closed report of a look; a signal exits 20 whatever becomes of the report."""
    from flows.looks.closed.look import write_closed
    from flows.looks.conclusion import EXIT_CODES
    from flows.looks.study import open_study

    study = open_study(options.protocol, os.environ)
    try:
        page = write_closed(study, outcome, feeds=options.feeds, reason=options.reason, by=options.by)
    except PostdoseError as error:
        print(f"postdose: no closed report: {error}\n{error.remedy}", file=sys.stderr)
        return outcome.exit_code if outcome.exit_code == EXIT_CODES["signal"] else error.exit_code
    except Exception as error:  # its words may tell an arm
        if outcome.exit_code != EXIT_CODES["signal"]:
            raise
        print(f"postdose: no closed report ({type(error).__name__})", file=sys.stderr)
        return outcome.exit_code
    print(f"Closed report: {page}", file=sys.stderr)
    return outcome.exit_code


def _show(outcome: "LookOutcome", study: str, *, as_json: bool) -> None:
    document = outcome.document
    brief = (
        f"{document['study']}: {document['standing']}, look {document['look_id']}. Report: {outcome.report}"
    )
    print_last(partial(_text, outcome, study, as_json=as_json), otherwise=brief)


def _text(outcome: "LookOutcome", study: str, *, as_json: bool) -> str:
    if as_json:
        return document_text(outcome.document)
    from checks.protocol import load_protocol
    from flows.pages.terminal import text_summary

    protocol = load_protocol(protocol_path(study, os.environ))
    page = (
        outcome.report if outcome.report.is_file() else None
    )  # where it could not be written, that was said
    return text_summary(outcome.document, protocol, report=page)
