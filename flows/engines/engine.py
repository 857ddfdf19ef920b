"""Declare what an engine offers to the stages of a look."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

Part = TypeVar("Part")
Result = TypeVar("Result")


class Engine(Protocol):
    """Computes the parts of a stage somewhere; ``most_parts`` is into how many it is worth dividing one."""

    @property
    def most_parts(self) -> int:
        """Return the largest number of parts that this engine works on with profit."""

    def compute(
        self, stage: str, work: Callable[[Part], Result], parts: Sequence[Part]
    ) -> tuple[Result, ...]:
        """Return what the work makes of each part, in their order.

        Parameters
        ----------
        stage
            What the page of the run calls it; never anything of a subject.
        work
            A pure function that can be sent to another process: a part whose worker is lost is computed again.
        parts
            What it is done on.
        """


@task(cache_policy=NO_CACHE, persist_result=False)
def on_part(work: Callable[[Any], Result], part: Any) -> Result:  # noqa: ANN401 - whatever the work takes
    """Do one stage's work on one part, as a Prefect task that each engine names."""
    return work(part)
