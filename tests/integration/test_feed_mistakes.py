"""One file a mistake, named for it: each gives the feed's problem, never an exception and never a table."""

from pathlib import Path

import pytest
from feed_files import read_feed

FIXTURES = Path(__file__).parents[1] / "fixtures" / "feeds"

MISTAKES = {
    "row_with_more_fields.csv": "found 4 fields in line 3; allowed: 3 fields, as in the header",
    "row_with_fewer_fields.csv": "found 2 fields in line 3; allowed: 3 fields, as in the header",
    "extra_field_holds_a_value.csv": "found 4 fields in line 2; allowed: 3 fields, as in the header",
    "trailing_delimiter_on_one_line.csv": "found 3 fields in line 3; allowed: 3 fields, as in the header, or",
    "header_again.csv": "found the header again in line 3",
    "name_twice.csv": "found one name for columns 2 and 3",
    "name_missing.csv": "found no name for column 2",
    "semicolons.csv": "found a header delimited by semicolon; allowed: comma, or the protocol's",
    "quote_never_closed.csv": "found a quotation mark in line 3 that is never closed",
    "text_after_closing_quote.csv": "found a quotation mark in line 2 that is never closed, or text after",
    "latin1_not_told.csv": "found a byte 0xC8 that is not UTF-8 in line 3 (byte offset 47); allowed:",
    "nul.csv": "found a NUL character in line 3",
    "utf16_without_mark.csv": "found a NUL character in line 1",
    "empty.csv": "found an empty file",
    "blank_lines_alone.csv": "found no header line",
    "really_a_page.csv": "found an HTML or XML page",
    "really_zipped.csv": "found a zip archive or an Excel workbook (xlsx)",
    "really_text.csv.gz": "found text; allowed: a gzip file",
    "really_cport.xpt": "found a SAS CPORT file; allowed: a SAS transport file",
    "really_xls.xpt": "found an old Excel workbook (xls); allowed: a SAS transport file",
    "really_text.xpt": "found text; allowed: a SAS transport file",
    "really_text.sas7bdat": "found text; allowed: a SAS7BDAT file",
    "really_text.parquet": "found text; allowed: a Parquet file",
    "parquet_cut_short.parquet": "found a Parquet file that is damaged or cut short",
    "unknown_ending.docx": "found a file name without a known ending; allowed: a name ending .csv,",
    "version_1_0.json": "found datasetJSONVersion '1.0.0'; allowed: Dataset-JSON 1.1",
    "no_version.json": "found no datasetJSONVersion",
    "not_an_object.json": "found JSON without the Dataset-JSON metadata",
    "fewer_rows_than_records.json": "found 1 rows; allowed: 2, the number that `records` says",
    "row_too_short.json": "found 1 values in record 2; allowed: 2, one for each of `columns`",
    "value_is_an_array.json": "found an array or object as a value in record 1",
    "cut_short.json": "found broken JSON at line 1, column",
    "not_a_number.json": "found no valid JSON from line 1 on",
    "half_a_character.json": "found an escape that is half a character",
    "latin1_not_told.json": "found a byte 0xB5 that is not UTF-8 in line 1",
    "really_ndjson.json": "found more after the end of the JSON at line 2, column 1",
    "line_cut_short.ndjson": "found broken JSON at line 3, column",
    "lines_missing.ndjson": "found 2 rows; allowed: 3, the number that `records` says",
    "really_one_object.ndjson": "found `rows` inside line 1",
    "really_text.dsjc": "found text; allowed: a compressed file",
    "cut_short.dsjc": "found a compressed stream that is damaged or cut short",
}


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_mistake_is_the_feeds_problem(name: str) -> None:
    feed = read_feed(str(FIXTURES / name), domain="VS")
    assert feed.table is None
    assert feed.problem is not None
    assert feed.problem.startswith(f"VS 1: {MISTAKES[name]}"), feed.problem
    assert "; allowed: " in feed.problem


def test_every_fixture_has_its_message() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(MISTAKES)


def test_messages_name_no_folder_and_no_value() -> None:
    problems = [read_feed(str(FIXTURES / name), domain="VS").problem or "" for name in MISTAKES]
    assert not any("fixtures" in problem or "S-0" in problem for problem in problems)


def test_folder_tells_the_problem_of_every_file() -> None:
    feed = read_feed(str(FIXTURES), domain="VS")
    assert feed.table is None
    told = [line.split(":")[0] for line in (feed.problem or "").splitlines()]
    there = sorted(set(MISTAKES) - {"unknown_ending.docx"})
    assert told == [f"VS {number}" for number in range(1, len(there) + 1)]
    assert [(delivery.label, delivery.name) for delivery in feed.deliveries] == list(
        zip(told, there, strict=True)
    )
    assert {delivery.rows for delivery in feed.deliveries} == {0}
