"""Feeds: what a sender delivered, read as text with its provenance, or its problem.

Each name is imported when it is first asked for: the process that reads new deliveries needs the readers alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.feeds.content import FeedOptions
    from flows.feeds.deliveries import read_deliveries
    from flows.feeds.inbox import Inbox, open_inbox
    from flows.feeds.receipts import Receipt
    from flows.feeds.store import DeliveryStore

__all__ = ["DeliveryStore", "FeedOptions", "Inbox", "Receipt", "open_inbox", "read_deliveries"]

_WHERE = {
    "DeliveryStore": "flows.feeds.store",
    "FeedOptions": "flows.feeds.content",
    "Inbox": "flows.feeds.inbox",
    "Receipt": "flows.feeds.receipts",
    "open_inbox": "flows.feeds.inbox",
    "read_deliveries": "flows.feeds.deliveries",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
