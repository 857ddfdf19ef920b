"""Where a feed may lie: a file, a folder, a URL; and what is said when nothing is there."""

import hashlib
import os
import zipfile
from pathlib import Path

import fsspec
import pytest
from feed_files import read_feed

from flows.feeds import FeedOptions, read_deliveries

FIRST = "USUBJID,VSORRES\nS-01,36.6\nS-02,36.7\n"
SECOND = "USUBJID,VSORRESU\nS-03,C\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    deliveries = tmp_path / "vs"
    deliveries.mkdir()
    (deliveries / "b.csv").write_text(SECOND, encoding="utf-8")
    (deliveries / "a.CSV").write_text(FIRST, encoding="utf-8")
    for ignored in (".hidden.csv", "c.csv.part", "d.tmp", "notes.docx"):
        (deliveries / ignored).write_text("not a feed", encoding="utf-8")
    return deliveries


def test_a_folder_that_has_the_name_of_a_file_is_named_and_the_files_are_read(folder: Path) -> None:
    (folder / "older.csv").mkdir()  # so programs write a table in parts: rows that would pass unseen
    read = read_deliveries(str(folder), FeedOptions(domain="VS"))
    assert [one.delivery.rows for one in read] == [2, 1, 0]
    assert "found a folder; allowed: a regular file" in (read[2].problem or "")


def test_folder_is_read_in_name_order_with_provenance(folder: Path) -> None:
    feed = read_feed(str(folder), domain="VS")
    assert feed.problem is None
    assert feed.table is not None
    assert list(feed.table) == ["USUBJID", "VSORRES", "VSORRESU", "source_file", "source_row"]
    assert feed.table["USUBJID"].tolist() == ["S-01", "S-02", "S-03"]
    assert feed.table["source_file"].tolist() == ["VS 1", "VS 1", "VS 2"]
    assert feed.table["source_row"].tolist() == [2, 3, 2]
    assert feed.table["VSORRES"].isna().tolist() == [False, False, True]
    assert {str(kind) for kind in feed.table.dtypes} == {"str", "int64"}
    assert [(delivery.name, delivery.rows) for delivery in feed.deliveries] == [("a.CSV", 2), ("b.csv", 1)]
    assert feed.deliveries[1].sha256 == hashlib.sha256(SECOND.encode()).hexdigest()


def test_one_unreadable_file_makes_the_folder_a_problem(folder: Path) -> None:
    (folder / "b.csv").write_bytes(b"")
    feed = read_feed(str(folder), domain="VS")
    assert feed.table is None
    assert (feed.problem or "").startswith("VS 2: found an empty file")
    assert [delivery.name for delivery in feed.deliveries] == ["a.CSV", "b.csv"]


def test_file_and_urls_give_the_same_table(folder: Path) -> None:
    path = folder / "a.CSV"
    fsspec.filesystem("memory").pipe({"/store/a.CSV": FIRST.encode()})
    plain = read_feed(str(path), domain="VS").table
    assert plain is not None
    for location in (path.as_uri(), "memory://store/a.CSV"):
        table = read_feed(location, domain="VS").table
        assert table is not None
        assert plain.equals(table)


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("{folder}/missing/vs.csv", "VS: found no file; allowed: a file or a folder that exists"),
        (
            "{folder}/older.csv",
            "VS: found no file to read in the folder; allowed: at least one file ending",
        ),
        ("memory://nowhere/vs.csv?signature=secret", "VS: found no file"),
        ("nosuchprotocol://bucket/vs.csv", "VS: found that it cannot be opened (ValueError)"),
    ],
)
def test_nothing_there_is_a_problem_without_path_or_secret(folder: Path, location: str, found: str) -> None:
    (folder / "older.csv").mkdir()
    feed = read_feed(location.format(folder=folder), domain="VS")
    assert feed.table is None
    assert feed.deliveries == ()
    assert (feed.problem or "").startswith(found)
    assert "secret" not in (feed.problem or "")
    assert str(folder) not in (feed.problem or "")


def test_a_name_that_is_not_utf_8_is_read_and_kept_as_in_a_url(tmp_path: Path) -> None:
    folder = tmp_path / "vs"
    folder.mkdir()
    latin = os.path.join(os.fsencode(folder), b"temp\xe9rature.csv")  # noqa: PTH118 - a name in bytes
    with open(latin, "wb") as file:  # noqa: PTH123 - a name in bytes
        file.write(FIRST.encode())
    feed = read_feed(str(folder), domain="VS")
    assert feed.problem is None
    assert feed.table is not None
    assert feed.table["source_file"].unique().tolist() == ["VS 1"]
    assert [one.name for one in feed.deliveries] == ["temp%E9rature.csv"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vs_FR02.xlsx", "workbook"),
        ("old.XLS", "workbook"),
        ("vs.z01", "part"),
        ("vs.csv.002", "part"),
        ("vs.tar", "archive"),
        ("vs.csv.bz2", "archive"),
    ],
)
def test_a_file_that_may_hold_rows_and_has_no_reader_is_named_by_its_kind(
    folder: Path, name: str, kind: str
) -> None:
    (folder / name).write_bytes(b"PK")
    problem = read_feed(str(folder), domain="VS").problem or ""
    assert problem.startswith(f"VS: found files that are not read: {kind} (1); ")
    assert "; allowed: the rows as CSV (UTF-8), a split file joined, or these out of the folder" in problem
    assert str(folder) not in problem


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "."), text)
    return path


def test_a_zip_archive_of_one_file_is_that_file(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "vs.zip", vs__csv=FIRST)
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("__MACOSX/._vs.csv", "what macOS adds")
    feed = read_feed(str(archive), domain="VS")
    assert feed.table is not None
    assert feed.table["USUBJID"].tolist() == ["S-01", "S-02"]
    assert feed.table["source_file"].unique().tolist() == ["VS 1"]
    assert feed.deliveries[0].sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"a__csv": FIRST, "b__csv": SECOND}, "found an archive of 2 files; allowed: one file"),
        (
            {"[Content_Types]__xml": "<Types/>", "sheet__xml": "<sheet/>"},
            "found an Excel workbook; allowed: its",
        ),
        ({"notes__docx": "x"}, "found a file name without a known ending"),
        ({"vs__zip": "PK"}, "found an archive in an archive"),
        ({}, "found text; allowed: a zip archive"),
    ],
)
def test_an_archive_that_is_not_one_file_says_what_is_allowed(
    tmp_path: Path, members: dict[str, str], found: str
) -> None:
    archive = zipped(tmp_path / "vs.zip", **members)
    if not members:
        archive.write_text(FIRST, encoding="utf-8")
    problem = read_feed(str(archive), domain="VS").problem or ""
    assert problem.startswith("VS 1: ")
    assert found in problem


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_an_archive_cut_short_is_a_problem(tmp_path: Path, share: float) -> None:
    rows = "".join(f"S-{number:04},{number % 7}\n" for number in range(2000))
    archive = zipped(tmp_path / "vs.zip", vs__csv=f"USUBJID,VSORRES\n{rows}")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    problem = read_feed(str(archive), domain="VS").problem or ""
    assert problem.startswith(
        "VS 1: found an archive that is damaged, cut short, under a password, or a part"
    )
