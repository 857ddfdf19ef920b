"""The ledger of looks, alerts, receipts and decisions: an append-only, hash-chained record, and the outbox beside it.

Each record carries the SHA-256 of its own content and of the record before it, so that a record changed,
removed or put in later breaks the chain at a place that can be named. Triggers of the database refuse to change
or remove one. The outbox is written in the same transaction as the verdict that caused it: a message exists as
soon as its verdict does. SQLite in one file, or PostgreSQL by URL; one writer at a time in both.
"""

from flows.ledger.book import Ledger
from flows.ledger.chain import Head, Kind, Record, canonical
from flows.ledger.claims import this_process
from flows.ledger.outbox import Attempt, Entry, Outgoing, Waiting
from flows.ledger.payloads import (
    AcceptedPayload,
    AccessPayload,
    AlertPayload,
    DecisionPayload,
    DeliveryPayload,
    EvidencePayload,
    FeedFault,
    FilesPayload,
    LookPayload,
    NightPayload,
    ReceivedPart,
)
from flows.ledger.seen import OUTBOX_CHANGED, Seen

__all__ = [
    "OUTBOX_CHANGED",
    "AcceptedPayload",
    "AccessPayload",
    "AlertPayload",
    "Attempt",
    "DecisionPayload",
    "DeliveryPayload",
    "Entry",
    "EvidencePayload",
    "FeedFault",
    "FilesPayload",
    "Head",
    "Kind",
    "Ledger",
    "LookPayload",
    "NightPayload",
    "Outgoing",
    "ReceivedPart",
    "Record",
    "Seen",
    "Waiting",
    "canonical",
    "this_process",
]
