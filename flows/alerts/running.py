"""How a study's alerts leave: what is due in one turn, past those who cannot be reached, or past the ledger."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from checks.protocol import StudyProtocol
from flows.alerts.deciding import Looked, alerts_unrecorded, due
from flows.alerts.sending import Sent, attempt_each, send_due
from flows.ledger import Head, Ledger

LOGGER = logging.getLogger("postdose")


def alerts_due(
    ledger: Ledger, protocol: StudyProtocol, now: datetime, *, watching: bool = True
) -> Head | None:
    """Record what is due of a study's alerts and queue its messages, in one transaction; return the new head.

    None means that nothing was due. Asked again at the same moment, nothing is: whoever asks when, in whichever
    process, changes nothing of what is told. The parameters are those of ``run_alerts``.

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
    watching: bool = True,
) -> Sent:
    """Notify what is due and send what waits; where a message is given up, notify the next role in the same turn.

    Parameters
    ----------
    ledger, protocol
        The study's; channels' files lie relative to its protocol.
    now
        UTC: the moment of everything in this turn.
    addresses
        The addresses and secrets of ``env:`` channels, by variable.
    watching
        Whether a look is expected to have been made; False at the end of one.

    Raises
    ------
    LedgerWriteError
        When the ledger cannot be read or written; what was not marked is sent again.
    """
    send = partial(send_due, ledger, protocol.study.id, now, folder=protocol.folder, addresses=addresses)
    alerts_due(ledger, protocol, now, watching=watching)
    sent = send()
    given_up = sent.dead
    while given_up and alerts_due(ledger, protocol, now, watching=watching) is not None:
        again = send()
        given_up = again.dead
        sent = replace(again, delivered=sent.delivered + again.delivered, dead=sent.dead + again.dead)
    return sent


def notify_unrecorded(
    looked: Looked, protocol: StudyProtocol, now: datetime, *, addresses: Mapping[str, str]
) -> str:
    """Send what a look crossed, which the ledger did not take, at once, and once, to the first role of each alert.

    Return what became of it, as look.json says it: ``delivered`` when every message was taken; ``failed`` when one
    was not, or nobody is named to be notified; and ``pending`` when no rule is crossed: what else there is to tell
    waits for a look that can be recorded. The parameters are those of ``run_alerts``.
    """
    if looked.facts.verdict != "signal":
        return "pending"
    messages = alerts_unrecorded(looked, protocol, now)
    taken = 0
    for results in attempt_each(messages, now, folder=protocol.folder, addresses=addresses):
        for one, result in results:
            if isinstance(result, str):
                taken += 1
                LOGGER.warning("Alert %s sent to %s, not recorded: %s", one.alert, one.role, result)
            else:
                LOGGER.error("Alert %s not delivered, and not tried again: %s", one.alert, result)
    return "delivered" if messages and taken == len(messages) else "failed"
