"""A ledger that is damaged or cut off: `ledger verify` says where, and exits 4."""

import json
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from ledgers import NOW, caused
from sqlalchemy import create_engine

from checks.errors import LedgerBrokenError
from checks.protocol import load_protocol
from flows.ledger import Kind, Ledger, Outgoing
from flows.ledger.chain import digest
from flows.ledger.command import Beside, run_verify
from flows.ledger.heads import heads_that_differ
from flows.looks.kept_files import files_that_differ
from flows.looks.nightly import findings_of_night
from flows.looks.study import Study
from flows.settings import Settings

GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
PAGE = 4096
"""Bytes, SQLite's page unless told."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "state.sqlite"
    ledger = Ledger(f"sqlite:///{file}")
    for number in range(60):
        caused(
            ledger,
            {"at": "2026-03-01T02:00:00Z", "note": "x" * 500},
            [Outgoing(f"m{number}", "console:", {"n": number})],
        )
    return file


def root_of(file: Path, name: str) -> int:
    if not name:  # the first page, of the header and the schema
        return 1
    with sqlite3.connect(file) as connection:
        return int(
            connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
        )


def torn_at(name: str, offset: int = 0, put: bytes = b"\xff" * 64) -> Callable[[Path], None]:
    def tear(file: Path) -> None:
        whole, start = file.read_bytes(), (root_of(file, name) - 1) * PAGE + offset
        file.write_bytes(whole[:start] + put + whole[start + len(put) :])

    return tear


def cut(share: float) -> Callable[[Path], None]:
    def cut_off(file: Path) -> None:
        whole = file.read_bytes()
        file.write_bytes(whole[: int(len(whole) * share)])

    return cut_off


def said(*statements: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with sqlite3.connect(file) as connection:
            for statement in ("DROP TRIGGER ledger_no_update", "DROP TRIGGER ledger_no_delete", *statements):
                connection.execute(statement)

    return change


def record(change: str) -> Callable[[Path], None]:
    return said(f"UPDATE ledger SET {change} WHERE sequence = 3")


def message(change: str) -> Callable[[Path], None]:
    return said(f"UPDATE outbox SET {change} WHERE id = 'm1'")


CHANGED, OTHERWISE = "record 3 was changed", "record 4 .*message m1"
DAMAGE = {
    "a page of records torn": (torn_at("ledger"), "malformed|Tree|page"),
    "a page of the outbox torn": (torn_at("outbox"), "malformed|Tree|page"),
    "a page of standings torn": (torn_at("standings"), "malformed|Tree|page"),
    "an index torn": (torn_at("ix_ledger_study"), "malformed|Tree|ix_ledger_study"),
    "the schema torn": (torn_at("", 100), "malformed|not a database"),
    "no database": (lambda file: file.write_bytes(b"study: S\n" * 2000), "not a database"),
    "its header torn": (lambda file: file.write_bytes(b"\x00" * 100 + file.read_bytes()[100:]), "not a database"),
    "cut off in the middle": (cut(0.5), "cut off after byte|malformed"),
    "cut off near its end": (cut(0.97), "cut off after byte|malformed|page"),
    "cut off within its header": (cut(0.0003), "cut off after byte"),
    "emptied": (lambda file: file.write_bytes(b""), "cut off after byte 0"),
    "the records missing": (said("DROP TABLE ledger"), "without ledger"),
    "the outbox missing": (said("DROP TABLE outbox"), "without outbox"),
    "the standings missing": (said("DROP TABLE standings"), "without standings"),
    "the looks missing": (said("DROP TABLE looks"), "without looks"),
    "the version missing": (said("DROP TABLE postdose_version"), "duplicate column|already exists"),
    "a version that is none": (said("UPDATE postdose_version SET version_num = 'x' || char(0)"), "locate revision"),
    "a column missing": (said("ALTER TABLE outbox DROP COLUMN claimed_by"), "without outbox.claimed_by"),
    "no UTF-8 in a record": (record("payload = CAST(x'ff7b7d' AS TEXT)"), CHANGED),
    "no UTF-8 in a study": (record("study = CAST(x'ff' AS TEXT)"), CHANGED),
    "a NUL in a record": (record("payload = payload || char(0)"), CHANGED),
    "NULs for a record": (record("payload = zeroblob(20)"), CHANGED),
    "a NUL in a message": (message("message = message || char(0)"), OTHERWISE),
    "no UTF-8 in a message": (message("message = CAST(x'ff' AS TEXT)"), OTHERWISE),
    "words for a number": (message("attempts = 'many'"), OTHERWISE),
    "no JSON in the standings": (said("UPDATE standings SET document = '[['"), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_a_broken_ledger_with_its_place(
    file: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, place = DAMAGE[how]
    change(file)
    with pytest.raises(LedgerBrokenError, match=place):
        run_verify(Settings(f"sqlite:///{file}", {}), expect_head=None, as_json=True)
    assert json.loads(capsys.readouterr().out)["verified"] is False


def appended(kind: str, payload: str) -> Callable[[Path], None]:
    """Put in a record whose hash is right, as whoever may append can."""

    def append(file: Path) -> None:
        with sqlite3.connect(file) as connection:
            last = connection.execute("SELECT max(sequence), sha256 FROM ledger").fetchone()
            row = (last[0] + 1, "CYT107-IV", kind, payload, last[1])
            connection.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, NULL)", (*row, digest(*row)))

    return append


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        *(("raised", "{}"), ("look", "{"), ("look", '{"signals": 7, "data_cutoff": 7}'), ("night", "null")),
        *(("delivery", '{"deliveries": 1}'), ("head_accepted", "{}"), ("files", "[]"), ("unheard", "{}")),
    ],
)
def test_a_record_that_no_look_can_read_is_named_and_ends_nothing(
    kind: str, payload: str, tmp_path: Path
) -> None:
    file = tmp_path / "state.sqlite"
    caused(Ledger(f"sqlite:///{file}"), {"at": "2026-03-01T02:00:00Z"})
    appended(kind, payload)(file)
    protocol = load_protocol(GOOD).read_from(tmp_path, "a" * 64)
    settings = Settings(f"sqlite:///{file}", {})
    beside = [
        Beside("heads", partial(heads_that_differ, folder=tmp_path, study=protocol.study.id)),
        Beside("files", partial(files_that_differ, protocol=protocol)),
    ]
    with pytest.raises(LedgerBrokenError, match=r"record 2 says what no record of its kind can \("):
        run_verify(settings, expect_head=None, as_json=False, beside=beside)
    found, _ = findings_of_night(Study(protocol, settings), Ledger.of(settings), NOW)
    assert "record 2 says what no record of its kind can" in " ".join(found["problems"])


def test_what_the_database_does_by_itself_is_named(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TRIGGER theirs AFTER INSERT ON outbox BEGIN SELECT 1; END")
    with pytest.raises(LedgerBrokenError, match="the database does by itself what is not ours: theirs"):
        Ledger(f"sqlite:///{file}").verify()


@pytest.mark.parametrize("table", ["ledger", "outbox", "standings", "looks"])
def test_a_table_missing_in_postgresql_is_a_broken_ledger(postgresql_database: str, table: str) -> None:
    Ledger(postgresql_database).record("S", Kind.LOOK, {})
    engine = create_engine(postgresql_database)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {table} CASCADE")
    engine.dispose()
    with pytest.raises(LedgerBrokenError, match=f"without {table}"):
        run_verify(Settings(postgresql_database, {}), expect_head=None, as_json=False)
