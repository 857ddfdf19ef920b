"""A look whose ledger cannot be written: its crossed rules are told all the same, once, and as not recorded."""

import json
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from feed_files import read_feed
from servers import taking_all
from sqlalchemy import create_engine, make_url, text

from checks.knowledge import Knowledge
from checks.looks import Look, look_at
from checks.protocol import load_protocol
from checks.protocol.model import Alerts
from checks.signals import Verdict
from flows.alerts import notify_unrecorded
from flows.ledger import Kind, Ledger
from flows.ledger.database import WRITERS_LOCK
from flows.looks import conclusion
from flows.settings import Settings
from flows.simulate import simulate

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SAID = "This alert is not recorded: the ledger could not be written."


@pytest.fixture(scope="module")
def signal(tmp_path_factory: pytest.TempPathFactory) -> Look:
    """A look at three planted cases; its first role is reached by a webhook and briefly, its second by a file."""
    study = simulate("cyt107", tmp_path_factory.mktemp("study"), seed=1, subjects=8)
    read = load_protocol(study / "protocol.yaml")
    routes = [
        {"role": "physician", "verdicts": ["watch", "signal"], "channels": ["env:POSTDOSE_PHYSICIAN_URL"],
         "ack_within_minutes": 60, "escalate_to": "chair"},
        {"role": "physician", "verdicts": ["signal"], "channels": ["file:brief/"], "brief": True},
        {"role": "chair", "verdicts": ["signal"], "channels": ["file:chair/"]},
    ]  # fmt: skip
    alerts = Alerts.model_validate({"routes": routes})
    protocol = read.model_copy(update={"alerts": alerts}).read_from(study, read.sha256)
    cutoff = datetime.fromisoformat(json.loads((study / "truth.json").read_text())["data_cutoff"])
    sources = protocol.feeds.by_domain()
    feeds = {d.lower(): read_feed(str(study / source.path), domain=d) for d, source in sources.items()}
    return look_at(Knowledge(feeds), protocol, data_cutoff=cutoff)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """A webhook that takes every message; yields its address and what it took."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with taking_all() as told:
        yield told


def with_query(url: str, **query: str) -> str:
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


@contextmanager
def read_only(url: str) -> Iterator[str]:
    if url.startswith("sqlite"):
        yield f"sqlite:///file:{make_url(url).database}?mode=ro&uri=true"
    else:
        yield with_query(url, options="-c default_transaction_read_only=on")


@contextmanager
def locked(url: str) -> Iterator[str]:
    """Somebody writes for longer than is waited for."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if url.startswith("sqlite"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield with_query(url, timeout="0.2")
        else:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})"))
            yield with_query(url, options="-c lock_timeout=200ms")
    engine.dispose()


@contextmanager
def full_disk(url: str) -> Iterator[str]:
    """No file of this process may grow beyond what the ledger's has."""
    size = Path(make_url(url).database or "").stat().st_size
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, allowed[1]))
    try:
        yield url
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)


@contextmanager
def without_right(url: str) -> Iterator[str]:
    """A role that may read the ledger and no more."""
    role, engine = f"r{make_url(url).database}", create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'p'")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    yield make_url(url).set(username=role, password="p").render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


@contextmanager
def a_folder(url: str) -> Iterator[str]:
    yield f"sqlite:///{Path(make_url(url).database or '').parent}"


FAULTS = {
    "read-only sqlite": read_only, "locked sqlite": locked, "full disk sqlite": full_disk,
    "a folder sqlite": a_folder,
    "read-only postgresql": read_only, "locked postgresql": locked, "without the right postgresql": without_right,
}  # fmt: skip


@pytest.fixture(params=FAULTS)
def faulty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a ledger that holds one record, and to which no look can be written."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param.endswith("postgresql"):
        url = request.getfixturevalue("postgresql_database")
    Ledger(url).record("another", Kind.LOOK, {})
    with FAULTS[request.param](url) as broken:
        yield broken
    assert Ledger(url).verify() == 1


def test_a_crossed_rule_is_told_to_the_first_role_once_and_says_that_it_is_not_recorded(
    signal: Look, faulty: str, receiver: tuple[str, list[Mapping[str, Any]]], tmp_path: Path
) -> None:
    url, taken = receiver
    settings, document = Settings(faulty, {"POSTDOSE_PHYSICIAN_URL": url}), signal.document()
    page = str(tmp_path / "report.html")
    recorded = conclusion._record(signal, document, page, settings, "", as_found=False)
    assert recorded.ledger is None and recorded.problem
    crossed = {one.rule for one in recorded.signals if one.state != "cleared"}
    looked = conclusion._looked(document, recorded.signals, signal, page)

    assert notify_unrecorded(looked, signal.protocol, NOW, addresses=settings.addresses) == "delivered"
    assert {one["about"] for one in taken} == {f"signal:{rule}" for rule in crossed} != set()
    assert len(taken) == len(crossed)
    for one in taken:
        assert (one["role"], one["recorded"], one["acknowledge_by"], one["escalates_to"]) == (
            "physician",
            False,
            None,
            None,
        )
        assert SAID in " ".join(one["text"].split())
        assert "postdose alerts ack" not in one["text"]
    brief = [json.loads(file.read_text()) for file in (signal.protocol.folder / "brief").iterdir()]
    assert {one["alert"] for one in brief} == {one["alert"] for one in taken}
    assert all(one["recorded"] is False and SAID not in one["text"] for one in brief)
    assert not (signal.protocol.folder / "chair").exists()

    document["delivery"] = {"outcome": "delivered", "recorded": False}
    assert conclusion._exit_code(signal.verdict, signal, document, recorded.problem) == 20
    quieter = replace(signal, verdict=Verdict.WATCH)
    assert conclusion._exit_code(quieter.verdict, quieter, document, recorded.problem) == 41


def test_one_that_is_not_taken_is_said_and_what_is_no_crossed_rule_waits(
    signal: Look, receiver: tuple[str, list[Mapping[str, Any]]], tmp_path: Path
) -> None:
    page = str(tmp_path / "report.html")
    looked = conclusion._looked(signal.document(), signal.signals(()), signal, page)
    assert notify_unrecorded(looked, signal.protocol, NOW, addresses={}) == "failed"
    watch = replace(looked, facts=replace(looked.facts, verdict="watch"), signals={})
    addresses = {"POSTDOSE_PHYSICIAN_URL": receiver[0]}
    assert notify_unrecorded(watch, signal.protocol, NOW, addresses=addresses) == "pending"
    assert receiver[1] == []


def test_a_projection_that_lacks_its_alerts_is_written_anew_rather_than_keep_a_look_off_the_record(
    signal: Look, tmp_path: Path
) -> None:
    url, document = f"sqlite:///{tmp_path / 'state.sqlite'}", signal.document()
    first = conclusion._record(signal, document, "", Settings(url, {}), "", as_found=False)
    assert first.ledger is not None
    raised = [one.payload["alert"] for one in first.ledger.records(kind=Kind.RAISED)]
    with create_engine(url).begin() as connection:
        emptied = "UPDATE standings SET document = json_set(document, '$.alerts', json('{}'))"
        assert connection.exec_driver_sql(emptied).rowcount == 1
    again = conclusion._record(signal, document, "", Settings(url, {}), "", as_found=False)
    assert (again.problem, again.ledger is None) == (None, False)
    assert [one.payload["alert"] for one in first.ledger.records(kind=Kind.RAISED)] == raised != []
    assert first.ledger.verify() == len(first.ledger.records())
