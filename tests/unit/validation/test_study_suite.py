"""What a study's own expectations are read as: sentences in each form, and the columns that a condition may mean."""

import json
from typing import Any

import pytest

from checks.protocol.suite_files import SuiteFile
from checks.validation.study_suite import StudySuite, read_study_suite


def read(meta: dict[str, Any], **kwargs: Any) -> StudySuite:
    expectation = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "VSORRES_number", "max_value": 41, **kwargs},
        "meta": {"severity": "quarantines", **meta},
    }
    text = json.dumps({"name": "vs", "expectations": [expectation]})
    return read_study_suite(SuiteFile("VS", "expectations/vs.json", text.encode()))


def named(name: str) -> dict[str, Any]:
    """A condition on one column, as Great Expectations writes it."""
    return {"type": "comparison", "column": {"name": name}, "operator": "==", "parameter": "TEMP"}


@pytest.mark.parametrize(
    "notes",
    [
        "Ask the site.",
        "  Ask the site. ",
        ["Ask", "the site."],
        {"format": "string", "content": "Ask the site."},
        {"format": "markdown", "content": ["Ask", "the site."]},
    ],
)
def test_the_sentence_of_a_check_is_that_of_its_notes_in_whichever_form(notes: Any) -> None:
    (check,) = read({"notes": notes}).checks
    assert check.message == "Ask the site."


@pytest.mark.parametrize("notes", [None, "", {}, [], 7])
def test_without_notes_great_expectations_says_what_is_expected(notes: Any) -> None:
    (check,) = read({"notes": notes}).checks
    assert "41" in check.message


@pytest.mark.parametrize(
    "condition",
    [
        'VSTESTCD == "TEMP"',
        named("VSTESTCD"),
        {"type": "and", "conditions": [named("VSTESTCD"), named("VSTESTCD")]},
        {"type": "or", "conditions": [{"type": "and", "conditions": [named("VSTESTCD")]}]},
    ],
)
def test_a_condition_that_names_an_arm_in_whichever_form_is_refused(condition: Any) -> None:
    told = json.loads(json.dumps(condition).replace("VSTESTCD", "ARMCD"))
    parser = "pandas" if isinstance(condition, str) else "great_expectations"
    (problem,) = read({}, row_condition=told, condition_parser=parser).problems
    assert problem.startswith("VS: expectations/vs.json, expectation 1: found ARMCD, which tells the arm")


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (SuiteFile("VS", "expectations/vs.json", None, "permission denied"), "permission denied"),
        (SuiteFile("VS", "expectations/vs.json", b"\xff{}"), "text that is not UTF-8"),
        (SuiteFile("VS", "expectations/vs.json", b"{"), "JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_with_its_name(file: SuiteFile, found: str) -> None:
    suite = read_study_suite(file)
    assert suite.checks == ()
    (problem,) = suite.problems
    assert problem.startswith("VS: expectations/vs.json: found ")
    assert found in problem
