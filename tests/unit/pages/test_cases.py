"""Why a case counts, what it lacks, and which of the possible ones is read first."""

import copy
import json
from pathlib import Path

import pytest

from checks.protocol import load_protocol
from flows.pages.cases import (
    WORDS,
    CaseWords,
    dose_notes,
    onset_span,
    other_doses,
    settled_cases,
    working_list,
)

LOOKS = Path(__file__).parent / "report" / "looks"
WORDS_OF = CaseWords(load_protocol(LOOKS / "protocol.yaml"))


@pytest.fixture
def case():
    """A definite case, 6 h after the dose: its fever began by TEMP, its distress by OXYSAT."""
    look = json.loads((LOOKS / "signal.json").read_text(encoding="utf-8"))
    return look["cases"][0]


def possible(case, why, component="respiratory_distress"):
    made = copy.deepcopy(case)
    made["why"][component] = why
    made["components"][component]["certainty"] = made["certainty"] = made["in_risk_window"] = "possible"
    return made


def test_a_definite_case_lacks_nothing(case):
    assert (WORDS_OF.missing(case), WORDS_OF.cleared(case)) == ((), ())
    assert WORDS_OF.why(case) == "fever: new; respiratory distress: new"


@pytest.mark.parametrize(
    ("why", "said", "missing"),
    [
        (
            "lone",
            "one value, contradicted by the next within 2 h",
            "another abnormal oxygen saturation value in hours 3.25 to 9.25, or another abnormal test within half "
            "an hour of it",
        ),
        (
            "unseen",
            "no normal value of the same test in the 6 h before",
            "a normal oxygen saturation value in hours 0.25 to 6.25",
        ),
        (
            "back",
            "gone for less than the washout of 6 h",
            "a correction of what was abnormal, or reported, in hours 0.25 to 6.25",
        ),
        (
            "worse",
            "worse than at any time in the 6 h before",
            "any oxygen saturation value, normal or not, in hours 0.25 to 6.25",
        ),
    ],
)
def test_what_is_possible_says_which_measurement_would_settle_it(case, why, said, missing):
    """The distress was first seen at 6.25 h; OXYSAT is fresh for 6 h, confirmed within 2 h or again within 3 h."""
    found = possible(case, why)
    assert WORDS_OF.why(found) == f"fever: new; respiratory distress: {said}"
    (lacks,) = WORDS_OF.missing(found)
    assert lacks == missing
    assert all(WORDS_OF.cleared(found))


def test_half_a_case_says_since_when_the_other_was_present(case):
    found = {**copy.deepcopy(case), "certainty": "possible", "in_risk_window": "possible"}
    del found["components"]["fever"]
    found |= {"why": {"respiratory_distress": "new", "fever": "half"}, "since": {"fever": -6.0}}
    assert WORDS_OF.why(found) == "respiratory distress: new; fever: since hour \u22126"
    assert WORDS_OF.missing(found) == (
        "values that show fever gone before, and begun again or worse within 3 h of the other",
    )


def test_an_onset_of_which_nothing_says_from_when_on_has_no_hours_before(case):
    found = {**copy.deepcopy(case), "certainty": "possible", "in_risk_window": "possible"}
    assert onset_span([-1_090_836.0, 30.0]) == "up to 30" and onset_span([-6.0, 30.0]) == "\u22126 to 30"
    del found["components"]["fever"]
    found |= {"why": {"respiratory_distress": "new", "fever": "half"}, "since": {"fever": -1_090_836.0}}
    assert WORDS_OF.why(found) == "respiratory distress: new; fever: since a time that is not known"


def test_what_is_missing_of_both_components_is_said_once(case):
    found = {**copy.deepcopy(case), "certainty": "possible", "in_risk_window": "possible"}
    for name, part in found["components"].items():
        part["certainty"], found["why"][name] = "possible", "untimed"
    assert WORDS_OF.missing(found) == ("the clock time at which it was measured",)
    assert len(WORDS_OF.cleared(found)) == 1


def test_what_may_be_taken_back_says_until_when(case):
    found = {**case, "provisional": True, "settled_by": "2026-02-11T17:15:00Z"}
    said = "provisional: it rests on a last value that nothing has confirmed yet; settled by 2026-02-11 17:15 UTC"
    assert WORDS_OF.provisional(found) == said and said in WORDS_OF.why(found)
    assert WORDS_OF.provisional(case) == ""


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"certainty": "possible", "in_risk_window": "possible"}, "withheld"),
        ({"certainty": "possible", "in_risk_window": "possible", "hour": None}, "dose_time"),
        ({"in_risk_window": "possible"}, "wide"),
    ],
)
def test_a_case_of_sure_onsets_says_what_else_leaves_it_open(case, changed, word):
    (missing,) = WORDS_OF.missing({**case, **changed})
    assert missing.split("{")[0].startswith(WORDS[word].missing.split("{")[0])


def test_the_working_list_begins_with_the_newest_that_may_lie_in_the_risk_window(case):
    def one(name, day, window, certainty="possible"):
        changed = {"USUBJID": name, "dose_start": f"2026-02-{day}T09:00:00Z", "in_risk_window": window}
        return {**case, **changed, "certainty": certainty}

    look = {
        "cases": [
            one("outside, newest", "20", "no"),
            one("settled", "19", "yes", "definite"),
            one("inside, older", "11", "possible"),
            one("inside, newer", "18", "possible"),
            one("wide", "12", "possible", "definite"),
        ]
    }
    assert [found["USUBJID"] for found in working_list(look)] == [
        "inside, newer", "wide", "inside, older", "outside, newest",
    ]  # fmt: skip
    assert [found["USUBJID"] for found in settled_cases(look)] == ["settled"]


def test_every_other_dose_of_two_days_is_named(case):
    doses = [{"dose_number": 1, "hour": 44.0}, {"dose_number": 2, "hour": 20.5}]
    assert other_doses({**case, "other_doses": doses}) == "also 44 h after dose 1 and 20.5 h after dose 2"
    assert other_doses(case) == ""


def test_of_its_dose_an_interruption_is_said_and_the_other_doses(case):
    paused = {**case, "interruptions": "interrupted at 0.25 h, resumed at 1.5 h"}
    assert dose_notes(paused) == "dose interrupted at 0.25 h, resumed at 1.5 h"
    others = [{"dose_number": 1, "hour": 44.0}]
    assert dose_notes({**paused, "other_doses": others}).endswith("1.5 h; also 44 h after dose 1")
    assert dose_notes(case) == ""


def test_the_glossary_has_the_words_that_are_said_and_no_other(case):
    terms = [item.term for item in WORDS_OF.glossary([case, possible(case, "lone")])]
    assert terms == ["new", "lone"]
    assert set(case["why"].values()) <= set(WORDS)
