"""What a look says that cannot answer: which check, where, in which form, what is allowed, and the way on.

Each example is the same study of two subjects, charted hourly, with one mistake. Terminal, message and page say it in
the same words, the page once, and none of them shows what stands in a subject's row. The alert of a feed that is
blocked says of its checks what they say.
"""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from checks import load_protocol
from flows.heartbeat import feed_faults
from flows.pages.message.facts import look_facts
from flows.pages.report.page import render_report
from flows.pages.sentences import fault_sentences
from flows.pages.terminal import text_summary
from tests.small_studies import charted, frames, look_at_study, small_protocol

DOSE = datetime(2024, 6, 10, 8, 10, tzinfo=UTC)
SUBJECTS = ("S-1", "S-2")
HOURS = {"TEMP": range(-6, 13), "OXYSAT": range(-6, 13), "RESP": range(0)}


def chart(hours=HOURS):
    values = {"TEMP": 36.8, "OXYSAT": 97.0, "RESP": 16.0}
    return [
        row
        for subject in SUBJECTS
        for test, some in hours.items()
        for row in charted(subject, test, {DOSE + timedelta(hours=hour): values[test] for hour in some})
    ]


def study(*, vs=None, dose=f"{DOSE:%Y-%m-%dT%H:%M}", treatment="STUDYDRUG"):
    given = [{"USUBJID": name, "EXSTDTC": dose, "EXTRT": treatment} for name in SUBJECTS]
    ae = [{"USUBJID": "S-1", "AETERM": "Headache", "AESTDTC": "2024-06-10T09:20"}]
    return frames(given, chart() if vs is None else vs, ae)


def words(feeds, tmp_path):
    """Return the verdict, and what the terminal, a message and the page say, each as one line."""
    look = look_at_study(feeds, small_protocol(), DOSE + timedelta(hours=14), tmp_path)
    document, protocol = look.document(), load_protocol(tmp_path / "protocol.yaml")
    page = render_report(document, doses=look.doses, protocol=protocol, out=tmp_path / "out").read_text()
    terminal = text_summary(document, protocol, report=None)
    assert max(map(len, terminal.splitlines())) <= 80
    told = {
        "terminal": terminal,
        "message": " ".join(look_facts(document, protocol).caveats),
        "page": html.unescape(re.sub(r"<[^>]+>", " ", page)),
    }
    return str(look.verdict), {name: " ".join(text.split()) for name, text in told.items()}


def of_blocked_feeds(feeds, tmp_path):
    """Return what the alerts of blocked feeds say, and the page as one line."""
    _, told = words(feeds, tmp_path)
    document = look_at_study(feeds, small_protocol(), DOSE + timedelta(hours=14), tmp_path).document()
    said = [one for domain in feed_faults(document["feeds"]) for one in fault_sentences(document, domain)]
    return " ".join(said), told["page"]


def wrong_dates():
    return [
        {**row, "VSDTC": f"{row['VSDTC'][8:10]}.{row['VSDTC'][5:7]}.2024 {row['VSDTC'][11:]}"}
        for row in chart()
    ]


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        (
            {"vs": wrong_dates()},
            [
                "rows whose time cannot be read: 76 of 76 rows that need a time",
                "In VS 1, rows 1-76.",
                "of the form 99.99.9999 99:99",
                "`date_format: ",
                "the rows of TEMP of these subjects are in quarantine",
            ],
        ),
        (
            {"vs": [{**row, "VSORRESU": "grad"} if row["VSTESTCD"] == "TEMP" else row for row in chart()]},
            ["measurements in an unknown unit: 38 of 76", "In VS 1, rows 1-19, 39-57.", "the rows of TEMP of these"],
        ),
        (
            {"treatment": "ANOTHER NAME"},
            [
                "EX tells of no dose that counts",
                "may be one of `treatment.names` under another name",
            ],
        ),
        (
            {"dose": "2024-06-10T00:00"},
            ["2 doses have no time of day", "ask the sites for the time at which each began"],
        ),
        (
            {"vs": chart(HOURS | {"OXYSAT": range(-6, 0)})},
            [
                "2 of 2 elapsed dose windows unobserved.",
                "Respiratory distress is unobserved in 2 windows (S1 2): no OXYSAT or RESP is in the feed for these",
            ],
        ),
        (
            {"vs": chart(HOURS | {"OXYSAT": (-6, 3, 12)})},  # 9 h apart, and a saturation speaks for 6
            [
                "OXYSAT or RESP measured too seldom, where a measurement speaks for 6 h",
                "half of each would be observed by `fresh_hours: {OXYSAT: 9}`, and by more measurements",
            ],
        ),
    ],
    ids=["dates", "unit", "treatment", "midnight", "not measured", "seldom"],
)  # fmt: skip
def test_what_stands_in_the_way_is_said_in_one_way_everywhere(tmp_path, feeds, said):
    verdict, told = words(study(**feeds), tmp_path)
    assert verdict == "not_assessable"
    for name, text in told.items():
        for one in said:
            assert one in text, (name, one)
        assert "too few vital signs" not in text
        assert "10.06.2024" not in text


