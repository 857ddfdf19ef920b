"""Tamperings of a study's record, on both databases, and which way of verifying finds which.

The columns: ``postdose ledger verify``; the same of a ledger that was sealed, with its key; ``verify --files``; and
the nightly check; all but the second without a key. What only the key finds, or nothing but the deliveries
themselves, stands so in the table.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from checks.errors import LedgerBrokenError, LedgerWriteError
from checks.looks import look
from checks.stamps import stamp
from flows.ledger import Kind, Ledger, canonical
from flows.ledger.chain import digest
from flows.ledger.command import Beside, run_accept, run_verify
from flows.ledger.heads import heads_that_differ
from flows.looks.conclusion import conclude
from flows.looks.custody import held_against_record
from flows.looks.kept_files import HISTORY, files_that_differ, unknown_folders
from flows.looks.nightly import findings_of_night
from flows.looks.reading import read_feeds
from flows.looks.study import Study, open_study
from flows.settings import Settings
from flows.simulate import simulate

KEY = b"a key of the study team, 32 bytes or more"
NOBODY = "    - {role: nobody, verdicts: [signal], channels: ['env:POSTDOSE_NOBODY']}\n"


def study_of(folder: Path, url: str, key: bytes | None) -> Study:
    return Study(open_study(str(folder / "protocol.yaml"), {}).protocol, Settings(url, {}, key))


def looked(study: Study, number: int, cutoff: datetime | None = None, *, as_found: bool = False) -> None:
    """Take the study's files in, look, tell and write, as a run does; the second a second later, however soon.

    What comes after the cut-off of the first, as its files do, is known to the second alone.
    """
    cutoff = cutoff or datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2 - number)
    now = cutoff + timedelta(microseconds=1)
    inbox = replace(study.inbox(), found=study.protocol.folder / "feeds" if as_found else None)
    arrived = read_feeds(inbox, now, now=now, arriving=not as_found)
    conclude(
        look(arrived, study.protocol, data_cutoff=cutoff),
        folder_of(study) / f"look-{number}",
        study.settings,
        "a test",
        as_found=as_found,
    )


def folder_of(study: Study) -> Path:
    return study.protocol.folder / "looks" / study.id


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Path]:
    """A study of two looks with its ledger, and a copy of that from after the first: without a key, and with one."""
    folders = {}
    for sealed in (False, True):
        folder = folders[sealed] = tmp_path_factory.mktemp("sealed" if sealed else "plain")
        simulate("cyt107", folder, seed=1, subjects=8)
        protocol = (folder / "protocol.yaml").read_text()
        (folder / "protocol.yaml").write_text(protocol.replace("  routes:\n", "  routes:\n" + NOBODY))
        study = study_of(folder, f"sqlite:///{folder / 'postdose.sqlite'}", KEY if sealed else None)
        looked(study, 1)
        shutil.copy(folder / "postdose.sqlite", folder / "older.sqlite")
        looked(study, 2)
    return folders


@dataclass
class Target:
    """What is tampered with."""

    study: Study

    @property
    def folder(self) -> Path:
        return self.study.protocol.folder

    @property
    def look(self) -> Path:
        return folder_of(self.study) / "look-2"

    def run(self, *statements: str) -> None:
        with self.connected() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def connected(self) -> Any:
        return create_engine(self.study.settings.state_url).begin()


def unlock(connection: Connection) -> None:
    names = [f"ledger_no_{what}" for what in ("update", "delete", "replace")]
    drop = [f"DROP TRIGGER {name}" for name in names]
    if connection.dialect.name == "postgresql":
        drop = ["DROP TRIGGER ledger_append_only ON ledger"]
    for statement in drop:
        connection.exec_driver_sql(statement)


def edited(*statements: str, rebuilt: bool = False) -> Callable[[Target], None]:
    def tamper(target: Target) -> None:
        with target.connected() as connection:
            unlock(connection)
            for statement in statements:
                assert connection.exec_driver_sql(statement).rowcount
        if rebuilt:
            Ledger(target.study.settings.state_url).rebuild()

    return tamper


def rewritten(target: Target, change: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    """Write the whole chain anew with other payloads, every hash right, and all that follows from it."""
    with target.connected() as connection:
        unlock(connection)
        rows = [
            dict(row) for row in connection.execute(text("SELECT * FROM ledger ORDER BY sequence")).mappings()
        ]
        previous = "0" * 64
        for row in rows:
            row["payload"] = canonical(change({**row, "payload": json.loads(row["payload"])})["payload"])
            row["previous_sha256"] = previous
            row["sha256"] = digest(row["sequence"], row["study"], row["kind"], row["payload"], previous)
            previous = row["sha256"]
            changed = "payload = :payload, previous_sha256 = :previous_sha256, sha256 = :sha256"
            connection.execute(text(f"UPDATE ledger SET {changed} WHERE sequence = :sequence"), row)
    Ledger(target.study.settings.state_url).rebuild()
    return previous


def no_signal(row: dict[str, Any]) -> dict[str, Any]:
    if row["kind"] == "look":
        row["payload"] |= {"verdict": "no_signal", "standing": "no_signal", "signals": []}
    return row


def all_but_the_deliveries(target: Target) -> None:
    """Rewrite look.json, its hashes on record, the chain, and the file of heads."""
    document = json.loads((target.look / "look.json").read_text())
    document |= {"verdict": "no_signal", "standing": "no_signal", "ledger": None}
    (target.look / "look.json").write_text(json.dumps(document))
    first = target.look.with_name("look-1") / "look.json"
    first.write_text(json.dumps({**json.loads(first.read_text()), "ledger": None}))
    hashed = {name: value for name, value in document.items() if name not in HISTORY}
    sha256 = hashlib.sha256(canonical(hashed).encode()).hexdigest()

    def change(row: dict[str, Any]) -> dict[str, Any]:
        payload = row["payload"]
        if row["kind"] == "files":
            written = (target.folder / payload["folder"] / "look.json").read_bytes()
            payload["files"]["look.json"] = hashlib.sha256(written).hexdigest()
        if row["kind"] == "look" and payload["look_id"] == document["look_id"]:
            payload["look_sha256"] = sha256
            no_signal(row)
        return row

    previous = rewritten(target, change)
    with target.connected() as connection:
        newest = connection.execute(text("SELECT max(sequence) FROM ledger")).scalar()
    (target.folder / "heads").write_text(f"{newest} {previous} 2026-01-01T00:00:00Z {target.study.id}\n")


def appended(target: Target) -> None:
    """As the account of the looks can: a record with its hash right, and what follows from it."""
    with target.connected() as connection:
        found = connection.execute(
            text("SELECT sequence, sha256 FROM ledger ORDER BY sequence DESC LIMIT 1")
        ).one()
        row = (found[0] + 1, target.study.id, "review", "{}", found[1])
        connection.execute(
            text("INSERT INTO ledger VALUES (:a, :b, :c, :d, :e, :f, NULL)"),
            dict(zip("abcdef", (*row, digest(*row)), strict=True)),
        )
    Ledger(target.study.settings.state_url).rebuild()


def put_back(target: Target) -> None:
    url, older = target.study.settings.state_url, target.folder / "older.sqlite"
    if url.startswith("sqlite"):
        shutil.copy(older, target.folder / "postdose.sqlite")
        return
    with target.connected() as connection:
        for table in ("outbox", "ledger", "looks", "standings", "postdose_version"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("DROP FUNCTION ledger_refuse")
    Ledger(f"sqlite:///{older}", key=target.study.settings.ledger_key).copy_to(url)


def in_files(change: Callable[[Path], object]) -> Callable[[Target], None]:
    return lambda target: change(target.look) and None


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        before = (folder / name).read_text()
        assert old in before
        (folder / name).write_text(before.replace(old, new))

    return change


def of_heads(change: Callable[[str], str]) -> Callable[[Target], None]:
    def tamper(target: Target) -> None:
        before = (target.folder / "heads").read_text()
        (target.folder / "heads").write_text(change(before))

    return tamper


FIRST_LOOK = "(SELECT min(sequence) FROM ledger WHERE kind = 'look')"
NEWEST = "(SELECT max(sequence) FROM ledger)"
VERDICT = 'payload = replace(payload, \'"verdict":"\', \'"verdict":"no_\')'
NEVER = "next_attempt_at = '2999-01-01T00:00:00Z'"


def of_outbox(change: str) -> Callable[[Target], None]:
    return edited(f"UPDATE outbox SET {change} WHERE id = (SELECT min(id) FROM outbox WHERE state = 'dead')")


def added(target: Target) -> None:
    columns = "id, sequence, study, channel, message, state, attempts"
    values = f"'forged', 1, '{target.study.id}', 'console:', '{{}}', 'pending', 0"
    target.run(f"INSERT INTO outbox ({columns}) VALUES ({values})")


def as_a_link(folder: Path) -> None:
    elsewhere = folder.parents[2] / "elsewhere.html"
    (folder / "report.html").rename(elsewhere)
    (folder / "report.html").symlink_to(elsewhere)


def as_another(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("look-3"))
    replaced("look.json", '"signal"', '"watch"')(folder.with_name("look-3"))


def as_a_copy(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("look-3"))


def as_a_page_alone(folder: Path) -> None:
    folder.with_name("look-3").mkdir()
    shutil.copy(folder / "report.html", folder.with_name("look-3"))


def excused(**said: Any) -> Callable[[Target], None]:
    """Rewrite the chain and the heads so that the newest look need not come out again, and not what it wrote."""

    def tamper(target: Target) -> None:
        written = json.loads((target.look / "look.json").read_text())

        def change(row: dict[str, Any]) -> dict[str, Any]:
            if row["kind"] == "look" and row["payload"]["look_id"] == written["look_id"]:
                row["payload"] |= {"verdict": "not_assessable", "standing": "not_assessable", "signals": []}
                row["payload"] |= said
            return row

        previous = rewritten(target, change)
        with target.connected() as connection:
            newest = connection.execute(text("SELECT max(sequence) FROM ledger")).scalar()
        (target.folder / "heads").write_text(f"{newest} {previous} 2026-01-01T00:00:00Z {target.study.id}\n")

    return tamper


EVERY = "VKFN"
TAMPERED: Mapping[str, tuple[str, Callable[[Target], None]]] = {
    "a verdict edited": (EVERY, edited(f"UPDATE ledger SET {VERDICT} WHERE sequence = {FIRST_LOOK}")),
    "a record emptied": (EVERY, edited("UPDATE ledger SET payload = '{}' WHERE sequence = 3")),
    "a hash edited": (
        EVERY,
        edited("UPDATE ledger SET sha256 = substr(sha256, 2) || substr(sha256, 1, 1) WHERE sequence = 3"),
    ),
    "a record removed": (EVERY, edited("DELETE FROM ledger WHERE sequence = 2")),
    "a record of another study": (EVERY, edited("UPDATE ledger SET study = 'T' WHERE sequence = 2")),
    "the newest record cut off, the rest made to fit": (
        "FN",
        edited(f"DELETE FROM ledger WHERE sequence = {NEWEST}", rebuilt=True),
    ),
    "the chain rewritten whole": ("KFN", lambda target: rewritten(target, no_signal) and None),
    "all rewritten but the deliveries": ("KN", all_but_the_deliveries),
    "a record appended, the rest made to fit": ("K", appended),
    "an older copy put back": ("FN", put_back),
    "a message marked delivered": (EVERY, of_outbox("state = 'delivered'")),
    "a message deleted": (EVERY, edited("DELETE FROM outbox WHERE state = 'dead'")),
    "a message's text edited": (EVERY, of_outbox("message = replace(message, 'signal', 'quiet')")),
    "a message's channel edited": (EVERY, of_outbox("channel = 'file:else/'")),
    "a message put off": (EVERY, of_outbox(f"state = 'pending', {NEVER}")),
    "a message claimed for good": (EVERY, of_outbox(f"{NEVER}, claimed_by = 'x 1 1'")),
    "attempts that nobody made": (EVERY, of_outbox("attempts = attempts + 1")),
    "a message added": (EVERY, added),
    "an alert closed beside the record": (
        EVERY,
        edited("UPDATE standings SET document = replace(document, '\"open\"', '\"closed\"')"),
    ),
    "look.json rewritten": ("FN", in_files(replaced("look.json", '"signal"', '"no_signal"'))),
    "report.html rewritten": ("FN", in_files(replaced("report.html", "<body", "<body class=quiet"))),
    "a page added": ("FN", in_files(lambda folder: (folder / "report2.html").write_text("No signal"))),
    "a listing taken away": ("FN", in_files(lambda folder: (folder / "cases.csv").unlink())),
    "a page replaced by a link": ("FN", in_files(as_a_link)),
    "a whole look taken away": ("FN", in_files(shutil.rmtree)),
    "a whole look added": ("FN", in_files(as_another)),
    "a whole look copied": ("FN", in_files(as_a_copy)),
    "a page in a folder of its own": ("FN", in_files(as_a_page_alone)),
    "a page beside the looks": (
        "FN",
        in_files(lambda folder: (folder.parent / "a.html").write_text("No signal")),
    ),
    "a page beside the studies": (
        "FN",
        in_files(lambda folder: (folder.parents[1] / "a.html").write_text("No signal")),
    ),
    "a look excused by a feed": (
        "KFN",
        excused(feed_faults={"VS": {"fault": "blocked", "latest": None}}),
    ),
    "a look excused by other code": ("KFN", excused(code_version="9.9.9")),
    "a head edited": ("FN", of_heads(lambda heads: heads.replace(heads.split()[1], "a" * 64, 1))),
    "a line put among the heads": ("FN", of_heads(lambda heads: "nothing\n" + heads)),
}
"""What is done, and who finds it: verify (V), verify with the key (K), --files (F), nightly (N)."""

OF_THE_CHAIN = frozenset(how for how in TAMPERED if how.startswith("a look excused"))
"""What is done alike in both databases, as what is done to files is."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def target_of(
    request: pytest.FixtureRequest, made: Mapping[bool, Path], tmp_path: Path
) -> Callable[[bool], Target]:
    def make(sealed: bool) -> Target:
        folder, key = tmp_path / ("sealed" if sealed else "plain"), KEY if sealed else None
        shutil.copytree(made[sealed], folder)
        url = f"sqlite:///{folder / 'postdose.sqlite'}"
        if request.param == "postgresql":
            url = new_database(request.getfixturevalue("postgresql_url"))
            Ledger(f"sqlite:///{folder / 'postdose.sqlite'}", key=key).copy_to(url)
        return Target(study_of(folder, url, key))

    return make


