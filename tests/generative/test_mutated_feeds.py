"""Five hundred damaged copies of valid feeds: each is read or refused with a reason, and none hides a signal.

Each copy is made from its number alone: the number names the kind of damage, the base and the seed. The bases are
two simulated studies, cut to six subjects: one whose planted cases are a signal, one without any.
"""

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from feed_files import read_feed

from checks import looks
from checks.knowledge import Knowledge
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import Feed
from checks.validation import Validation
from flows.simulate import simulate

COPIES = int(os.environ.get("POSTDOSE_MUTATED_COPIES", "108"))
"""At least 108: each kind of damage then comes once to each base. 500 take some six minutes."""

Files = dict[str, bytes]
Table = list[list[str]]
NEEDED = {
    "dm.csv": ("USUBJID", "SITEID"),
    "ex.csv": ("USUBJID", "EXTRT", "EXSTDTC"),
    "vs.csv": ("USUBJID", "VSTESTCD", "VSORRES", "VSORRESU", "VSDTC"),
    "ae.csv": ("USUBJID", "AEDECOD", "AESTDTC"),
    "lb.csv": ("USUBJID", "LBTESTCD", "LBSTRESN", "LBDTC"),
}
JUNK = (
    "", " ", "NA", "null", "?", "-", "99999", "-1", "12,5", "=1+1", "2024-13-45", "20240101", "0000-00-00",
    "24:00", "\u00b5g", "\u65e5\u672c", "'; DROP TABLE vs", "1e309", "nan", "<script>", "x" * 5000, "\u202e",
)  # fmt: skip


# --- damage ---------------------------------------------------------------------------------------------------


def parse(content: bytes) -> Table:
    return list(csv.reader(io.StringIO(content.decode())))


