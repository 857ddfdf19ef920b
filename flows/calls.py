"""One call of an address outside, a watchdog's or of who keeps the heads, bounded as a whole."""

import json
import urllib.request
from collections.abc import Mapping
from concurrent.futures import wait
from functools import partial
from typing import Final

from flows.threads import apart

LONGEST_CALL: Final = 5.0
"""Seconds. A look must not wait for another machine, which learns as much from the next one."""


def call(url: str, told: Mapping[str, object] | None = None) -> str | None:
    """Call an address with GET and nothing else, or post what is told as JSON; return why that failed, else None.

    The reason is without the address, which may hold a key.
    """
    became = apart(partial(_called, url, told))
    if became is None:
        return "no thread could be begun for it"
    wait([became], timeout=LONGEST_CALL)
    return became.result() if became.done() else f"no answer within {LONGEST_CALL:g} s"


def _called(url: str, told: Mapping[str, object] | None) -> str | None:
    """Return why a call failed; a step of it may take twice as long as anybody waits, so that the thread ends."""
    try:
        if not url.startswith(("http://", "https://")):
            raise ValueError
        data = None if told is None else json.dumps(told).encode()
        headers = {} if told is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - the scheme was just looked at
        with urllib.request.urlopen(request, timeout=2 * LONGEST_CALL):  # noqa: S310 - as above
            return None
    except ValueError:
        return "found another form; allowed: an http or https address"
    except Exception as error:  # a broken answer may be of any kind, and its text hold the address
        return f"no success ({type(error).__name__})"
