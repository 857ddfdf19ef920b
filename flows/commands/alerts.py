"""`postdose alerts`: lists, shows, takes and sends again alerts, and tests whether one would arrive."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from flows.commands.arguments import add_json, add_state
from flows.settings import Settings, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(
        required=True, dest="action", metavar="list|show|ack|close|resend|route-test"
    )
    listed = actions.add_parser("list", help="list the alerts that are open or acknowledged")
    listed.add_argument("--all", action="store_true", help="also those whose cause is gone")
    show = actions.add_parser("show", help="show one alert, and all that became of it")
    ack = actions.add_parser("ack", help="take an alert: nobody further is told, unless the evidence worsens")
    close = actions.add_parser(
        "close", help="close a signal, with a reason: it returns by new evidence alone"
    )
    resend = actions.add_parser("resend", help="send again what was given up of an alert")
    resend.add_argument("protocol", type=Path, help="study protocol file, beside which channels' files lie")
    for action in (show, ack, close, resend):
        action.add_argument("alert", metavar="ALERT", help="its id, or the first characters of it")
    for action in (ack, close, resend):
        action.add_argument("--by", required=True, help="your name, as you give it: nobody is authenticated")
    ack.add_argument("--reason", required=True, help="what you do about it (kept in the ledger)")
    close.add_argument("--reason", required=True, help="what it was found to be (kept in the ledger)")
    for action in (listed, show, ack, close):
        action.add_argument(
            "--protocol",
            type=Path,
            metavar="PROTOCOL",
            help="study protocol file: the ledger beside it, which must be the one known there to ack or close",
        )
    for action in (listed, show, ack, close, resend):
        add_state(action, "POSTDOSE_STATE, else postdose.sqlite in this folder, or beside the protocol")
        add_json(action)
    route_test = actions.add_parser("route-test", help="send a message marked TEST through every channel")
    route_test.set_defaults(state=None)
    route_test.add_argument("protocol", type=Path, help="study protocol file")
    route_test.add_argument("--role", help="test the channels of this role alone")
    add_json(route_test)


def run(options: argparse.Namespace) -> int:
    from checks.protocol import load_protocol
    from flows.alerts.command import run_ack, run_close, run_list, run_resend, run_route_test, run_show

    now = datetime.now(UTC)
    if options.action in {"route-test", "resend"}:
        protocol = load_protocol(options.protocol)
        settings = read_settings(os.environ, state=options.state, folder=protocol.folder)
        if options.action == "route-test":
            addresses = settings.addresses
            return run_route_test(protocol, addresses, now, role=options.role, as_json=options.json)
        return run_resend(settings, protocol, options.alert, by=options.by, now=now, as_json=options.json)
    folder = None if options.protocol is None else load_protocol(options.protocol).folder
    settings = read_settings(os.environ, state=options.state, folder=folder or Path())
    if options.action in {"ack", "close"}:
        if options.by.strip() and options.reason.strip():  # else it is refused for that
            _require_untelling(settings, options)
        decide = run_ack if options.action == "ack" else run_close
        words = {"by": options.by, "reason": options.reason}
        return decide(settings, options.alert, **words, now=now, as_json=options.json, folder=folder)
    if options.action == "list":
        return run_list(settings, closed=options.all, as_json=options.json)
    return run_show(settings, options.alert, as_json=options.json)


def _require_untelling(settings: Settings, options: argparse.Namespace) -> None:
    """Refuse a name or a reason that tells an arm of the alert's study."""
    from flows.alerts.command import named_alert
    from flows.commands.words_of_people import require_untelling_of
    from flows.ledger import Ledger

    study, _ = named_alert(Ledger.of(settings, must_exist=True), options.alert)
    require_untelling_of(
        [study], {"--by": options.by, "--reason": options.reason}, settings, options.protocol
    )
