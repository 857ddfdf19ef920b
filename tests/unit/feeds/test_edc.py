"""EDC exports in memory: wide rows and item rows, two header rows, dates as sites type them."""

import io
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

from checks.errors import FeedError
from checks.protocol.layout import Layout
from flows.feeds.content import Content, FeedOptions, identify
from flows.feeds.dates import stamp_reader
from flows.feeds.readers import delimited, edc
from flows.feeds.records import to_table

WIDE = """\
SITE,PATNUM,RECID,VTLD,VTLTM,TEMP,TEMPU,RESPRT
Site,Subject,Record,Date,Time,Temperature,Unit,Rate
FR01,001,71,16-May-24,7:25,38.4,C,17
FR01,001,72,UN-May-24,UN:UN,101.2,F,
FR01,,73,17-May-24,,36.6,C,16
"""

COLUMNS = {"USUBJID": ["SITE", "PATNUM"], "VSDTC": ["VTLD", "VTLTM"]}
TEMP = {"TEMP": {"column": "TEMP", "unit_column": "TEMPU"}}
BOTH = TEMP | {"RESP": {"column": "RESPRT", "unit": "/min"}}

ITEMS = """\
StudyOID,SubjectKey,StudyEventOID,StudyEventRepeatKey,FormOID,ItemGroupOID,ItemGroupRepeatKey,ItemOID,Value
S,FR01-001,SE.V1,1,F.VS,IG.VS,1,IT.DAT,16-May-24
S,FR01-001,SE.V1,1,F.AE,IG.AE,1,IT.TERM,Rash
S,FR01-001,SE.V1,1,F.VS,IG.VS,2,IT.TEMP,39.0
S,FR01-001,SE.V1,1,F.VS,IG.VS,1,IT.TEMP,38.4
S,FR01-001,SE.V1,1,F.VS,IG.VS,2,IT.DAT,17-May-24
S,FR01-001,SE.V1,1,F.VS,IG.VS,2,IT.TIM,9:05
"""


def arranged(text: str, *, domain: str = "VS", **layout: Any) -> pd.DataFrame:
    stream = io.BytesIO(text.encode())
    told = FeedOptions(domain=domain, format="edc", layout=Layout(**layout))
    content = Content("x.csv", "0" * 64, stream, identify(stream), "x.csv")
    return to_table(edc.arranged(delimited.read)(content, told), "x.csv", ".").table


def cells(frame: pd.DataFrame, *columns: str) -> list[list[str | None]]:
    found = frame[list(columns)].astype(object)
    return found.where(found.notna(), None).to_numpy().tolist()


def test_two_header_rows_are_passed_over_and_the_rows_keep_their_lines() -> None:
    frame = arranged(WIDE, columns=COLUMNS, header_rows=2, date_format="DD-MMM-YY hh:mm")
    assert cells(frame, "USUBJID", "VSDTC") == [
        ["FR01-001", "2024-05-16T07:25"],
        ["FR01-001", "2024-05"],
        [None, "2024-05-17"],
    ]
    assert frame["source_row"].tolist() == [3, 4, 5]


def test_each_result_of_a_wide_row_is_a_row_and_an_empty_cell_is_not_done() -> None:
    frame = arranged(WIDE, columns=COLUMNS | {"VSSEQ": "RECID"}, header_rows=2, results=BOTH)
    assert cells(frame, "VSSEQ", "VSTESTCD", "VSORRES", "VSORRESU", "VSSTAT", "source_row") == [
        ["71.TEMP", "TEMP", "38.4", "C", None, 3],
        ["71.RESP", "RESP", "17", "/min", None, 3],
        ["72.TEMP", "TEMP", "101.2", "F", None, 4],
        ["72.RESP", "RESP", None, "/min", "NOT DONE", 4],
        ["73.TEMP", "TEMP", "36.6", "C", None, 5],
        ["73.RESP", "RESP", "16", "/min", None, 5],
    ]


def test_without_a_form_a_date_and_a_time_are_joined_as_they_are() -> None:
    text = "ID,D,T\n1,2024-05-16,07:25\n1,2024-05-17,\n"
    frame = arranged(text, columns={"USUBJID": "ID", "VSDTC": ["D", "T"]})
    assert frame["VSDTC"].tolist() == ["2024-05-16T07:25", "2024-05-17"]


