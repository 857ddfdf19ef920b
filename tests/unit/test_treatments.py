"""Which texts of EXTRT are a listed treatment, may be one, or are none."""

import subprocess
import sys

import pytest

from checks.treatments import Names, names_treatment

LISTED = ("CYT107", "NT-I7", "Qz Control", "IL")


@pytest.mark.parametrize(
    "text",
    [
        "CYT107",
        "cyt107 10 ug/kg",
        "CYT107 10\u03bcg/kg",
        "CYT107 (10 \u00b5g/kg)",
        "CYT-107",
        "CYT107, 3mg",
        "CYT107-10MG",
        "CYT107 60 mcg/kg/week",
        "CYT107 10 - 20 mg/mL solution for injection",
        "NT-I7 (efineptakin) 3mg",
        "NT-I7 (efineptakin alfa) 720 ug/kg IM",
        "Qz control / placebo",
        "QZCONTROL 0.9 %",
        "CYT107 1x10^9 PFU",
        "IL 5 IU",
        "CYT107 low dose",
    ],
)
def test_a_listed_name_with_its_strength_or_form_is_that_treatment(text: str) -> None:
    assert names_treatment(text, LISTED) is Names.LISTED


@pytest.mark.parametrize(
    "text",
    [
        "CYT107 antibody",
        "CYT107 10",  # a number that has no unit may be another drug's
        "Recombinant human CYT107",
        "CYT1O7 10 ug/kg",  # the letter O
        "NT-I7 (not given)",
        "Qz Controll",
        "Qz Cntrol 3 mg",
        "efineptakin alfa (NT-I7) 3 mg",
    ],
)
def test_a_text_that_has_a_listed_name_in_it_or_a_slip_of_one_may_be_that_treatment(text: str) -> None:
    assert names_treatment(text, LISTED) is Names.PERHAPS


@pytest.mark.parametrize(
    "text",
    ["CYT108", "CYT1070 10 ug", "OXYGEN", "IL6 5 IU", "Vitamin IL", "DEXAMETHASONE 6 mg", "10 mg", "-"],
)
def test_another_number_or_name_is_another_drug(text: str) -> None:
    assert names_treatment(text, LISTED) is Names.NONE


JUDGED = "import sys; from checks.treatments import names_treatment as of; [of(one, ['CYT107']) for one in sys.stdin]"


@pytest.mark.parametrize(
    "part",
    ["1mg/", "1", "1,", "1 X 10^1", "1 - ", "IV ", "(A)", "(PRE", "mg per ", "C_", "CYT107 ", " ", "_"],
)
def test_no_text_takes_long_to_judge(part: str) -> None:
    texts = "".join(f"CYT107 {part * times}!\n" for times in (60, 50_000))
    subprocess.run([sys.executable, "-c", JUDGED], input=texts, text=True, check=True, timeout=30)
