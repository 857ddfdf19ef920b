"""`postdose deliveries`: lists what was received of a study, sets a delivery aside, or restores one."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.commands.arguments import add_json, add_state, moment
from flows.settings import STATE

if TYPE_CHECKING:
    from flows.looks.setting_aside import Kept


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, dest="action", metavar="list|set-aside|restore")
    listed = actions.add_parser("list", help="list every delivery that was received, and its state")
    aside = actions.add_parser("set-aside", help="let a delivery not be read from now on")
    restored = actions.add_parser(
        "restore", help="let a delivery be read again; mend a receipt that is torn, lost or of a time to come"
    )
    for action in (listed, aside, restored):
        action.add_argument("protocol", help="study protocol file")
    for action in (aside, restored):
        action.add_argument(
            "which",
            nargs="+",
            metavar="DELIVERY",
            help="one delivery: its domain and number, as VS 3, or six or more digits of its hash",
        )
        action.add_argument("--by", required=True, help="your name, as you give it: nobody is authenticated")
        action.add_argument("--reason", required=True, help="why (kept in the ledger, shown in each look)")
    restored.add_argument(
        "--received-at",
        type=lambda text: datetime.now(UTC) if text == "now" else moment(text),
        metavar="T",
        help="when it was received, with an offset or Z, or now (default: as it is, unless that is to come)",
    )
    for action in (listed, aside, restored):
        add_state(action, "postdose.sqlite beside the protocol")
        add_json(action)


def run(options: argparse.Namespace) -> int:
    if options.state:
        os.environ[STATE] = options.state
    from flows.looks.setting_aside import list_deliveries, restore, set_aside
    from flows.looks.study import open_study

    study, now = open_study(options.protocol, os.environ), datetime.now(UTC).replace(microsecond=0)
    shown = list_deliveries(study, now)
    if options.action != "list":
        said = {"by": options.by, "reason": options.reason, "now": now}
        if options.action == "restore":
            at = None if options.received_at is None else options.received_at.replace(microsecond=0)
            receipt = restore(study, options.which, received_at=at, **said)
        else:
            receipt = set_aside(study, options.which, **said)
        place = (receipt.domain, receipt.number)
        shown = tuple(one for one in list_deliveries(study, now) if one.place == place)
    _show(study.id, shown, now, as_json=options.json)
    for fault in study.inbox().store.foreign_folders():
        print(fault.said, file=sys.stderr)
    return 0


def _show(study: str, deliveries: "tuple[Kept, ...]", now: datetime, *, as_json: bool) -> None:
    rows = [
        {
            "domain": one.place[0],
            "number": one.place[1],
            "sha256": one.sha256,
            "size": one.size,
            "received_at": None if (at := one.received_at(now)) is None else f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "state": one.state(now),
        }
        for one in deliveries
    ]
    if as_json:
        print(json.dumps({"schema": "postdose/deliveries/1", "study": study, "deliveries": rows}, indent=1))
        return
    for row in rows:
        size = "-" if row["size"] is None else f"{row['size']:,}"
        print(
            f"{row['domain']:<4}{row['number']:>4}  {str(row['sha256'])[:12]}  {size:>12}  "
            f"{row['received_at'] or '-':<20}  {row['state']}"
        )
    if not rows:
        print("Nothing was received.")