def test_item_rows_are_gathered_by_their_keys_and_other_forms_left_out() -> None:
    frame = arranged(
        ITEMS,
        rows="items",
        date_format="DD-MMM-YY hh:mm",
        columns={"USUBJID": "SubjectKey", "VSDTC": ["IT.DAT", "IT.TIM"]},
        results={"TEMP": {"column": "IT.TEMP", "unit": "C"}},
    )
    assert cells(frame, "USUBJID", "VSDTC", "VSORRES", "source_row") == [
        ["FR01-001", "2024-05-16", "38.4", 2],
        ["FR01-001", "2024-05-17T09:05", "39.0", 4],
    ]


def test_the_values_of_a_record_are_its_own_in_whatever_order_subjects_come() -> None:
    text = "SubjectKey,ItemOID,Value\nB,IT.TEMP,38\nA,IT.TEMP,39\nC,IT.TEMP,40\n"
    frame = arranged(text, rows="items", columns={"USUBJID": "SubjectKey", "VSORRES": "IT.TEMP"})
    assert cells(frame, "USUBJID", "VSORRES", "source_row") == [
        ["B", "38", 2],
        ["A", "39", 3],
        ["C", "40", 4],
    ]


def test_a_record_of_blank_items_stays_a_record() -> None:
    text = "SubjectKey,ItemGroupRepeatKey,ItemOID,Value\n1,1,IT.TEMP,\n1,2,IT.TEMP,38\n"
    frame = arranged(text, rows="items", columns={"USUBJID": "SubjectKey"}, results={
        "TEMP": {"column": "IT.TEMP", "unit": "C"}})  # fmt: skip
    assert cells(frame, "VSORRES", "VSSTAT") == [[None, "NOT DONE"], ["38", None]]


def test_an_export_without_repeat_keys_is_refused_rather_than_mixed_up() -> None:
    text = "SubjectKey,ItemOID,Value\n1,IT.TEMP,38\n1,IT.TEMP,38\n1,IT.TEMP,\n1,IT.TEMP,39\n"
    with pytest.raises(
        FeedError, match=r"x\.csv: found a second value of IT\.TEMP for one record, in line 5"
    ):
        arranged(text, rows="items", columns={"USUBJID": "SubjectKey", "VSORRES": "IT.TEMP"})


@pytest.mark.parametrize(
    ("text", "layout", "problem"),
    [
        (
            WIDE,
            {"columns": {"USUBJID": "SUBJ"}},
            "no column SUBJ; allowed: those that the protocol's `layout`",
        ),
        (WIDE, {"columns": COLUMNS, "results": {"TEMP": {"column": "TMP", "unit": "C"}}}, "no column TMP"),
        (
            ITEMS,
            {"rows": "items", "columns": {"USUBJID": "SubjectKey", "VSORRES": "IT.TMP"}},
            "no item IT.TMP",
        ),
        (WIDE, {"rows": "items", "columns": COLUMNS}, "no column SUBJECTKEY, ITEMOID, VALUE"),
    ],
)
def test_a_column_that_is_not_there_is_a_problem_of_the_feed(
    text: str, layout: dict[str, Any], problem: str
) -> None:
    with pytest.raises(FeedError) as refusal:
        arranged(text, **layout)
    assert f"x.csv: found {problem}" in str(refusal.value)


def test_a_header_alone_is_a_table_without_rows() -> None:
    frame = arranged(WIDE.splitlines()[0] + "\n", columns=COLUMNS, results=BOTH)
    assert len(frame) == 0
    assert {"USUBJID", "VSTESTCD", "VSORRES", "VSDTC"} <= set(frame)


def test_columns_serve_a_domain_without_results() -> None:
    text = "SUBJ,VERBATIM,ONSET,FLAG\n1,Fever,3/5/2024,Y\n"
    frame = arranged(
        text,
        domain="AE",
        date_format="DD/MM/YYYY",
        columns={"USUBJID": "SUBJ", "AETERM": "VERBATIM", "AESTDTC": "ONSET", "DELETED": "FLAG"},
    )
    assert cells(frame, "AETERM", "AESTDTC", "DELETED") == [["Fever", "2024-05-03", "Y"]]


