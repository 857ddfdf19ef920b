"""Feeds: what a sender delivered, read as text with its provenance, or its problem."""

from flows.feeds.deliveries import DeliveryStore, Receipt
from flows.feeds.intake import Inbox, open_inbox
from flows.feeds.reading import read_deliveries, read_feed
from flows.feeds.told import Told

__all__ = ["DeliveryStore", "Inbox", "Receipt", "Told", "open_inbox", "read_deliveries", "read_feed"]
