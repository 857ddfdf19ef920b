"""What the pooled path keeps of DM and EX is the same whichever arm a subject is in."""

import pandas as pd
import pytest

from checks.blinding import (
    AMOUNT,
    ANOTHER_DRUG,
    IMPOSSIBLE,
    NOT_STUDY_DRUG,
    PERHAPS_STUDY_DRUG,
    STUDY_DRUG,
    blind,
)

NAMES = ("QZACTIVE", "Qz Control")


def ex(treatment: object, amount: object) -> pd.DataFrame:
    return pd.DataFrame({"USUBJID": ["S1"], "EXTRT": [treatment], "EXDOSE": [amount], "EXLOT": ["L7"]})


def kept(treatment: object, amount: object) -> tuple[object, object]:
    row = blind("EX", ex(treatment, amount), NAMES).iloc[0]
    return tuple(None if pd.isna(row[name]) else row[name] for name in ("EXTRT", "EXDOSE"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("treatment", "amount", "expected"),
    [
        ("QZACTIVE", "731.25", (STUDY_DRUG, AMOUNT)),
        (" qz control ", "0", (STUDY_DRUG, AMOUNT)),
        ("QZACTIVE", "-731.25", (STUDY_DRUG, IMPOSSIBLE)),
        ("Qz Control", "-1", (STUDY_DRUG, IMPOSSIBLE)),
        ("QZACTIVE", "much", (STUDY_DRUG, IMPOSSIBLE)),
        ("QZACTIVE", " ", (STUDY_DRUG, None)),
        ("QZACTVE", "731.25", (PERHAPS_STUDY_DRUG, AMOUNT)),
        ("QZACTIVE 731 mg", "731.25", (STUDY_DRUG, AMOUNT)),
        ("OXYGEN", None, (ANOTHER_DRUG, None)),
        (None, "0", (None, AMOUNT)),
    ],
)
def test_a_treatment_and_an_amount_become_a_word_each(
    treatment: object, amount: object, expected: tuple[object, object]
) -> None:
    assert kept(treatment, amount) == expected


def test_blinding_twice_changes_nothing() -> None:
    for treatment, amount in [
        ("QZACTIVE", "1"),
        ("x", "-1"),
        (None, None),
        ("QZCONTROL", "much"),
        ("QZACTVE", "1"),
        ("OXYGEN", "1"),
    ]:
        once = blind("EX", ex(treatment, amount), NAMES)
        pd.testing.assert_frame_equal(blind("EX", once, NAMES), once)


def test_the_protocol_says_what_is_no_study_drug() -> None:
    names = ["QZACTIVE rescue", "qzactive rescue 5 mg", "OXYGEN", "QZACTIVE"]
    rows = pd.concat([ex(name, "1") for name in names])
    found = list(blind("EX", rows, NAMES, ("QZACTIVE RESCUE", "Oxygen"))["EXTRT"])
    assert found == [NOT_STUDY_DRUG, NOT_STUDY_DRUG, NOT_STUDY_DRUG, STUDY_DRUG]


def test_nothing_else_that_tells_the_arm_is_left() -> None:
    dm = pd.DataFrame({name: ["x"] for name in ("USUBJID", "SITEID", "ARM", "ARMCD", "ACTARMUD", "TRT01A")})
    assert list(blind("DM", dm, NAMES).columns) == ["USUBJID", "SITEID"]
    assert list(blind("EX", ex("a", "1"), NAMES).columns) == ["USUBJID", "EXTRT", "EXDOSE"]
    other = pd.DataFrame({"USUBJID": ["S1"], "AETERM": ["x"], "TRTA": ["QZACTIVE"], "EXTRT": ["QZACTIVE"]})
    assert list(blind("AE", other, NAMES).columns) == ["USUBJID", "AETERM"]
