"""A message as a file: one JSON document, whole or not at all, named for its idempotency key."""

import os
import tempfile
from datetime import datetime
from pathlib import Path

from checks.errors import DeliveryError
from flows.alerts.channels.content import document
from flows.ledger import Outgoing


def send(folder: Path, outgoing: Outgoing, _now: datetime) -> str:
    """Write the message into a folder, made where it is not there; sent again it replaces itself."""
    name = f"{outgoing.id}.json"
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=folder, suffix=".part", delete=False) as file:
            part = Path(file.name)
            file.write(document(outgoing) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise DeliveryError(f"{outgoing.channel}: {error.strerror}") from error
    return f"written as {name}"
