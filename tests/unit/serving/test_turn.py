"""When a look that is owed is begun again."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.serving.turn import WAITS, Owing, Turns

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


def test_a_single_turn_notifies_to_the_end_though_its_look_could_not_be_begun(tmp_path: Path) -> None:
    protocol = Path(__file__).parents[2] / "fixtures/protocols/good.yaml"
    file = tmp_path / "protocol.yaml"
    file.write_text(protocol.read_text())
    told: list[str] = []

    async def fail() -> bool:
        raise ConnectionError("no server")

    async def notify() -> None:
        await asyncio.sleep(0.1)
        told.append("told")

    async def one_turn() -> tuple[Exception, ...]:
        turns = Turns(file, NOW, lasting=False)
        turns._look, turns._notification = asyncio.create_task(fail()), asyncio.create_task(notify())
        return await turns.end()

    (fault,) = asyncio.run(one_turn())
    assert isinstance(fault, ConnectionError) and told == ["told"]
