"""For all tests: the order in which files are begun, a line every half a minute, and an end to what a run started."""

import os
import time
from collections.abc import Iterator, Sequence

import leftovers
import pytest
from processes import environment_without_ours
from servers import Prefect, prefect_environment

from flows.feeds.admission import servers_kept

LONGEST_FIRST = (
    "integration/test_serving_a_study.py",
    "integration/test_serving_through_faults.py",
    "functional/test_bad_input.py",
    "generative/test_mutated_feeds.py",
    "integration/test_blind_closed.py",
    "functional/test_replay_command.py",
    "functional/test_command.py",
    "functional/test_closed_command.py",
    "integration/test_blind_look.py",
    "generative/test_words_of_a_look.py",
    "integration/test_dask_engine.py",
    "integration/test_killed_at_any_point_of_a_command.py",
    "generative/test_no_effect_is_no_effect.py",
    "generative/test_false_facts_generative.py",
    "integration/test_killed_at_any_point_of_its_work.py",
    "generative/test_design_generative.py",
    "integration/test_replay.py",
    "generative/test_precision_generative.py",
    "functional/test_ledger_command.py",
    "functional/test_alerts_command.py",
)
"""Files that take a worker longest are handed out first, so that none is left alone at the end."""

SECONDS_BETWEEN_LINES = 30.0

OF_DEPLOYMENTS = (
    "CANCELLATION_CLEANUP", "CLEANUP_RECONCILER", "FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "REPOSSESSOR",
    "SCHEDULER_RECENT_DEPLOYMENTS",
)  # fmt: skip
"""Services of a Prefect server that look for work every 5 to 20 s: so seldom, it takes a third of the processor."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(
        key=lambda item: places.get(item.nodeid.partition("::")[0].removeprefix("tests/"), len(places))
    )


class Progress:
    """Writes how many tests are done, and which ended last."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._began = config, time.monotonic()
        self._written, self._all, self._done, self._failed = self._began, 0, 0, 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._all = self._all or len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._all = len(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed += report.failed
        self._done += report.when == "teardown"
        now = time.monotonic()
        if now - self._written >= SECONDS_BETWEEN_LINES:
            self._written = now
            minutes, seconds = divmod(round(now - self._began), 60)
            self._config.get_terminal_writer().line(
                f"\n{minutes}:{seconds:02}  {self._done:,} of {self._all:,} tests, {self._failed} failed, "
                f"last {report.nodeid[:80]}"
            )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one more than there are processors: a quarter of its time a test waits for a server or a receiver."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    leftovers.watch()
    if not hasattr(config, "workerinput"):  # the workers of a run say nothing themselves
        config.pluginmanager.register(Progress(config))


@pytest.fixture(scope="session", autouse=True)
def reading_process() -> Iterator[None]:
    """Keep the process that reads new deliveries from test to test, as `postdose serve` does from look to look."""
    with servers_kept():
        yield


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The PREFECT_API_URL of a server with a database of its own, where a server is not what is tested.

    It serves no deployments, and so looks once a minute for what it would do of its own accord.
    """
    home = tmp_path_factory.mktemp("prefect-server")
    seldom = {f"PREFECT_SERVER_SERVICES_{name}_LOOP_SECONDS": "60" for name in OF_DEPLOYMENTS}
    environment = prefect_environment(home, {**environment_without_ours(), **seldom})
    with Prefect(environment, home / "server.log"):
        yield environment["PREFECT_API_URL"]


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Give each test the environment of the run: a command that is called as a function tells Prefect through it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
