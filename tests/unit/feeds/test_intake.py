"""Files are taken in with each receipt of their domain read once, however many there are."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from small_studies import small_protocol

from checks.protocol import load_protocol
from flows.feeds import Inbox, open_inbox
from flows.serving.arrivals import Arrivals

NOW = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FILES = 12

_counting: list[list[str]] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _counting and isinstance(arguments[0], str):
        _counting[-1].append(arguments[0])


@contextmanager
def receipts_read() -> Iterator[list[str]]:
    """Yield the receipts that this process opens meanwhile, each as often as it does."""
    if not hasattr(sys, "_postdose_opens"):
        sys._postdose_opens = True
        sys.addaudithook(_note)
    read: list[str] = []
    _counting.append(read)
    yield read
    _counting.pop()
    read[:] = [one for one in read if "/receipts/" in one and one.endswith(".json")]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """A study whose vital signs arrive as the whole state, in many files of other names."""
    protocol = small_protocol()
    protocol["feeds"]["vs"] |= {"path": "feeds/vs", "mode": "cumulative"}
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(protocol))
    folder = tmp_path / "feeds" / "vs"
    folder.mkdir(parents=True)
    for place in range(FILES):
        (folder / f"vs_{place:02}.csv").write_text(f"USUBJID,VSSEQ\nS-01,{place}\n")
    return open_inbox(load_protocol(tmp_path / "protocol.yaml"), {}, None)


def test_many_files_are_taken_in_again_with_each_receipt_read_once(inbox: Inbox) -> None:
    late = NOW + timedelta(days=10_000)  # nobody has written to them for long
    assert len(Arrivals(inbox).take_in(late)) == FILES
    with receipts_read() as read:
        assert Arrivals(inbox).take_in(late + timedelta(hours=1)) == ()
    assert len(read) == FILES


def test_a_look_reads_receipts_as_often_for_many_files_as_for_one(inbox: Inbox) -> None:
    inbox.take_in("VS", NOW)
    with receipts_read() as read:
        inbox.take_in("VS", LATER)
    times = {read.count(one) for one in read}
    assert len(set(read)) == FILES and max(times) < FILES / 2


def test_content_that_an_intake_took_in_stands_again_after_what_it_took_in_since(inbox: Inbox) -> None:
    first, second, name = b"USUBJID\nA\n", b"USUBJID\nB\n", "vs.csv"
    early, late = NOW - timedelta(hours=1), LATER
    inbox.intake("VS", now=early).take(name, first)
    inbox.intake("VS", now=NOW).take(name, second)
    intake = inbox.intake("VS", now=late)
    assert [intake.take(name, one).received_at for one in (second, first)] == [NOW, late]
    intake.take(name, first)  # it is the newest by now
    received = inbox.store.receipts("VS", by=late)
    assert [one.received_at for one in received] == [early, NOW, late]
