"""A served study on a real Prefect server in PostgreSQL: from a delivery to its alert, its review and its night.

The ledger lies in the same database. The tests are the steps of one story, in their order.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import ROOT, call, postdose, started, taking_all, wait_for

from checks.protocol import load_protocol
from flows.feeds import open_inbox
from flows.ledger import Kind, Ledger
from flows.ledger.life import State
from flows.serving.arrivals import SETTLED
from flows.serving.serve import study_deployments

STUDY = "CYT107-IV-SIM"
BOUND_SECONDS = 300
SIGNAL = "signal:rate"
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(900)]


@dataclass
class Story:
    """What the steps share."""

    folder: Path
    environment: Mapping[str, str]
    told: list[Mapping[str, Any]]
    serving: "subprocess.Popen[bytes]"
    runs: dict[str, Any] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.environment["POSTDOSE_DATABASE"])

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return call(self.environment, path, body)

    def deployments(self) -> dict[str, Any]:
        found = self.call("/deployments/filter", {})
        return {
            one["name"].removeprefix(f"{STUDY} "): one for one in found if one["name"].startswith(f"{STUDY} ")
        }

    def ask_for(self, deployment: str, **parameters: str) -> str:
        known = self.deployments()[deployment]
        run = self.call(f"/deployments/{known['id']}/create_flow_run", {"parameters": parameters})
        return str(run["id"])

    def ended(self, run: str) -> Any:
        """The run once it has ended."""
        return self.wait_for(f"the end of {run}", lambda: self.when(run, FINAL))

    def when(self, run: str, states: set[str]) -> Any:
        found = self.call(f"/flow_runs/{run}")
        return found if found["state_type"] in states else None

    def runs_of(self, deployment: str, states: set[str]) -> list[Any]:
        found = self.call(
            "/flow_runs/filter",
            {
                "deployments": {"name": {"any_": [f"{STUDY} {deployment}"]}},
                "flow_runs": {"state": {"type": {"any_": sorted(states)}}},
                "sort": "START_TIME_ASC",
            },
        )
        return list(found)

    def wait_for(self, what: str, ready: Callable[[], Any]) -> Any:
        return wait_for(what, ready, seconds=BOUND_SECONDS, said=self.log)

    def log(self) -> str:
        return (self.folder / "serve.log").read_text(errors="replace")[-4000:]


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def story(prefect_server: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A simulated study to which nothing has been delivered yet, served; a look is scheduled every minute."""
    if "POSTDOSE_DATABASE" not in prefect_server:
        pytest.skip("no PostgreSQL server is installed")
    folder = tmp_path_factory.mktemp("served")
    simulate = postdose("simulate", "cyt107", "--out", str(folder), "--seed", "1")
    subprocess.run(simulate, check=True, capture_output=True, timeout=300, cwd=ROOT)
    (folder / "feeds").rename(folder / "sent")
    (folder / "feeds").mkdir()
    protocol = folder / "protocol.yaml"
    text = protocol.read_text()
    assert text.count('channels: ["file:outbox/"]') == 1
    protocol.write_text(text.replace('["file:outbox/"]', '["env:POSTDOSE_HOOK"]'))
    with taking_all() as (url, told):
        environment = {**prefect_server, "POSTDOSE_HOOK": url, "PREFECT_WORKER_QUERY_SECONDS": "1"}
        environment["POSTDOSE_CLOSED"] = "allowed"
        command = postdose("serve", str(protocol), "--cron", "* * * * *")
        with started(command, folder / "serve.log", environment) as process:
            yield Story(folder, environment, told, process)


