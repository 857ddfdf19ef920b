"""`postdose serve`: looks on a schedule, on arrival and by hand, until told to end."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocols", nargs="+", type=Path, metavar="PROTOCOL")
    parser.add_argument("--cron", help="a schedule in place of the protocol's")


def run(options: argparse.Namespace) -> int:
    from flows.serving.serve import serve_studies

    serve_studies(options.protocols, cron=options.cron)
    return 0