def new_database(server: str) -> str:
    name = f"t{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def finds(check: Callable[[], object]) -> bool:
    try:
        check()
    except (LedgerBrokenError, LedgerWriteError):
        return True
    return False


def verified(target: Target, *, files: bool = False) -> None:
    study = target.study
    beside = [
        Beside("heads", partial(heads_that_differ, folder=target.folder, study=study.id)),
        Beside("files", partial(files_that_differ, protocol=study.protocol)),
    ]
    run_verify(study.settings, expect_head=None, as_json=False, beside=beside if files else ())


def at_night(target: Target) -> None:
    found, _ = findings_of_night(target.study, target.study.ledger(), datetime.now(UTC))
    if found["problems"]:
        raise LedgerBrokenError(" ".join(found["problems"]))


def found_by(make: Callable[[bool], Target], tamper: Callable[[Target], None]) -> str:
    plain, sealed = make(False), make(True)
    tamper(plain)
    tamper(sealed)
    ways = {
        "V": partial(verified, plain),
        "K": partial(verified, sealed),
        "F": partial(verified, plain, files=True),
        "N": partial(at_night, plain),
    }
    return "".join(way for way, check in ways.items() if finds(check))


FILES = frozenset(how for how, (found, _) in TAMPERED.items() if found == "FN")
LIKE_ANOTHER = (
    "a record emptied",
    "a hash edited",
    "a record of another study",
    "a message's channel edited",
    "a message put off",
    "a message claimed for good",
    "attempts that nobody made",
    "a message added",
    "report.html rewritten",
    "a listing taken away",
    "a whole look copied",
    "a page in a folder of its own",
    "a page beside the looks",
    "a page beside the studies",
    "a look excused by other code",
    "a line put among the heads",
)
"""Of a kind that another one tries as well: tried with the slow tests."""

