"""The channels of this machine: a file in a folder, and a line on the console."""

import sys
from datetime import datetime
from pathlib import Path

from checks.errors import DeliveryError
from flows.alerts.channels.content import document, subject
from flows.files import write_whole
from flows.ledger import Outgoing


def write_file(folder: Path, outgoing: Outgoing, _now: datetime) -> str:
    """Write the message into a folder as one JSON document, whole or not at all; sent again it replaces itself."""
    name = f"{outgoing.id}.json"
    try:
        write_whole(folder / name, document(outgoing) + b"\n")
    except OSError as error:
        raise DeliveryError(f"{outgoing.channel}: {error.strerror}") from error
    return f"written as {name}"


def show(outgoing: Outgoing, _now: datetime) -> str:
    """Write the subject to standard error, for whoever watches the process."""
    print(f"ALERT {subject(outgoing.message)}", file=sys.stderr, flush=True)
    return "written to the console"