def written(table: Table, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(table)
    return out.getvalue().encode()


def a_feed(rng: Random) -> str:
    """VS twice as often as the others: cases rest on it."""
    return rng.choice([*NEEDED, "vs.csv"])


def on_table(change: Callable[[Random, Table, str], None]) -> Callable[[Random, Files], Files]:
    """Make damage of one feed's table damage of the files."""

    def damage(rng: Random, files: Files) -> Files:
        name = a_feed(rng)
        table = parse(files[name])
        change(rng, table, name)
        return files | {name: written(table)}

    return damage


def on_bytes(change: Callable[[Random, bytes], bytes]) -> Callable[[Random, Files], Files]:
    def damage(rng: Random, files: Files) -> Files:
        name = a_feed(rng)
        return files | {name: change(rng, files[name])}

    return damage


def some_rows(rng: Random, table: Table) -> list[int]:
    share = rng.choice([0.0, 0.02, 0.2, 1.0])
    count = max(1, int(share * (len(table) - 1)))
    return rng.sample(range(1, len(table)), min(count, len(table) - 1))


def needed_column(rng: Random, table: Table, name: str) -> int:
    return table[0].index(rng.choice(NEEDED[name]))


def stamp_columns(table: Table) -> list[int]:
    return [place for place, column in enumerate(table[0]) if column.endswith("DTC")]


def change_cells(change: Callable[[Random, str], str]) -> Callable[[Random, Files], Files]:
    def damage(rng: Random, table: Table, name: str) -> None:
        column = needed_column(rng, table, name)
        for row in some_rows(rng, table):
            table[row][column] = change(rng, table[row][column])

    return on_table(damage)


def change_stamps(change: Callable[[Random, str], str]) -> Callable[[Random, Files], Files]:
    def damage(rng: Random, table: Table, name: str) -> None:
        columns = stamp_columns(table)
        if not columns:
            return
        column = rng.choice(columns)
        for row in some_rows(rng, table):
            if table[row][column]:
                table[row][column] = change(rng, table[row][column])

    return on_table(damage)


def one_digit(rng: Random, text: str) -> str:
    digits = [place for place, letter in enumerate(text) if letter.isdigit()]
    if not digits:
        return text + "1"
    place = rng.choice(digits)
    return text[:place] + rng.choice("0123456789") + text[place + 1 :]


def swap_cells(rng: Random, table: Table, name: str) -> None:
    for row in some_rows(rng, table):
        one, other = rng.sample(range(len(table[0])), 2)
        table[row][one], table[row][other] = table[row][other], table[row][one]


def change_units(rng: Random, files: Files) -> Files:
    table = parse(files["vs.csv"])
    unit = table[0].index("VSORRESU")
    new = rng.choice(["F", "C", "?F", "Deg. F", "", "K", "%", "fraction"])
    for row in some_rows(rng, table):
        table[row][unit] = new
    return files | {"vs.csv": written(table)}


def drop_rows(rng: Random, table: Table, name: str) -> None:
    for row in sorted(some_rows(rng, table), reverse=True):
        del table[row]


def repeat_rows(rng: Random, table: Table, name: str) -> None:
    table.extend([list(table[row]) for row in some_rows(rng, table)])


def shuffle_rows(rng: Random, table: Table, name: str) -> None:
    rows = table[1:]
    rng.shuffle(rows)
    table[1:] = rows


def other_subject(rng: Random, table: Table, name: str) -> None:
    subject = table[0].index("USUBJID")
    others = [row[subject] for row in table[1:]] + ["NOBODY-001", ""]
    new = rng.choice(others)
    for row in some_rows(rng, table):
        table[row][subject] = new


def blank_lines(rng: Random, table: Table, name: str) -> None:
    for row in sorted(some_rows(rng, table), reverse=True):
        table.insert(row, [])


def ragged_rows(rng: Random, table: Table, name: str) -> None:
    for row in some_rows(rng, table):
        if rng.random() < 0.5:
            table[row].append("more")
        else:
            table[row].pop()


def shift_row(rng: Random, table: Table, name: str) -> None:
    """A cell lost in the middle and a blank one at the end: every later cell is in another's column."""
    for row in some_rows(rng, table):
        del table[row][rng.randrange(len(table[0]))]
        table[row].append("")


def drop_column(rng: Random, table: Table, name: str) -> None:
    column = needed_column(rng, table, name)
    for row in table:
        del row[column]


def repeat_column(rng: Random, table: Table, name: str) -> None:
    column = needed_column(rng, table, name)
    for row in table:
        row.append(row[column])


def rename_column(rng: Random, table: Table, name: str) -> None:
    table[0][needed_column(rng, table, name)] = rng.choice(
        ["", "X", "USUBJIDD", "usubjid", "EXTRT", "\u00b5"]
    )


def swap_headers(rng: Random, table: Table, name: str) -> None:
    one = needed_column(rng, table, name)
    other = rng.choice([place for place in range(len(table[0])) if place != one])
    table[0][one], table[0][other] = table[0][other], table[0][one]


def blank_column(rng: Random, table: Table, name: str) -> None:
    column = needed_column(rng, table, name)
    for row in table[1:]:
        row[column] = ""


def reorder_columns(rng: Random, table: Table, name: str) -> None:
    order = rng.sample(range(len(table[0])), len(table[0]))
    table[:] = [[row[place] for place in order] for row in table]


def add_column(rng: Random, table: Table, name: str) -> None:
    for number, row in enumerate(table):
        row.insert(0, "EXTRA" if number == 0 else rng.choice(JUNK))


def lower_headers(rng: Random, table: Table, name: str) -> None:
    table[0] = [column.lower() for column in table[0]]


def header_letters(rng: Random, table: Table, name: str) -> None:
    place = rng.randrange(len(table[0]))
    table[0][place] = one_digit(rng, table[0][place]) + rng.choice(JUNK)


def no_header(rng: Random, table: Table, name: str) -> None:
    del table[0]


def header_again(rng: Random, table: Table, name: str) -> None:
    table.insert(rng.randrange(1, len(table)), list(table[0]))


def flip_bytes(rng: Random, content: bytes) -> bytes:
    flipped = bytearray(content)
    for _ in range(rng.choice([1, 5, 50])):
        flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    return bytes(flipped)


def truncate(rng: Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def open_quote(rng: Random, content: bytes) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + b'"' + content[place:]


def nul_bytes(rng: Random, content: bytes) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + b"\0" * rng.choice([1, 100]) + content[place:]


def zipped(damage: Callable[[Random, bytes], bytes]) -> Callable[[Random, Files], Files]:
    def zip_one(rng: Random, files: Files) -> Files:
        name = a_feed(rng)
        content = damage(rng, gzip.compress(files[name], mtime=0))
        return {other: one for other, one in files.items() if other != name} | {f"{name}.gz": content}

    return zip_one


def missing_file(rng: Random, files: Files) -> Files:
    name = a_feed(rng)
    return {other: content for other, content in files.items() if other != name}


def swap_files(rng: Random, files: Files) -> Files:
    one, other = rng.sample(sorted(NEEDED), 2)
    return files | {one: files[other], other: files[one]}


def midnight_shifts(rng: Random, text: str) -> str:
    """A date exported as midnight UTC and written in New York: the evening before."""
    day = pd.Timestamp(text[:10], tz="UTC") if text[:10].count("-") == 2 else None
    return text if day is None else day.tz_convert("America/New_York").isoformat()


def as_in_a_spreadsheet(rng: Random, text: str) -> str:
    return rng.choice(["45000.4", "16-May-15", text[:10] + " " + text[11:]])


def in_utf_16(rng: Random, content: bytes) -> bytes:
    return content.decode().encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be"]))


def ended_by_commas(rng: Random, content: bytes) -> bytes:
    return content.replace(b"\n", b",\n").replace(b",\n", b"\n", 1)


DAMAGE: Mapping[str, Callable[[Random, Files], Files]] = {
    "cells blanked": change_cells(lambda rng, text: ""),
    "cells of junk": change_cells(lambda rng, text: rng.choice(JUNK)),
    "a digit mistyped": change_cells(one_digit),
    "spaces and case": change_cells(lambda rng, text: f" {text.swapcase()}\t"),
    "cells swapped": on_table(swap_cells),
    "units changed": change_units,
    "stamps cut to the date": change_stamps(lambda rng, text: text[:10]),
    "stamps cut to the month": change_stamps(lambda rng, text: text[:7]),
    "stamps without a middle": change_stamps(lambda rng, text: f"{text[:4]}---{text[8:10]}"),
    "stamps without a date": change_stamps(lambda rng, text: f"-----{text[10:]}"),
    "stamps in the basic form": change_stamps(lambda rng, text: text.replace("-", "").replace(":", "")),
    "stamps of another year": change_stamps(lambda rng, text: rng.choice(["1824", "2042", "0024"]) + text[4:]),
    "stamps with an offset": change_stamps(lambda rng, text: text[:16] + rng.choice(["Z", "+05:30", "-0400"])),
    "midnight of another zone": change_stamps(midnight_shifts),
    "stamps of a spreadsheet": change_stamps(as_in_a_spreadsheet),
    "rows dropped": on_table(drop_rows),
    "rows repeated": on_table(repeat_rows),
    "rows shuffled": on_table(shuffle_rows),
    "rows of another subject": on_table(other_subject),
    "blank lines": on_table(blank_lines),
    "ragged rows": on_table(ragged_rows),
    "rows shifted": on_table(shift_row),
    "a column dropped": on_table(drop_column),
    "a column repeated": on_table(repeat_column),
    "a column renamed": on_table(rename_column),
    "two headers swapped": on_table(swap_headers),
    "a column blanked": on_table(blank_column),
    "columns reordered": on_table(reorder_columns),
    "a column added": on_table(add_column),
    "headers in lower case": on_table(lower_headers),
    "letters of a header": on_table(header_letters),
    "no header": on_table(no_header),
    "the header again": on_table(header_again),
    "a byte-order mark": on_bytes(lambda rng, content: b"\xef\xbb\xbf" + content),
    "UTF-16": on_bytes(in_utf_16),
    "bytes that are not UTF-8": on_bytes(lambda rng, content: content.replace(b"C", b"\xb0C", rng.choice([1, 100]))),
    "bytes flipped": on_bytes(flip_bytes),
    "NUL bytes": on_bytes(nul_bytes),
    "other line ends": on_bytes(lambda rng, content: content.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n"]))),
    "cut short": on_bytes(truncate),
    "the header alone": on_bytes(lambda rng, content: content.splitlines(keepends=True)[0]),
    "an empty file": on_bytes(lambda rng, content: rng.choice([b"", b"\n", b" "])),
    "no file": missing_file,
    "another delimiter": on_bytes(lambda rng, content: written(parse(content), rng.choice([";", "\t", "|"]))),
    "a delimiter at each end": on_bytes(lambda rng, content: content.replace(b"\n", b",\n")),
    "a delimiter at each end but the header's": on_bytes(ended_by_commas),
    "an open quotation mark": on_bytes(open_quote),
    "joined twice": on_bytes(lambda rng, content: content + content),
    "joined twice, one header": on_bytes(lambda rng, content: content + content.split(b"\n", 1)[1]),
    "gzip": zipped(lambda rng, content: content),
    "gzip cut short": zipped(truncate),
    "gzip with bytes flipped": zipped(flip_bytes),
    "gzip in name only": zipped(lambda rng, content: gzip.decompress(content)),
    "two files swapped": swap_files,
}  # fmt: skip
KINDS = tuple(DAMAGE)

PASSES_FOR_VALID = frozenset(
    {"a digit mistyped", "cells swapped", "rows dropped", "rows of another subject", "rows shifted",
     "two headers swapped", "cut short", "bytes flipped", "stamps of another year", "stamps with an offset",
     "midnight of another zone"}
)  # fmt: skip
"""Damage that may leave a valid feed with another story: no reader can tell 38.9 mistyped as 36.9."""


# --- the looks ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """A valid study: its feeds, protocol, data cut-off, planted subjects, and its own look."""

    files: Files
    feeds: Mapping[str, Feed]
    protocol: StudyProtocol
    data_cutoff: datetime
    planted: tuple[str, ...]
    document: dict[str, Any]

    def read(self, files: Files, folder: Path) -> dict[str, Feed]:
        """Return the feeds of a copy; a file that is as it was need not be read again."""
        return {
            domain: feed
            if files.get(f"{domain}.csv") == self.files[f"{domain}.csv"]
            else read_one(domain, files, folder)
            for domain, feed in self.feeds.items()
        }


def read_one(domain: str, files: Files, folder: Path) -> Feed:
    name = f"{domain}.csv"
    path = folder / (name if name in files else f"{name}.gz")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name in files:
        path.write_bytes(files[path.name])
    feed = read_feed(str(path), domain=domain.upper())
    path.unlink(missing_ok=True)
    return feed


def look_at(
    feeds: Mapping[str, Feed], protocol: StudyProtocol, data_cutoff: datetime
) -> tuple[dict[str, Any], Validation]:
    """Return the look's document and its validation."""
    found = looks.look_at(Knowledge(feeds), protocol, data_cutoff=data_cutoff)
    return found.document(), found.validation


def few_subjects(content: bytes, subjects: list[str]) -> bytes:
    header, *rows = parse(content)
    place, test = header.index("USUBJID"), header.index("VSTESTCD") if "VSTESTCD" in header else None
    wanted = [
        row
        for row in rows
        if row[place] in subjects and (test is None or row[test] in ("TEMP", "RESP", "OXYSAT"))
    ]
    return written([header, *wanted])


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Base]:
    made = {}
    planted: list[str] = []
    for scenario in ("cyt107", "null"):
        folder = simulate(scenario, tmp_path_factory.mktemp(scenario), seed=1)
        truth = json.loads((folder / "truth.json").read_text())
        planted = planted or [case["USUBJID"] for case in truth["cases"]]
        everyone = [row[2] for row in parse((folder / "feeds" / "dm.csv").read_bytes())[1:]]
        kept = planted + [name for name in everyone if name not in planted][:3]
        files = {path.name: few_subjects(path.read_bytes(), kept) for path in (folder / "feeds").iterdir()}
        protocol = load_protocol(folder / "protocol.yaml")
        cutoff = datetime.fromisoformat(truth["data_cutoff"])
        feeds = {
            domain.lower(): read_one(domain.lower(), files, folder) for domain in protocol.feeds.by_domain()
        }
        document, _ = look_at(feeds, protocol, cutoff)
        cases = tuple(case["USUBJID"] for case in truth["cases"])
        made[scenario] = Base(files, feeds, protocol, cutoff, cases, document)
    return made


@dataclass(frozen=True)
class Copy:
    """One damaged copy and what the look said of it."""

    number: int
    kind: str
    base: str
    document: dict[str, Any]
    validation: Validation
    rows: Mapping[str, int | None]

    def __str__(self) -> str:
        return f"copy {self.number}: {self.kind} of {self.base}"


def make_copy(number: int, bases: dict[str, Base], folder: Path) -> Copy:
    """Damage and look; an exception of a stage fails with the copy's name."""
    kind, rng = KINDS[number % len(KINDS)], Random(number)
    # the study with a signal first, then the one without; of more copies it has two for one
    base = "null" if number // len(KINDS) % 3 == 1 else "cyt107"
    one = bases[base]
    files = DAMAGE[kind](rng, dict(one.files))
    try:
        feeds = one.read(files, folder)
        look = look_at(feeds, one.protocol, one.data_cutoff)
    except Exception as error:
        raise AssertionError(f"copy {number}: {kind} of {base}: {error!r}") from error
    rows = {name.upper(): None if feed.table is None else len(feed.table) for name, feed in feeds.items()}
    return Copy(number, kind, base, *look, rows)


def said_of(copy: Copy, base: Base) -> Iterator[str]:
    """What the look says of a copy that it does not say of the base: problems, checks, caveats."""
    own = {check["name"] for check in base.document["checks"]}
    yield from (problem for feed in copy.document["feeds"] for problem in feed["problems"])
    yield from (check["message"] for check in copy.document["checks"] if check["name"] not in own)
    yield from (text for text in copy.document["caveats"] if text not in base.document["caveats"])


def test_the_bases_are_what_they_are_said_to_be(bases: dict[str, Base]) -> None:
    assert bases["cyt107"].document["verdict"] == "signal" and len(bases["cyt107"].planted) == 3
    assert bases["null"].document["verdict"] == "no_signal"


def test_every_kind_of_damage_is_done_to_both_bases() -> None:
    assert 2 * len(KINDS) <= COPIES


AT_ONCE = 10
"""Copies of one test; the first ten are looked at in each run, all in the slow one."""


@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(AT_ONCE, COPIES, AT_ONCE))],
)
def test_no_damage_is_passed_over(first: int, bases: dict[str, Base], tmp_path: Path) -> None:
    for number in range(first, min(first + AT_ONCE, COPIES)):
        copy = make_copy(number, bases, tmp_path)
        assert_no_row_is_lost(copy)
        assert_what_cannot_be_used_says_why(copy)
        if copy.base == "cyt107":
            assert_no_signal_is_hidden_without_a_word(copy, bases["cyt107"])
        else:
            assert copy.document["verdict"] != "signal", copy


