"""The life of an alert in real databases: restarts between any two steps, dead letters of real channels, answers."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import LOOKED

from checks.errors import UsageError
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Alerts
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_due, alerts_of_look, run_alerts
from flows.alerts.command import run_ack
from flows.alerts.notifying import alert_id
from flows.ledger import Kind, Ledger
from flows.pages.message import CaseFact, LookFacts, RuleFact
from flows.settings import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
UNSET = "env:POSTDOSE_NOBODY_URL"
STUDY = "CYT107-IV"
SIGNAL, WATCH = alert_id(STUDY, "signal:three_cases"), alert_id(STUDY, "verdict:watch")


def protocol(folder: Path, *, physician: str = "file:physician/", repeat_hours: float = 24) -> StudyProtocol:
    routes = [
        {"role": "physician", "verdicts": ["watch", "signal"], "channels": [physician],
         "ack_within_minutes": 60, "escalate_to": "chair"},
        {"role": "chair", "verdicts": ["signal"], "channels": ["file:chair/"],
         "ack_within_minutes": 120, "escalate_to": "sponsor"},
        {"role": "sponsor", "verdicts": ["not_assessable"], "channels": ["file:sponsor/"]},
    ]  # fmt: skip
    alerts = Alerts.model_validate({"repeat_hours": repeat_hours, "routes": routes})
    read = load_protocol(GOOD)
    return read.model_copy(update={"alerts": alerts}).read_from(folder, read.sha256)


def facts(at: datetime, subjects: Sequence[str], verdict: str, rules: Sequence[str]) -> LookFacts:
    crossed = "crossed" if verdict == "signal" else "not_crossed"
    count = str(len(subjects))
    return LookFacts(
        look_id=f"{at.isoformat()} {' '.join(subjects)}", data_cutoff=at.isoformat(), verdict=verdict, lead=(),
        windows={}, feeds=(), caveats=(), background=(),
        rules=tuple(RuleFact(rule, crossed, count, "3", crossed, crossed) for rule in rules),
        cases=tuple(
            CaseFact(name, 1, "2026-03-01T08:00:00Z", 6.0, (5.5, 6.0), "fever", "definite", "yes", None, new=False)
            for name in subjects
        ),
    )  # fmt: skip


def look(
    ledger: Ledger,
    study: StudyProtocol,
    at: datetime,
    *subjects: str,
    rules: Sequence[str] = ("three_cases",),
) -> None:
    """Record a look that found these cases; three cross, two are a watch."""
    verdict = "signal" if len(subjects) >= 3 else "watch" if len(subjects) == 2 else "no_signal"
    found = facts(at, subjects, verdict, rules)
    states = dict.fromkeys(rules, "ongoing") if verdict == "signal" else dict.fromkeys(rules, "cleared")
    looked = Looked(found, states, CHANGES.empty(), "report.html")
    decision = partial(alerts_of_look, looked=looked, protocol=study, now=at)
    payload = {**LOOKED, "look_id": found.look_id, "data_cutoff": found.data_cutoff, "verdict": verdict}
    ledger.record_look(STUDY, payload, decision=decision, now=at)


def ack(url: str, name: str, at: datetime) -> None:
    with suppress(UsageError):  # before it was raised, or after its end: nothing is recorded
        run_ack(Settings(url, {}), name, by="Dr. Aaroen", reason="assessing it", now=at)


def told(study: StudyProtocol) -> Mapping[str, list[str]]:
    """What lies in each role's folder: the occasions of its messages, in order."""
    found = {}
    for role in ("physician", "chair", "sponsor"):
        files = [json.loads(file.read_text()) for file in (study.folder / role).glob("*.json")]
        found[role] = sorted(f"{one['about']} {one['occasion']} {one['step']}" for one in files)
    return found


