"""Decide what the study protocol file says, and refuse one that cannot be followed."""

from checks.protocol.load import load_protocol
from checks.protocol.model import StudyProtocol

__all__ = ["StudyProtocol", "load_protocol"]
