"""`postdose replay`: the same look at each past data cut-off, and what delayed each rule."""

import argparse

from flows.commands.arguments import add_json, moment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", help="study protocol file")
    parser.add_argument(
        "--from",
        dest="first",
        metavar="T",
        type=moment,
        help="first data cut-off (default: day of the first dose)",
    )
    parser.add_argument(
        "--to",
        dest="last",
        metavar="T",
        type=moment,
        help="no data cut-off later (default: when all was known)",
    )
    parser.add_argument(
        "--allow-future", action="store_true", help="let data cut-offs be among them that are still to come"
    )
    parser.add_argument("--every", default="1d", help="time between looks: 30min, 6h (default: 1d)")
    parser.add_argument("--feeds", help="folder that holds the feeds, in place of the deliveries on record")
    parser.add_argument("--out", help="folder for the replay's files")
    add_json(parser, "replay.json")


def run(options: argparse.Namespace) -> int:
    from flows.looks.replay.command import run_replay

    return run_replay(
        options.protocol,
        first=options.first,
        last=options.last,
        every=options.every,
        feeds=options.feeds,
        out=options.out,
        as_json=options.json,
        allow_future=options.allow_future,
    )
