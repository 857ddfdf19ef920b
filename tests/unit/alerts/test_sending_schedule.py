"""When a message is tried again and when it is given up: the published scheme, by brute force and by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from checks.errors import DeliveryError
from flows.alerts.sending import next_attempt

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
PASSING = DeliveryError("no answer")


def wait(message_id: str, attempts: int, error: DeliveryError = PASSING) -> float:
    again = next_attempt(message_id, attempts, error, now=NOW, first=NOW)
    assert again is not None
    return (again - NOW).total_seconds()


@pytest.mark.parametrize(
    ("attempts", "ceiling"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900)]
)
def test_the_wait_is_spread_evenly_below_a_doubling_ceiling(attempts: int, ceiling: int) -> None:
    waits = sorted(wait(f"id-{place}", attempts) / ceiling for place in range(2_000))
    assert waits[0] >= 0 and waits[-1] < 1
    # Kolmogorov-Smirnov: the largest distance from uniform, 1.95 / sqrt(n) at the 0.1% level.
    assert max(abs(found - place / 2_000) for place, found in enumerate(waits)) < 1.95 / 2_000**0.5


def test_the_wait_is_the_same_whenever_it_is_asked_and_differs_between_attempts() -> None:
    assert wait("id-1", 3) == wait("id-1", 3)
    assert wait("id-1", 6) != wait("id-1", 7)


@pytest.mark.parametrize(("asked", "least"), [(60.0, 60.0), (899.0, 899.0), (1e9, 900.0), (0.0, 0.0)])
def test_a_receiver_may_ask_for_more_up_to_a_cap_and_never_for_less(asked: float, least: float) -> None:
    error = DeliveryError("busy", retry_after_seconds=asked)
    assert wait("id-1", 1, error) == max(least, wait("id-1", 1))


@pytest.mark.parametrize(
    ("attempts", "after", "permanent", "given_up"),
    [
        (1, 0, True, True),
        (1, 0, False, False),
        (7, 59, False, False),
        (8, 1, False, True),
        (2, 60, False, True),
        (1, 24 * 60, False, True),
    ],
)
def test_a_message_is_given_up_at_once_or_after_eight_attempts_or_an_hour(
    attempts: int, after: int, permanent: bool, given_up: bool
) -> None:
    error, first = DeliveryError("refused", permanent=permanent), NOW - timedelta(minutes=after)
    assert (next_attempt("id-1", attempts, error, now=NOW, first=first) is None) is given_up


def test_all_attempts_take_no_more_than_the_ceilings_together() -> None:
    for place in range(200):
        assert (
            sum(wait(f"id-{place}", attempts) for attempts in range(1, 8)) < 30 + 60 + 120 + 240 + 480 + 1800
        )
