"""The result of a query as bytes: its form, what it may not change, and what its problems may say.

SQLite serves here; PostgreSQL is asked in the integration tests.
"""

import csv
import io
import os
import re
import sqlite3
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from checks.errors import FeedError, FeedTooLargeError
from checks.protocol.limits import Limits
from flows.feeds.database import _cell, database_url, query_content


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "edc data.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            create table vitals (subject text, value real, n integer, note text, raw blob);
            insert into vitals values
                ('FR01-002', 38.3, 1, 'said "hot", then
left', null),
                ('FR01-001', 1e-7, null, 'µg/L: 10:30 %', null);
            """
        )
    connection.close()
    return path


def asked(file: Path, query: str) -> bytes:
    return query_content(f"sqlite:///{file}", query, feed="VS")


def problem(url: str, query: str = "select 1 as a") -> str:
    with pytest.raises(FeedError) as refusal:
        query_content(url, query, feed="VS")
    return str(refusal.value)


def test_the_result_is_csv_with_upper_case_names_in_the_order_of_the_query(file: Path) -> None:
    content = asked(file, 'select subject as "Usubjid", value, n, note from vitals order by subject')
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert content.startswith(b"USUBJID,VALUE,N,NOTE\nFR01-001,0.0000001,,")
    assert rows[1:] == [
        ["FR01-001", "0.0000001", "", "µg/L: 10:30 %"],
        ["FR01-002", "38.3", "1", 'said "hot", then\nleft'],
    ]


def test_the_same_rows_are_the_same_bytes(file: Path) -> None:
    query = "select * from vitals order by subject"
    assert asked(file, query) == asked(file, query)
    assert asked(file, query) != asked(file, query + " desc")


def test_colons_and_percent_signs_of_the_query_are_no_parameters(file: Path) -> None:
    query = "select subject, '10:30' as t, ':x' as u from vitals where note like '%10:30 %'"
    assert asked(file, query) == b"SUBJECT,T,U\nFR01-001,10:30,:x\n"


def test_a_result_without_rows_has_its_header(file: Path) -> None:
    assert asked(file, "select subject from vitals where 1 = 0") == b"SUBJECT\n"


@pytest.mark.parametrize(
    "query",
    ["delete from vitals", "insert into vitals (n) values (3) returning n", "create table other (a)"],
)
def test_a_query_changes_nothing(file: Path, query: str) -> None:
    before = asked(file, "select count(*) as n from vitals")
    # SQLite says of what it is not allowed that it is not, or that it no longer knows its own tables
    found = problem(f"sqlite:///{file}", query)
    assert re.match(r"VS: found that its query failed \(\w+ SQLITE_(AUTH|SCHEMA)\)", found)
    assert asked(file, "select count(*) as n from vitals") == before


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select temp from vitals", "OperationalError SQLITE_ERROR"),
        ("select 1; select 2", "ProgrammingError"),
        ("pragma query_only = on", "DatabaseError SQLITE_AUTH"),
        ("selec 1", "OperationalError SQLITE_ERROR"),
    ],
)
def test_a_query_that_fails_says_which_kind_of_failure_the_database_tells(
    file: Path, query: str, says: str
) -> None:
    assert says in problem(f"sqlite:///{file}", query)


def test_a_value_without_a_text_form_is_a_problem_that_names_its_row(file: Path) -> None:
    found = problem(f"sqlite:///{file}", "select 'a' as a union all select x'00ff'")
    assert found.startswith("VS: found a value of type bytes in row 2, which has no text form here")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert "OperationalError SQLITE_CANTOPEN" in problem(f"sqlite:///{tmp_path / 'absent.sqlite'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://watch:T0P-SECRET@127.0.0.1:1/none",
        "postgresql+other://watch:T0P-SECRET@127.0.0.1:1/none",
        "mysql://watch:T0P-SECRET@127.0.0.1:1/none",
        "neverland://watch:T0P-SECRET@127.0.0.1:1/none",
        "T0P-SECRET",
    ],
)
def test_a_problem_never_repeats_the_password_or_the_url(url: str) -> None:
    found = problem(url)
    assert found.startswith("VS: found ")
    assert "T0P-SECRET" not in found


def test_the_url_comes_from_the_variable_that_the_protocol_names() -> None:
    addresses = {"POSTDOSE_EDC": "sqlite:///x"}
    assert database_url("POSTDOSE_EDC", addresses, feed="VS") == "sqlite:///x"
    with pytest.raises(FeedError, match="VS: found no value of the environment variable POSTDOSE_OTHER"):
        database_url("POSTDOSE_OTHER", addresses, feed="VS")


def test_numbers_have_no_exponent_and_not_a_number_is_nothing() -> None:
    assert [
        _cell(value) for value in (1e-7, float("nan"), Decimal("NaN"), Decimal("38.30"), True, 10**20)
    ] == [
        "0.0000001",
        "",
        "",
        "38.3",
        "true",
        "100000000000000000000",
    ]


def test_a_time_with_an_offset_is_in_utc_and_one_without_stays_local() -> None:
    moment = datetime(2024, 6, 10, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    written = [_cell(one) for one in (moment, moment.replace(tzinfo=None), moment.date(), moment.time())]
    assert written == ["2024-06-10T12:00:00+00:00", "2024-06-10T14:00:00", "2024-06-10", "14:00:00"]


ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) "
SHORT = Limits(max_read_seconds=0.5)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "query",
    [
        ENDLESS + "select count(*) as n from n",
        ENDLESS + "select i from n",
        ENDLESS + "select i from n where i < 0",
    ],
)
def test_a_query_without_end_is_ended(file: Path, query: str) -> None:
    with pytest.raises(FeedError, match=r"SQLITE_INTERRUPT|takes longer than 0.5 s"):
        query_content(f"sqlite:///{file}", query, feed="VS", limits=SHORT)


def test_an_answer_without_end_is_cut_off_before_it_fills_the_memory(file: Path) -> None:
    few = Limits(max_unpacked_bytes=1000)
    with pytest.raises(FeedTooLargeError, match="more than 1,000 bytes"):
        query_content(f"sqlite:///{file}", ENDLESS + "select i from n", feed="VS", limits=few)


@pytest.mark.parametrize(
    "query",
    [
        "attach '{other}' as other",
        "pragma table_info(vitals)",
        "select * from pragma_database_list",
        "select load_extension('x')",
        "vacuum into '{other}'",
        "select zeroblob(1000000000) as a",
        "create temp table t (a)",
    ],
)
def test_a_query_reads_its_own_file_alone(file: Path, tmp_path: Path, query: str) -> None:
    with pytest.raises(FeedError):
        asked(file, query.format(other=tmp_path / "other.sqlite"))
    assert not (tmp_path / "other.sqlite").exists()


@pytest.mark.timeout(20)
def test_a_pipe_or_a_device_is_no_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        assert "no regular file" in problem(f"sqlite:///{path}")
