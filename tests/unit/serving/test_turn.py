"""When a look that is owed is begun again."""

from datetime import UTC, datetime, timedelta

from flows.serving.turn import WAITS, Owing

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_look_that_does_not_come_to_its_end_is_begun_again_after_longer_and_longer_waits() -> None:
    owing = Owing(NOW)
    waits = []
    for _ in range(6):
        owing = owing.begun_again(NOW)
        waits.append(owing.not_before - NOW)
    assert waits[: len(WAITS)] == list(WAITS) == sorted(WAITS)
    assert set(waits[len(WAITS) :]) == {timedelta(minutes=2)}
    assert owing.begun == 6