@pytest.mark.parametrize(
    ("vs", "once", "said"),
    [
        (
            wrong_dates(),
            "rows whose time cannot be read: 76 of 76",
            [
                "100.0% of the rows are quarantined; allowed: at most",
                "of the form 99.99.9999 99:99",
                "`date_format: ",
                "In VS 1, rows 1-76. Check time_readable.",
            ],
        ),
        (
            [{name: text for name, text in row.items() if name != "VSDTC"} for row in chart()],
            "VSDTC is blank on every row; the column is needed.",
            ["Ask the sender to fill it. Check column_filled."],
        ),
    ],
    ids=["dates", "no column of times"],
)
def test_the_alert_of_a_blocked_feed_says_what_the_page_says_once(tmp_path, vs, once, said):
    alert, page = of_blocked_feeds(study(vs=vs), tmp_path)
    for one in (once, *said):
        assert one in alert
    assert "10.06.2024" not in alert
    assert page.count(once) == 1


def test_a_study_in_order_has_nothing_in_the_way(tmp_path):
    verdict, told = words(study(), tmp_path)
    assert verdict == "no_signal"
    assert "unobserved in" not in told["message"]
    assert "cannot be trusted" not in told["message"]


ILL = {"TEMP": "38.9", "OXYSAT": "86"}


def ill(*, last_of_second="86", unit_of_second="%"):
    """Both abnormal at hours 6 and 7, a signal of two; the second's saturations as they are given."""
    rows = [dict(row) for row in chart()]
    for row in rows:
        if row["VSDTC"][11:13] in {"14", "15"}:
            row["VSORRES"] = ILL[row["VSTESTCD"]]
            if row["USUBJID"] == "S-2" and row["VSTESTCD"] == "OXYSAT":
                row["VSORRESU"] = unit_of_second
                row["VSORRES"] = last_of_second if row["VSDTC"][11:13] == "15" else "86"
    return study(vs=rows)


@pytest.mark.parametrize(
    ("feeds", "first_line"),
    [
        (
            ill(unit_of_second="grad"),
            "No boundary is crossed, but one would be at the worst of what is in doubt. Repair first: VS (2 rows in "
            "doubt: unit_known, VS 1, rows 70-71).",
        ),
        (ill(last_of_second="97"), "No boundary is crossed, but one is near."),
    ],
    ids=["a unit that is not known", "a lone saturation, of which nothing is to be mended"],
)
def test_a_watch_by_doubt_alone_says_first_which_feed_to_mend(tmp_path, feeds, first_line):
    look = look_at_study(feeds, small_protocol(), DOSE + timedelta(hours=14), tmp_path)
    assert str(look.verdict) == "watch"
    protocol = load_protocol(tmp_path / "protocol.yaml")
    terminal = text_summary(look.document(), protocol, report=None)
    assert f"WATCH: {first_line} SMALL-01" in " ".join(terminal.split())


def test_a_watch_by_a_case_that_is_sure_names_no_feed(tmp_path):
    """One definite case is one short of the boundary, whatever becomes of the other."""
    near = small_protocol(watch={"cases_short_of_boundary": 1})
    look = look_at_study(ill(unit_of_second="grad"), near, DOSE + timedelta(hours=14), tmp_path)
    assert str(look.verdict) == "watch"
    assert "repairs" not in look.document()
