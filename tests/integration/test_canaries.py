"""A word that stands nowhere else, planted in each place of a feed, is in no byte that a look leaves or says.

It stands for an arm's name: as a value of each column of each domain, as the name of a column, of a file and of an
archive's member, as a key of JSON, and in files that are not what their names say. Deliveries are kept as they came,
and the closed report may tell: both are left out, and so are the feeds.
"""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from flows.commands.cli import main

GOOD = Path(__file__).parents[1] / "fixtures" / "bad_input" / "good"
MISTAKES = Path(__file__).parents[1] / "fixtures" / "feeds"
CUTOFF = "2024-06-11T08:00Z"
CANARY = "Qzcanary"
DOMAINS = ("dm", "ex", "vs", "ae")
ROUTE = {
    "role": "physician",
    "verdicts": ["watch", "signal", "not_assessable"],
    "channels": ["file:outbox/"],
}

pytestmark = pytest.mark.timeout(300)


def study(folder: Path) -> Path:
    """Write a study each of whose feeds is a folder, and whose arms bear the word too."""
    protocol = yaml.safe_load((GOOD / "protocol.yaml").read_text())
    protocol["treatment"]["names"] = [f"{CANARY}active", f"{CANARY}control"]
    protocol["alerts"] = {"routes": [ROUTE]}
    for name in DOMAINS:
        protocol["feeds"][name]["path"] = f"feeds/{name}"
        place = folder / "feeds" / name / f"{CANARY}_{name}.csv"
        place.parent.mkdir(parents=True)
        place.write_text((GOOD / f"{name}.csv").read_text().replace("CYT107", f"{CANARY}active"))
    (folder / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    return folder


def feed_of(folder: Path, name: str) -> Path:
    return folder / "feeds" / name / f"{CANARY}_{name}.csv"


def left(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what lies in a study's folder but what was put there."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and place.parts[0] not in ("feeds", "deliveries", "protocol.yaml"):
            yield str(place), path.read_bytes()


def require_silence(folder: Path, capfd: pytest.CaptureFixture[str], *, cutoff: bool = True) -> None:
    asked = ["--data-cutoff", CUTOFF] if cutoff else []
    code = main(["look", str(folder / "protocol.yaml"), *asked])
    assert code in (0, 3, 10, 20, 30)
    said = capfd.readouterr()
    assert said.out
    written = dict(left(folder)) | {"stdout": said.out.encode(), "stderr": said.err.encode()}
    assert any(name.endswith("quarantine.csv") for name in written)
    word = CANARY.lower().encode()
    assert [name for name, content in written.items() if word in content.replace(b"\0", b"").lower()] == []
    assert [name for name in written if CANARY.lower() in name.lower()] == []


def columns() -> list[tuple[str, str]]:
    each = {name: (GOOD / f"{name}.csv").read_text().splitlines()[0].split(",") for name in DOMAINS}
    return [(name, column) for name, some in each.items() for column in some]


def planted(folder: Path, name: str, change: Callable[[list[list[str]]], None]) -> None:
    path = feed_of(folder, name)
    rows = list(csv.reader(io.StringIO(path.read_text())))
    change(rows)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@pytest.mark.parametrize(("name", "column"), columns())
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CANARY, id="a word"),
        pytest.param(f"10 {CANARY} mg", id="a word among digits", marks=pytest.mark.slow),
    ],
)
def test_no_value_of_a_column_is_told(
    name: str, column: str, text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def change(rows: list[list[str]]) -> None:
        rows[-1][rows[0].index(column)] = text

    folder = study(tmp_path / "study")
    planted(folder, name, change)
    require_silence(folder, capfd)


@pytest.mark.parametrize("name", DOMAINS)
def test_no_column_of_words_alone_is_told(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The rows of a file are shifted by one column: each holds what belongs in another."""

    def change(rows: list[list[str]]) -> None:
        for place, row in enumerate(rows[1:], start=1):
            row[:] = [f"{CANARY}{place}", *row[:-1]]

    folder = study(tmp_path / "study")
    planted(folder, name, change)
    require_silence(folder, capfd)


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_no_name_of_a_column_is_told(
    name: str, again: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def change(rows: list[list[str]]) -> None:
        for row in rows:
            row.extend(["1"] * (1 + again))
        rows[0][-1 - again :] = [CANARY] * (1 + again)

    folder = study(tmp_path / "study")
    planted(folder, name, change)
    require_silence(folder, capfd)


def unreadable() -> Iterator[tuple[str, bytes]]:
    """Yield files that no reader takes, by name: each mistake of a feed, under a name that tells."""
    for place, path in enumerate(sorted(MISTAKES.iterdir())):
        yield f"{CANARY}_{place}{path.name[path.name.index('.') :]}", path.read_bytes()
    words = f"{CANARY},{CANARY}\n".encode()
    for ending in (
        "xpt",
        "sas7bdat",
        "parquet",
        "json",
        "ndjson",
        "dsjc",
        "csv.gz",
        "zip",
        "xlsx",
        "tar",
        "z01",
    ):
        yield f"{CANARY}.{ending}", words
    head = {"datasetJSONVersion": CANARY, "records": CANARY, "columns": [{"name": CANARY}] * 2, "rows": []}
    yield f"{CANARY}_version.json", json.dumps(head).encode()
    yield f"{CANARY}_records.json", json.dumps(head | {"datasetJSONVersion": "1.1.0"}).encode()
    yield f"{CANARY}_columns.json", json.dumps(head | {"datasetJSONVersion": "1.1.0", "records": 0}).encode()
    yield f"{CANARY}_part1of3.csv", f"USUBJID,{CANARY}\nFR01-001,1\n".encode()
    yield f"{CANARY}_cut.json", f'{{"{CANARY}": "{CANARY}'.encode()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(f"{CANARY}.docx", CANARY)
    yield f"{CANARY}_member.zip", held.getvalue()


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("kept", [False, True], ids=["as found", "received"])
def test_no_name_and_no_word_of_an_unreadable_file_is_told(
    name: str, kept: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path / "study")
    for named, content in unreadable():
        (folder / "feeds" / name / named).write_bytes(content)
    require_silence(folder, capfd, cutoff=not kept)


def test_no_word_of_fhir_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = study(tmp_path / "study")
    protocol = yaml.safe_load((folder / "protocol.yaml").read_text())
    protocol["feeds"]["vs"] |= {"format": "fhir"}
    (folder / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    shutil.rmtree(folder / "feeds" / "vs")
    (folder / "feeds" / "vs").mkdir()
    resource = {
        "resourceType": "Observation",
        "id": f"{CANARY}-1",
        "status": CANARY,
        "code": {"text": CANARY, "coding": [{"system": CANARY, "code": CANARY}]},
        "subject": {"reference": f"Patient/{CANARY}"},
        "effectiveDateTime": CANARY,
        "valueQuantity": {"value": 37.0, "unit": CANARY, "code": CANARY},
        CANARY: CANARY,
    }
    told = resource | {"id": "2", "status": "final", "subject": {"reference": "Patient/FR01-001"}}
    lines = (resource, told, {"resourceType": CANARY}, {"resourceType": "Patient", "id": "FR01-001"})
    text = "".join(f"{json.dumps(one)}\n" for one in lines)
    (folder / "feeds" / "vs" / f"{CANARY}.ndjson").write_text(text)
    require_silence(folder, capfd)


def test_no_value_that_a_later_delivery_changed_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path / "study")
    received = {"1": "2024-06-10T20:00Z", "2": "2024-06-11T07:00Z"}
    for number, moment in received.items():
        for name in DOMAINS:
            text = feed_of(folder, name).read_text()
            if number == "1":
                text = (
                    text.replace("36.8", CANARY)
                    .replace("Nausea", f"{CANARY} itching")
                    .replace("MILD", CANARY)
                )
            path = tmp_path / f"{CANARY}_{name}_{number}.csv"
            path.write_text(text)
            asked = ["receive", str(folder / "protocol.yaml"), name, str(path), "--received-at", moment]
            assert main(asked) == 0
    assert CANARY.lower() not in "".join(capfd.readouterr()).lower()
    require_silence(folder, capfd)
    (listed,) = (content for name, content in left(folder) if name.endswith("changes.csv"))
    assert b"a word where a result belongs" in listed
