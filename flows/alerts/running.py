"""One turn of a study's alerts: notify what is due, and the next role where a message was given up."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from checks.protocol import StudyProtocol
from flows.alerts.deciding import due
from flows.alerts.sending import BOUNDS, Bounds, Sent, send_due
from flows.ledger import Head, Ledger


def alerts_due(
    ledger: Ledger, protocol: StudyProtocol, now: datetime, *, watching: bool = True
) -> Head | None:
    """Record what is due of a study's alerts and queue its messages, in one transaction; return the new head.

    None means that nothing was due. Asked again at the same moment, nothing is: whoever asks when, in whichever
    process, changes nothing of what is told.

    Parameters
    ----------
    ledger, protocol
        The study's.
    now
        UTC.
    watching
        Whether a look is expected to have been made; False at the end of one.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written.
    """
    decision = partial(due, protocol=protocol, now=now, watching=watching)
    return ledger.decide(protocol.study.id, decision, now=now)


def run_alerts(
    ledger: Ledger,
    protocol: StudyProtocol,
    now: datetime,
    *,
    addresses: Mapping[str, str],
    bounds: Bounds = BOUNDS,
    watching: bool = True,
) -> Sent:
    """Tell what is due and send what waits; where a message is given up, tell the next role in the same turn.

    Parameters
    ----------
    ledger, protocol
        The study's; channels' files lie relative to its protocol.
    now
        UTC: the moment of everything in this turn.
    addresses
        The addresses and secrets of ``env:`` channels, by variable.
    bounds
        How long each sending may take.
    watching
        Whether a look is expected to have been made; False at the end of one.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written; what was not marked is sent again.
    """
    alerts_due(ledger, protocol, now, watching=watching)
    sent = _send(ledger, protocol, now, addresses, bounds)
    given_up = sent.dead
    while given_up and alerts_due(ledger, protocol, now, watching=watching) is not None:
        again = _send(ledger, protocol, now, addresses, bounds)
        given_up = again.dead
        sent = replace(again, delivered=sent.delivered + again.delivered, dead=sent.dead + again.dead)
    return sent


def _send(
    ledger: Ledger, protocol: StudyProtocol, now: datetime, addresses: Mapping[str, str], bounds: Bounds
) -> Sent:
    return send_due(
        ledger, protocol.study.id, now, folder=protocol.folder, addresses=addresses, bounds=bounds
    )
