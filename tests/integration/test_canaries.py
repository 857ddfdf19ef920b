"""Texts that stand nowhere else, planted in each place of a feed, are in no byte that a look leaves, says or sends.

One stands for an arm's name, one is an arm's name with a slip, one is the number of a kit, one turns the direction of
what follows: as a value of each column of each domain, as the name of a column, of a file and of an archive's member,
as a key of JSON, and in files that are not what their names say. Deliveries are kept as they came, and the closed
report may tell: both are left out, and so are the feeds.
"""

import csv
import email
import io
import json
import logging
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.policy import default
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from servers import Prefect, free_port, postdose, prefect_environment, webhook

from flows.commands.cli import main

GOOD = Path(__file__).parents[1] / "fixtures" / "bad_input" / "good"
MISTAKES = Path(__file__).parents[1] / "fixtures" / "feeds"
CUTOFF = "2024-06-11T08:00Z"
CANARY, SLIP, KIT, TURNED = "Qzcanary", "TEMPLO", "9371-0462", "\u202e38.9"
CASE = "US01-002"
PLANTED = (CANARY, f"10 {CANARY} mg", SLIP, KIT, TURNED)
HIDDEN = tuple(text.casefold().encode() for text in (CANARY, SLIP, "TEMPOL", KIT, "\u202e"))
DOMAINS = ("dm", "ex", "vs", "ae")
FURTHER = {
    "dm": ("DTHFL", "BRTHDTC", "AGE", "DELETED"),
    "ex": ("EXOCCUR", "EXMOOD", "EXLNKID", "EXREFID", "EXDOSFRQ", "EXTPT", "EXLOT"),
    "vs": (
        "VSSTRESN",
        "VSSTRESU",
        "VSSTRESC",
        "VSTEST",
        "VSSTAT",
        "VSTPT",
        "VSELTM",
        "VSTPTREF",
        "VSRFTDTC",
        "VSENDTC",
    ),
    "ae": (
        "AEDECOD",
        "AETOXGR",
        "AEOUT",
        "AEOCCUR",
        "AEPRESP",
        "AESTAT",
        "AESDTH",
        "AETPT",
        "AEREL",
        "DELETED",
    ),
}
"""Columns that the fixture does not have, and stages read."""

CHANNELS = ("POSTDOSE_HOOK_URL", "POSTDOSE_MAIL_URL")

pytestmark = pytest.mark.timeout(300)


def study(folder: Path, *channels: str) -> Path:
    """Write a study each of whose feeds is a folder, and whose arms bear the word too."""
    protocol = yaml.safe_load((GOOD / "protocol.yaml").read_text())
    protocol["treatment"] |= {"names": [f"{CANARY}active", f"{CANARY}control"], "active_arms": ["TEMPOL"]}
    route = {"role": "physician", "verdicts": ["watch", "signal", "not_assessable"]}
    protocol["alerts"] = {"routes": [route | {"channels": ["file:outbox/", *channels]}]}
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


def found_in(content: bytes) -> list[str]:
    """Return what of the hidden texts stands in bytes, whose letters may be of two bytes each."""
    low = content.replace(b"\0", b"").lower()
    return [text.decode() for text in HIDDEN if text in low]


Say = Callable[..., str]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Say:
    """Run a command, require that nothing hidden is said by it, and return what it said."""
    caplog.set_level(logging.DEBUG)

    def say(*command: str, allowed: tuple[int, ...] = (0,)) -> str:
        assert main(list(command)) in allowed
        said = capfd.readouterr()
        assert found_in(f"{said.out}{said.err}{caplog.text}".encode(errors="surrogateescape")) == []
        return said.out + said.err

    return say


def require_silence(folder: Path, say: Say, *, cutoff: bool = True) -> None:
    asked = ["--data-cutoff", CUTOFF] if cutoff else []
    assert say("look", str(folder / "protocol.yaml"), *asked, allowed=(0, 3, 10, 20, 30))
    written = dict(left(folder))
    assert any(name.endswith("quarantine.csv") for name in written)
    assert {name: found for name, content in written.items() if (found := found_in(content))} == {}
    assert [name for name in written if found_in(name.encode())] == []


def columns() -> list[tuple[str, str]]:
    each = {name: (GOOD / f"{name}.csv").read_text().splitlines()[0].split(",") for name in DOMAINS}
    return [(name, column) for name, some in each.items() for column in some]


def rows_of(folder: Path, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(feed_of(folder, name).read_text())))


