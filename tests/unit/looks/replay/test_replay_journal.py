"""Which looks of an earlier start still hold, and that a cut file is continued to the same bytes."""

from pathlib import Path
from typing import Any

import pytest

from flows.looks.replay.journal import DEPENDS_ON, Due, journal, read_kept

HEADER: dict[str, Any] = {
    "schema": "one",
    "study": "S",
    "protocol_sha256": "p",
    "code_version": "c",
    "first": "t0",
    "every_minutes": 60,
}
DUE = [Due("t0", "d0"), Due("t1", "d0"), Due("t2", "d2")]
ENTRIES = [{"data_cutoff": due.data_cutoff, "deliveries_sha256": due.deliveries_sha256} for due in DUE]


def write(path: Path, due: list[Due] = DUE) -> None:
    kept = read_kept(path, HEADER, due)
    with journal(path, HEADER, kept) as keep:
        for one in due[len(kept.entries) :]:
            keep({"data_cutoff": one.data_cutoff, "deliveries_sha256": one.deliveries_sha256})


def test_wherever_the_file_is_cut_it_is_continued_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    write(path)
    whole = path.read_bytes()
    assert read_kept(path, HEADER, DUE).entries == tuple(ENTRIES)
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        write(path)
        assert path.read_bytes() == whole, length


@pytest.mark.parametrize("name", DEPENDS_ON)
def test_what_every_look_depends_on_begins_anew_and_says_why(tmp_path: Path, name: str) -> None:
    path = tmp_path / "looks.jsonl"
    write(path)
    kept = read_kept(path, {**HEADER, name: "other"}, DUE)
    assert (kept.entries, kept.reason) == ((), f"{DEPENDS_ON[name]} changed")


def test_a_delivery_that_arrived_later_costs_no_look_made_before(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    write(path)
    changed = [*DUE[:2], Due("t2", "d3"), Due("t3", "d3")]
    kept = read_kept(path, HEADER, changed)
    assert kept.entries == tuple(ENTRIES[:2])
    assert kept.reason == "the deliveries known by t2 changed"
    write(path, changed)
    again = tmp_path / "again.jsonl"
    write(again, changed)
    assert path.read_bytes() == again.read_bytes()


def test_fewer_looks_leave_none_behind_and_more_are_added(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    write(path)
    assert read_kept(path, HEADER, DUE[:1]).entries == tuple(ENTRIES[:1])
    write(path, DUE[:1])
    assert read_kept(path, HEADER, DUE).entries == tuple(ENTRIES[:1])
    assert read_kept(path, HEADER, DUE).reason is None
    assert read_kept(tmp_path / "nothing.jsonl", HEADER, DUE).reason is None


def test_a_file_that_is_something_else_is_not_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    for content in (b"", b"no line feed", b"not JSON\n", b"[1]\n"):
        path.write_bytes(content)
        assert read_kept(path, HEADER, DUE).reason == "the file of the earlier looks has no first line"
