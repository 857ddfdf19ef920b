"""`postdose check`: every problem of a study protocol file, what its rules spend, which channels are closed."""

import argparse
import os
from pathlib import Path

from flows.settings import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("protocol", type=Path)


def run(options: argparse.Namespace) -> int:
    """List every problem of a study protocol file, else what its rules spend and which channels are closed."""
    from checks.protocol import load_protocol
    from flows.alerts.channels import unresolved
    from flows.pages.design.spending import spending_text

    protocol = load_protocol(options.protocol)
    spent = spending_text(protocol)
    print(
        f"{options.protocol}: no problems. Study {protocol.study.id}, {len(protocol.rules)} rules.\n{spent}"
    )
    settings = read_settings(os.environ, state=None, folder=protocol.folder)
    channels = [channel for route in protocol.alerts.routes for channel in route.channels]
    for problem in unresolved(channels, folder=protocol.folder, addresses=settings.addresses):
        print(f"From here no alert would leave through {problem}")
    return 0
