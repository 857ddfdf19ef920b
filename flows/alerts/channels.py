"""Decide how a message leaves: into a folder, onto the console, or through an address in the environment."""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from checks.errors import DeliveryError
from flows.ledger import Outgoing


def deliver(outgoing: Outgoing, *, folder: Path, addresses: Mapping[str, str]) -> str:
    """Send one message and return the receipt's text, which names no address.

    Parameters
    ----------
    outgoing
        The message, its channel and its idempotency key.
    folder
        What the path of a ``file:`` channel is relative to.
    addresses
        The addresses of ``env:`` channels, by variable.

    Raises
    ------
    DeliveryError
        When the channel did not take the message; it stays in the outbox.
    """
    kind, _, target = outgoing.channel.partition(":")
    if kind == "file":
        return _to_file(outgoing, folder / target)
    if kind == "console":
        return _to_console(outgoing)
    return _to_address(outgoing, target, addresses)


def _to_file(outgoing: Outgoing, folder: Path) -> str:
    """Write one JSON file a message, whole or not at all; the same message has the same name."""
    name = f"{outgoing.id}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, suffix=".part", delete=False, encoding="utf-8"
        ) as file:
            json.dump({"id": outgoing.id, **outgoing.message}, file, indent=2, ensure_ascii=False)
            file.write("\n")
        Path(file.name).replace(folder / name)
    except OSError as error:
        raise DeliveryError(f"{outgoing.channel}: {error.strerror}") from error
    return f"written as {name}"


def _to_console(outgoing: Outgoing) -> str:
    print(f"ALERT {outgoing.message['subject']}", file=sys.stderr, flush=True)
    return "written to the console"


def _to_address(outgoing: Outgoing, variable: str, addresses: Mapping[str, str]) -> str:
    if not addresses.get(variable):
        raise DeliveryError(
            f"env:{variable}: found no value; allowed: an address in that environment variable"
        )
    import apprise  # takes a second to import, and only these channels need it

    sender = apprise.Apprise()
    body = "\n".join((*outgoing.message.get("rules", ()), *outgoing.message.get("cases", ())))
    if not sender.add(addresses[variable]):
        raise DeliveryError(f"env:{variable}: its value is not an address that can be used")
    if not sender.notify(title=outgoing.message["subject"], body=body or outgoing.message["subject"]):
        raise DeliveryError(f"env:{variable}: the receiver did not take the message")
    return f"accepted by env:{variable}"
