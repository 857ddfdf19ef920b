"""What other libraries log while a message is sent is not kept: they write the addresses out."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TALKATIVE = (
    "apprise",
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.proxy",
    "requests",
    "urllib3.connectionpool",
    "urllib3.util.retry",
)
"""Loggers that name a receiver's host, path or key, at one level or another."""

_SENDING = threading.local()


def _may_be_kept(_record: logging.LogRecord) -> bool:
    return not getattr(_SENDING, "now", False)


for _name in TALKATIVE:
    logging.getLogger(_name).addFilter(_may_be_kept)


@contextmanager
def discretion() -> Iterator[None]:
    """Keep nothing of what this thread logs by those loggers; other threads log as ever."""
    before = getattr(_SENDING, "now", False)
    _SENDING.now = True
    try:
        yield
    finally:
        _SENDING.now = before