def test_a_signal_is_delivered_escalated_answered_and_each_of_it_is_on_record(
    state_url: str, tmp_path: Path
) -> None:
    study, ledger = protocol(tmp_path), Ledger(state_url)
    turn = partial(run_alerts, ledger, study, addresses={}, watching=False)
    look(ledger, study, NOW, "S1", "S2", "S3")
    assert turn(NOW).outcome == "delivered"
    assert turn(NOW + timedelta(minutes=59)).delivered == ()
    assert len(turn(NOW + timedelta(minutes=60)).delivered) == 1
    ack(state_url, SIGNAL[:8], NOW + timedelta(minutes=90))
    assert turn(NOW + timedelta(days=3)).delivered == ()
    signal = "signal:three_cases"
    assert told(study) == {
        "physician": [f"{signal} raised 0"],
        "chair": [f"{signal} escalated 0", f"{signal} raised 0"],
        "sponsor": [],
    }
    kinds = Counter(record.kind for record in ledger.records(STUDY))
    assert kinds == Counter(look=1, evidence=1, raised=1, escalation=1, alert=3, receipt=3, acknowledgement=1)
    assert ledger.verify() == sum(kinds.values())
    (taken,) = ledger.records(STUDY, Kind.ACKNOWLEDGEMENT)
    assert taken.payload == {
        "alert": SIGNAL, "by": "Dr. Aaroen", "reason": "assessing it", "at": "2026-03-02T09:30:00Z",
        "authenticated": False,
    }  # fmt: skip


