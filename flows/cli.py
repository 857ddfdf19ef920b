"""Parse the command line of ``postdose``, and turn every error into a message and an exit code.

What each command does is in ``flows.commands``.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from checks.errors import PostdoseError, ProtocolError
from flows import commands
from flows.settings import prefect_settings

SCENARIOS = ("cyt107", "null", "early", "late", "alc", "diurnal")
ENGINES = ("local", "dask")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    own = 1 if given[:1] == ["prefect"] else len(given)  # what follows `prefect` is not ours to parse
    options = _parser().parse_args(given[:own], argparse.Namespace(handed_on=given[own:]))
    _show_progress()
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        os.environ.update(prefect_settings(os.environ))
        return command(options)
    except ProtocolError as error:
        print(error, file=sys.stderr)
        print(f"{len(error.problems)} to correct. {error.remedy}", file=sys.stderr)
        return error.exit_code
    except PostdoseError as error:
        print(f"postdose: {error}\n{error.remedy}", file=sys.stderr)
        return error.exit_code


def _show_progress() -> None:
    """Let our own progress, and nothing else, reach standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("postdose")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="postdose",
        description="Watches a running clinical trial for harm that is locked to dosing.",
        epilog="Exit codes of a look: 0 no_signal, 10 watch, 20 signal, 30 not_assessable. postdose recommends; "
        "a DSMB decides. It is not a medical device.",
    )
    offered = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = offered.add_parser("demo", help="simulate a study with planted cases and find them")
    demo.add_argument(
        "--out", type=Path, default=Path("demo"), help="folder for the simulated study (default: demo)"
    )
    demo.set_defaults(run=commands.demo)
    check = offered.add_parser("check", help="list every problem of a study protocol file")
    check.add_argument("protocol", type=Path)
    check.set_defaults(run=commands.check)
    look = offered.add_parser("look", help="make one look at a study (the main job)")
    _look_arguments(look)
    look.set_defaults(run=commands.look)
    receive = offered.add_parser("receive", help="take files in as deliveries of a feed")
    _receive_arguments(receive)
    replay = offered.add_parser(
        "replay", help="look again at each past data cut-off with the data as they were known then"
    )
    _replay_arguments(replay)
    replay.set_defaults(run=commands.replay)
    simulate = offered.add_parser("simulate", help="write the SDTM feeds of a simulated study")
    simulate.add_argument("scenario", choices=SCENARIOS)
    simulate.add_argument("--out", type=Path, required=True)
    simulate.add_argument("--seed", type=int, default=1)
    simulate.add_argument("--subjects", type=int)
    simulate.set_defaults(run=commands.simulate)
    boundary = offered.add_parser("boundary", help="show a stopping boundary and its exact characteristics")
    _boundary_arguments(boundary)
    boundary.set_defaults(run=commands.boundary)
    design = offered.add_parser("design", help="write what a protocol's rules do, for the DSMB to sign")
    design.add_argument("protocol", type=Path)
    design.add_argument("--out", type=Path, help="folder for the page (default: design beside the protocol)")
    design.add_argument(
        "--subjects", type=int, help="planned subjects (default: a rate rule's largest n_max)"
    )
    design.add_argument("--json", action="store_true", help="print design.json and nothing else")
    design.set_defaults(run=commands.design)
    alerts = offered.add_parser("alerts", help="list, show or take alerts; test whether one would arrive")
    _alerts_arguments(alerts)
    ledger = offered.add_parser("ledger", help="verify or export the record of looks, or name its head")
    _ledger_arguments(ledger)
    heartbeat = offered.add_parser(
        "heartbeat",
        help="for an outside watchdog: not 0 when the last look or a feed is too old",
        epilog="Exit codes: 0 alive, 30 no look or an old one, a feed stale or blocked, 40 a message was given up, "
        "41 the ledger cannot be read.",
    )
    heartbeat.add_argument("protocol", type=Path, help="study protocol file")
    heartbeat.add_argument("--state", help="database URL of the ledger (default: as of a look)")
    heartbeat.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    heartbeat.set_defaults(run=commands.heartbeat)
    serve = offered.add_parser(
        "serve", help="run scheduled looks, and looks asked for, through a Prefect server"
    )
    serve.add_argument("protocols", nargs="+", type=Path, metavar="PROTOCOL")
    serve.add_argument("--cron", help="a schedule in place of the protocol's")
    serve.set_defaults(run=commands.serve)
    _operating(offered)
    return parser


def _operating(offered: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    doctor = offered.add_parser("doctor", help="say what would stop a look tonight")
    doctor.add_argument("protocols", nargs="*", type=Path, metavar="PROTOCOL")
    doctor.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    doctor.set_defaults(run=commands.doctor)
    prefect = offered.add_parser(
        "prefect",
        help="run Prefect's own command with our settings: no telemetry, the database",
        add_help=False,
    )
    prefect.set_defaults(run=commands.prefect)


def _look_arguments(look: argparse.ArgumentParser) -> None:
    look.add_argument("protocol", help="study protocol file")
    look.add_argument(
        "--feeds", type=Path, help="folder that holds the feeds, in place of the protocol's paths"
    )
    look.add_argument(
        "--data-cutoff", type=_moment, help="the only 'now', with an offset or Z (default: now)"
    )
    look.add_argument(
        "--state", help="database URL of the ledger (default: postdose.sqlite beside the protocol)"
    )
    look.add_argument("--out", type=Path, help="folder for the look's files")
    look.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="where a large study is computed: in this process (default), or on a Dask cluster",
    )
    look.add_argument(
        "--closed",
        action="store_true",
        help="write the report by arm as well (needs POSTDOSE_CLOSED=allowed)",
    )
    look.add_argument("--reason", default="", help="why the arm is read (with --closed; kept in the ledger)")
    look.add_argument("--by", default="", help="who reads the arm (with --closed; kept in the ledger)")
    look.add_argument("--json", action="store_true", help="print look.json and nothing else")


