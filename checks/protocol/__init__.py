"""The study protocol file: what it says, and the problems for which it is refused.

What loads it is imported when it is first asked for: a process that reads feeds needs single sections alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.protocol.load import load_protocol
    from checks.protocol.model import StudyProtocol

__all__ = ["StudyProtocol", "load_protocol"]

_WHERE = {"StudyProtocol": "checks.protocol.model", "load_protocol": "checks.protocol.load"}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
