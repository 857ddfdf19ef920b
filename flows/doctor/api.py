"""Whether anybody but us may have the Prefect API run code: without a password, from a page, over a network."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from checks.errors import UsageError
from flows.api_access import ASKED, GIVEN, URL, auth_file, is_on_this_machine, kept_password
from flows.doctor.finding import MACHINE, Finding, ok, stops
from flows.settings import NETWORK, PRIVATE_NETWORK, prefect_settings

API_SECONDS: Final = 5.0
"""How long a server on the same machine or network may take to say that it is there."""

ELSEWHERE: Final = "http://elsewhere.invalid"
"""The address of a page that nobody has (RFC 2606)."""

CORS: Final = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"
HOST: Final = "PREFECT_SERVER_API_HOST"
LISTENING: Final = "0A"
"""The state of a socket in /proc/net/tcp (Linux, include/net/tcp_states.h: TCP_LISTEN is 10)."""

EVERYWHERE: Final = frozenset({"00000000", "0" * 32})
"""Its address where it listens to every network, in IPv4 and in IPv6."""


def examine_api(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield each way in which somebody else may run code; that there is none where there is none."""
    told = {**environ, **prefect_settings(environ)}
    found = [*_of_file(told), *(_of_server(told) if told.get(URL, "").strip() else _of_own(told))]
    yield from found or [
        ok(MACHINE, "api", "Prefect's API asks for a password, and no page of another address may use it")
    ]


def authorization(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the header that gives the password."""
    told = {**environ, **prefect_settings(environ)}.get(GIVEN, "")
    return {"Authorization": "Basic " + base64.b64encode(told.encode()).decode()} if told else {}


def _of_file(told: Mapping[str, str]) -> Iterator[Finding]:
    try:
        kept_password(told)
    except UsageError as error:
        remedy = (
            f"Remove {_named(told)}: it is made anew by `postdose prefect server start`; start all again."
        )
        yield stops(MACHINE, "api", str(error), error, remedy)


def _named(told: Mapping[str, str]) -> Path | str:
    try:
        return auth_file(told)
    except UsageError:
        return "the file"


def _of_own(told: Mapping[str, str]) -> Iterator[Finding]:
    """Look at what a server would be told that is started here."""
    if any(origin.strip() == "*" for origin in told[CORS].split(",")):
        yield _stops("any page in a browser may use the API", f"Take {CORS} away.")
    host = told.get(HOST, "")
    if host and not is_on_this_machine(f"http://{host}") and told.get(NETWORK) != PRIVATE_NETWORK:
        yield _stops(f"a server would listen on {host}, without TLS", f"Take {HOST} away.")


def _of_server(told: Mapping[str, str]) -> Iterator[Finding]:
    """Ask the server that runs are reported to for what nobody should have."""
    url = told[URL].strip().rstrip("/")
    parts, private = urlsplit(url), told.get(NETWORK) == PRIVATE_NETWORK
    if parts.scheme not in ("http", "https"):
        return  # said of the server already
    if parts.scheme == "http" and not is_on_this_machine(url) and not private:
        remedy = (
            f"Use https, as of a proxy before it, or say {NETWORK}={PRIVATE_NETWORK} where none but ours are."
        )
        yield _stops("the password goes over a network as it is", remedy)
    if is_on_this_machine(url) and _listens_everywhere(parts.port or 80) and not private:
        yield _stops("the server listens to every network", "Start it with --host 127.0.0.1, behind a proxy.")
    try:
        if _answer(f"{url}/admin/version").is_success:
            remedy = f"End it, and start it by `postdose prefect server start`, or with {ASKED}."
            yield _stops("the server runs code for everybody who reaches it: it asks for no password", remedy)
        allowed = _answer(f"{url}/health").headers.get("Access-Control-Allow-Origin", "")
    except (httpx.HTTPError, httpx.InvalidURL):
        return  # said of the server already
    if allowed in ("*", ELSEWHERE):
        yield _stops("any page in a browser may use the API", f"Start the server with {CORS}=none.")


def _stops(said: str, remedy: str) -> Finding:
    return stops(MACHINE, "api", said, UsageError, remedy)


def _answer(url: str) -> httpx.Response:
    return httpx.get(url, headers={"Origin": ELSEWHERE}, timeout=API_SECONDS)


def _listens_everywhere(port: int) -> bool:
    """Whether something on this machine listens to that port on every address; False where nobody can say."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            sockets = [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
        except OSError:
            continue
        for one in sockets:
            address, _, number = one[1].partition(":")
            if one[3] == LISTENING and address in EVERYWHERE and int(number, 16) == port:
                return True
    return False
