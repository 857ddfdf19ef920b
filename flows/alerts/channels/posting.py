"""Posting over HTTP, and what the answer means: taken, to be tried again, or refused for good."""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus

import httpx

from checks.errors import DeliveryError
from flows.alerts.channels.discretion import discretion

CONNECT_SECONDS = 5
"""A receiver that is there answers a connection within one round trip; five seconds outlast a lost packet twice
(RFC 6298: the first is sent again after one second, the next after two more)."""

SILENCE_SECONDS = 15
"""How long the receiver may say nothing. The whole attempt is bounded by ``flows.alerts.sending``."""

LONGEST_ANSWER = 65_536
"""Bytes of an answer that are read: only an id in it is of use."""

TRY_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
"""The refusals that say of themselves that they pass (RFC 9110 section 15.5.9, RFC 8470, RFC 6585)."""

WAITS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""The answers whose Retry-After is honoured (RFC 6585 section 4, RFC 9110 section 15.6.4)."""

ALWAYS: Mapping[str, str] = {
    "Content-Type": "application/json",
    "User-Agent": "postdose",
    "Accept-Encoding": "identity",
}
"""Headers of every message; an answer is read as it comes."""


def _usable(channel: str, address: str) -> httpx.URL:
    """Return an address as a URL, or refuse it for good without repeating it."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise DeliveryError(
            f"{channel}: its value is not an address that can be used", permanent=True
        ) from None
    return url


def poster(channel: str, address: str) -> Callable[[bytes, Mapping[str, str], datetime], str]:
    """Return what posts JSON to one receiver, and returns its status and the id that it gave, if any.

    A redirect is not followed, for nobody said that the message may go there. An answer that breaks off counts as
    none: sending again under the same key costs the receiver nothing, while taking the message for delivered could
    cost the alert. Its ``DeliveryError`` is without the address; permanent after a redirect, a refusal that does not
    pass by itself, or a certificate that is not trusted.

    All messages go through one client, which takes long to make, and each by a connection of its own: what a
    receiver says too much of one message must not be read as the answer to the next.

    Raises
    ------
    DeliveryError
        When the address cannot be used.
    """
    url, client = _usable(channel, address), cache(_client)

    def post(body: bytes, headers: Mapping[str, str], now: datetime) -> str:
        sent = {**ALWAYS, **headers}
        try:
            with discretion(), client().stream("POST", url, content=body, headers=sent) as response:
                answer = _read(response)
        except (httpx.HTTPError, ValueError) as error:  # the latter from a host name that can be none
            raise _unanswered(channel, error) from None
        if not response.is_success:
            raise _refused(channel, response, now)
        given = _given_id(answer, url)
        return f"answered {_status(response.status_code)}" + ("" if given is None else f", id {given}")

    return post


def _client() -> httpx.Client:
    """Make the client of a receiver, with the first message: whether a channel can be used is asked without any."""
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    return httpx.Client(timeout=timeout, limits=httpx.Limits(max_keepalive_connections=0))


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After field asks for (RFC 9110 section 10.2.3), None when it says nothing."""
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000" in the field: UTC all the same
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _read(response: httpx.Response) -> bytes:
    read = b""
    for piece in response.iter_raw():
        read += piece
        if len(read) >= LONGEST_ANSWER:
            break
    return read


def _unanswered(channel: str, error: Exception) -> DeliveryError:
    """Say why there was no answer, by the error's kind alone: its text may hold the address."""
    if _is_of_certificate(error):
        return DeliveryError(f"{channel}: the receiver's certificate is not trusted", permanent=True)
    said: Mapping[type[Exception], str] = {
        httpx.ConnectError: "no connection to the receiver",
        httpx.ConnectTimeout: f"no connection to the receiver within {CONNECT_SECONDS} s",
        httpx.ReadTimeout: f"no answer for {SILENCE_SECONDS} s",
        httpx.RemoteProtocolError: "the receiver broke off its answer",
        httpx.ReadError: "the receiver broke off its answer",
    }
    what = said.get(type(error), f"no answer ({type(error).__name__})")
    return DeliveryError(f"{channel}: {what}")


def _is_of_certificate(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _refused(channel: str, response: httpx.Response, now: datetime) -> DeliveryError:
    status = response.status_code
    wait = retry_after(response.headers.get("Retry-After", ""), now) if status in WAITS else None
    passes = response.is_server_error or status in TRY_AGAIN
    said = " (a redirect is not followed)" if response.is_redirect else ""
    return DeliveryError(
        f"{channel}: the receiver answered {_status(status)}{said}",
        permanent=not passes,
        retry_after_seconds=wait,
    )


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _given_id(answer: bytes, url: httpx.URL) -> str | None:
    """Return the id in a JSON answer, unless it is a part of the address."""
    try:
        said = json.loads(answer)
    except ValueError:
        return None
    given = said.get("id") if isinstance(said, dict) else None
    if not isinstance(given, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", given) or given in str(url):
        return None
    return given
