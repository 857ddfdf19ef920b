"""When a file counts as arrived, that it is taken in once, and when a look is owed for it."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ledgers import LOOKED

from checks.protocol import StudyProtocol, load_protocol
from flows.feeds import Inbox, open_inbox
from flows.ledger import Kind, Ledger
from flows.serving.arrivals import SETTLED, Arrivals, unseen_feeds

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NEXT_SECOND = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
PROTOCOL = Path(__file__).parents[3] / "flows" / "simulate" / "protocol.yaml"
SECOND = timedelta(seconds=1)


@pytest.fixture
def protocol(tmp_path: Path) -> StudyProtocol:
    shutil.copy(PROTOCOL, tmp_path / "protocol.yaml")
    (tmp_path / "feeds").mkdir()
    return load_protocol(tmp_path / "protocol.yaml")


@pytest.fixture
def inbox(protocol: StudyProtocol) -> Inbox:
    return open_inbox(protocol, {}, None)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'state.sqlite'}")


def write(inbox: Inbox, content: str, at: datetime, name: str = "vs.csv") -> Path:
    file = inbox.protocol.folder / "feeds" / name
    file.write_text(content)
    os.utime(file, (at.timestamp(), at.timestamp()))
    return file


def look(ledger: Ledger, cutoff: datetime) -> None:
    told = {"look_id": "a", "data_cutoff": f"{cutoff:%Y-%m-%dT%H:%M:%SZ}", "verdict": "no_signal", **LOOKED}
    ledger.record("CYT107-IV-SIM", Kind.LOOK, told)


def test_a_file_is_taken_in_once_nobody_has_written_to_it_for_a_while(inbox: Inbox) -> None:
    arrivals = Arrivals(inbox)
    write(inbox, "half", NOW - SETTLED / 2)
    assert arrivals.take_in(NOW) == ()
    write(inbox, "half and the rest", NOW + SECOND)  # the clock of quiet starts again
    assert arrivals.take_in(NOW + SETTLED) == ()
    (receipt,) = arrivals.take_in(NOW + SECOND + SETTLED)
    assert receipt.domain == "VS"
    assert arrivals.take_in(NOW + 60 * SECOND) == ()
    assert Arrivals(inbox).take_in(NOW + 90 * SECOND) == ()  # nor by a process that has seen nothing yet


def test_a_file_with_a_stamp_to_come_has_arrived_once_it_was_seen_unchanged_for_a_while(inbox: Inbox) -> None:
    arrivals = Arrivals(inbox)
    write(inbox, "whole", NOW + timedelta(hours=5))  # the sender's clock is ahead
    assert arrivals.take_in(NOW) == ()
    assert arrivals.take_in(NOW + SETTLED - SECOND / 4) == ()
    assert len(arrivals.take_in(NOW + SETTLED)) == 1


def test_a_file_whose_sender_says_that_it_is_done_is_taken_in_at_once(inbox: Inbox) -> None:
    file = write(inbox, "whole", NOW)
    (file.parent / "vs.csv.done").touch()
    assert len(Arrivals(inbox).take_in(NOW)) == 1


def test_a_delivery_is_received_at_the_next_full_second(inbox: Inbox) -> None:
    write(inbox, "whole", NOW - timedelta(hours=1))
    assert [one.received_at for one in Arrivals(inbox).take_in(NOW)] == [NEXT_SECOND]


def test_a_file_that_cannot_be_read_is_told_once_and_the_others_are_taken_in(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    (inbox.protocol.folder / "feeds" / "vs.csv").symlink_to(
        "/proc/self/mem"
    )  # a file that no one can read from 0
    write(inbox, "whole", NOW - timedelta(hours=1), "ae.csv")
    arrivals = Arrivals(inbox)
    assert [one.domain for one in arrivals.take_in(NOW)] == ["AE"]
    for second in range(1, 9):
        assert arrivals.take_in(NOW + second * SECOND) == ()
    assert caplog.messages == [
        "VS: found a link that leads out of its folder; allowed: a regular file, in the feed's own folder"
    ]


def test_nothing_received_owes_no_look(inbox: Inbox, ledger: Ledger) -> None:
    assert unseen_feeds(inbox, ledger, NOW) == ()
    look(ledger, NOW)
    assert unseen_feeds(inbox, ledger, NOW) == ()


@pytest.mark.parametrize(
    ("cutoff", "owed"),
    [
        (None, True),
        (NEXT_SECOND - timedelta(hours=1), True),
        (
            NEXT_SECOND - SECOND,
            True,
        ),  # in the very second of the arrival: it may have read the feed before it
        (NEXT_SECOND, False),
        (NEXT_SECOND + SECOND, False),
        (NEXT_SECOND + timedelta(days=1), True),  # a cut-off to come has seen nothing yet
    ],
)
def test_a_look_is_owed_while_something_was_received_after_the_newest_cutoff(
    inbox: Inbox, ledger: Ledger, cutoff: datetime | None, *, owed: bool
) -> None:
    write(inbox, "whole", NOW - timedelta(hours=1))
    Arrivals(inbox).take_in(NOW)
    if cutoff is not None:
        look(ledger, cutoff)
    assert unseen_feeds(inbox, ledger, NOW + 5 * SECOND) == (("VS",) if owed else ())


def test_a_look_is_owed_for_the_feeds_that_it_has_not_seen(inbox: Inbox, ledger: Ledger) -> None:
    arrivals = Arrivals(inbox)
    write(inbox, "whole", NOW - timedelta(hours=1), "ae.csv")
    arrivals.take_in(NOW)
    look(ledger, NEXT_SECOND)
    write(inbox, "whole", NOW + timedelta(hours=1), "vs.csv")
    write(inbox, "whole", NOW + timedelta(hours=1), "lb.csv")
    arrivals.take_in(NOW + timedelta(hours=2))
    assert unseen_feeds(inbox, ledger, NOW + timedelta(hours=3)) == ("LB", "VS")
