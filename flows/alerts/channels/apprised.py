"""The services that Apprise knows; they tell no more than yes or no."""

from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from checks.errors import DeliveryError
from flows.alerts.channels.content import short_text, subject, text
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
                title, body = fitted(outgoing.message, service)
                taken = service.notify(body=body, title=title)
        except Exception as error:  # a plug-in's error may be of any kind, and hold the address
            raise DeliveryError(f"{channel}: no answer ({type(error).__name__})") from None
        if not taken:
            raise DeliveryError(f"{channel}: the receiver did not take the message")
        whole = len(text(outgoing.message).rstrip())
        shorter = f"; {len(body):,} of {whole:,} characters, as this service takes no more"
        return "accepted by the receiver" + (shorter if len(body) < whole else "")

    return send


def fitted(message: Mapping[str, object], service: "NotifyBase") -> tuple[str, str]:
    """Return a message as title and body, within what Apprise says that the service takes of each.

    A service without titles is given none: the body begins with the same words. Length counts in bytes of UTF-8, and
    where the service makes a page of the text with its signs escaped: no service counts more.
    """
    title = next((one for one in _titles(message) if len(one.encode()) <= service.title_maxlen), "")
    room = service.body_maxlen - service.overflow_buffer
    if title and service.overflow_amalgamate_title:  # both share the room; Apprise counts so
        room -= len(title.encode()) + service.overflow_max_display_count_width

    def fits(body: str) -> bool:
        sent = escape(body) if service.notify_format == "html" else body
        return service.body_maxlen <= 0 or len(sent.encode()) <= room

    one_line = service.body_max_line_count > 0  # Apprise leaves out the lines beyond
    return title, short_text(message, fits, line_end="; " if one_line else "\n")


def _titles(message: Mapping[str, object]) -> tuple[str, ...]:
    return subject(message), f"postdose alert {message.get('alert')}"


def known_service(channel: str, address: str) -> "NotifyBase":
    """Return the Apprise service of a URL, or refuse it for good without repeating it."""
    import apprise  # takes a second to import, and only these channels need it

    with discretion():
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise DeliveryError(f"{channel}: its value is not an address that can be used", permanent=True)
    return service
