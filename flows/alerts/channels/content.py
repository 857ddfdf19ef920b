"""What of a message each kind of channel is given: its document, its plain text, its page."""

import json
from collections.abc import Mapping
from typing import Any

from flows.ledger import Outgoing


def document(outgoing: Outgoing) -> bytes:
    """Return a message as the one JSON document that machines are given, with its idempotency key."""
    return json.dumps({"id": outgoing.id, **outgoing.message}, indent=2, ensure_ascii=False).encode()


def subject(message: Mapping[str, Any]) -> str:
    """Return the subject as one line: a line break in it could begin another header."""
    return " ".join(str(message["subject"]).split())


def text(message: Mapping[str, Any]) -> str:
    """Return the plain text; of a message without one, its rules and cases, or else its subject."""
    lines = (*message.get("rules", ()), *message.get("cases", ()))
    return str(message.get("text") or "\n".join(lines) or subject(message))