def test_a_study_has_its_deployments_and_a_second_process_is_refused(story: Story) -> None:
    story.wait_for("the deployments", lambda: len(story.deployments()) == 6)
    known = story.deployments()
    assert set(known) == {"scheduled", "arrival", "manual", "nightly", "review", "closed"}
    assert all(one["tags"] == [STUDY] and one["description"] for one in known.values())
    zones = {one["schedules"][0]["schedule"]["timezone"] for one in known.values() if one["schedules"]}
    assert zones == {"Europe/Paris"}
    again = subprocess.run(
        postdose("serve", str(story.folder / "protocol.yaml")),
        env=dict(story.environment), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert again.returncode == 2
    assert f"study {STUDY}: found that process {story.serving.pid} serves it" in again.stderr


def test_a_scheduled_look_runs_to_its_verdict(story: Story) -> None:
    run = story.wait_for("a scheduled look", lambda: story.runs_of("scheduled", {"COMPLETED"}))[0]
    assert run["auto_scheduled"]
    assert run["state_name"] == "not_assessable"  # without any feed
    story.call(f"/deployments/{run['deployment_id']}/pause_deployment", {})
    story.wait_for("the alert of it", lambda: story.told)
    assert SIGNAL not in {one["about"] for one in story.told}


def test_a_file_that_is_written_slowly_is_taken_when_it_is_whole_and_leads_to_an_alert(story: Story) -> None:
    content = (story.folder / "sent" / "vs.csv").read_bytes()
    longest = write_slowly(story.folder / "feeds" / "vs.csv", content)
    for file in (story.folder / "sent").iterdir():
        if file.name != "vs.csv":
            shutil.copyfile(file, story.folder / "feeds" / file.name)
    story.wait_for("the signal's alert", lambda: [one for one in story.told if one["about"] == SIGNAL])
    store = open_inbox(load_protocol(story.folder / "protocol.yaml"), {}, None).store
    kept = [one.sha256 for one in store.receipts("VS", by=datetime.now(UTC) + timedelta(seconds=1))]
    if longest < SETTLED.total_seconds():  # else the machine held the writer up, and the half looked whole
        assert kept == [hashlib.sha256(content).hexdigest()]
    run = story.wait_for("its run", lambda: story.runs_of("arrival", {"COMPLETED"}))[-1]
    assert run["state_name"] == "signal"
    assert run["parameters"]["reason"].startswith("received: ") and run["parameters"]["reason"].endswith("VS")
    events = story.call("/events/filter", {"filter": {"event": {"name": ["postdose.delivery.received"]}}})
    assert {one["payload"]["sha256"] for one in events["events"]} >= set(kept)


def write_slowly(path: Path, content: bytes) -> float:
    """Write a file in pieces over twice the time in which one settles; return the longest pause in seconds."""
    pieces, pause = 20, 2 * SETTLED.total_seconds() / 20
    size = -(-len(content) // pieces)
    longest = 0.0
    with path.open("wb") as file:
        for start in range(0, len(content), size):
            began = time.monotonic()
            time.sleep(pause)
            file.write(content[start : start + size])
            file.flush()
            longest = max(longest, time.monotonic() - began)
    return longest


def test_a_look_by_hand_waits_its_turn_and_looks_that_come_together_are_made_once(story: Story) -> None:
    late = [story.ask_for("arrival", reason=f"late {number}") for number in range(3)]
    story.wait_for("one of them", lambda: story.runs_of("arrival", {"RUNNING"}))
    cutoff = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    by_hand = story.ask_for("manual", data_cutoff=cutoff, reason="a call from site FR02")
    ended = [story.ended(run) for run in late]
    states = [run["state_name"] for run in ended]
    assert states.count("signal") >= 1
    assert states.count("Cancelled") >= 1, states  # one more may be begun after the first has ended
    run = story.ended(by_hand)
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "signal")
    assert run["name"].startswith(f"{STUDY} {cutoff[:10]}")
    looks = [record.payload for record in story.ledger.records(STUDY, Kind.LOOK)]
    assert [one["data_cutoff"] for one in looks if one["reason"] == "a call from site FR02"] == [cutoff]
    made = [run for run in (*ended, run) if run["state_type"] == "COMPLETED"]
    assert not_at_once(
        [one["at"] for one in looks if one["reason"].startswith(("late", "a call"))], len(made)
    )


def not_at_once(moments: Sequence[str], looks: int) -> bool:
    return len(moments) == looks and list(moments) == sorted(moments)


def test_a_look_shows_its_verdict_rules_and_cases_on_the_page(story: Story) -> None:
    found = story.call("/artifacts/filter", {"sort": "KEY_DESC"})
    shown = {one["key"] for one in found}
    assert {f"look-{STUDY.lower()}", f"progress-{STUDY.lower()}"} <= shown
    text = next(one["data"] for one in found if one["key"].startswith("look-") and "signal" in one["data"])
    assert "| rate | crossed |" in text
    report = Path(text.partition("(file://")[2].partition(")")[0])
    assert (report.parent / "look.json").is_file()


def test_a_review_waits_for_an_answer_which_is_recorded_and_takes_the_alert(story: Story) -> None:
    run = story.wait_for("a review", lambda: story.runs_of("review", {"PAUSED"}))[-1]
    lost = {"type": "CRASHED", "message": "its process is gone"}
    story.call(f"/flow_runs/{run['id']}/set_state", {"state": lost, "force": True})
    run = story.wait_for("the next one", lambda: story.runs_of("review", {"PAUSED"}))[-1]
    answer = {
        "recommendation": "hold dosing",
        "name": "Dr A. Reviewer",
        "reason": "three alike in hours 5 to 8",
    }
    for wrong in ({"recommendation": "stop"}, {"name": " "}, {"reason": ""}):
        said = story.call(f"/flow_runs/{run['id']}/resume", {"run_input": {**answer, **wrong}})
        assert said["status"] == "REJECT", wrong
    story.call(f"/flow_runs/{run['id']}/resume", {"run_input": answer})
    ended = story.ended(run["id"])
    assert (ended["state_type"], ended["state_name"]) == ("COMPLETED", "hold dosing")
    alert = story.ledger.standings()[STUDY].alerts[run["parameters"]["alert"]]
    assert alert.about in {SIGNAL, "signal:timing"}
    (review,) = story.ledger.records(STUDY, Kind.REVIEW)
    assert {name: review.payload[name] for name in ("recommendation", "by", "reason", "about")} == {
        "recommendation": "hold dosing",
        "by": "Dr A. Reviewer",
        "reason": "three alike in hours 5 to 8",
        "about": alert.about,
    }
    assert alert.state is State.ACKNOWLEDGED
    assert alert.acknowledgement is not None and alert.acknowledgement.by == "Dr A. Reviewer"


def test_the_nightly_check_makes_the_looks_again(story: Story) -> None:
    run = story.ended(story.ask_for("nightly"))
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "holds"), run["state"]["message"]
    faults = [one.payload["feed_faults"].values() for one in story.ledger.records(STUDY, Kind.LOOK)]
    again = [one for one in faults if all(fault["fault"] == "stale" for fault in one)]
    assert len(again) >= 3
    assert f"{len(again)} looks made again." in run["state"]["message"]
    (night,) = [one.payload for one in story.ledger.records(STUDY, Kind.NIGHT)]
    assert (night["looks_made_again"], night["problems"]) == (len(again), [])