def assert_no_row_is_lost(copy: Copy) -> None:
    for feed in copy.validation.feeds:
        assert feed.rows_read == feed.rows_accepted + feed.rows_quarantined, copy
        assert copy.rows[feed.domain] in (None, feed.rows_read), copy
        if feed.outcome == "passed":
            listed = copy.validation.quarantine
            mine = listed[listed["domain"] == feed.domain]
            assert mine["source_row"].nunique() == feed.rows_quarantined, copy


def assert_what_cannot_be_used_says_why(copy: Copy) -> None:
    for feed in copy.validation.feeds:
        if feed.outcome in ("error", "failed"):
            named = (f"{feed.domain} 1", f"{feed.domain}:")
            assert any(name in problem for problem in feed.problems for name in named), (copy, feed)
            assert all(len(problem) > 20 for problem in feed.problems), (copy, feed)
    listed = copy.validation.quarantine
    assert (listed["source_row"] > 1).all() and (listed["message"].str.len() > 20).all(), copy
    assert (listed["source_file"] == listed["domain"] + " 1").all(), copy


def assert_no_signal_is_hidden_without_a_word(copy: Copy, base: Base) -> None:
    if copy.document["verdict"] != "no_signal":
        return
    found = {case["USUBJID"] for case in copy.document["cases"] if case["in_risk_window"] != "no"}
    told = next(said_of(copy, base), None)
    assert found >= set(base.planted) or told or copy.kind in PASSES_FOR_VALID, copy
