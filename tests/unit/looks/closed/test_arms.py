"""The arm of each subject: actual before planned, and not known where DM contradicts itself or says none."""

import pandas as pd

from checks.tables import Feed
from flows.looks.closed.arms import read_arms, withheld_administrations


def dm(*rows: tuple[str, str, str]) -> Feed:
    table = pd.DataFrame(rows, columns=["USUBJID", "ARMCD", "ACTARMCD"], dtype="str")
    return Feed("DM", table.mask(table == ""))


def test_the_actual_arm_comes_before_the_planned_one() -> None:
    arms = read_arms(dm(("S1", "A", "B"), ("S2", "A", ""), ("S3", "A", "a ")))
    assert arms.by_subject == {"S1": "B", "S2": "A", "S3": "a"}
    assert arms.switched == ("S1",)


def test_codes_that_name_no_arm_leave_it_unknown() -> None:
    rows = (("S1", "SCRNFAIL", ""), ("S2", "", ""), ("S3", "NOTASSGN", "NOTTRT"), ("S4", "A", "UNPLAN"))
    assert read_arms(dm(*rows)).by_subject == {"S4": "A"}


def test_a_subject_with_several_arms_has_none() -> None:
    arms = read_arms(dm(("S1", "A", "A"), ("S1", "B", "B"), ("S2", "A", "A"), ("S2", "A", "A")))
    assert arms.by_subject == {"S2": "A"}
    assert arms.contradicted == ("S1",)


def test_a_feed_without_arms_knows_none() -> None:
    assert read_arms(Feed("DM", pd.DataFrame({"USUBJID": ["S1"]}))).by_subject == {}
    assert read_arms(Feed("DM", None)).by_subject == {}


def test_withheld_administrations_are_shown_as_delivered() -> None:
    place = {"source_file": "ex.csv", "source_row": 3}
    rows = [place | {"EXTRT": "QZACTIVE", "EXDOSE": "-731.25"}, place | {"source_row": 4, "EXTRT": "x"}]
    ex = Feed("EX", pd.DataFrame(rows))
    reasons = [
        {"domain": "EX", "check": "administration_clear", "USUBJID": "S1", "record": "EXSEQ=2"} | place,
        {"domain": "EX", "check": "time_readable", "USUBJID": "S2", "record": "EXSEQ=1"}
        | place
        | {"source_row": 4},
    ]
    (row,) = withheld_administrations(ex, pd.DataFrame(reasons)).to_dict("records")
    assert row == {"USUBJID": "S1", "record": "EXSEQ=2", "EXTRT": "QZACTIVE", "EXDOSE": "-731.25"} | place
