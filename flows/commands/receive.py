"""`postdose receive`: takes files in as deliveries of a feed, and prints their receipts."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from flows.commands.arguments import moment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", help="study protocol file")
    parser.add_argument("domain", help="the feed's domain, such as VS")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a file as it arrived: it is kept as it is"
    )
    parser.add_argument(
        "--received-at", type=moment, help="when they were received, with an offset or Z (default: now)"
    )


def run(options: argparse.Namespace) -> int:
    from flows.looks.reading import receive_files

    now = datetime.now(UTC).replace(microsecond=0)
    for receipt in receive_files(
        options.protocol, options.domain, options.files, received_at=options.received_at or now, now=now
    ):
        print(f"{receipt.label}: received {receipt.received_at:%Y-%m-%dT%H:%M:%SZ}, {receipt.sha256}")
    return 0
