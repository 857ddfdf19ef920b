"""Delimited text, from memory: what is read, as which text, from which line."""

import gzip
import hashlib
from collections.abc import Sequence
from itertools import pairwise

import fsspec
import pandas as pd
import pytest
from feed_files import read_feed

from checks.tables import Feed
from flows.feeds.content import FeedOptions
from flows.feeds.deliveries import read_deliveries

HEADER = "USUBJID,VSTESTCD,VSORRES"


def read(content: str | bytes, name: str = "vs.csv", **told: str) -> Feed:
    data = content if isinstance(content, bytes) else content.encode()
    fsspec.filesystem("memory").pipe({f"/feeds/{name}": data})
    return read_feed(f"memory://feeds/{name}", domain="VS", **told)  # type: ignore[arg-type]


def table(content: str | bytes, name: str = "vs.csv", **told: str) -> pd.DataFrame:
    feed = read(content, name, **told)
    assert feed.problem is None, feed.problem
    assert feed.table is not None
    return feed.table


def test_cells_are_text_as_delivered_missing_where_blank() -> None:
    frame = table(' usubjid ,Vstestcd,VSORRES\n S-01 ,TEMP,36.60\nS-02,NA,   \nS-03,NULL,"\u00a0"\n')
    assert list(frame) == ["USUBJID", "VSTESTCD", "VSORRES", "source_file", "source_row"]
    assert frame["USUBJID"].tolist() == ["S-01", "S-02", "S-03"]
    assert frame["VSTESTCD"].tolist() == ["TEMP", "NA", "NULL"]
    assert frame["VSORRES"].isna().tolist() == [False, True, True]
    assert frame["VSORRES"][0] == "36.60"
    assert frame["source_file"].tolist() == ["VS 1"] * 3
    assert frame["source_row"].tolist() == [2, 3, 4]
    assert {str(kind) for kind in frame.dtypes} == {"str", "int64"}


def test_delivery_is_hashed_as_delivered() -> None:
    plain = f"{HEADER}\nS-01,TEMP,36.6\n".encode()
    zipped = gzip.compress(plain)
    feed = read(zipped, "vs.csv.gz")
    assert feed.deliveries[0].sha256 == hashlib.sha256(zipped).hexdigest()
    assert feed.deliveries[0].rows == 1
    assert (
        table(zipped, "vs.csv.gz")
        .drop(columns="source_file")
        .equals(table(plain).drop(columns="source_file"))
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_are_counted_whatever_ends_them(end: str, last: bool) -> None:
    text = end.join([HEADER, "S-01,TEMP,36.6", "", 'S-02,"a', 'b",1', "S-03,TEMP,36.8"]) + (
        end if last else ""
    )
    assert table(text)["source_row"].tolist() == [2, 4, 6]


def test_line_ends_inside_quotes_stay_in_the_text() -> None:
    frame = table(f'{HEADER}\r\nS-01,"first\r\nsecond, ""so""",1\r\n')
    assert frame["VSTESTCD"].tolist() == ['first\r\nsecond, "so"']


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32"], ids=["UTF-8 mark", "UTF-16 mark", "UTF-32 mark"]
)
def test_byte_order_mark_says_the_encoding_and_is_no_text(encoding: str) -> None:
    frame = table(f"{HEADER}\nS-01,TEMPÉRATURE,36.6\n".encode(encoding))
    assert frame.columns[0] == "USUBJID"
    assert frame["VSTESTCD"].tolist() == ["TEMPÉRATURE"]


def test_encoding_told_is_used_and_never_another() -> None:
    data = f"{HEADER}\nS-01,µg/L,36.6\n".encode("windows-1252")
    assert table(data, encoding="WINDOWS-1252")["VSTESTCD"].tolist() == ["µg/L"]
    assert "that is not UTF-8 in line 2" in (read(data).problem or "")
    assert "is not SHIFT_JIS" in (read(data + b"\x80", encoding="shift_jis").problem or "")
    assert "'wlatin9', which is unknown" in (read(data, encoding="wlatin9").problem or "")


