"""`postdose check`: every problem of a study protocol file, how it is read, what its rules spend, closed channels."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from checks.errors import UsageError
from flows.settings import read_settings

if TYPE_CHECKING:
    from checks.protocol import StudyProtocol


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", type=Path)
    parser.add_argument(
        "--suites",
        type=Path,
        metavar="DIR",
        help="write what each feed must meet, as Great Expectations suites",
    )


def run(options: argparse.Namespace) -> int:
    from checks.protocol import load_protocol
    from flows.alerts.channels import unresolved
    from flows.pages.design.spending import spending_text
    from flows.pages.kit.words import plural

    protocol = load_protocol(options.protocol)
    if protocol.suites or options.suites:
        _check_suites(protocol, options.suites)
    spent = spending_text(protocol)
    rules = plural(len(protocol.rules), "rule")
    print(f"{options.protocol}: no problems. Study {protocol.study.id}, {rules}.\n{spent}")
    print("".join(f"{note}\n" for note in protocol.notes), end="")
    settings = read_settings(os.environ, state=None, folder=protocol.folder)
    channels = [channel for route in protocol.alerts.routes for channel in route.channels]
    for problem in unresolved(channels, folder=protocol.folder, addresses=settings.addresses):
        print(f"From here no alert would leave through {problem}")
    return 0


def _check_suites(protocol: "StudyProtocol", folder: Path | None) -> None:
    """Refuse a study's own expectations that would stop their feed; write all suites where a folder is given."""
    from checks.validation import suite_problems, suite_texts
    from flows.files import clear_leftovers, write_whole
    from flows.own_folder import require_unwritten

    problems = suite_problems(protocol)
    if problems:
        raise UsageError("\n".join(problems))
    if folder is not None:
        texts = suite_texts(protocol)
        require_unwritten(folder, texts)
        clear_leftovers([folder])
        for name, text in texts.items():
            write_whole(folder / name, text)
