"""Every step after a look's verdict, broken: the roles are notified and the verdict is said all the same.

The steps are those of ``COURTESIES``; what breaks them is real: folders in the way, full and read-only file systems,
templates, signals, receivers that hang.
"""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
from apprise import NotificationManager
from apprise.decorators import notify
from feed_files import read_feed
from jinja2 import FileSystemLoader
from servers import webhook
from sqlalchemy import Pool, event

import flows.pages
from checks.errors import DefectError
from checks.knowledge import Knowledge
from checks.looks import Look, look_at
from checks.protocol import load_protocol
from checks.protocol.model import Alerts
from flows.alerts import begin
from flows.heartbeat import HEARTBEAT_URL
from flows.ledger import Kind, Ledger
from flows.looks.conclusion import NEXT_LOOK, LookOutcome, conclude
from flows.looks.courtesies import COURTESIES
from flows.looks.monitor import _notify_all_the_same
from flows.looks.study import Study
from flows.pages.kit.rendering import environment
from flows.settings import Settings
from flows.simulate import simulate

URL = "POSTDOSE_PHYSICIAN_URL"
ROUTES = [
    {"role": "physician", "verdicts": ["signal"], "channels": ["file:outbox/", f"env:{URL}"], "escalate_to": "chair",
     "ack_within_minutes": 60},
    {"role": "chair", "verdicts": ["watch"], "channels": ["file:chair/"]},
]  # fmt: skip
FILES = [name for name in COURTESIES if name != HEARTBEAT_URL]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Look:
    """A look at three planted cases: a signal."""
    study = simulate("cyt107", tmp_path_factory.mktemp("study"), seed=1, subjects=8)
    protocol = load_protocol(study / "protocol.yaml")
    cutoff = datetime.fromisoformat(json.loads((study / "truth.json").read_text())["data_cutoff"])
    sources = protocol.feeds.by_domain()
    feeds = {d.lower(): read_feed(str(study / source.path), domain=d) for d, source in sources.items()}
    return look_at(Knowledge(feeds), protocol, data_cutoff=cutoff)


@pytest.fixture
def look(found: Look, tmp_path: Path) -> Look:
    """The same look, of a study in a folder of its own."""
    alerts = Alerts.model_validate({"routes": ROUTES})
    protocol = found.protocol.model_copy(update={"alerts": alerts}).read_from(tmp_path, found.protocol.sha256)
    return replace(found, protocol=protocol)


@pytest.fixture(scope="module")
def early(found: Look) -> Look:
    """A look at the same study a year before: there is nothing yet."""
    sources, study = found.protocol.feeds.by_domain(), found.protocol.folder
    feeds = {d.lower(): read_feed(str(study / source.path), domain=d) for d, source in sources.items()}
    return look_at(Knowledge(feeds), found.protocol, data_cutoff=found.data_cutoff - timedelta(days=365))


def folder(look: Look) -> Path:
    return look.protocol.folder / "looks" / look.protocol.study.id / "now"


def concluded(look: Look, out: Path | None = None, **addresses: str) -> LookOutcome:
    state = f"sqlite:///{look.protocol.folder / 'postdose.sqlite'}"
    return conclude(look, out or folder(look), Settings(state, addresses), "")


def assert_told(look: Look, outcome: LookOutcome, *failed: str) -> None:
    """Whoever is told of a signal was, on record; the outcome says it, and which steps failed."""
    messages = [json.loads(one.read_text()) for one in (look.protocol.folder / "outbox").glob("*.json")]
    crossed = {f"signal:{one['rule']}" for one in outcome.document["signals"]}
    assert {one["about"] for one in messages} == crossed != set()
    assert outcome.exit_code == 20
    said = outcome.document["delivery"].get("failed", [])
    assert {one.partition(": ")[0] for one in said} == set(failed), said
    kinds = [one.kind for one in ledger(look).records(look.protocol.study.id)]
    assert kinds.count(Kind.LOOK) == 1 and kinds.count(Kind.RECEIPT) >= len(crossed)


