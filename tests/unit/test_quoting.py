"""A text of a feed is quoted where no word stands in it that belongs elsewhere; of others it is said what should."""

import pytest

from checks.quoting import may_be_quoted, quoted, quoted_code, quoted_number, words_of

NAMES = words_of(["CYT107-IV", "FR01", "S1"])
ARMS = ("QZACTIVE", "Placebo", "ACTIVE 10 mg", "arm A", "QZ-01", "プラセボ", "плацебо", "4CT1V3", "act")


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize(
    ("column", "belongs"),
    [
        ("VSDTC", "a time"),
        ("EXSTDTC", "a time"),
        ("VSORRES", "a result"),
        ("LBSTRESN", "a result"),
        ("VSORRESU", "a unit"),
        ("VSTESTCD", "a test"),
        ("AESEV", "a grade"),
        ("EXSTAT", "a flag"),
        ("DELETED", "a flag"),
        ("SITEID", "a site"),
        ("USUBJID", "a subject"),
        ("AETERM", "a term"),
        ("VSPOS", "a value"),
        ("SEX", "a value"),
    ],
)
def test_a_word_that_belongs_elsewhere_is_not_quoted(arm: str, column: str, belongs: str) -> None:
    assert quoted(arm, column, NAMES).endswith(f"where {belongs} belongs")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("10-Jun-2024 08:00", "VSDTC"),
        ("10 juin 2024", "VSDTC"),
        ("2024-06-10T08:00Z", "VSDTC"),
        ("UN UNK 2024", "AESTDTC"),
        ("38,9", "VSORRES"),
        ("38.9 C", "VSORRES"),
        ("<0.5", "LBORRES"),
        ("not done", "VSORRES"),
        ("Deg. F", "VSORRESU"),
        ("Celcius", "VSORRESU"),
        ("10^9/L", "LBORRESU"),
        ("OXYSTA", "VSTESTCD"),
        ("Body temperature", "VSTEST"),
        ("ENTERED IN ERROR", "EXSTAT"),
        ("MODERATE", "AESEV"),
        ("FR99", "SITEID"),
        ("CYT107-IV-FR01-S7", "USUBJID"),
        ("12", "VSSEQ"),
    ],
)
def test_what_belongs_in_a_column_is_quoted(text: str, column: str) -> None:
    assert may_be_quoted(text, column, NAMES)


def test_the_number_of_a_record_holds_no_word_and_stays_its_own() -> None:
    uuid = "0a1b2c3d-0000-4fff-8000-abcdefabcdef"
    assert [quoted_number(one) for one in ("12", "12.1", "o1", uuid)] == ["12", "12.1", "o1", uuid]
    first, second = quoted_number("placebo-1"), quoted_number("placebo-2")
    assert first != second and first == quoted_number("placebo-1")
    assert not any("placebo" in one for one in (first, second))


def test_a_code_that_the_protocol_names_is_quoted() -> None:
    assert quoted_code("QZTMP1") != "QZTMP1" == quoted_code("QZTMP1", words_of(["QZTMP1"]))