@pytest.mark.parametrize(
    ("form", "text", "stamp"),
    [
        ("DD-MMM-YY hh:mm", "16-May-15 7:25", "2015-05-16T07:25"),
        ("DD-MMM-YY", "16-MAY-15 07:25:30", "2015-05-16T07:25:30"),
        ("DD-MMM-YY hh:mm", "16-May-15", "2015-05-16"),
        ("DD-MMM-YY", "01-Jan-69", "1969-01-01"),
        ("DD-MMM-YY", "01-Jan-68", "2068-01-01"),
        ("DD MMM YYYY", "UN May 2015", "2015-05"),
        ("DD MMM YYYY", "un UNK 2015", "2015"),
        ("DD MMM YYYY", "16 UNK 2015", "2015---16"),
        ("DD MMM YYYY hh:mm", "UN May 2015 07:15", "2015-05--T07:15"),
        ("DD MMM YYYY hh:mm", "16 May 2015 UN:UN", "2015-05-16"),
        ("DD MMM YYYY", "16 May UNK", "--05-16"),
        ("DD-MMM-YYYY", "--May-2015", "2015-05"),
        ("MM/DD/YYYY hh:mm", "5/16/2015 23:59", "2015-05-16T23:59"),
        ("YYYYMMDD", "20150516", "2015-05-16"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024 8:00 AM", "2024-06-10T08:00"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024 12:05 am", "2024-06-10T00:05"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024 12:05 p.m.", "2024-06-10T12:05"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024 11:59:30 PM", "2024-06-10T23:59:30"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024", "2024-06-10"),
        ("DDMMMYYYY hh:mm:ss", "10JUN2024:08:00:00.000", "2024-06-10T08:00:00.000"),
        # Excel's own example: 39448 is 1 January 2008 in the 1900 system; the 1904 system is 1,462 days behind.
        ("EXCEL-1900", "39448", "2008-01-01"),
        ("EXCEL-1900", "39448.5", "2008-01-01T12:00"),
        ("EXCEL-1904", "37986.3333", "2008-01-01T08:00"),
        ("EXCEL-1900", "45453,3333", "2024-06-10T08:00"),
        # The date that nobody can have had is left for validation to name.
        ("DD-MMM-YYYY", "31-Feb-2015", "2015-02-31"),
        # What does not fit is left as it is.
        ("DD-MMM-YYYY", "16-Mai-2015", "2015-05-16"),
        ("DD-MMM-YYYY", "16-Maj-2015", "16-Maj-2015"),
        ("DD-MMM-YYYY", "16-jui-2015", "16-jui-2015"),  # juin or juillet
        ("DDMMMYYYY", "05MRZ2024", "2024-03-05"),
        ("DD MMM YYYY", "12 M\u00e4r 2024", "2024-03-12"),
        ("DD-MMM-YYYY", "03-janv.-2024", "2024-01-03"),
        ("DD MMM YYYY", "3 septiembre 2024", "2024-09-03"),
        ("DD-MMM-YYYY hhmm", "10-Jun-2024 0830", "2024-06-10T08:30"),
        ("DD-MMM-YYYY hhmm", "10-Jun-2024 830", "2024-06-10T08:30"),  # its zero lost in a spreadsheet
        ("DD-MMM-YYYY hhmm", "10-Jun-2024 08:30", "2024-06-10T08:30"),
        ("YYYY-MM-DD hhmm", "2024-06-10 2405", "2024-06-10T24:05"),  # no such time, says validation
        ("DDMMMYYYYhhmm", "10JUN20240830", "2024-06-10T08:30"),
        ("DD-MMM-YYYY hh:mm", "10-Jun-2024 0830", "10-Jun-2024 0830"),
        ("DD-MMM-YYYY", "2015-05-16", "2015-05-16"),
        ("DD-MMM-YYYY hh:mm", "16-May-2015 7:25 PM", "16-May-2015 7:25 PM"),
        ("DD/MM/YYYY", "16.05.2015", "16.05.2015"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024 8:00", "6/10/2024 8:00"),
        ("MM/DD/YYYY hh:mm AM", "6/10/2024 13:00 PM", "6/10/2024 13:00 PM"),
        ("EXCEL-1900", "59", "59"),
        ("EXCEL-1900", "2024-06-10", "2024-06-10"),
    ],
)
def test_a_date_of_the_form_becomes_a_stamp(form: str, text: str, stamp: str) -> None:
    assert stamp_reader(form)(text) == stamp


def test_each_date_of_an_export_may_have_a_form_of_its_own() -> None:
    frame = arranged(
        "SUBJ,VERBATIM,ONSET,OVER\n1,Fever,3/5/2024,05-Mar-2024\n",
        domain="AE",
        date_format={"AESTDTC": "MM/DD/YYYY", "AEENDTC": "DD-MMM-YYYY"},
        columns={"USUBJID": "SUBJ", "AETERM": "VERBATIM", "AESTDTC": "ONSET", "AEENDTC": "OVER"},
    )
    assert cells(frame, "AESTDTC", "AEENDTC") == [["2024-03-05", "2024-03-05"]]


REDCAP = """\
record,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,field_name,value
FR01-001,dose_1_arm_1,vitals,1,vs_datetime,2024-06-10 08:00
FR01-001,dose_1_arm_1,vitals,1,vs_temp,36.8
FR01-001,dose_1_arm_1,vitals,2,vs_datetime,2024-06-10 09:00
FR01-001,dose_1_arm_1,vitals,2,vs_temp,38.4
FR01-001,dose_1_arm_1,,,consent,1
"""
VIEDOC = """\
sitecode,subjectid,eventseq,eventid,eventname,eventdate,formid,subjectformseq,editdatetime,itemname,itemvalue,itemid
SiteCode,SubjectId,EventSeq,EventId,EventName,EventDate,FormId,SubjectFormSeq,EditDateTime,ItemName,ItemValue,ItemId
FR01,FR01-001,1,VIS,Visit 1,2024-06-10,VS,1,2024-06-10 10:03:00,Temperature,36.8,VS_TEMP_VSORRES
FR01,FR01-001,1,VIS,Visit 1,2024-06-10,VS,1,2024-06-10 12:03:00,Time,08:00,VS_VSTIM
FR01,FR01-001,1,VIS,Visit 1,2024-06-10,VS,2,2024-06-10 12:03:00,Temperature,38.4,VS_TEMP_VSORRES
FR01,FR01-001,1,VIS,Visit 1,2024-06-10,VS,2,2024-06-10 12:03:00,Time,09:00,VS_VSTIM
"""
CLINSIGHT = """\
site_code,subject_id,event_repeat,event_id,event_name,event_date,form_id,form_repeat,item_name,item_group,item_value
FR01,FR01-001,1,VIS,Visit 1,2024-06-10T08:00,VS,1,Temperature,Vital signs,36.8
FR01,FR01-001,2,VIS,Visit 2,2024-06-10T09:00,VS,1,Temperature,Vital signs,38.4
"""


@pytest.mark.parametrize(
    ("text", "system", "header_rows", "columns", "item"),
    [
        (REDCAP, "redcap", 1, {"USUBJID": "record", "VSDTC": "vs_datetime"}, "vs_temp"),
        (
            VIEDOC,
            "viedoc",
            2,
            {"USUBJID": "SubjectId", "VSDTC": ["EventDate", "VS_VSTIM"]},
            "VS_TEMP_VSORRES",
        ),
        (CLINSIGHT, "clinsight", 1, {"USUBJID": "subject_id", "VSDTC": "event_date"}, "Temperature"),
    ],
)
def test_item_rows_of_other_systems_are_named_by_the_system(
    text: str, system: str, header_rows: int, columns: dict[str, Any], item: str
) -> None:
    frame = arranged(
        text,
        rows="items",
        system=system,
        header_rows=header_rows,
        columns=columns,
        results={"TEMP": {"column": item, "unit": "C"}},
    )
    assert [
        [row[0], row[1].replace(" ", "T"), row[2]] for row in cells(frame, "USUBJID", "VSDTC", "VSORRES")
    ] == [
        ["FR01-001", "2024-06-10T08:00", "36.8"],
        ["FR01-001", "2024-06-10T09:00", "38.4"],
    ]


READ = """import sys
from flows.feeds.dates import stamp_reader
for text in sys.stdin.read().splitlines():
    assert stamp_reader("DD-MMM-YYYY hh:mm")(text) == text
"""


@pytest.mark.parametrize("part", ["-", "UN", "UN:", "NK:", "----:", " ", ":", "T"])
def test_no_date_takes_long_to_read(part: str) -> None:
    texts = "".join(f"01-JAN-2024 {part * times}x\n" for times in (60, 50_000))
    subprocess.run([sys.executable, "-c", READ], input=texts, text=True, check=True, timeout=30)