def test_undecodable_byte_is_placed_beyond_the_first_piece() -> None:
    rows = 400_000
    data = f"{HEADER}\n".encode() + b"S-01,TEMP,36.6\n" * rows + b"S-02,\xb5,1\n"
    assert len(data) > 1 << 22
    problem = read(data).problem or ""
    assert f"in line {rows + 2} (byte offset {len(data) - 4})" in problem


def test_trailing_delimiter_shifts_nothing() -> None:
    expected = table(f"{HEADER}\nS-01,TEMP,36.6\nS-02,TEMP,36.7\n")
    assert table(f"{HEADER}\nS-01,TEMP,36.6,\nS-02,TEMP,36.7,\n").equals(expected)
    assert table(f"{HEADER},\nS-01,TEMP,36.6,\nS-02,TEMP,36.7,\n").equals(expected)
    assert table(f"{HEADER},,\nS-01,TEMP,36.6, ,\nS-02,TEMP,36.7,,\n").equals(expected)


def test_header_only_is_an_empty_table() -> None:
    for text in (HEADER, f"{HEADER}\n", f"{HEADER}\r\n\r\n"):
        frame = table(text)
        assert list(frame)[:3] == ["USUBJID", "VSTESTCD", "VSORRES"]
        assert len(frame) == 0
        assert {str(kind) for kind in frame.dtypes} == {"str", "int64"}


def test_labels_below_the_names_stay_a_row_for_validation() -> None:
    frame = table(f"{HEADER}\nSubject,Test,Result\nS-01,TEMP,36.6\n")
    assert frame["USUBJID"].tolist() == ["Subject", "S-01"]


def test_decimal_comma_is_converted_only_when_told_and_only_in_whole_numbers() -> None:
    text = f"{HEADER}\n1;2\n".replace(",", ";").replace(
        "1;2", "S-01;-38,5;1.234,5\nS-02;12,5 mg;38.5\nS-03;+1,5e-3;1,2,3"
    )
    frame = table(text, delimiter=";", decimal=",")
    assert frame["VSTESTCD"].tolist() == ["-38.5", "12,5 mg", "+1.5e-3"]
    assert frame["VSORRES"].tolist() == ["1.234,5", "38.5", "1,2,3"]
    assert table(text, delimiter=";")["VSTESTCD"].tolist() == ["-38,5", "12,5 mg", "+1,5e-3"]


def test_tsv_is_delimited_by_tabs() -> None:
    text = f"{HEADER}\nS-01,TEMP,36.6\n"
    assert table(text.replace(",", "\t"), "vs.tsv")["VSORRES"].tolist() == ["36.6"]
    assert table(text.replace(",", "|"), "vs.tsv", delimiter="|")["VSORRES"].tolist() == ["36.6"]
    assert "header delimited by comma; allowed: tab" in (read(text, "vs.tsv").problem or "")


def test_ending_is_known_in_any_case() -> None:
    assert len(table(f"{HEADER}\nS-01,TEMP,36.6\n", "VS.CSV")) == 1


LINES = ["S-01,TEMP,36.6", 'S-01,"TE""MP",36.6', 'S-02,"a,b",', ",,", 'S-03,5" x,"é"', '"","",""']


@pytest.mark.parametrize("lines", [*pairwise(LINES), LINES])
def test_quick_reader_and_exact_reader_agree(lines: Sequence[str]) -> None:
    text = "\n".join([HEADER, *lines]) + "\n"
    assert table(text).equals(table(text.encode("utf-16")))  # only the exact reader takes UTF-16


@pytest.mark.parametrize(
    "text",
    [
        f'{HEADER}\nS-01,TEMP",36.6\nS-02,TEMP,"x',
        f'{HEADER}\nS-01,"TEMP" ,36.6\n',
        f'{HEADER}\nS-01,"TEMP,36.6\nS-02,"TEMP",36.6\n',
    ],
    ids=["cut in the last field", "blank after the closing mark", "two that open"],
)
def test_quotes_that_do_not_pair_are_refused(text: str) -> None:
    assert read(text).table is None