def _receive_arguments(receive: argparse.ArgumentParser) -> None:
    receive.add_argument("protocol", help="study protocol file")
    receive.add_argument("domain", help="the feed's domain, such as VS")
    receive.add_argument("files", nargs="+", type=Path, metavar="FILE")
    receive.add_argument(
        "--received-at", type=_moment, help="when they were received, with an offset or Z (default: now)"
    )
    receive.set_defaults(run=commands.receive)


def _replay_arguments(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("protocol", help="study protocol file")
    replay.add_argument(
        "--from",
        dest="first",
        metavar="T",
        type=_moment,
        help="first data cut-off (default: day of the first dose)",
    )
    replay.add_argument(
        "--to",
        dest="last",
        metavar="T",
        type=_moment,
        help="no data cut-off later (default: when all was known)",
    )
    replay.add_argument("--every", default="1d", help="time between looks: 30min, 6h (default: 1d)")
    replay.add_argument(
        "--feeds", type=Path, help="folder that holds the feeds, in place of the deliveries on record"
    )
    replay.add_argument("--out", type=Path, help="folder for the replay's files")
    replay.add_argument("--json", action="store_true", help="print replay.json and nothing else")


def _boundary_arguments(boundary: argparse.ArgumentParser) -> None:
    boundary.add_argument("method", metavar="METHOD", help="as a rate rule of a study protocol names it")
    boundary.add_argument("--n-max", type=int, required=True, help="largest number of subjects")
    boundary.add_argument("--null-rate", type=float, required=True, help="acceptable rate of events")
    boundary.add_argument("--alpha", type=float, required=True, help="largest probability of crossing at it")
    boundary.add_argument("--looks", help="subjects at each look, as 5,10,15 (default: after every subject)")
    boundary.add_argument(
        "--rates", help="true rates to judge it at, as 0.1,0.2 (default: null rate and above)"
    )
    boundary.add_argument("--prior", help="a,b of the beta prior (beta_binomial, chen_chaloner)")
    boundary.add_argument("--delta", type=float, help="shape (wang_tsiatis)")
    boundary.add_argument("--alternative-rate", type=float, help="unacceptable rate (sprt, chen_chaloner)")
    boundary.add_argument("--nu", type=float, help="posterior probability (chen_chaloner)")
    boundary.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _alerts_arguments(alerts: argparse.ArgumentParser) -> None:
    actions = alerts.add_subparsers(required=True, dest="action", metavar="list|show|ack|resend|route-test")
    listed = actions.add_parser("list", help="list the alerts that are open or acknowledged")
    listed.add_argument("--all", action="store_true", help="also those whose cause is gone")
    show = actions.add_parser("show", help="show one alert, and all that became of it")
    ack = actions.add_parser("ack", help="take an alert: nobody further is told, unless the evidence worsens")
    resend = actions.add_parser("resend", help="send again what was given up of an alert")
    resend.add_argument("protocol", type=Path, help="study protocol file, beside which channels' files lie")
    for action in (show, ack, resend):
        action.add_argument("alert", metavar="ALERT", help="its id, or the first characters of it")
    for action in (ack, resend):
        action.add_argument("--by", required=True, help="your name, as you give it: nobody is authenticated")
    ack.add_argument("--reason", required=True, help="what you do about it (kept in the ledger)")
    for action in (listed, show, ack, resend):
        action.add_argument(
            "--state",
            help="database URL of the ledger (default: POSTDOSE_STATE, else postdose.sqlite in this folder; "
            "of resend, beside the protocol)",
        )
        action.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        action.set_defaults(run=commands.alerts)
    route_test = actions.add_parser("route-test", help="send a message marked TEST through every channel")
    route_test.add_argument("protocol", help="study protocol file")
    route_test.add_argument("--role", help="test the channels of this role alone")
    route_test.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    route_test.set_defaults(run=commands.route_test)


def _ledger_arguments(ledger: argparse.ArgumentParser) -> None:
    actions = ledger.add_subparsers(required=True, dest="action", metavar="verify|export|head|move")
    verify = actions.add_parser("verify", help="verify the chain; name the first bad record")
    verify.add_argument(
        "--expect-head", metavar="HASH", help="a hash that a report or `head` named: it must be in the chain"
    )
    export = actions.add_parser("export", help="print every record, one JSON object a line")
    head = actions.add_parser("head", help="print the newest record's sequence and hash")
    move = actions.add_parser(
        "move", help="copy the ledger into another, empty database, and verify it there"
    )
    move.add_argument("--to", required=True, metavar="URL", help="the other database")
    for action in (verify, export, head, move):
        action.add_argument(
            "--state",
            help="database URL of the ledger (default: POSTDOSE_STATE, else postdose.sqlite in this folder)",
        )
        action.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        action.set_defaults(run=commands.ledger)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; allowed: ISO 8601, as 2026-03-01T06:00Z"
        ) from error
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"found {text!r} without a zone; allowed: an offset or Z at its end")
    return moment


if __name__ == "__main__":
    sys.exit(main())
