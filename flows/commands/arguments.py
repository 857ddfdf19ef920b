"""Arguments that several commands take."""

import argparse
from datetime import datetime

from checks.errors import UsageError
from flows.clocks import reckoned


def add_json(parser: argparse.ArgumentParser, document: str = "one JSON document") -> None:
    """Add ``--json``, which prints a document in place of text."""
    parser.add_argument("--json", action="store_true", help=f"print {document} and nothing else")


def add_state(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--state``, the ledger; ``default`` says which one it is otherwise."""
    parser.add_argument("--state", help=f"database URL of the ledger (default: {default})")


def moment(text: str) -> datetime:
    """Read a time with its zone.

    Raises
    ------
    argparse.ArgumentTypeError
        When it is not ISO 8601, has no offset, or lies where no look can reckon with it.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"found {text!r}; allowed: ISO 8601, as 2026-03-01T06:00Z"
        ) from error
    try:
        return reckoned(read, "time")
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("time: ")) from error
