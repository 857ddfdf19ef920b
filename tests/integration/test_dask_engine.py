"""A look on a Dask cluster of separate worker processes says the same, to the byte, even if a worker is killed."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin
from prefect import flow
from prefect.testing.utilities import prefect_test_harness

from checks.errors import UsageError
from flows.engines import open_engine
from flows.looks.conclusion import LookOutcome
from flows.looks.monitor import make_look
from flows.looks.stages import as_task
from flows.settings import DASK_ADDRESS
from flows.simulate import simulate

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(300)]

SUBJECTS = 30
FILES = ("cases.csv", "doses.csv", "quarantine.csv", "changes.csv", "validation.json")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate("cyt107", tmp_path_factory.mktemp("study"), seed=1, subjects=SUBJECTS)


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """This process, which makes the looks, has a Prefect server of its own."""
    with pytest.MonkeyPatch.context() as patch, prefect_test_harness(server_startup_timeout=240):
        yield patch


@pytest.fixture(scope="module")
def cluster(environment: pytest.MonkeyPatch) -> Iterator[LocalCluster]:
    """Two worker processes; one that is killed is started anew by its nanny."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=0,
        dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False}, silence_logs=50,
    ) as started:  # fmt: skip
        environment.setenv(DASK_ADDRESS, started.scheduler_address)
        yield started


@dataclass
class KillsAWorker(SchedulerPlugin):
    """Kills the worker that is the first to be done with a part, with what it has computed and its next part."""

    processes: dict[str, int]
    killed: list[int] = field(default_factory=list)
    computed: dict[str, int] = field(default_factory=dict)

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        if finish == "processing":
            self.computed[key] = self.computed.get(key, 0) + 1
        if finish == "memory" and not self.killed:
            self.killed.append(self.processes[kwargs["worker"]])
            os.kill(self.killed[0], signal.SIGKILL)


def look(study: Path, out: Path, **options: Any) -> LookOutcome:
    cutoff = json.loads((study / "truth.json").read_text())["data_cutoff"]
    (study / "heads").unlink(missing_ok=True)  # each look has a ledger of its own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSTDOSE_STATE", f"sqlite:///{out}.sqlite")
        return make_look(
            str(study / "protocol.yaml"), data_cutoff=datetime.fromisoformat(cutoff), out=str(out), **options
        )


@pytest.fixture(scope="module")
def local(study: Path, environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("looks") / "local"
    look(study, out)
    return out


def said(out: Path) -> str:
    """Return look.json but for the ledger's head, in which the time of the look is sealed."""
    document = json.loads((out / "look.json").read_text())
    assert document.pop("ledger")
    return json.dumps(document)


def test_a_look_on_two_workers_is_the_same_look(
    study: Path, local: Path, cluster: LocalCluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = look(study, tmp_path / "dask", engine="dask")
    assert "Computing on 2 Dask workers" in caplog.text
    assert "computed here" not in caplog.text
    assert said(tmp_path / "dask") == said(local)
    assert len(outcome.document["cases"]) > 0
    for name in FILES:
        assert (tmp_path / "dask" / name).read_bytes() == (local / name).read_bytes()


def test_a_worker_killed_when_the_first_part_is_done_changes_nothing(
    study: Path, local: Path, cluster: LocalCluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(cluster) as client:
        kills = KillsAWorker(client.run(os.getpid))
    cluster.scheduler.add_plugin(kills, name="kills")
    look(study, tmp_path / "killed", engine="dask")
    cluster.scheduler.remove_plugin("kills")
    assert len(kills.killed) == 1
    assert max(kills.computed.values()) > 1  # what was lost was computed again, by the other worker
    assert "computed here" not in caplog.text
    assert said(tmp_path / "killed") == said(local)
    for name in FILES:
        assert (tmp_path / "killed" / name).read_bytes() == (local / name).read_bytes()


def test_a_scheduler_that_does_not_answer_is_named(
    study: Path, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (
        environment.context() as patch,
        pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:9, where no scheduler"),
    ):
        patch.setenv(DASK_ADDRESS, "tcp://127.0.0.1:9")
        patch.setattr("flows.engines.cluster.LONGEST_CALL", "1s")
        look(study, tmp_path / "nowhere", engine="dask")


def double(number: int) -> int:
    return 2 * number


@flow(persist_result=False)
def doubled(address: str) -> tuple[int, ...]:
    with open_engine("dask", {DASK_ADDRESS: address}) as engine:
        assert engine is not None
        return engine.compute("double", double, [1, 2, 3])


def test_what_no_worker_takes_is_computed_by_the_look(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with environment.context() as patch, LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False}
    ) as empty:  # fmt: skip
        patch.setattr("flows.engines.cluster.LONGEST_WITHOUT_WORKERS", 0.0)
        patch.setattr("flows.engines.cluster.ASK_AGAIN", 0.1)
        assert doubled(empty.scheduler_address) == (2, 4, 6)
    assert caplog.text.count("double: the cluster failed at a part (TimeoutError); it is computed here") == 3


class Unread(list[int]):
    def __iter__(self) -> Iterator[int]:
        pytest.fail(
            "Prefect looks through what a stage is given: for a large study as long as the look takes"
        )


@flow(persist_result=False)
def counted() -> int:
    return as_task("count", len)(Unread([1, 2]))


def test_a_stage_is_given_its_arguments_as_they_are(environment: pytest.MonkeyPatch) -> None:
    assert counted() == 2


@flow(persist_result=False)
def doubled_here() -> tuple[tuple[int, ...], str]:
    with open_engine("dask", {}) as engine:
        assert engine is not None
        found = engine.compute("double", double, [1, 2, 3])
        with pytest.raises(Exception, match="TLS"):
            Client(engine.runner._cluster.scheduler_address, timeout=5)  # as another account would
        return found, engine.runner._cluster.scheduler_address


def test_workers_of_ones_own_take_work_from_nobody_else(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found, address = doubled_here()
    assert found == (2, 4, 6) and address.startswith("tls://127.0.0.1:")
    assert "computed here" not in caplog.text
