"""On-call systems: what of a message they are told, in the shape of the PagerDuty Events API, version 2.

Source: PagerDuty developer documentation, "Send an Alert Event": POST /v2/enqueue, answered 202 when taken.
The address is ``pagerduty://ROUTING_KEY``, with ``?region=eu`` for that service region, or with ``?endpoint=URL``
for another receiver of the same shape.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from checks.errors import DeliveryError
from flows.alerts.channels.content import subject
from flows.alerts.channels.posting import poster
from flows.ledger import Outgoing
from flows.pages.message import Event

ENDPOINTS = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}

SEVERITIES: Mapping[object, str] = {
    "signal": "critical",
    "not_assessable": "error",
    "watch": "warning",
    None: "error",
}
"""By verdict; None is an alert of the monitor itself. A brief message does not say: it may be the worst."""

LONGEST_SUMMARY = 1_024
"""Characters; what the interface takes."""

LONGEST_KEY = 255
"""Characters; what the interface takes."""


def prepare(channel: str, address: str) -> Callable[[Outgoing, datetime], str]:
    """Return what posts a message as an event.

    Raises
    ------
    DeliveryError
        When the address is not of that form.
    """
    key, endpoint = _parts(address)
    if not key:
        raise DeliveryError(
            f"{channel}: found another form; allowed: pagerduty://ROUTING_KEY, with ?region=us, ?region=eu or "
            "?endpoint=URL",
            permanent=True,
        )
    post = poster(channel, endpoint)

    def send(outgoing: Outgoing, now: datetime) -> str:
        body = json.dumps({"routing_key": key, **event(outgoing)}).encode()
        return post(body, {}, now)

    return send


def event(outgoing: Outgoing) -> Mapping[str, object]:
    """Return the event of a message, without the routing key.

    Every message of one opening of an alert has one ``dedup_key``. Another opening has another: an event is only
    added to an incident of its key that somebody has acknowledged, and nobody is called.
    """
    message = outgoing.message
    alert, opening = str(message.get("alert", outgoing.alert)), message.get("opening", 1)
    action = message.get("event_action", Event.TRIGGER)
    key = (alert if opening == 1 else f"{alert}-{opening}")[:LONGEST_KEY]
    told = {"event_action": action, "dedup_key": key}
    if action != Event.TRIGGER:
        return told
    return {
        **told,
        "client": "postdose",
        "payload": _payload(message),
        "links": _links(message.get("report")),
    }


def _payload(message: Mapping[str, object]) -> Mapping[str, object]:
    study = message.get("study", "postdose")
    payload = {
        "summary": subject(message)[:LONGEST_SUMMARY],
        "source": study,
        "severity": "info"
        if message.get("test")
        else SEVERITIES.get(message.get("verdict", "signal"), "critical"),
        "component": message.get("role"),
        "group": study,
        "class": message.get("verdict"),
        "timestamp": message.get("data_cutoff"),
        "custom_details": {name: value for name, value in message.items() if name not in ("html", "short")},
    }
    return {name: value for name, value in payload.items() if value is not None}


def _links(report: object) -> list[Mapping[str, str]]:
    """Return the report as a link, where it is served and not a path of this machine."""
    if isinstance(report, str) and report.startswith(("http://", "https://")):
        return [{"href": report, "text": "The look's report"}]
    return []


def _parts(address: str) -> tuple[str, str]:
    """Return the routing key and the endpoint, with no key when the address is of another form."""
    try:
        parsed = urlsplit(address)
    except ValueError:
        return "", ""
    options = {name: values[-1] for name, values in parse_qs(parsed.query).items()}
    endpoint = options.get("endpoint") or ENDPOINTS.get(options.get("region", "us"), "")
    formed = parsed.netloc.isalnum() and parsed.path in ("", "/") and endpoint
    return (parsed.netloc, endpoint) if formed else ("", "")
