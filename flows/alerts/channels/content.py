"""What of a message each kind of channel is given: its document, its plain text, its page."""

import json
from collections.abc import Mapping

from flows.ledger import Outgoing


def document(outgoing: Outgoing) -> bytes:
    """Return a message as the one JSON document that machines are given, with its idempotency key."""
    return json.dumps({"id": outgoing.id, **outgoing.message}, indent=2, ensure_ascii=False).encode()


def subject(message: Mapping[str, object]) -> str:
    """Return the subject as one line: a line break in it could begin another header."""
    return " ".join(str(message["subject"]).split())


def text(message: Mapping[str, object]) -> str:
    """Return the plain text; of a message without one, its subject."""
    return str(message.get("text") or subject(message))
