"""Carry one message to its receiver: one file a kind of channel; here is found by which kind it leaves.

An address and a secret come from the environment. They never leave in an error, a receipt or a log: errors and
receipts name the channel as the study protocol does, and repeat of an answer only its code and its own id.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from checks.errors import DeliveryError
from flows.alerts.channels import apprised, file, mail, pagerduty, webhook
from flows.ledger import Outgoing
from flows.pages.message import ON_CALL_ONLY

Send = Callable[[Outgoing, datetime], str]
"""Sends one message at a moment, and returns the receipt's text; raises DeliveryError."""

PREPARE: Mapping[str, Callable[[str, str], Send]] = {
    "pagerduty": pagerduty.prepare,
    "mailto": mail.prepare,
    "mailtos": mail.prepare,
}
"""By the scheme of an address; Apprise knows all others."""

USUAL_ATTEMPT = 15.0
"""Seconds. A service that takes a message answers within some of them; a look must end within two minutes."""

LONGEST_ATTEMPT = mail.LONGEST_SECONDS
"""Seconds: of the kind of channel that may be the slowest."""

ON_CALL = ("pagerduty",)
"""The schemes of those that know an alert as an incident, which is acknowledged and resolved."""

COMMON_SECRET = "POSTDOSE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable, not its value


def resolve(channel: str, *, folder: Path, addresses: Mapping[str, str]) -> Send:
    """Return what sends through a channel: ``file:DIR``, ``console:`` or ``env:NAME``, as the study protocol has it.

    The path of a ``file:`` channel is relative to the folder; ``addresses`` are those of ``env:`` channels, and the
    secrets of webhooks, by variable.

    Raises
    ------
    DeliveryError
        Permanent: when the variable is not set, or its value is no address.
    """
    kind, _, target = channel.partition(":")
    if kind == "file":
        return partial(file.write_file, folder / target)
    if kind == "console":
        return file.show
    address = addresses.get(target, "").strip()
    if not address:
        raise DeliveryError(
            f"{channel}: found no value; allowed: an address in that environment variable, whose name begins "
            "with POSTDOSE_",
            permanent=True,
        )
    scheme = address.partition("://")[0].lower()
    if scheme in ("http", "https"):
        secret = addresses.get(f"{target}_SECRET") or addresses.get(COMMON_SECRET)
        return partial(_to_people, webhook.prepare(channel, address, secret))
    send = PREPARE.get(scheme, apprised.prepare)(channel, address)
    return send if scheme in ON_CALL else partial(_to_people, send)


def longest_attempt(channel: str, addresses: Mapping[str, str]) -> float:
    """Return how many seconds one attempt through a channel may take: a mail server may greet late, and more."""
    kind, _, target = channel.partition(":")
    address = addresses.get(target, "").strip() if kind == "env" else ""
    by_mail = PREPARE.get(address.partition("://")[0].lower()) is mail.prepare
    return mail.LONGEST_SECONDS if by_mail else USUAL_ATTEMPT


def _to_people(send: Send, outgoing: Outgoing, now: datetime) -> str:
    """Send what is for people; which channels are on-call systems is known here alone, by their addresses."""
    if outgoing.message.get(ON_CALL_ONLY):
        return "nothing to tell: this channel is no on-call system"
    return send(outgoing, now)


def outboxes(channels: Iterable[str], folder: Path) -> tuple[Path, ...]:
    """Return the folders that messages are written to, relative to a folder."""
    found = (channel.removeprefix("file:") for channel in channels if channel.startswith("file:"))
    return tuple(dict.fromkeys(folder / one for one in found))


def unresolved(channels: Iterable[str], *, folder: Path, addresses: Mapping[str, str]) -> tuple[str, ...]:
    """Return the problem of each channel through which no message would leave, without sending one."""
    problems = []
    for channel in dict.fromkeys(channels):
        try:
            resolve(channel, folder=folder, addresses=addresses)
        except DeliveryError as error:
            problems.append(str(error))
    return tuple(problems)
