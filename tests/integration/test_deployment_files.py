"""What lies in deployments/ works: deployments on a real server, one database, backups; the rest keeps its rules."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from ledgers import caused
from prefect.cli.deploy._config import _load_deploy_configs_and_actions
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.templating import apply_values, find_placeholders
from rich.console import Console
from servers import authorization
from sqlalchemy import create_engine, inspect, make_url

from checks.protocol import load_protocol
from flows.ledger import Ledger

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deployments"
README = (FOLDER / "README.md").read_text()
BY_DIGEST = re.compile("(?P<name>[a-z]+:[a-z0-9.-]+)@sha256:[0-9a-f]{64}")
IMAGE = "registry.example/postdose@sha256:" + "0" * 64


def declared() -> list[dict[str, Any]]:
    """The deployments of prefect.yaml, as Prefect's own loader reads them."""
    said = StringIO()
    found, _ = _load_deploy_configs_and_actions(FOLDER / "prefect.yaml", console=Console(file=said))
    assert said.getvalue() == ""  # it prints what it skips
    return found


def step(name: str) -> str:
    """The commands of one marked block of the operator's README."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert found is not None, name
    return found[1]


def shell(commands: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("POSTDOSE_", "PREFECT_"))}
    path = {"PATH": f"{Path(sys.executable).parent}:{postgresql_programs()}:{inherited['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder, env={**inherited, **path, **environ}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def postgresql_programs() -> str:
    """Where pg_dump lies: Debian keeps the programs of each version off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    return str(found[-1].parent) if found else ""