def ledger(look: Look) -> Ledger:
    return Ledger(f"sqlite:///{look.protocol.folder / 'postdose.sqlite'}", must_exist=True)


def test_where_nothing_breaks_nothing_is_said_to_have_failed(look: Look) -> None:
    outcome = concluded(look)
    assert_told(look, outcome)
    assert "failed" not in json.loads((folder(look) / "look.json").read_text())["delivery"]
    assert all((folder(look) / name).is_file() for name in FILES if name != "heartbeat.json")


@pytest.mark.parametrize("name", FILES)
def test_one_file_that_cannot_be_written_keeps_no_other_from_being(look: Look, name: str) -> None:
    here = folder(look).parent if name == "heartbeat.json" else folder(look)
    (here / name / "in the way").mkdir(parents=True)
    outcome = concluded(look)
    assert_told(look, outcome, name)
    others = [one for one in FILES if one not in (name, "heartbeat.json")]
    assert all((folder(look) / one).is_file() for one in others)
    if name != "look.json":
        delivery = json.loads((folder(look) / "look.json").read_text())["delivery"]
        assert delivery == outcome.document["delivery"]


@contextmanager
def mounted(at: Path, *options: str) -> Iterator[Path]:
    """A file system of its own; only root may have one."""
    at.mkdir(parents=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", str(at)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("a file system can be mounted by root alone")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_a_file_system_that_is_read_only_costs_the_files_alone(look: Look) -> None:
    with mounted(look.protocol.folder / "looks", "-o", "ro"):
        assert_told(look, concluded(look), *FILES)


def test_a_file_system_that_is_full_costs_what_does_not_fit(look: Look) -> None:
    with mounted(look.protocol.folder / "looks", "-o", "size=12k,nr_inodes=4"):
        (look.protocol.folder / "looks" / "others").write_bytes(bytes(12_288))
        assert_told(look, concluded(look), *FILES)


@pytest.mark.parametrize("where", ["looks", "looks/CYT107-IV-SIM", "looks/CYT107-IV-SIM/now"])
def test_a_file_where_a_folder_should_be_costs_the_files_alone(look: Look, where: str) -> None:
    path = look.protocol.folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")
    beats = where.endswith("now")
    assert_told(look, concluded(look), *(one for one in FILES if not (beats and one == "heartbeat.json")))


@pytest.mark.parametrize("to", ["/proc/self", "/dev/full", "/nonexistent/x", "looks"])
def test_a_link_to_where_no_folder_can_be_costs_the_files_alone(look: Look, to: str) -> None:
    (look.protocol.folder / "looks").symlink_to(to)
    assert_told(look, concluded(look), *FILES)


@pytest.mark.parametrize("broken", ["missing", "no template", "not UTF-8", "a folder"])
@pytest.mark.parametrize("name", ["report/report.html.j2", "kit/base.html.j2", "message/message.txt.j2"])
def test_a_template_that_is_broken_costs_its_page_and_no_message(
    look: Look, name: str, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = tmp_path / "pages"
    shutil.copytree(Path(flows.pages.__file__).parent, pages)
    (pages / name).unlink()
    {
        "missing": lambda path: None,
        "no template": lambda path: path.write_text("{% if %} {{ nothing.at.all }}"),
        "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe{{"),
        "a folder": lambda path: path.mkdir(),
    }[broken](pages / name)
    monkeypatch.setattr(environment(), "loader", FileSystemLoader(pages))
    monkeypatch.setattr(environment(), "cache", None)
    assert_told(look, concluded(look), *(() if name.startswith("message") else ("report.html",)))
    (message, *_) = (look.protocol.folder / "outbox").glob("*.json")
    assert "SIGNAL" in json.loads(message.read_text())["text"]


def test_a_watchdog_that_hangs_is_named_and_not_waited_for(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.calls.LONGEST_CALL", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/secret"
        outcome = concluded(look, **{HEARTBEAT_URL: url})
    assert_told(look, outcome, HEARTBEAT_URL)
    assert "secret" not in json.dumps(outcome.document["delivery"])


def test_a_receiver_that_is_slow_keeps_neither_the_files_nor_the_next_look_waiting(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.looks.conclusion.PROMPTLY", 0.5)
    order: list[str] = []

    def take(_headers: Mapping[str, str], _body: bytes) -> int:
        for _ in range(100):
            if (folder(look) / "report.html").is_file() and "another look may begin" in order:
                break
            time.sleep(0.1)
        order.append("taken")
        return HTTPStatus.NO_CONTENT

    with webhook(take) as url:
        state = f"sqlite:///{look.protocol.folder / 'postdose.sqlite'}"
        settings = Settings(state, {URL: url})
        outcome = conclude(
            look, folder(look), settings, "", notified=lambda: order.append("another look may begin")
        )
    assert order[0] == "another look may begin" and "taken" in order
    assert outcome.document["delivery"] == {"outcome": "delivered"}
    assert json.loads((folder(look) / "look.json").read_text())["delivery"] == {"outcome": "delivered"}
    assert_told(look, outcome)


@pytest.mark.parametrize("fault", ["none can be started", "each dies of memory before its work"])
def test_where_no_thread_can_be_had_the_roles_are_notified_all_the_same(
    look: Look, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def start(_work: Callable[[], None], _given: tuple[()]) -> int:
        if fault == "none can be started":
            raise RuntimeError("can't start new thread")
        return 1

    monkeypatch.setattr("flows.threads.BEGINS_WITHIN", 0.1)
    monkeypatch.setattr("flows.threads.start_new_thread", start)
    assert_told(look, concluded(look))


ENDS = [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError]
"""What a library can raise besides errors, and what any line can."""


@pytest.mark.parametrize("ends", [*ENDS, None], ids=[*(one.__name__ for one in ENDS), "never returns"])
def test_a_channel_that_dies_costs_its_own_messages_alone(
    look: Look, ends: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(*_told: object, **_more: object) -> bool:
        if ends is None:
            threading.Event().wait()
            return True
        raise ends(0)

    monkeypatch.setattr("flows.alerts.channels.USUAL_ATTEMPT", 0.3)
    notify(on="dies")(take)  # as a plug-in of Apprise is made
    try:
        outcome = concluded(look, **{URL: "dies://receiver"})
    finally:
        NotificationManager().remove("dies")
    assert_told(look, outcome)
    assert outcome.document["delivery"] == {"outcome": "failed"}
    waiting = ledger(look).outbox.undelivered(look.protocol.study.id)
    assert {one.outgoing.channel for one in waiting} == {f"env:{URL}"}
    said = "not taken within 0.3 s" if ends is None else ends.__name__
    if ends is not MemoryError:  # which Apprise itself takes for a message that was not taken
        assert all(said in (one.last_error or "") for one in waiting), waiting


@contextmanager
def elsewhere(meets: Callable[[], object]) -> Iterator[None]:
    """A driver of the database that meets something in any thread but this."""
    here = threading.get_ident()

    def taken_out(*_connection: object) -> None:
        if threading.get_ident() != here:
            meets()

    event.listen(Pool, "checkout", taken_out)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", taken_out)


@pytest.mark.parametrize("ends", ENDS)
def test_a_thread_that_dies_as_it_notifies_leaves_the_verdict_and_what_failed(
    look: Look, ends: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def meets() -> None:
        raise ends(0)

    with elsewhere(meets):
        outcome = concluded(look)
    assert outcome.exit_code == 20 and outcome.document["delivery"] == {"outcome": "failed"}
    assert any("could not be sent" in one and ends.__name__ in one for one in caplog.messages), (
        caplog.messages
    )
    state = f"sqlite:///{look.protocol.folder / 'postdose.sqlite'}"
    _notify_all_the_same(Study(look.protocol, Settings(state, {})))  # a later look that fails
    assert_told(look, outcome)


@pytest.mark.parametrize("ends", ENDS)
def test_whoever_asks_what_became_of_messages_is_not_ended_by_it(ends: type[BaseException]) -> None:
    def meets() -> None:
        raise ends(0)

    with pytest.raises((DefectError, MemoryError), match=ends.__name__ if ends is not MemoryError else "0"):
        begin(meets).result(10)


def test_a_thread_that_never_returns_is_not_waited_for_without_end(
    look: Look, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.looks.conclusion.PROMPTLY", 0.1)
    monkeypatch.setattr("flows.looks.conclusion.LONGEST_CLAIM", timedelta(seconds=0.5))
    released = threading.Event()
    with elsewhere(released.wait):
        outcome = concluded(look)
        released.set()
    assert outcome.exit_code == 20 and outcome.document["delivery"]["outcome"] == "failed"
    assert any("no end within 0:00:00.5" in one for one in caplog.messages)


@pytest.mark.parametrize("ends", [*ENDS, OSError])
def test_a_step_that_ends_the_process_ends_no_look(look: Look, ends: type[BaseException]) -> None:
    def meets(*_told: object) -> None:
        raise ends(0)

    state = f"sqlite:///{look.protocol.folder / 'postdose.sqlite'}"
    outcome = conclude(look, folder(look), Settings(state, {}), "", notified=meets, further={"a page": meets})
    assert_told(look, outcome, NEXT_LOOK, "a page")


ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDING, ids=[one.name for one in ENDING])
def test_a_signal_while_roles_are_notified_waits_until_they_are(look: Look, number: signal.Signals) -> None:
    here, taken = os.getpid(), []

    def take(_headers: Mapping[str, str], body: bytes) -> int:
        for _ in range(3):
            os.kill(here, number)
            time.sleep(0.05)
        taken.append(json.loads(body))
        return HTTPStatus.NO_CONTENT

    with webhook(take) as url:
        outcome = concluded(look, **{URL: url})
    assert len(taken) == len(outcome.document["signals"])
    assert signal.getsignal(number) is not None
    skipped = [*FILES, HEARTBEAT_URL]
    assert_told(look, outcome, *skipped)
    assert all("told to end" in one for one in outcome.document["delivery"]["failed"])


def test_a_look_without_a_signal_that_was_told_to_end_exits_as_shells_have_it(
    look: Look, early: Look
) -> None:
    quiet = replace(early, protocol=look.protocol)
    state = f"sqlite:///{look.protocol.folder / 'postdose.sqlite'}"
    ending = partial(os.kill, os.getpid(), signal.SIGTERM)
    outcome = conclude(quiet, folder(look), Settings(state, {}), "", notified=ending)
    assert outcome.document["standing"] != "signal" and outcome.exit_code == 128 + signal.SIGTERM
    assert len(ledger(look).records(look.protocol.study.id, Kind.LOOK)) == 1


def test_messages_that_can_no_longer_be_claimed_are_sent_all_the_same(look: Look) -> None:
    """The look is recorded with its messages, and after that the database takes no change of the outbox."""
    file = look.protocol.folder / "postdose.sqlite"
    Ledger(f"sqlite:///{file}")
    fault = "CREATE TRIGGER full BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    with closing(sqlite3.connect(file)) as database:
        database.execute(fault)
    outcome = concluded(look)
    messages = {one.stem for one in (look.protocol.folder / "outbox").glob("*.json")}
    assert outcome.exit_code == 20 and outcome.ledger_problem is not None
    waiting = ledger(look).outbox.undelivered(look.protocol.study.id)
    assert messages == {one.outgoing.id for one in waiting if one.outgoing.channel == "file:outbox/"} != set()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TRIGGER full")
    _notify_all_the_same(Study(look.protocol, Settings(f"sqlite:///{file}", {})))  # a later look that fails
    assert ledger(look).outbox.undelivered(look.protocol.study.id) == ()
