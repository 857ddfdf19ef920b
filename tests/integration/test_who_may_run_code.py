"""Nobody without the password has code run: no other account of the machine, and no page in a browser on it."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from servers import Prefect, end, free_port, prefect_environment, wait_for

from flows.commands.cli import main
from flows.doctor import examine

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(900)]

NOBODY = 65534
ELSEWHERE = "http://elsewhere.invalid"
PASSWORDS = ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING")

ATTEMPT = """
import json, sys, urllib.error, urllib.request
url, headers = sys.argv[1], json.loads(sys.argv[2])

def asked(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()

done = {}
done["version"] = asked("GET", "/admin/version")
done["flow"] = asked("POST", "/flows/", {"name": "theirs"})
flow = json.loads(done["flow"][2]).get("id", "00000000-0000-0000-0000-000000000000")
steps = [{"prefect.deployments.steps.run_shell_script": {"script": "id > /tmp/theirs"}}]
done["deployment"] = asked("POST", "/deployments/", {"name": "theirs", "flow_id": flow, "pull_steps": steps})
known = json.loads(asked("POST", "/deployments/filter", {})[2])
ids = [one["id"] for one in known] if isinstance(known, list) else []
for one in [*ids, json.loads(done["deployment"][2]).get("id", flow)][:1]:
    done["run"] = asked("POST", f"/deployments/{one}/create_flow_run", {"parameters": {"study": "/etc/passwd"}})
done["block"] = asked("POST", "/block_types/", {"name": "theirs", "slug": "theirs"})
done["preflight"] = asked("OPTIONS", "/flows/")
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A server as the documentation starts it, with nothing told of a password."""
    folder = tmp_path_factory.mktemp("served")
    told = prefect_environment(folder / "prefect")
    environment = {name: value for name, value in told.items() if name not in PASSWORDS}
    with Prefect(environment, folder / "server.log"):
        yield environment


def attempt(url: str, headers: Mapping[str, str]) -> dict[str, tuple[int, dict[str, str], str]]:
    """What another account gets, by plain requests (a page of a browser sends no other)."""
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    command = ["/usr/bin/env", "python3", "-c", ATTEMPT, url, json.dumps(dict(headers))]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd="/", timeout=300,
        env={"PATH": os.defpath}, **other,
    )  # fmt: skip
    return json.loads(done.stdout)


def kept(environment: Mapping[str, str]) -> Path:
    home = Path(environment["PREFECT_HOME"])
    return home.with_name(f"{home.name}-auth")


@pytest.mark.parametrize(
    ("handed_on", "made"),
    [
        ([], False),
        (["--help"], False),
        (["server", "start", "--help"], False),
        (["version"], False),
        (["--version"], False),
        (["server", "start"], True),
        (["deploy", "--version", "2"], True),
    ],
)
def test_the_password_is_made_for_a_server_and_not_for_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handed_on: list[str], made: bool
) -> None:
    monkeypatch.setattr(os, "environ", {"PREFECT_HOME": str(tmp_path / "prefect")})
    monkeypatch.setattr(os, "execv", lambda *_: None)  # else Prefect's command takes the place of the tests
    main(["prefect", *handed_on])
    assert (tmp_path / "prefect-auth").exists() is made


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "application/json", "Authorization": "Basic cG9zdGRvc2U6"},
        {"Content-Type": "text/plain", "Origin": ELSEWHERE},  # what a page may send without asking
        {"Content-Type": "application/json", "Origin": "null"},
        {
            "Content-Type": "application/json",
            "Origin": ELSEWHERE,
            "Host": "elsewhere.invalid:4200",
        },  # rebound
        {"Access-Control-Request-Method": "POST", "Origin": ELSEWHERE, "Content-Type": "application/json"},
    ],
    ids=["another account", "an empty password", "a page", "a frame", "a rebound page", "a page that asks"],
)
def test_no_other_account_and_no_page_has_code_run(
    server: Mapping[str, str], headers: Mapping[str, str]
) -> None:
    found = attempt(server["PREFECT_API_URL"], headers)
    refused = {what: answer[0] for what, answer in found.items() if what != "preflight"}
    assert refused == dict.fromkeys(("version", "flow", "deployment", "run", "block"), 401)
    assert found["preflight"][0] in (400, 401, 405)
    for _, answered, _ in found.values():
        assert not {name.lower() for name in answered} & {"access-control-allow-origin"}


def test_the_password_is_made_once_and_is_its_owners_alone(server: Mapping[str, str]) -> None:
    file = kept(server)
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    command = [sys.executable, "-m", "flows.commands.cli", "prefect", "flow", "ls"]
    listed = subprocess.run(command, env=dict(server), capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr
    assert file.read_text() == before
    other = {name: value for name, value in server.items() if name != "PREFECT_HOME"}
    other["HOME"] = other["PREFECT_HOME"] = str(file.parent / "another")
    refused = subprocess.run(command, env=other, capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "401" in refused.stdout + refused.stderr


def test_doctor_is_content_with_such_a_server(
    server: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    password = kept(server).read_text().strip()
    monkeypatch.setattr(os, "environ", {**server, "PREFECT_API_AUTH_STRING": password})
    found = [one for one in examine([], os.environ, datetime.now(UTC)) if one.check == "api"]
    assert [str(one.status) for one in found] == ["ok"]


@pytest.mark.slow
def test_doctor_names_each_way_in(tmp_path: Path) -> None:
    """An open server, as Prefect starts one by itself: no password, every origin, every network."""
    told = prefect_environment(tmp_path / "prefect")
    environment = {name: value for name, value in told.items() if name not in PASSWORDS}
    port = free_port()
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "0.0.0.0", "--port", str(port)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as own,
    ):
        try:
            wait_for("the server", lambda: answers(environment["PREFECT_API_URL"]), seconds=240)
            found = [one for one in examine([], environment, datetime.now(UTC)) if one.check == "api"]
            taken = attempt(environment["PREFECT_API_URL"], {"Content-Type": "application/json"})
        finally:
            end(own)
    assert taken["run"][0] == 201, "so the attempt is one"
    assert {one.exit_code for one in found} == {2}
    said = " ".join(one.said for one in found)
    for way in ("asks for no password", "any page in a browser", "listens to every network"):
        assert way in said


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
    except OSError:
        return False


TEMPORARY = """
import os, urllib.error, urllib.request
from flows.api_access import api_access
from flows.settings import prefect_settings
os.environ.update(prefect_settings(os.environ))
os.environ.update(api_access(os.environ, lasting=False))
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    print(client.api_version and client.hello().status_code)
    try:
        urllib.request.urlopen(str(client.api_url) + "/admin/version", timeout=60)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


@pytest.mark.slow
def test_the_server_that_a_look_starts_for_itself_asks_for_a_password(tmp_path: Path) -> None:
    told = prefect_environment(tmp_path / "prefect")
    environment = {name: value for name, value in told.items() if name not in (*PASSWORDS, "PREFECT_API_URL")}
    command = [sys.executable, "-c", TEMPORARY]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.split() == ["200", "401"], done.stderr
    assert not (tmp_path / "prefect-auth").exists(), "nobody else needs it"
