"""The study protocol file: what it says, and the problems for which it is refused."""

from checks.protocol.load import load_protocol
from checks.protocol.model import StudyProtocol

__all__ = ["StudyProtocol", "load_protocol"]
