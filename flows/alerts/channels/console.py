"""What of a message is shown to whoever watches the process: its subject."""

import sys
from datetime import datetime

from flows.alerts.channels.content import subject
from flows.ledger import Outgoing


def send(outgoing: Outgoing, _now: datetime) -> str:
    """Write one line to standard error."""
    print(f"ALERT {subject(outgoing.message)}", file=sys.stderr, flush=True)
    return "written to the console"
