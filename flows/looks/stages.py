"""The stages of a look as Prefect tasks: named, nothing cached, no logic; without Prefect they are plain functions.

Prefect looks through all that a task is given, to the last value, for what other tasks returned; of a large study
that took as long as the look. So a task is given nothing: it is made for its arguments.

Whatever Prefect meets is no part of a look: what the work returned or raised is kept aside, and counts.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from flows.inert import without_its_words

LOGGER = logging.getLogger("postdose")

P = ParamSpec("P")
R = TypeVar("R")


def keep_aside(kept: "Future[R]", work: Callable[[], R]) -> R:
    """Do some work, keep what it returns or raises, and return or raise that."""
    try:
        returned = work()
    except BaseException as error:
        kept.set_exception(error)
        raise
    kept.set_result(returned)
    return returned


def done_by_prefect(what: str, kept: "Future[R]", run: Callable[[], object], work: Callable[[], R]) -> R:
    """Return what the work that ``run`` has Prefect do came to, and do it here where Prefect did not begin it.

    ``run`` keeps it aside: no fault of Prefect, before it or after, takes its result away or its own error's place.
    """
    try:
        run()
    except Exception as error:  # the work's own error, or whatever Prefect met
        if not (kept.done() and kept.exception() is error):
            what_then = "what it came to stands" if kept.done() else "it goes on without"
            LOGGER.error("%s: Prefect failed (%s); %s", what, type(error).__name__, what_then)
    return kept.result() if kept.done() else work()


def as_task(name: str, work: Callable[P, R], /, *, run_name: str | None = None) -> Callable[P, R]:
    """Make what a stage does a task of the run, where there is one; ``run_name`` is its name where it says more.

    Of an error that nobody foresaw neither Prefect nor anybody else is told the words.
    """
    told = without_its_words(work)

    def stage(*args: P.args, **kwargs: P.kwargs) -> R:
        if FlowRunContext.get() is None:
            return told(*args, **kwargs)
        kept: Future[R] = Future()

        def do() -> R:
            return told(*args, **kwargs)

        def run() -> object:
            return Task(
                lambda: keep_aside(kept, do),
                name=name,
                task_run_name=run_name or name,
                cache_policy=NO_CACHE,
                persist_result=False,
                retries=0,
            )()

        return done_by_prefect(name, kept, run, do)

    return stage