def test_a_closed_report_that_is_asked_for_is_written_beside_the_look_and_recorded(story: Story) -> None:
    asked = story.ask_for("closed", reason="the board's closed session", by="Dr B. Statistician")
    unsaid = story.ended(story.ask_for("closed", reason="the board's closed session", by=" "))
    assert (unsaid["state_type"], unsaid["state_name"]) == ("FAILED", "refused")
    assert "--by: found no printable text" in unsaid["state"]["message"]
    run = story.ended(asked)
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "written"), run["state"]["message"]
    (access,) = [record.payload for record in story.ledger.records(STUDY, Kind.CLOSED_ACCESS)]
    assert (access["by"], access["reason"]) == ("Dr B. Statistician", "the board's closed session")
    assert access["look_id"] in run["state"]["message"]
    (page,) = story.folder.glob("looks/*/*/closed/closed.html")
    assert json.loads((page.parents[1] / "look.json").read_text())["look_id"] == access["look_id"]
    assert "PLACEBO" in page.read_text()
    assert page.parent.stat().st_mode & 0o777 == 0o700


def test_a_fault_met_once_the_arm_is_read_is_named_by_its_kind_alone(story: Story) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    open_to_all = story.folder / "looks" / STUDY / f"{now:%Y%m%dT%H%M%SZ}" / "closed"
    open_to_all.mkdir(parents=True)
    open_to_all.chmod(0o755)
    why = {"reason": "the board's closed session", "by": "Dr B. Statistician"}
    run = story.ended(story.ask_for("closed", data_cutoff=now.isoformat(), **why))
    assert (run["state_type"], run["state_name"]) == ("FAILED", "not written")
    assert "(UsageError)" in run["state"]["message"] and str(story.folder) not in run["state"]["message"]
    assert not list(open_to_all.iterdir())


