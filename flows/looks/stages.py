"""The stages of a look as Prefect tasks: named, nothing cached, no logic.

Prefect looks through all that a task is given, to the last value, for what other tasks returned; of a large study
that took as long as the look. No stage is given such a thing, so each is given its arguments as they are.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.utilities.annotations import quote

P = ParamSpec("P")
R = TypeVar("R")


class StageTask(Task[P, R]):
    """A Prefect task that is given its arguments as they are."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]  # no future, no state
        """Run the stage here, as a task where there is a run, and return what it does."""
        if FlowRunContext.get() is None:
            return self.fn(*args, **kwargs)
        named: Any = {name: quote(value) for name, value in kwargs.items()}
        returned: R = super().__call__(*map(quote, args), **named)
        return returned


def as_task(name: str, work: Callable[P, R], /, *, run_name: str | None = None) -> StageTask[P, R]:
    """Make what a stage does a task of the run; ``run_name`` is the run's name where it says more."""

    def stage(
        *args: P.args, **kwargs: P.kwargs
    ) -> R:  # Prefect asks a function for its name: a partial has none
        return work(*args, **kwargs)

    return StageTask(
        stage, name=name, task_run_name=run_name or name, cache_policy=NO_CACHE, persist_result=False
    )
