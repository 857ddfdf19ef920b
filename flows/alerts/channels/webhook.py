"""A webhook: how a message is posted to it, and how its receiver can tell that it is ours.

A receiver that has the secret recomputes HMAC-SHA-256 (RFC 2104) over the text of ``t``, a full stop and the body
as it arrived, compares it with ``v1`` in constant time, and refuses a ``t`` more than a few minutes old.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from flows.alerts.channels.content import document
from flows.alerts.channels.posting import poster
from flows.ledger import Outgoing

SIGNATURE = "X-Postdose-Signature"
IDEMPOTENCY_KEY = "Idempotency-Key"


def prepare(channel: str, address: str, secret: str | None) -> Callable[[Outgoing, datetime], str]:
    """Return what posts a message to this address, signed where there is a secret.

    Raises
    ------
    DeliveryError
        When the address cannot be used.
    """
    post = poster(channel, address)

    def send(outgoing: Outgoing, now: datetime) -> str:
        body, headers = document(outgoing), {IDEMPOTENCY_KEY: outgoing.id}
        if secret:
            headers[SIGNATURE] = signature(body, secret, now)
        answer = post(body, headers, now)
        return answer if secret else f"{answer}; not signed, for no secret is set"

    return send


def signature(body: bytes, secret: str, at: datetime) -> str:
    """Return ``t=<unix seconds>,v1=<hexadecimal HMAC>`` of a body sent at a moment."""
    seconds = int(at.timestamp())
    signed = hmac.new(secret.encode(), b"%d.%s" % (seconds, body), hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"