def test_a_closed_report_is_not_offered_where_the_arm_may_not_be_read(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTDOSE_CLOSED", raising=False)
    offered = {one.name for one in study_deployments(story.folder / "protocol.yaml")}
    assert offered == {f"{STUDY} {name}" for name in ("scheduled", "arrival", "manual", "nightly", "review")}


def test_no_run_carries_a_secret_or_an_arm(story: Story) -> None:
    runs = json.dumps(story.call("/flow_runs/filter", {})) + json.dumps(story.call("/logs/filter", {}))
    for secret in ("PLACEBO", "ACTARM", "postgresql://", story.environment["POSTDOSE_HOOK"]):
        assert secret not in runs


def test_sigterm_ends_it_cleanly_and_pauses_what_is_scheduled(story: Story) -> None:
    story.serving.terminate()
    assert story.serving.wait(90) == 0, story.log()
    assert not is_alive(story.serving.pid)
    assert all(one["paused"] for one in story.deployments().values())
    log = (
        story.folder / "serve.log"
    ).read_text()  # with Prefect's words on the two runs that failed as they should
    assert log.count("Traceback") == log.count("prefect.exceptions.FailedRun: ")


def test_a_worker_runs_what_prefect_yaml_declares(story: Story) -> None:
    """What was received while nobody served is found by the turn, which starts the look that the worker runs."""
    without_its_last_row(story.folder / "sent" / "lb.csv", story.folder / "feeds" / "lb.csv")
    declared = (ROOT / "deployments" / "prefect.yaml").read_text()
    ours = declared.replace(
        "deployments/studies/CYT107-IV/protocol.yaml", str(story.folder / "protocol.yaml")
    ).replace("CYT107-IV ", f"{STUDY} ")
    (story.folder / "prefect.yaml").write_text(ours)
    if not story.call("/work_pools/filter", {"work_pools": {"name": {"any_": ["postdose"]}}}):
        story.call("/work_pools/", {"name": "postdose", "type": "process"})
    deploy = postdose(
        "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(story.folder / "prefect.yaml")
    )
    subprocess.run(deploy, env=dict(story.environment), cwd=ROOT, check=True, timeout=300)
    before = {one["id"] for one in story.runs_of("arrival", FINAL)}
    worker = postdose("prefect", "worker", "start", "--pool", "postdose", "--type", "process")
    with started(worker, story.folder / "serve.log", story.environment):
        story.ask_for("turn")  # or the scheduled one, where that runs already: the limit lets one through
        (run,) = story.wait_for("a look", lambda: new(story, before))
        run = story.ended(run["id"])
    assert story.runs_of("turn", {"COMPLETED"}), story.log()
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "signal"), story.log()
    assert run["parameters"]["reason"] == "received: LB"
    assert run["work_pool_name"] == "postdose"


def new(story: Story, before: set[str]) -> list[Any]:
    return [
        one
        for one in story.runs_of("arrival", {"PENDING", "RUNNING", "COMPLETED"})
        if one["id"] not in before
    ]


def without_its_last_row(source: Path, target: Path) -> None:
    """Copy a feed with one row left out: another content."""
    lines = source.read_text().splitlines(keepends=True)
    part = target.with_suffix(".part")
    part.write_text("".join(lines[:-1]))
    shutil.move(part, target)


def test_prefect_yaml_repeats_the_protocols_schedule() -> None:
    declared = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    protocol = load_protocol(ROOT / declared[0]["parameters"]["study"])
    assert declared[0]["schedules"] == [{"cron": protocol.schedule.cron, "timezone": protocol.study.timezone}]
    served = {"scheduled", "turn", "arrival", "manual", "nightly", "review"}
    assert {one["name"] for one in declared} == {f"{protocol.study.id} {name}" for name in served}
