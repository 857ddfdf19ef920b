"""Which term of an adverse event is matched: AEDECOD, or AETERM where a placeholder stands for the coded term."""

from pathlib import Path

import pandas as pd
import pytest

from checks.protocol import load_protocol
from checks.validation import adverse_events
from checks.validation.raw import Setting, Source

PROTOCOL = load_protocol(Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml")
SETTING = Setting(PROTOCOL, pd.Timestamp("2024-06-12T12:00Z"), {"S1": "Europe/Paris"}, {})


def prepared(coded, term):
    row = {"USUBJID": "S1", "AESEQ": "1", "AEDECOD": coded, "AETERM": term, "AESTDTC": "2024-06-10T10:00"}
    table = pd.DataFrame([row]).astype("str").assign(source_file="x.csv", source_row=2)
    return adverse_events.prepare(Source("AE", table, SETTING))


@pytest.mark.parametrize(
    "placeholder",
    [
        "UNCODED", "Not Coded", "not-coded", "UNCODABLE", "NULL", "N/A", "NA", ".", "-", "--", "PENDING",
        "*** UNCODED ***", "TBD", "Unknown", "\uff0e",
    ],
)  # fmt: skip
def test_a_placeholder_is_no_code_and_the_term_is_matched(placeholder):
    found = prepared(placeholder, "Pyrexia")
    assert found.typed.loc[0, ["term", "verbatim"]].tolist() == ["pyrexia", "pyrexia"]
    assert found.judged["AEDECOD_state"].tolist() == ["a placeholder"]
    assert found.judged["AETERM_state"].tolist() == ["known"]
    assert found.matters[0]


@pytest.mark.parametrize(
    "written",
    ["PYREXIA", " Pyrexia ", "pyrexia\u00a0", "\uff30\uff59\uff52\uff45\uff58\uff49\uff41", "Pyrexia\t"],
)
def test_a_term_is_matched_however_it_is_written(written):
    for coded, term in ((written, "hot"), ("Uncomfortable", written), ("", written)):
        found = prepared(coded, term)
        assert "pyrexia" in found.typed.loc[0, ["term", "verbatim"]].tolist()
        assert found.matters[0]


def test_words_with_more_than_a_blank_between_them_are_the_term():
    found = prepared("", "Respiratory\u00a0 distress")
    assert found.typed.loc[0, "term"] == "respiratory distress"


def test_a_term_that_people_write_is_none_only_where_there_is_nothing():
    assert prepared("", "None of the above").typed.loc[0, "term"] == "none of the above"
    assert prepared("", "Unknown").judged["AETERM_state"].tolist() == ["known"]
    assert prepared(".", ".").judged["AETERM_state"].tolist() == ["blank"]
