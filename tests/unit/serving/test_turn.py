"""When a look that is owed is begun again."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.protocol import load_protocol
from flows.files import BEGINS, ENDS
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


def test_what_a_killed_process_left_is_cleared_as_a_study_begins_to_be_served(tmp_path: Path) -> None:
    file = tmp_path / "protocol.yaml"
    file.write_text((Path(__file__).parents[2] / "fixtures/protocols/good.yaml").read_text())
    study = load_protocol(file).study.id
    folders = [
        tmp_path / one for one in ("", f"looks/{study}/20260301T120000Z", f"deliveries/{study}/admissions")
    ]
    left = [folder / f"{BEGINS}0123456789abcdef{ENDS}" for folder in folders]
    for one in left:
        one.parent.mkdir(parents=True, exist_ok=True)
        one.touch()
    Turns(file, NOW, lasting=False)
    assert all(one.exists() for one in left)
    Turns(file, NOW, lasting=True)
    assert not any(one.exists() for one in left)


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
