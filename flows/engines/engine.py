"""A part of a stage's work as a Prefect task, wherever it is computed."""

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

Part = TypeVar("Part")
Result = TypeVar("Result")


@task(cache_policy=NO_CACHE, persist_result=False)
def on_part(work: Callable[[Any], Result], part: Any) -> Result:  # noqa: ANN401 - whatever the work takes
    """Do one stage's work on one part, as a Prefect task that each engine names."""
    return work(part)