@pytest.mark.parametrize("one", declared(), ids=lambda one: one["name"])
def test_each_deployment_names_a_flow_that_takes_its_parameters(
    one: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert ":" not in one["entrypoint"]  # a module path: an installed package needs no checkout
    flow = load_flow_from_entrypoint(one["entrypoint"])
    given = {"alert": "0123456789ab"} if one["name"].endswith("review") else {}  # which its starter adds
    parameters = flow.validate_parameters({**one["parameters"], **given})
    protocol = load_protocol(Path(parameters["study"]))
    assert one["tags"] == [protocol.study.id]
    limit = None if one["name"].endswith("review") else 1
    assert one.get("concurrency_limit", {}).get("limit") == limit


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_prefect_yaml_and_the_kubernetes_template_are_taken_by_a_server(
    prefect_server: Mapping[str, str],
) -> None:
    def call(path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            prefect_server["PREFECT_API_URL"] + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **authorization()},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    template = json.loads((FOLDER / "kubernetes" / "base-job-template.json").read_text())
    for pool in (
        {"name": "postdose", "type": "process"},
        {"name": "jobs", "type": "kubernetes", "base_job_template": template},
    ):
        named = {"work_pools": {"name": {"any_": [pool["name"]]}}}
        if not call("/work_pools/filter", named):  # other tests of the session use the server too
            call("/work_pools/", pool)
    command = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "flows.commands.cli", *command],
        cwd=ROOT, env=dict(prefect_server), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    deployed = {one["name"]: one for one in call("/deployments/filter", {})}
    for one in declared():
        there = deployed[one["name"]]
        assert (there["entrypoint"], there["tags"]) == (one["entrypoint"], one["tags"])
        assert there["parameters"] == one["parameters"]
        limit = there["global_concurrency_limit"]
        assert (None if limit is None else limit["limit"]) == one.get("concurrency_limit", {}).get("limit")
        schedules = [(kept["schedule"]["cron"], kept["schedule"]["timezone"]) for kept in there["schedules"]]
        assert schedules == [(each["cron"], each["timezone"]) for each in one.get("schedules", [])]
    assert deployed["CYT107-IV scheduled"]["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"


@pytest.mark.slow
def test_one_setting_keeps_ledger_and_prefect_in_one_postgresql_database_that_is_backed_up_and_restored(
    postgresql_database: str, tmp_path: Path
) -> None:
    url = make_url(postgresql_database).set(drivername="postgresql").render_as_string(hide_password=False)
    told = {
        "POSTDOSE_DATABASE": url,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "BACKUP": str(tmp_path),
    }
    shell("postdose simulate null --out study --subjects 4", tmp_path)
    look = shell("postdose look study/protocol.yaml --data-cutoff 2026-03-01T00:00Z", tmp_path, **told)
    assert look.returncode in (0, 3, 10, 20, 30), look.stderr
    engine = create_engine(postgresql_database)
    tables = set(inspect(engine).get_table_names())
    assert {"ledger", "outbox", "postdose_version", "flow_run", "alembic_version"} <= tables
    assert not list(tmp_path.rglob("*.sqlite")) and not list(tmp_path.rglob("*.db"))
    head = Ledger(postgresql_database).head()
    assert head is not None

    assert shell(step("backup: postgresql"), tmp_path, **told).returncode == 0
    assert (tmp_path / "head").read_text() == f"{head.sequence} {head.sha256}\n"
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")
        connection.exec_driver_sql("DROP TABLE ledger")
    restored = shell(step("restore: postgresql"), tmp_path, **told)
    assert restored.returncode == 0, restored.stderr
    assert f"Expected head: found, record {head.sequence}." in restored.stdout
    engine.dispose()


def test_a_sqlite_ledger_is_backed_up_and_restored_and_a_copy_that_lacks_records_is_told(
    tmp_path: Path,
) -> None:
    live, backup = tmp_path / "live.sqlite", tmp_path / "backup"
    backup.mkdir()
    told = {"LEDGER": str(live), "BACKUP": str(backup)}
    ledger = Ledger(f"sqlite:///{live}")
    caused(ledger, {"verdict": "signal"})
    early = shell(step("backup: sqlite"), tmp_path, **told)
    assert early.returncode == 0, early.stderr
    live.unlink()
    restored = shell(step("restore: sqlite"), tmp_path, **told)
    assert restored.returncode == 0, restored.stderr
    assert "Expected head: found, record 1." in restored.stdout
    (backup / "head").write_text(f"2 {'0' * 64}\n")  # of a later look, which the copy does not have
    assert shell(step("restore: sqlite"), tmp_path, **told).returncode == 4


def test_the_kubernetes_template_renders_to_a_job_without_privileges() -> None:
    template = json.loads((FOLDER / "kubernetes" / "base-job-template.json").read_text())
    variables = template["variables"]["properties"]
    named = {one.name for one in find_placeholders(template["job_configuration"])}
    assert named == set(variables)
    origin = importlib.util.find_spec("prefect")
    assert origin is not None and origin.origin is not None
    data = Path(origin.origin).parent / "server/api/collections_data/views/aggregate-worker-metadata.json"
    workers = json.loads(data.read_text())
    theirs = workers["prefect-kubernetes"]["kubernetes"]["default_base_job_configuration"]
    assert set(theirs["variables"]["properties"]) <= set(variables)
    assert set(theirs["job_configuration"]) == set(template["job_configuration"])

    assert template["variables"]["required"] == ["image"] and "default" not in variables["image"]
    assert re.search(variables["image"]["pattern"], IMAGE) and not re.search(
        variables["image"]["pattern"], "postdose"
    )
    values = {name: one["default"] for name, one in variables.items() if "default" in one} | {"image": IMAGE}
    job = apply_values(template["job_configuration"], values)["job_manifest"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"] and container["image"] == IMAGE
    assert container["envFrom"] == [{"secretRef": {"name": "postdose"}}]
    assert (job["spec"]["activeDeadlineSeconds"], job["spec"]["backoffLimit"]) == (3600, 0)
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}


def test_the_compose_file_shows_one_port_on_loopback_and_holds_no_secret() -> None:
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    services = compose["services"]
    assert {name: one["ports"] for name, one in services.items() if "ports" in one} == {
        "server": ["127.0.0.1:4200:4200"]
    }
    for name, one in services.items():
        assert one["user"] not in ("", "root", "0"), name
        assert "healthcheck" in one, name
        assert one["cap_drop"] == ["ALL"], name
        assert set(one["secrets"]) <= set(compose["secrets"]), name
        for variable, value in one["environment"].items():
            if re.search("PASSWORD|AUTH|KEY|URL|DATABASE", variable) and variable != "PREFECT_API_URL":
                assert variable.endswith("_FILE") or value.startswith("${"), variable
    ours = {"server", "deploy", "worker"}
    assert {name for name, one in services.items() if "prefect_auth" in one["secrets"]} == ours
    for name in ours:
        assert services[name]["environment"]["POSTDOSE_PREFECT_AUTH_FILE"] == "/run/secrets/prefect_auth"
    for one in services.values():
        assert one["read_only"] and one["security_opt"] == ["no-new-privileges:true"]
    images = {one["image"] for one in services.values()} - {"postdose"}
    assert [BY_DIGEST.fullmatch(one)["name"] for one in images] == ["postgres:15.19-trixie"]


def test_the_image_is_made_in_two_stages_from_exact_versions_and_does_not_run_as_root() -> None:
    lines = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    first, second = (line[1] for line in words if line[0] == "FROM")
    assert first == second and BY_DIGEST.fullmatch(first)
    assert [line[1] for line in words if line[0] == "USER"] == ["10001:10001"]
    installs = next(line for line in lines if "pip download" in line)
    assert "pip download --require-hashes --dest wheels -r deployments/constraints.txt" in installs
    assert (
        "pip install --no-index --find-links wheels" in installs
    )  # nothing but what was held against its hash
    assert any(line[0] == "HEALTHCHECK" for line in words)
    last = [
        line
        for line in lines
        if "DO_NOT_TRACK=1" in line and "PREFECT_SERVER_ANALYTICS_ENABLED=false" in line
    ]
    assert last
    copied = [
        part for line in words if line[0] == "COPY" and "--from=build" not in line for part in line[1:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists(), source


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_units_are_understood_by_systemd(tmp_path: Path) -> None:
    for unit in (FOLDER / "systemd").iterdir():
        text = unit.read_text().replace("/opt/postdose/bin/postdose", "/bin/true")
        (tmp_path / unit.name.replace("@", "@CYT107-IV")).write_text(text)
        if "@" in unit.name:
            (tmp_path / unit.name).write_text(text)
    units = sorted(str(one) for one in tmp_path.iterdir() if "@." not in one.name)
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_folder_names_no_index_and_no_registry() -> None:
    for file in FOLDER.rglob("*"):
        if file.is_file() and "studies" not in file.parts:
            text = file.read_text().replace(
                "pkg:pypi/", ""
            )  # what a package URL calls a kind, and no address
            assert not re.search(r"pypi|docker\.io|ghcr|quay|gcr\.|index-url", text), file
