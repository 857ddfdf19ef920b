"""An alert that no ledger takes: it is sent at once, and once, past the outbox."""

import logging
from collections.abc import Mapping
from datetime import datetime

from checks.protocol import StudyProtocol
from flows.alerts.deciding import Looked, alerts_unrecorded
from flows.alerts.sending import BOUNDS, Bounds, attempt_each

LOGGER = logging.getLogger("postdose")


def tell_unrecorded(
    looked: Looked,
    protocol: StudyProtocol,
    now: datetime,
    *,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
) -> str:
    """Send what a look crossed to the first role of each alert, and return what became of it, as look.json says it.

    ``delivered`` when every message was taken; ``failed`` when one was not, or nobody is named to be told; and
    ``pending`` when no rule is crossed: what else there is to tell waits for a look that can be recorded.

    Parameters
    ----------
    looked
        What the look found, which the ledger did not take.
    protocol
        The study; its channels' files lie beside it.
    now
        UTC.
    addresses
        The addresses and secrets of ``env:`` channels, by variable.
    bounds
        How long this may take.
    """
    if looked.facts.verdict != "signal":
        return "pending"
    messages = alerts_unrecorded(looked, protocol, now)
    taken = 0
    for results in attempt_each(messages, now, folder=protocol.folder, addresses=addresses, bounds=bounds):
        for one, result in results:
            if isinstance(result, str):
                taken += 1
                LOGGER.warning("Alert %s sent to %s, not recorded: %s", one.alert, one.role, result)
            else:
                LOGGER.error("Alert %s not delivered, and not tried again: %s", one.alert, result)
    return "delivered" if messages and taken == len(messages) else "failed"