CASES = [
    pytest.param(
        database, how, marks=pytest.mark.slow if how in LIKE_ANOTHER or database == "postgresql" else ()
    )
    for how in TAMPERED
    for database in ("sqlite", "postgresql")
    if database == "sqlite" or how not in FILES | OF_THE_CHAIN
]


@pytest.mark.parametrize(("target_of", "how"), CASES, indirect=["target_of"])
def test_a_tampering_is_found_in_each_way_that_can(
    target_of: Callable[[bool], Target], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.looks.nightly.SETTLED", 0.0)  # no look is being made
    expected, tamper = TAMPERED[how]
    assert found_by(target_of, tamper) == expected


def test_what_nobody_changed_holds_in_every_way(target_of: Callable[[bool], Target]) -> None:
    assert found_by(target_of, lambda _target: None) == ""


@pytest.fixture
def target(made: Mapping[bool, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The study with its ledger in SQLite, without a key."""
    monkeypatch.setattr("flows.looks.nightly.SETTLED", 0.0)
    folder = Path(shutil.copytree(made[False], tmp_path / "plain"))
    return Target(study_of(folder, f"sqlite:///{folder / 'postdose.sqlite'}", None))


def night(target: Target) -> tuple[int, str]:
    """How many looks a nightly check makes again, and what it finds that does not hold."""
    found, _ = findings_of_night(target.study, target.study.ledger(), datetime.now(UTC))
    return found["looks_made_again"], " ".join(found["problems"])


def test_a_look_at_files_as_found_is_not_made_again_though_the_store_has_them(target: Target) -> None:
    looked(target.study, 3, datetime.now(UTC).replace(microsecond=0), as_found=True)
    assert target.study.ledger().records(target.study.id, Kind.LOOK)[-1].payload["as_found"] is True
    assert night(target) == (1, "")  # of the second look, which all was received for


def test_a_receipt_that_is_told_to_be_earlier_excuses_no_look(target: Target) -> None:
    (file,), now = (target.folder / "feeds").glob("ae.*"), datetime.now(UTC)
    late = target.folder / "late.csv"
    late.write_text("\n".join(file.read_text().splitlines()[:1]) + "\n")
    inbox = target.study.inbox()
    told = now - timedelta(days=1)
    taken = inbox.store.take_in("AE", late.name, late.read_bytes(), received_at=told, recorded_at=now)
    held_against_record(inbox, target.study.ledger, now, taken=[taken])
    assert night(target) == (1, "")  # of the second look, which all was received for
    rewritten(target, no_signal)
    assert "does not come out again" in night(target)[1]


def test_a_message_of_a_look_that_need_not_come_out_again_is_compared_all_the_same(target: Target) -> None:
    excused(as_found=True)(target)
    assert "said 'signal', which no record of it says" in night(target)[1]


@pytest.fixture
def unrecorded(target: Target) -> str:
    """A look that the ledger did not take, and its data cut-off."""
    nowhere = f"sqlite:///{target.folder / 'protocol.yaml' / 'no.sqlite'}"
    cutoff = datetime.now(UTC).replace(microsecond=0)
    looked(study_of(target.folder, nowhere, None), 3, cutoff)
    return stamp(cutoff)


def differing(target: Target) -> Sequence[str]:
    return list(files_that_differ(target.study.ledger(), target.study.protocol))


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ({"feed_faults": {"VS": {"fault": "blocked", "latest": None}}}, "verdict, blocked"),
        ({"code_version": "9.9.9"}, "verdict, code_version"),
    ],
)
def test_what_a_record_says_otherwise_than_its_look_json_is_named(
    target: Target, said: dict[str, Any], other: str
) -> None:
    excused(**said)(target)
    assert any(one.endswith(f"has otherwise: {other}") for one in differing(target))


def test_a_look_that_the_ledger_did_not_take_is_on_record_once_it_is_made_again(
    target: Target, unrecorded: str
) -> None:
    (said,) = differing(target)
    assert said.startswith(
        "looks/look-3: no record has the look that look.json tells of; if it was made while"
    )
    assert f"`postdose look PROTOCOL --data-cutoff {unrecorded}`" in said
    looked(target.study, 3, datetime.fromisoformat(unrecorded))
    assert differing(target) == []


def test_a_person_leaves_a_look_without_a_record_and_gives_up_no_head_for_it(
    target: Target, unrecorded: str
) -> None:
    study = target.study
    run_accept(
        study.settings,
        study.protocol,
        by="Dr A",
        reason="the disk was full",
        now=datetime.now(UTC),
        as_json=False,
        unknown=partial(unknown_folders, protocol=study.protocol),
    )
    assert differing(target) == []
    of_heads(lambda heads: heads.replace(heads.split()[1], "a" * 64, 1))(target)
    assert any(heads_that_differ(study.ledger(), target.folder, study.id))


def test_a_person_who_goes_on_in_an_older_copy_gives_up_the_looks_that_it_lacks(
    target_of: Callable[[bool], Target],
) -> None:
    target = target_of(False)
    put_back(target)
    assert finds(partial(verified, target, files=True))
    study, now = target.study, datetime.now(UTC)
    run_accept(
        study.settings,
        study.protocol,
        by="Dr A",
        reason="the disk was lost",
        now=now,
        as_json=False,
        unknown=partial(unknown_folders, protocol=study.protocol),
    )
    assert not finds(partial(verified, target, files=True))
    (folder_of(study) / "look-1" / "report.html").write_text("No signal")
    assert finds(partial(verified, target, files=True))
