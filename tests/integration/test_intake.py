"""What a look reads: deliveries that were kept with their receipt, or files as they are found."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.knowledge import Deliveries
from checks.protocol import load_protocol
from flows.feeds import open_inbox

MONDAY = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
TUESDAY = datetime(2025, 3, 4, 8, 0, tzinfo=UTC)
WEDNESDAY = datetime(2025, 3, 5, 8, 0, tzinfo=UTC)

PROTOCOL = """\
schema_version: 1
study: {id: IN-01, timezone: UTC}
sites: {S1: UTC}
treatment: {names: [DRUG]}
feeds:
  dm: {path: in/dm.csv}
  ex: {path: in/ex.csv}
  vs: {path: in/vs, mode: incremental}
case_definition:
  name: fever
  onsets_within_hours: 3
  washout_hours: 6
  components: {fever: {any_of: [{vital: TEMP, at_least: 38.3, unit: C}]}}
baseline_hours: [-6, 0]
risk_window_hours: [5, 8]
control_windows_hours: [[12, 48]]
rules: [{id: one, kind: count, cases: 1, rationale: a test, source: a test}]
"""
DM = "USUBJID,SITEID\nIN-01-1,S1\n"
EX = "USUBJID,EXSEQ,EXTRT,EXDOSE,EXSTDTC\nIN-01-1,1,DRUG,1,2025-03-03T00:00\n"
FIRST = "USUBJID,VSSEQ,VSTESTCD,VSORRES,VSORRESU,VSDTC\nIN-01-1,1,TEMP,37.0,C,2025-03-03T01:00\n"
SECOND = "USUBJID,VSSEQ,VSTESTCD,VSORRES,VSORRESU,VSDTC\nIN-01-1,2,TEMP,39.0,C,2025-03-03T06:00\n"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "in" / "vs").mkdir(parents=True)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    (tmp_path / "in" / "dm.csv").write_text(DM, encoding="utf-8")
    (tmp_path / "in" / "ex.csv").write_text(EX, encoding="utf-8")
    (tmp_path / "in" / "vs" / "a.csv").write_text(FIRST, encoding="utf-8")
    return tmp_path


def inbox_of(study: Path, **options: str):
    protocol = load_protocol(study / "protocol.yaml")
    return open_inbox(protocol, options, None)


def known(inbox, moment, *, arriving):
    read = inbox.take_in if arriving else inbox.read
    word = "now" if arriving else "by"
    arrived = {domain: read(domain, **{word: moment}) for domain in inbox.protocol.feeds.by_domain()}
    return Deliveries(arrived, inbox.protocol).known_at(moment).feeds


def test_a_study_without_receipts_is_read_as_found_and_nothing_is_kept(study):
    inbox = inbox_of(study)
    feeds = known(inbox, MONDAY, arriving=False)
    assert [len(feeds[name].table) for name in ("dm", "ex", "vs")] == [1, 1, 1]
    assert feeds["vs"].deliveries[0].received_at is None
    assert not (study / "deliveries").exists()


def test_what_arrives_later_was_not_known_before(study):
    inbox = inbox_of(study)
    known(inbox, MONDAY, arriving=True)
    (study / "in" / "vs" / "b.csv").write_text(SECOND, encoding="utf-8")
    assert len(known(inbox, TUESDAY, arriving=True)["vs"].table) == 2
    assert len(known(inbox, MONDAY, arriving=False)["vs"].table) == 1
    assert len(known(inbox, WEDNESDAY, arriving=False)["vs"].table) == 2


def test_a_file_replaced_in_place_stays_on_record(study):
    inbox = inbox_of(study)
    known(inbox, MONDAY, arriving=True)
    (study / "in" / "ex.csv").write_text(EX.replace("00:00", "02:30"), encoding="utf-8")
    known(inbox, TUESDAY, arriving=True)
    stamps = [known(inbox, day, arriving=False)["ex"].table["EXSTDTC"][0] for day in (MONDAY, TUESDAY)]
    assert stamps == ["2025-03-03T00:00", "2025-03-03T02:30"]


def test_a_cumulative_file_that_goes_back_to_what_it_was_stands_again(study):
    inbox, path, thursday = inbox_of(study), study / "in" / "ex.csv", WEDNESDAY + timedelta(days=1)
    known(inbox, MONDAY, arriving=True)
    path.write_text(EX.replace("00:00", "02:30"), encoding="utf-8")
    known(inbox, TUESDAY, arriving=True)
    path.write_text(EX, encoding="utf-8")
    known(inbox, WEDNESDAY, arriving=True)
    known(inbox, thursday, arriving=True)
    days = (MONDAY, TUESDAY, WEDNESDAY, thursday)
    feeds = [known(inbox, day, arriving=False)["ex"] for day in days]
    stamps = [feed.table["EXSTDTC"][0][-5:] for feed in feeds]
    assert stamps == ["00:00", "02:30", "00:00", "00:00"]
    assert [len(feed.deliveries) for feed in feeds] == [1, 2, 3, 3]


def test_nothing_received_by_the_cutoff_is_said_so(study):
    inbox = inbox_of(study)
    known(inbox, TUESDAY, arriving=True)
    feed = known(inbox, MONDAY, arriving=False)["vs"]
    assert feed.table is None
    assert (
        feed.problem
        == "VS: found nothing received by 2025-03-03T08:00:00Z; allowed: a delivery received by then"
    )


def test_an_emptied_drop_folder_of_an_incremental_feed_is_no_problem(study):
    inbox = inbox_of(study)
    known(inbox, MONDAY, arriving=True)
    (study / "in" / "vs" / "a.csv").unlink()
    feed = known(inbox, TUESDAY, arriving=True)["vs"]
    assert (len(feed.table), feed.problem) == (1, None)


def test_a_cumulative_file_that_is_gone_is_a_problem_beside_what_was_known(study):
    inbox = inbox_of(study)
    known(inbox, MONDAY, arriving=True)
    (study / "in" / "dm.csv").unlink()
    feed = known(inbox, TUESDAY, arriving=True)["dm"]
    assert len(feed.table) == 1
    assert feed.problem == "DM: found no file; allowed: a file or a folder that exists"


def test_a_feed_that_cannot_be_kept_is_read_all_the_same_and_says_so(study):
    (study / "deliveries").write_text("a file where a folder should be", encoding="utf-8")
    feed = known(inbox_of(study), MONDAY, arriving=True)["vs"]
    assert len(feed.table) == 1
    assert (
        feed.problem
        == "VS: found that deliveries cannot be kept (Not a directory); allowed: room, and permission"
    )


def test_the_answer_of_a_database_is_a_delivery(study):
    path = study / "edc.sqlite"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE doses (usubjid TEXT, exseq TEXT, extrt TEXT, exdose TEXT, exstdtc TEXT)"
        )
        database.execute("INSERT INTO doses VALUES ('IN-01-1', '1', 'DRUG', '1', '2025-03-03T00:00')")
    database.close()
    query = '{path: "env:POSTDOSE_EDC", query: "SELECT * FROM doses ORDER BY exseq"}'
    (study / "protocol.yaml").write_text(PROTOCOL.replace("{path: in/ex.csv}", query), encoding="utf-8")
    inbox = inbox_of(study, POSTDOSE_EDC=f"sqlite:///{path}")
    assert known(inbox, MONDAY, arriving=False)["ex"].deliveries[0].received_at is None
    kept = known(inbox, MONDAY, arriving=True)["ex"]
    assert list(kept.table["EXSTDTC"]) == ["2025-03-03T00:00"]
    path.unlink()
    gone = known(inbox, TUESDAY, arriving=True)["ex"]
    assert list(gone.table["EXSTDTC"]) == ["2025-03-03T00:00"]
    assert "query failed" in gone.problem


def test_a_folder_given_in_place_is_neither_kept_nor_looked_up(study):
    inbox = inbox_of(study)
    known(inbox, MONDAY, arriving=True)
    elsewhere = study / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "dm.csv").write_text(DM + "IN-01-2,S1\n", encoding="utf-8")
    given = open_inbox(inbox.protocol, {}, str(elsewhere))
    assert len(given.read("DM", by=TUESDAY)[0].table) == 2


def test_two_states_in_one_folder_are_told_apart_once_their_names_say_the_dates(study):
    protocol = study / "protocol.yaml"
    told = protocol.read_text(encoding="utf-8").replace("mode: incremental", "mode: cumulative")
    protocol.write_text(told, encoding="utf-8")
    folder = study / "in" / "vs"
    rows = "".join(f"IN-01-1,{number},TEMP,37.{number},C,2025-03-02T0{number}:00\n" for number in range(2, 6))
    (folder / "a.csv").rename(folder / "old.csv")
    (folder / "old.csv").write_text(FIRST + rows, encoding="utf-8")
    (folder / "new.csv").write_text(FIRST.replace("37.0", "39.0") + rows, encoding="utf-8")
    mixed = known(inbox_of(study), MONDAY, arriving=True)["vs"]
    assert mixed.table is None
    assert " found with 100% of the records" in mixed.problem  # by number, test and time
    (folder / "old.csv").rename(folder / "vs_20250301.csv")
    (folder / "new.csv").rename(folder / "vs_20250303.csv")
    for moment, arriving in ((TUESDAY, True), (WEDNESDAY, True), (WEDNESDAY, False)):
        feed = known(inbox_of(study), moment, arriving=arriving)["vs"]
        assert feed.problem is None
        assert feed.table.set_index("VSSEQ").loc["1", "VSORRES"] == "39.0"
        assert len(feed.table) == 5


def test_a_workbook_beside_the_files_of_a_feed_is_named_as_long_as_it_lies_there(study):
    (study / "in" / "vs" / "b.xlsx").write_bytes(b"PK")
    feed = known(inbox_of(study), MONDAY, arriving=True)["vs"]
    assert "files that are not read: workbook (1)" in feed.problem
    assert len(feed.table) == 1  # what can be read is kept, and stands
    (study / "in" / "vs" / "b.xlsx").unlink()
    assert known(inbox_of(study), TUESDAY, arriving=True)["vs"].problem is None
