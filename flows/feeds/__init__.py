"""Feeds: what a sender delivered, read as text with its provenance, or its problem."""

from flows.feeds.content import FeedOptions
from flows.feeds.inbox import Inbox, open_inbox, read_deliveries
from flows.feeds.store import DeliveryStore, Receipt

__all__ = ["DeliveryStore", "FeedOptions", "Inbox", "Receipt", "open_inbox", "read_deliveries"]
