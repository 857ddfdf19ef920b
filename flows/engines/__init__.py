"""Engines: where the parts of a look are computed, in its own process or on the workers of a Dask cluster.

What is computed is the same, to the byte: the checks divide by subject and put together, an engine only says where
each part is worked on. One process, the look's, keeps the verdict, the ledger, the alerts and the report.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from checks.errors import UsageError
from checks.looks import Engine
from flows.settings import DASK_ADDRESS

__all__ = ["EngineName", "open_engine"]

EngineName = Literal["local", "dask"]


@contextmanager
def open_engine(
    name: EngineName, addresses: Mapping[str, str], *, begins: Callable[[str], None] = lambda _: None
) -> Iterator[Engine | None]:
    """Open an engine for one look, and close it behind the look; None is the process of the look itself.

    ``addresses`` may hold that of a scheduler; without it, ``dask`` starts workers on this machine. ``begins`` is
    given the name of each stage that the engine begins.

    Raises
    ------
    UsageError
        When Dask is not installed, or no scheduler answers at the address.
    """
    if name == "local":
        yield None
        return
    try:
        from flows.engines.cluster import open_cluster
    except ImportError as error:
        raise UsageError(
            f"--engine dask: found that {error.name} is not installed; allowed: after `pip install 'postdose[dask]'`"
        ) from error
    with open_cluster(addresses.get(DASK_ADDRESS), begins) as engine:
        yield engine