def write_rows(folder: Path, name: str, rows: list[list[str]]) -> None:
    with feed_of(folder, name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@dataclass
class Postmaster:
    """Takes every mail, and keeps its headers and what its parts are when they are decoded."""

    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _s: SMTP, _n: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        mail = email.message_from_bytes(bytes(envelope.content or b""), policy=default)
        self.taken.append(str(mail.items()).encode())
        parts = (part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart())
        self.taken.extend(part for part in parts if isinstance(part, bytes))
        return "250 OK"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """What a receiver of documents and one of mails are sent, on loopback, which the environment names."""
    posted, postmaster = list[bytes](), Postmaster()

    def take(headers: Mapping[str, str], body: bytes) -> int:
        posted.extend([str(dict(headers)).encode(), body])
        return HTTPStatus.OK

    port = free_port()
    post = Controller(postmaster, hostname="127.0.0.1", port=port)
    post.start()
    with webhook(take) as url:
        mail = f"mailto://127.0.0.1:{port}?from=monitor@example.org&to=jane@example.org"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for variable, address in zip(CHANNELS, (url, mail), strict=True):
            monkeypatch.setenv(variable, address)
        yield posted, postmaster.taken
    post.stop()


def deliver_results(folder: Path) -> None:
    """Deliver laboratory results, which a rule limits, each with a text in one column."""
    protocol = yaml.safe_load((folder / "protocol.yaml").read_text())
    protocol["feeds"]["lb"] = {"path": "feeds/lb", "max_age_hours": 48}
    limit = {"id": "lymphocytes", "kind": "lab_limit", "test": "LYM", "above_times_uln": 2.5, "subjects": 9}
    protocol["rules"].append(limit | {"rationale": "made up", "source": "made up"})
    (folder / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    heads = ["USUBJID", "LBSEQ", "LBTESTCD", "LBORRES", "LBORRESU", "LBORNRHI", "LBDTC", "LBSTAT", CANARY]
    usual = [CASE, "1", "LYM", "9", "10^9/L", "4", "2024-06-10T20:00", "", "1"]
    rows = [heads, usual]
    for place, column in enumerate(heads[:-1]):
        for text in PLANTED:
            if text != KIT or column != "LBSEQ":
                rows.append([*usual[:1], str(len(rows)), *usual[2:]])
                rows[-1][place] = text
    feed_of(folder, "lb").parent.mkdir()
    write_rows(folder, "lb", rows)


def plant_all(folder: Path) -> None:
    """Plant each text in each column, of a subject of its own with a case and a serious event; and in a header.

    The id of another such subject turns the direction of what follows.
    """
    copied = {name: rows_of(folder, name) for name in DOMAINS}
    copied["ae"] = [[*row[:5], row[5].replace("N", "Y"), *row[6:]] for row in copied["ae"]]
    for name, further in FURTHER.items():
        copied[name] = [
            [*row, *("" if place else one for one in further)] for place, row in enumerate(copied[name])
        ]
    places = [(where, column, text) for where, column in columns() for text in PLANTED]
    places += [
        (where, column, text) for where, some in FURTHER.items() for column in some for text in (CANARY, KIT)
    ]
    for number, (where, column, text) in enumerate(places, start=100):
        number_of_record = text == KIT and column.endswith("SEQ")
        if number_of_record or (text != TURNED and (where, column) == ("dm", "USUBJID")):
            continue  # a record's number and a subject's id are told
        for name, rows in copied.items():
            own = [[f"FR01-{number}", *row[1:]] for row in rows[1:] if row[0] == CASE]
            if name == where:
                own[2 * len(own) // 3][rows[0].index(column)] = text
            rows.extend(own)
    for rows in copied.values():
        rows += [[f"{CASE}{TURNED}", *row[1:]] for row in rows[1:] if row[0] == CASE]
    for name, rows in copied.items():
        cells = [CANARY, *("1" for _ in rows[1:])]
        write_rows(folder, name, [[*row, cell] for row, cell in zip(rows, cells, strict=True)])


def test_no_text_of_any_column_is_told_by_page_message_mail_or_command(
    tmp_path: Path, say: Say, sent: tuple[list[bytes], list[bytes]]
) -> None:
    folder = study(tmp_path / "study", *(f"env:{name}" for name in CHANNELS))
    plant_all(folder)
    deliver_results(folder)
    require_silence(folder, say)
    (quarantine,) = (content for name, content in left(folder) if name.endswith("quarantine.csv"))
    for said in (
        b"a word where",
        b"digits where a time",
        b"text where a unit",
        b"characters that are not seen",
    ):
        assert said in quarantine
    for taken in sent:
        assert taken and [found for content in taken if (found := found_in(content))] == []
    state = ["--state", f"sqlite:///{folder / 'postdose.sqlite'}"]
    (first, *_) = json.loads(say("alerts", "list", "--json", *state))["alerts"]
    say("alerts", "show", first["id"], *state)
    for by, reason in ((SLIP, "seen"), ("Dr A", f"on {CANARY} control"), ("Dr A", "T e m p o l")):
        asked = ["alerts", "ack", first["id"], "--by", by, "--reason", reason, *state]
        assert "the name of an arm or a treatment" in say(*asked, allowed=(2,))
    say("alerts", "ack", first["id"], "--by", "Dr A", "--reason", "seen", *state)
    assert [name for name, content in left(folder) if found_in(content)] == []


@pytest.mark.slow
def test_no_text_of_any_column_is_in_what_prefect_keeps(tmp_path: Path) -> None:
    folder, home = study(tmp_path / "study"), tmp_path / "home"
    plant_all(folder)
    environment = prefect_environment(home)
    with Prefect(environment, tmp_path / "server.log"):
        look = postdose("look", str(folder / "protocol.yaml"), "--data-cutoff", CUTOFF)
        done = subprocess.run(look, env=environment, capture_output=True, timeout=240, check=False)
    kept = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert any(b"look-bad-input" in content and b"Data cut-off" in content for content in kept.values())
    kept |= {"stdout": done.stdout, "stderr": done.stderr, "log": (tmp_path / "server.log").read_bytes()}
    assert {name: found for name, content in kept.items() if (found := found_in(content))} == {}


EACH = [DOMAINS, *(pytest.param((name,), marks=pytest.mark.slow) for name in DOMAINS)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "column"), columns())
@pytest.mark.parametrize("text", [CANARY, f"10 {CANARY} mg"], ids=["a word", "a word among digits"])
def test_no_value_of_a_column_is_told(name: str, column: str, text: str, tmp_path: Path, say: Say) -> None:
    folder = study(tmp_path / "study")
    rows = rows_of(folder, name)
    rows[-1][rows[0].index(column)] = text
    write_rows(folder, name, rows)
    require_silence(folder, say)


@pytest.mark.parametrize("names", EACH, ids="-".join)
def test_no_column_of_words_alone_is_told(names: tuple[str, ...], tmp_path: Path, say: Say) -> None:
    """The rows of a file are shifted by one column: each holds what belongs in another."""
    folder = study(tmp_path / "study")
    for name in names:
        heads, *rows = rows_of(folder, name)
        shifted = [[f"{CANARY}{place}", *row[:-1]] for place, row in enumerate(rows, start=1)]
        write_rows(folder, name, [heads, *shifted])
    require_silence(folder, say)


def name_twice(folder: Path, name: str) -> None:
    """Give a file two columns of one name."""
    heads, *rows = rows_of(folder, name)
    write_rows(folder, name, [[*heads, CANARY, CANARY], *([*row, "1", "1"] for row in rows)])


@pytest.mark.slow
@pytest.mark.parametrize("name", DOMAINS)
def test_no_name_of_a_column_is_told(name: str, tmp_path: Path, say: Say) -> None:
    folder = study(tmp_path / "study")
    name_twice(folder, name)
    require_silence(folder, say)


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


RECEIVED = [
    pytest.param(name, True, id=f"{name} received", marks=pytest.mark.slow) for name in ("dm", "ex", "ae")
]
FOUND = [pytest.param(name, False, id=f"{name} as found", marks=pytest.mark.slow) for name in DOMAINS]


@pytest.mark.parametrize(("name", "kept"), [pytest.param("vs", True, id="vs received"), *RECEIVED, *FOUND])
def test_no_name_and_no_word_of_an_unreadable_file_is_told(
    name: str, kept: bool, tmp_path: Path, say: Say
) -> None:
    folder = study(tmp_path / "study")
    for named, content in unreadable():
        (folder / "feeds" / name / named).write_bytes(content)
    require_silence(folder, say, cutoff=not kept)
    if kept:
        say("deliveries", "list", str(folder / "protocol.yaml"))


def test_no_word_of_fhir_is_told_and_no_name_that_two_columns_have(tmp_path: Path, say: Say) -> None:
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
    name_twice(folder, "ae")
    require_silence(folder, say)


def test_no_value_that_a_later_delivery_changed_is_told(tmp_path: Path, say: Say) -> None:
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
                    .replace("2024-06-10T06:00", KIT)
                    .replace(",97,", f",{TURNED},")
                )
            heads, *rows = text.splitlines()
            text = "\n".join([f"{heads},{CANARY}", *(f"{row},{number}" for row in rows)])
            path = tmp_path / f"{CANARY}_{name}_{number}.csv"
            path.write_text(text)
            asked = ["receive", str(folder / "protocol.yaml"), name, str(path), "--received-at", moment]
            say(*asked)
    require_silence(folder, say)
    (listed,) = (content for name, content in left(folder) if name.endswith("changes.csv"))
    for said in (
        "a word where a result belongs",
        "digits where a time belongs",
        "a column of the sender's own",
    ):
        assert said.encode() in listed
