"""The command line of ``postdose``: which commands it offers; every error becomes a message and an exit code."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from checks.errors import PostdoseError, ProtocolError
from flows.api_access import api_access
from flows.commands import (
    alerts,
    boundary,
    check,
    deliveries,
    demo,
    design,
    doctor,
    heartbeat,
    ledger,
    look,
    prefect,
    receive,
    replay,
    schema,
    serve,
    simulate,
)
from flows.files import folder_mode
from flows.inert import defect_of, inert_line
from flows.settings import prefect_settings

INTERRUPTED = 130
"""The exit code of a command that an interrupt ended: 128 and the number of SIGINT, as shells have it."""


GARBAGE_AFTER = 50_000
"""New objects after which Python looks for garbage, for its 700: looking as libraries load, which leave none, took a
fifth of the CPU of loading Great Expectations and Prefect; 50,000 are a few megabytes."""


class Command(Protocol):
    """What each module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what the command takes."""

    def run(self, options: argparse.Namespace) -> int:
        """Run it and return the exit code."""


COMMANDS: Final[Mapping[str, tuple[Command, str]]] = {
    "demo": (demo, "simulate a study with planted cases and find them"),
    "check": (check, "list every problem of a study protocol file"),
    "look": (look, "make one look at a study (the main job)"),
    "receive": (receive, "take files in as deliveries of a feed"),
    "deliveries": (deliveries, "list what was received, set a delivery aside, or restore one"),
    "replay": (replay, "look again at each past data cut-off with the data as they were known then"),
    "simulate": (simulate, "write the SDTM feeds of a simulated study"),
    "boundary": (boundary, "show a stopping boundary and its exact characteristics"),
    "design": (design, "write what a protocol's rules do, for the DSMB to sign"),
    "schema": (schema, "print the JSON Schema of a look, a study protocol or an alert"),
    "alerts": (alerts, "list, show or take alerts; test whether one would arrive"),
    "ledger": (ledger, "verify, export or move the record of looks, name its head, or go on in another"),
    "heartbeat": (heartbeat, "for an outside watchdog: not 0 when the last look or a feed is too old"),
    "serve": (serve, "run scheduled looks, and looks asked for, through a Prefect server"),
    "doctor": (doctor, "say what would stop a look tonight"),
    "prefect": (prefect, "run Prefect's own command with our settings: no telemetry, the database"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    own = 1 if given[:1] == ["prefect"] else len(given)  # what follows `prefect` is not ours to parse
    options = _parser().parse_args(given[:own], argparse.Namespace(handed_on=given[own:]))
    _show_progress()
    gc.set_threshold(GARBAGE_AFTER)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        os.environ.update(prefect_settings(os.environ))
        os.environ.update(api_access(os.environ, lasting=_uses_server(options.command, options.handed_on)))
        os.umask(
            0o777 & ~folder_mode()
        )  # what libraries write, Prefect above all, is not open to others either
        return command(options)
    except ProtocolError as error:
        print(inert_line(str(error)), file=sys.stderr)
        print(f"{len(error.problems)} to correct. {error.remedy}", file=sys.stderr)
        return error.exit_code
    except PostdoseError as error:
        print(inert_line(f"postdose: {error}\n{error.remedy}"), file=sys.stderr)
        return error.exit_code
    except OSError:
        raise
    except Exception as error:
        found = defect_of(error)
        print(f"postdose: {found}\n{found.remedy}", file=sys.stderr)
        return found.exit_code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def _uses_server(command: str, handed_on: Sequence[str]) -> bool:
    """Whether a command starts, or speaks to, a Prefect server which others speak to as well."""
    return command == "serve" or (command == "prefect" and not prefect.asks_for_help(handed_on))


class Inert(logging.Formatter):
    """Writes a record so that nothing in it commands the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        return inert_line(super().format(record))


def _show_progress() -> None:
    """Let our own progress, and nothing else, reach standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Inert("%(message)s"))
    logger = logging.getLogger("postdose")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="postdose",
        description="Watches a running clinical trial for harm that is locked to dosing.",
        epilog="Exit codes: of a look 0 no_signal, 10 watch, 20 signal, 30 not_assessable; 2 a mistake in the "
        "command or the protocol, 3 a feed that cannot be read, 4 a record that is not as it was written, 40 an "
        "alert that was not delivered, 41 a ledger that was not written, 1 a defect of ours, 130 interrupted. A "
        "signal exits 20 whatever else went wrong. postdose recommends; a DSMB decides. It is not a medical device.",
    )
    offered = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, what) in COMMANDS.items():
        takes = offered.add_parser(name, help=what, add_help=command is not prefect)
        takes.set_defaults(run=command.run, command=name)
        command.add_arguments(takes)
    return parser


if __name__ == "__main__":
    sys.exit(main())
