"""Decide whether what a sender delivered can be read, and hand it on as text with its provenance."""

from flows.feeds.reading import read_feed

__all__ = ["read_feed"]