def test_who_takes_an_alert_is_told_who_had_it_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, url = protocol(tmp_path), f"sqlite:///{tmp_path / 'state.sqlite'}"
    look(Ledger(url), study, NOW, "S1", "S2", "S3")
    take = partial(run_ack, Settings(url, {}), SIGNAL)
    assert take(by="Dr. Aaroen", reason="assessing S1", now=NOW) == 0
    assert "before" not in capsys.readouterr().out
    assert take(by="Dr. Berg", reason="calling the site", now=NOW + timedelta(hours=1)) == 0
    said = "It was acknowledged before by Dr. Aaroen at 2026-03-02 08:00 UTC: assessing S1"
    assert said in capsys.readouterr().out.splitlines()
    assert take(by="Dr. Aaroen", reason="done", now=NOW + timedelta(hours=2), as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["acknowledged_before"] == {
        "by": "Dr. Berg", "reason": "calling the site", "at": "2026-03-02T09:00:00Z",
    }  # fmt: skip


def test_a_role_without_a_channel_is_given_up_and_the_next_one_told_in_the_same_turn(
    state_url: str, tmp_path: Path
) -> None:
    study, ledger = protocol(tmp_path, physician=UNSET), Ledger(state_url)
    look(ledger, study, NOW, "S1", "S2")
    sent = run_alerts(ledger, study, NOW, addresses={}, watching=False)
    assert (sent.outcome, [one.role for one in sent.dead]) == ("failed", ["physician"])
    assert told(study) == {
        "physician": [],
        "chair": ["verdict:watch dead letter 1"],
        "sponsor": ["delivery_failed:physician raised 0"],
    }
    text = json.loads(next((tmp_path / "chair").iterdir()).read_text())["text"]
    assert "A message to physician was given up: env:POSTDOSE_NOBODY_URL: found no value" in " ".join(
        text.split()
    )
    run_alerts(ledger, study, NOW + timedelta(minutes=120), addresses={}, watching=False)
    assert told(study)["sponsor"] == ["delivery_failed:physician raised 0", "verdict:watch escalated 2"]


def test_a_channel_that_is_taken_away_meanwhile_is_told_of_and_the_plan_goes_on(
    state_url: str, tmp_path: Path
) -> None:
    before, ledger = protocol(tmp_path, physician="env:POSTDOSE_GONE_URL"), Ledger(state_url)
    look(ledger, before, NOW, "S1", "S2")
    after = protocol(tmp_path, physician="file:elsewhere/", repeat_hours=1)
    run_alerts(ledger, after, NOW, addresses={}, watching=False)  # the variable is not set any more
    assert told(after)["chair"] == ["verdict:watch dead letter 1"]
    assert not (tmp_path / "elsewhere").exists() or told(after)["physician"] == []
    run_alerts(ledger, after, NOW + timedelta(hours=2), addresses={}, watching=False)
    assert "verdict:watch escalated 2" in told(after)["sponsor"]


def test_whoever_asks_again_at_the_same_moment_tells_nothing_more(state_url: str, tmp_path: Path) -> None:
    study, ledger = protocol(tmp_path), Ledger(state_url)
    look(ledger, study, NOW, "S1", "S2", "S3")
    later = NOW + timedelta(hours=5)
    assert alerts_due(ledger, study, later, watching=False) is not None
    before = ledger.head()
    assert alerts_due(Ledger(state_url), study, later, watching=False) is None
    assert ledger.head() == before


def test_several_that_ask_at_once_tell_once(state_url: str, tmp_path: Path) -> None:
    study = protocol(tmp_path)
    look(Ledger(state_url), study, NOW, "S1", "S2", "S3")
    later = NOW + timedelta(minutes=60)
    with ThreadPoolExecutor(4) as pool:
        ledgers = [Ledger(state_url) for _ in range(4)]
        heads = list(pool.map(lambda ledger: alerts_due(ledger, study, later, watching=False), ledgers))
    assert sum(head is not None for head in heads) == 1
    assert len(ledgers[0].records(STUDY, Kind.ESCALATION)) == 1


def test_a_closed_alert_cannot_be_taken(state_url: str, tmp_path: Path) -> None:
    study, ledger = protocol(tmp_path), Ledger(state_url)
    look(ledger, study, NOW, "S1", "S2")
    look(ledger, study, NOW + timedelta(hours=1), "S1")
    with pytest.raises(UsageError, match="closed: its cause is gone"):
        run_ack(Settings(state_url, {}), WATCH, by="A", reason="B", now=NOW + timedelta(hours=2))
    assert ledger.records(STUDY, Kind.ACKNOWLEDGEMENT) == ()


Action = tuple[str, Any]
SUBJECTS = ("S1", "S2", "S3", "S4")
actions = st.one_of(
    st.tuples(st.just("look"), st.lists(st.sampled_from(SUBJECTS), unique=True, max_size=4)),
    st.tuples(st.just("ack"), st.sampled_from([SIGNAL, WATCH])),
    st.tuples(st.just("turn"), st.none()),
    st.tuples(st.just("mend"), st.booleans()),
)
stories = st.lists(st.tuples(st.integers(1, 60 * 30), actions), min_size=1, max_size=8)
"""Minutes until something happens, up to more than a day, and what."""


def lived(story: Sequence[tuple[int, Action]], folder: Path, restarts: Sequence[bool]) -> Iterator[Any]:
    """Live through a story, with a new process's eyes before each step where told; yield what is left of it."""
    url = f"sqlite:///{folder / 'state.sqlite'}"
    ledger, study, at, addresses = Ledger(url), protocol(folder, physician=UNSET), NOW, {}
    for (minutes, (what, detail)), restart in zip(story, restarts, strict=True):
        at += timedelta(minutes=minutes)
        if restart:
            ledger, study = Ledger(url), protocol(folder, physician=UNSET)
        if what == "look":
            look(ledger, study, at, *detail)
        elif what == "ack":
            ack(url, detail, at)
        elif what == "mend":
            addresses = {"POSTDOSE_NOBODY_URL": "http://127.0.0.1:9/"} if detail else {}
        if restart:
            ledger = Ledger(url)  # between what a look caused and its being sent
        run_alerts(ledger, study, at, addresses=addresses, watching=True)
    # What a message says names the newest record, and channels give their receipts in the order that they end.
    payloads = [(record.kind, dict(record.payload)) for record in ledger.records() if record.kind in LIFE]
    yield [(kind, {**payload, "message_sha256": None}) for kind, payload in payloads]
    yield told(study)
    yield {name: alert.state for name, alert in ledger.standings()[STUDY].alerts.items()}


LIFE = {Kind.EVIDENCE, Kind.RAISED, Kind.REOPENED, Kind.WORSENED, Kind.REPEATED, Kind.CLOSED, Kind.ESCALATION}
LIFE |= {Kind.ALERT, Kind.ACKNOWLEDGEMENT, Kind.DEAD_LETTER}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories, data=st.data())
def test_a_restart_between_any_two_steps_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[int, Action]], data: st.DataObject
) -> None:
    restarts = data.draw(st.lists(st.booleans(), min_size=len(story), max_size=len(story)))
    never = list(lived(story, tmp_path_factory.mktemp("never"), [False] * len(story)))
    sometimes = list(lived(story, tmp_path_factory.mktemp("restarted"), restarts))
    assert sometimes == never
