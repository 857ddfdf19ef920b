"""`postdose design`: what a protocol's rules do, as a page and JSON for the DSMB to sign."""

import argparse
from pathlib import Path

from flows.commands.arguments import add_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("protocol", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the page (default: design beside the protocol)")
    parser.add_argument(
        "--subjects", type=int, help="planned subjects (default: a rate rule's largest n_max)"
    )
    add_json(parser, "design.json")


def run(options: argparse.Namespace) -> int:
    """Write and print what a protocol's rules do."""
    from flows.design.command import run_design

    return run_design(options.protocol, out=options.out, subjects=options.subjects, as_json=options.json)
