"""Carry one message to its receiver: one file a kind of channel, and one that finds the kind.

An address and a secret come from the environment. They never leave in an error, a receipt or a log: errors and
receipts name the channel as the study protocol does, and repeat of an answer only its code and its own id.
"""

from flows.alerts.channels.resolving import Send, resolve, unresolved

__all__ = ["Send", "resolve", "unresolved"]
