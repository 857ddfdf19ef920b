"""The services that Apprise knows; they tell no more than yes or no."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from checks.errors import DeliveryError
from flows.alerts.channels.content import subject, text
from flows.alerts.channels.discretion import discretion
from flows.ledger import Outgoing

if TYPE_CHECKING:
    from apprise import NotifyBase


def prepare(channel: str, address: str) -> Callable[[Outgoing, datetime], str]:
    """Return what notifies the service of an Apprise URL.

    Raises
    ------
    DeliveryError
        When Apprise does not know the URL.
    """
    service = known_service(channel, address)

    def send(outgoing: Outgoing, _now: datetime) -> str:
        try:
            with discretion():
                taken = service.notify(body=text(outgoing.message), title=subject(outgoing.message))
        except Exception as error:  # a plug-in's error may be of any kind, and hold the address
            raise DeliveryError(f"{channel}: no answer ({type(error).__name__})") from None
        if not taken:
            raise DeliveryError(f"{channel}: the receiver did not take the message")
        return "accepted by the receiver"

    return send


def known_service(channel: str, address: str) -> "NotifyBase":
    """Return the Apprise service of a URL, or refuse it for good without repeating it."""
    import apprise  # takes a second to import, and only these channels need it

    with discretion():
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise DeliveryError(f"{channel}: its value is not an address that can be used", permanent=True)
    return service