BLANK_ROWS = f"{HEADER}\nS-01,TEMP,36.6\n,,\nS-02,TEMP,36.8\n,,,,\n , ,\n,,\n"


def test_blank_rows_are_counted_and_are_no_rows() -> None:
    feed = read(BLANK_ROWS)
    assert feed.table is not None
    assert feed.table["USUBJID"].tolist() == ["S-01", "S-02"]
    assert feed.table["source_row"].tolist() == [2, 4]
    (delivery,) = feed.deliveries
    assert delivery.rows == 2
    said = "4 blank rows are no records and are left out, 1 of them above the last row, the first in line 3"
    assert delivery.remarks == (said,)


def test_blank_rows_below_the_last_one_are_left_out_of_a_file_of_any_size() -> None:
    feed = read(f"{HEADER}\n" + "S-01,TEMP,36.6\n" * 5 + ",,\n" * 201)
    assert feed.deliveries[0].rows == 5
    said = "201 blank rows are no records and are left out, all below the last row"
    assert feed.deliveries[0].remarks == (said,)


def test_a_file_as_it_should_be_has_no_remark() -> None:
    assert read(f"{HEADER}\nS-01,TEMP,36.6\n").deliveries[0].remarks == ()


SEP = ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "sep=;;;"]


@pytest.mark.parametrize("line", SEP)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_first_line_of_excel_names_the_delimiter(line: str, end: str) -> None:
    feed = read(end.join([line, HEADER.replace(",", ";"), "S-01;TEMP;38,9", ""]), delimiter=";", decimal=",")
    assert feed.problem is None, feed.problem
    assert feed.table is not None
    assert feed.table["VSORRES"].tolist() == ["38.9"]
    assert feed.table["source_row"].tolist() == [3]
    assert feed.deliveries[0].remarks == (
        "its first line names the semicolon as its delimiter, which is used",
    )


@pytest.mark.parametrize("line", ["sep=\t", "sep=\\t"])
def test_first_line_names_another_delimiter_than_the_protocol(line: str) -> None:
    feed = read("\n".join([line, HEADER.replace(",", "\t"), "S-01\tTEMP\t36.6"]))
    assert feed.table is not None
    assert feed.table["VSTESTCD"].tolist() == ["TEMP"]
    said = "its first line names the tab as its delimiter, which is used; the protocol's `delimiter` is the comma"
    assert feed.deliveries[0].remarks == (said,)


def test_a_delimiter_that_the_header_does_not_bear_out_is_refused() -> None:
    assert "a header delimited by comma" in (read(f"sep=;\n{HEADER}\nS-01,TEMP,36.6\n").problem or "")


def test_decimal_comma_in_quotation_marks_beside_a_comma_as_delimiter() -> None:
    frame = table(f'{HEADER}\nS-01,TEMP,"38,9"\nS-02,TEMP,"38,1"\n', decimal=",")
    assert frame["VSORRES"].tolist() == ["38.9", "38.1"]
    unquoted = read(f"{HEADER}\nS-01,TEMP,38,9\n", decimal=",").problem or ""
    assert "found 4 fields in line 2; allowed: 3 fields" in unquoted


def test_subjects_of_whom_the_feed_names_no_site_are_of_the_one_that_the_protocol_says() -> None:
    def sites(text: str) -> list[str]:
        fsspec.filesystem("memory").pipe({"/feeds/dm.csv": text.encode()})
        (delivered,) = read_deliveries("memory://feeds/dm.csv", FeedOptions(domain="DM", site="FR01"))
        assert delivered.table is not None
        assert list(delivered.table)[-2:] == ["source_file", "source_row"]
        return delivered.table["SITEID"].tolist()

    assert sites("USUBJID\nS-01\nS-02\n") == ["FR01", "FR01"]
    assert sites("USUBJID,SITEID\nS-01,\nS-02,US01\n") == ["FR01", "US01"]
