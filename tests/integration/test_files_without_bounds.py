"""Files of ours, and files that a person names, are read up to a bound, and only where they are regular files."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from small_studies import small_protocol

from checks.errors import LedgerBrokenError, LedgerWriteError, ProtocolError, UsageError
from checks.protocol import load_protocol
from flows.feeds import DeliveryStore, open_inbox
from flows.ledger import Head, Ledger
from flows.ledger.command import Beside, run_verify
from flows.ledger.database import file_of
from flows.ledger.heads import MOST_BYTES, heads_that_differ, keep_head, kept_heads
from flows.looks import kept_files
from flows.looks.kept_files import files_that_differ, put_files_on_record
from flows.looks.reading import receive_files
from flows.looks.replay.command import run_replay
from flows.settings import Settings

NOW = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
TERABYTE = 1 << 40


def written(folder: Path, **changed: object) -> Path:
    path = folder / "protocol.yaml"
    path.write_text(yaml.safe_dump(small_protocol(**changed)))
    return path


def as_fifo(path: Path) -> Path:
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def as_sparse(path: Path) -> Path:
    path.touch()
    os.truncate(path, TERABYTE)
    return path


def test_heads_that_have_grown_without_bound_are_named_and_the_ledger_still_answers(tmp_path: Path) -> None:
    settings = Settings(f"sqlite:///{tmp_path / 'state.sqlite'}", {}, None)
    ledger = Ledger.of(settings)
    keep_head(tmp_path, "SMALL-01", Head(1, "0" * 64), at=NOW)
    as_sparse(tmp_path / "heads")
    said = f"the file of heads cannot be read: found more than {MOST_BYTES:,} bytes"
    (found,) = heads_that_differ(ledger, tmp_path, "SMALL-01")
    assert found.startswith(said)
    beside = Beside("heads", lambda held: heads_that_differ(held, tmp_path, "SMALL-01"))
    with pytest.raises(LedgerBrokenError, match=said) as raised:
        run_verify(settings, expect_head=None, as_json=True, beside=[beside])
    assert raised.value.exit_code == 4
    keep_head(tmp_path, "SMALL-01", Head(2, "1" * 64), at=NOW)
    with pytest.raises(OSError, match="more than"):
        kept_heads(tmp_path)


@pytest.mark.parametrize("name", ["look.json", "cases.csv"])
def test_a_file_of_a_look_that_has_grown_without_bound_is_named_unread(tmp_path: Path, name: str) -> None:
    protocol = load_protocol(written(tmp_path))
    ledger = Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")
    folder = tmp_path / "looks" / "SMALL-01" / "one"
    folder.mkdir(parents=True)
    for one in ("look.json", "cases.csv"):
        (folder / one).write_text("{}")
    put_files_on_record(ledger, protocol, folder, look_id="one", data_cutoff="2025-03-03T08:00:00Z")
    as_sparse(folder / name)
    said = [*files_that_differ(ledger, protocol)]
    assert (
        f"looks/one (look one): {name} is larger than {kept_files.MOST_BYTES:,} bytes, and was not read"
        in said
    )


@pytest.mark.parametrize("spoil", [as_sparse, as_fifo])
def test_kept_content_that_is_replaced_is_not_read_to_its_end(
    tmp_path: Path, spoil: Callable[[Path], Path]
) -> None:
    inbox = open_inbox(load_protocol(written(tmp_path)), {}, None)
    receipt = inbox.store.take_in("VS", "vs.csv", b"USUBJID\nS\n", received_at=NOW, recorded_at=NOW)
    assert receipt.has_content()
    spoil(receipt.content)
    assert not receipt.has_content()
    (read,) = inbox.read("VS", NOW)
    assert read.table is None and read.problem is not None
    assert [one.decisions for one in inbox.store.kept("VS")] == [()]  # it is not given up: it may be put back


def test_a_protocol_is_a_regular_file_of_some_size(tmp_path: Path) -> None:
    fifo, zero, sparse = as_fifo(tmp_path / "fifo"), Path("/dev/zero"), as_sparse(tmp_path / "big")
    for path, found in ((fifo, "a pipe or a device"), (zero, "a pipe or a device"), (sparse, "more than")):
        with pytest.raises(ProtocolError, match=f"found {found}.*allowed: a study protocol file that can be"):
            load_protocol(path)
    with pytest.raises(ProtocolError, match="found is a directory"):
        load_protocol(tmp_path)


def test_an_expectation_that_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "expectations").mkdir()
    as_fifo(tmp_path / "expectations" / "vs.json")
    (suite,) = load_protocol(written(tmp_path)).suites
    assert suite.content is None and suite.fault == "a pipe or a device"


def test_what_is_received_is_a_regular_file_no_larger_than_a_feed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("POSTDOSE_STATE", f"sqlite:///{tmp_path / 'state.sqlite'}")
    study = str(written(tmp_path))
    for path, found in (
        (as_fifo(tmp_path / "vs.fifo"), "a named pipe"),
        (Path("/dev/zero"), "a device"),
        (as_sparse(tmp_path / "vs.csv"), f"{TERABYTE:,} bytes"),
        (tmp_path, "a folder"),
    ):
        with pytest.raises(UsageError, match=f": found {found}; allowed: "):
            receive_files(study, "VS", [path], received_at=NOW, now=NOW)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "vs.csv").write_text("USUBJID\nS\n")
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "elsewhere" / "vs.csv")  # a person may name a link
    (receipt,) = receive_files(study, "VS", [link], received_at=NOW, now=NOW)
    assert receipt.name == "link.csv"
    store = DeliveryStore(tmp_path / "deliveries" / "SMALL-01")
    assert [one.sha256 for one in store.kept("VS")] == [receipt.sha256]


def replayed(study: Path, **asked: object) -> int:
    told = {"first": None, "last": None, "every": "1d", "feeds": None, "out": None, "as_json": True, **asked}
    return run_replay(str(study), **told)  # type: ignore[arg-type]


def test_a_replay_that_cannot_be_is_refused_before_it_begins(tmp_path: Path) -> None:
    study, later = written(tmp_path), NOW.replace(day=9)
    with pytest.raises(
        UsageError, match="--to: found 2025-03-03T08:00Z; allowed: 2025-03-09T08:00Z or later"
    ) as to:
        replayed(study, first=later, last=NOW)
    with pytest.raises(UsageError, match="--feeds /proc/self: found no feed there") as feeds:
        replayed(study, feeds="/proc/self")
    for raised in (to, feeds):  # in this call itself, not in a flow
        assert not any("prefect" in str(one.path) for one in raised.traceback)


@pytest.mark.parametrize("url", ["postgresql://[::1/x", "postgresql://u:secret@h:port/x", "nonsense"])
def test_a_database_url_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(
        LedgerWriteError, match=r"^database URL: found a text that is none; allowed: as sqlite"
    ) as one:
        Ledger(url)
    assert "secret" not in str(one.value) and file_of(url) is None
