"""Decide in which order waiting messages are tried, and keep the receipt or the failure of each."""

import logging
from collections.abc import Mapping
from pathlib import Path

from checks.errors import DeliveryError
from flows.alerts.channels import deliver
from flows.ledger import Ledger

LOGGER = logging.getLogger("postdose")


def send_pending(ledger: Ledger, study: str, *, folder: Path, addresses: Mapping[str, str]) -> str:
    """Try every waiting message once, and return ``delivered``, or ``failed`` when one still waits.

    A message is marked as delivered after its channel took it, so that a crash in between sends it again
    under the same id rather than never.
    """
    outcome = "delivered"
    for outgoing in ledger.pending(study):
        try:
            detail = deliver(outgoing, folder=folder, addresses=addresses)
        except DeliveryError as error:
            outcome = "failed"
            LOGGER.error("Alert %s not delivered: %s", outgoing.id, error)
            ledger.record_delivery(study, outgoing.id, delivered=False, detail=str(error))
        else:
            ledger.record_delivery(study, outgoing.id, delivered=True, detail=detail)
    return outcome
