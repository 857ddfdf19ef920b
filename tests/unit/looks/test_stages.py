"""What a piece of work came to counts, whatever Prefect meets before it, between or after."""

from concurrent.futures import Future
from functools import partial

import pytest

from flows.looks.stages import done_by_prefect, keep_aside


class ServerGoneError(Exception):
    """What a server's client raises."""


def work(done: list[str]) -> int:
    done.append("work")
    return 7


def test_a_server_that_is_gone_before_the_work_has_it_done_without_it() -> None:
    done: list[str] = []

    def run() -> None:
        raise ServerGoneError

    assert done_by_prefect("a stage", Future(), run, partial(work, done)) == 7
    assert done == ["work"]


def test_a_server_that_is_gone_after_the_work_costs_nothing_and_nothing_is_done_twice() -> None:
    done: list[str] = []
    kept: Future[int] = Future()

    def run() -> None:
        keep_aside(kept, partial(work, done))
        raise ServerGoneError

    assert done_by_prefect("a stage", kept, run, partial(work, done)) == 7
    assert done == ["work"]


def test_a_server_that_says_nothing_and_does_nothing_has_it_done_without_it() -> None:
    done: list[str] = []
    assert done_by_prefect("a stage", Future(), lambda: None, partial(work, done)) == 7
    assert done == ["work"]


@pytest.mark.parametrize("gone", [True, False])
def test_the_works_own_error_is_raised_and_it_is_not_done_again(gone: bool) -> None:
    kept: Future[int] = Future()
    done: list[str] = []

    def fail() -> int:
        done.append("work")
        raise ValueError("a feed")

    def run() -> None:
        try:
            keep_aside(kept, fail)
        except ValueError:
            if gone:
                raise ServerGoneError from None
            raise

    with pytest.raises(ValueError, match="a feed"):
        done_by_prefect("a stage", kept, run, fail)
    assert done == ["work"]
