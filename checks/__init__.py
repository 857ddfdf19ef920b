"""Checks: tables in, verdicts out; no orchestrator, network, clock or randomness.

The public API: ``load_protocol`` reads a study protocol file, ``look`` makes a look, a ``Look`` is what it found.
Each is imported when it is first asked for, since the statistics take a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.looks import Look, look
    from checks.protocol import load_protocol

__all__ = ["Look", "load_protocol", "look"]

_WHERE = {"Look": "checks.looks", "load_protocol": "checks.protocol", "look": "checks.looks"}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
