"""A text of a feed is quoted where no word stands in it that belongs elsewhere; of others it is said what should."""

import pytest

from checks.column_forms import is_nearly_word, place_of
from checks.quoting import OWN_COLUMN, Quotes, quoted_number

QUOTES = Quotes.of(["CYT107-IV", "FR01", "S1"])
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
    assert QUOTES.shown(arm, column).endswith(f"where {belongs} belongs")


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
    assert QUOTES.may(text, column)


def test_the_number_of_a_record_holds_no_word_and_stays_its_own() -> None:
    uuid = "0a1b2c3d-0000-4fff-8000-abcdefabcdef"
    assert [quoted_number(one) for one in ("12", "12.1", "o1", uuid)] == ["12", "12.1", "o1", uuid]
    first, second = quoted_number("placebo-1"), quoted_number("placebo-2")
    assert first != second and first == quoted_number("placebo-1")
    assert not any("placebo" in one for one in (first, second))


def test_a_code_that_the_protocol_names_is_quoted() -> None:
    assert QUOTES.code("QZTMP1") != "QZTMP1" == Quotes.of([], codes=["QZTMP1"]).code("QZTMP1")


@pytest.mark.parametrize(
    "text", ["4711", "4711-0815", "R-10234", "104711", "K4711", "10/4711", "0815.4711.1"]
)
@pytest.mark.parametrize(
    "column", ["VSDTC", "VSORRESU", "VSTESTCD", "VSTEST", "EXSTAT", "AESEV", "AETERM", "EXREFID", "SITEID"]
)
def test_a_number_of_a_kit_is_not_quoted_where_none_belongs(text: str, column: str) -> None:
    said = QUOTES.shown(text, column)
    found = "text" if any(map(str.isalpha, text)) else "digits"
    assert said.startswith(f"{found} where ") and said.endswith(" belongs")


@pytest.mark.parametrize("text", ["4711-0815", "R-10234", "2024-06-10", "08:00", "10/06/2024", "4711 0815"])
def test_what_is_no_number_is_not_quoted_as_a_result(text: str) -> None:
    assert QUOTES.shown(text, "VSORRES").endswith("where a result belongs")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("2024", "AESTDTC"),
        ("2024-06", "AESTDTC"),
        ("--06-10", "AESTDTC"),
        ("2024---10", "AESTDTC"),
        ("-----T08:00", "VSDTC"),
        ("2024-06-10T25:61", "VSDTC"),
        ("2024-02-30", "VSDTC"),
        ("9999-12-31", "EXENDTC"),
        ("20240610", "VSDTC"),
        ("20240610T0800", "VSDTC"),
        ("20240610080000", "VSDTC"),
        ("2024-06-10T08:00:00.000+02:00", "VSDTC"),
        ("2024-06-10 08:00:00 UTC", "VSDTC"),
        ("10JUN2024:08:00:00", "VSDTC"),
        ("Jun 10, 2024 8:00 PM", "VSDTC"),
        ("6/10/24 8:00", "VSDTC"),
        ("10.06.2024", "VSDTC"),
        ("08:00", "VSDTC"),
        ("2024-06-10T08:00/2024-06-10T09:00", "VSDTC"),
        ("45453.33", "VSDTC"),
        ("1 234,5", "LBORRES"),
        ("38..9", "VSORRES"),
        ("38.9?", "VSORRES"),
        ("1e5", "LBORRES"),
        ("120/80", "VSORRES"),
        ("-38", "VSORRES"),
        ("96 %", "VSORRES"),
        ("101.3 Deg. F", "VSORRES"),
        ("x10^9/L", "LBORRESU"),
        ("10E9/L", "LBORRESU"),
        ("10*9/L", "LBORRESU"),
        ("cells/mm3", "LBORRESU"),
        ("FRACTION OF 1", "VSORRESU"),
        ("V07", "VSTESTCD"),
        ("8867-4", "VSTESTCD"),
        ("TEMP_2", "VSTESTCD"),
        ("Grade 3", "AETOXGR"),
        ("1.0", "DELETED"),
        ("54", "AGE"),
    ],
)
def test_digits_are_quoted_as_they_stand_in_their_column(text: str, column: str) -> None:
    assert QUOTES.may(text, column)


ARM_AND_WAYS = [
    ("OXYGEN", ["OXYGEN", "oxygen", "O X Y G E N", "0xygen", "OXYG\u0415N", "OXY\u200bGEN"]),
    ("OXYGEN", ["\uff2f\uff38\uff39\uff27\uff25\uff2e"]),
    ("TEMPOL", ["TEMPOL", "tempol", "T.E.M.P.O.L", "TEMPLO", "TEMPOLL", "TEMPO", "TEMP0L"]),
    ("Placebo", ["PLACEBO", "PLACEB0", "PLCAEBO", "Plac\u0435bo"]),
    ("High-flow oxygen", ["oxygen"]),
    ("C", ["C", "c"]),
]  # fmt: skip


@pytest.mark.parametrize(("arm", "text"), [(arm, way) for arm, ways in ARM_AND_WAYS for way in ways])
@pytest.mark.parametrize(
    "column", ["VSDTC", "VSORRES", "VSORRESU", "VSTESTCD", "VSTEST", "EXSTAT", "AESEV", "AETERM", "SITEID"]
)
def test_an_arm_wins_over_the_words_of_a_column(arm: str, text: str, column: str) -> None:
    quotes = Quotes.of(["CYT107-IV", "FR01", f"S-{arm}-1"], terms=[arm.casefold()], arms=[arm, "Another"])
    if (arm, column) != ("C", "VSORRESU"):  # Celsius
        assert not quotes.may(text, column)
        assert quotes.code(text).endswith("where a test belongs")


def test_what_is_no_arm_is_quoted_beside_one() -> None:
    quotes = Quotes.of(
        ["CYT107-IV", "CYT107-IV-FR01-S1"], study=["CYT107-IV"], arms=["CYT107", "TEMPOL", "B"]
    )
    for text, column in (
        ("CYT107-IV-FR01-S7", "USUBJID"),
        ("TEMP", "VSTESTCD"),
        ("Body temperature", "VSTEST"),
        ("C", "VSORRESU"),
        ("beats/min", "VSORRESU"),
    ):
        assert quotes.may(text, column)
    assert not quotes.may("CYT107", "USUBJID") and not quotes.may("CYT107", "VSORRESU")


@pytest.mark.parametrize(
    "text", ["TEMPCYT107", "CYT107TEMP", "OXYSATCYT107", "TEMPC107", "TEMPCYT", "TEMPCYT-107", "PLACEBOTEMP"]
)
@pytest.mark.parametrize("column", ["VSTESTCD", "VSTEST", "VSORRESU", "VSORRES", "AESEV", "VSDTC", "AETERM"])
def test_an_arm_glued_to_what_belongs_in_a_column_is_not_quoted(text: str, column: str) -> None:
    quotes = Quotes.of(["FR01", "FR01-001"], codes=["TEMP", "OXYSAT"], arms=["CYT107", "Placebo"])
    assert not quotes.may(text, column) and quotes.code(text) != text
    assert quotes.may("TEMPR", "VSTESTCD") and quotes.may("V07", "VSTESTCD")


@pytest.mark.parametrize("text", ["m\u200bg", "\u202e2024-06-10", "38.9\x1b[2J", "FR01\u2066", "C\ud800"])
def test_a_character_that_is_not_seen_is_not_quoted(text: str) -> None:
    for column in ("VSDTC", "VSORRES", "VSORRESU", "SITEID"):
        assert QUOTES.shown(text, column).startswith("text with characters that are not seen where")


def test_a_number_that_names_an_arm_and_a_column_of_the_sender_are_not_quoted() -> None:
    quotes = Quotes.of([], arms=["A12", "QZARM"])
    assert quotes.number("12") == "12" and quotes.number("A12").startswith("~")
    assert [quotes.variable(one) for one in ("VSORRES", "AESEV", "QZARM", "QZOTHER")] == [
        "VSORRES", "AESEV", OWN_COLUMN, OWN_COLUMN
    ]  # fmt: skip


def test_a_run_of_words_that_hold_words_is_judged_without_trying_each_way_to_part_it() -> None:
    """Each "temporal" is also "temp" and "oral": forty of them can be parted in a million million ways."""
    place = place_of("VSTESTCD")
    assert is_nearly_word("temporal" * 2, place) and not is_nearly_word("temporal" * 40 + "q", place)


def test_subjects_that_are_not_accepted_yet_are_told_by_their_ids_and_words_are_not() -> None:
    """A site that the protocol lacks: who it is of must be said, and no word or kit number in the place of an id."""
    quotes = Quotes.of(["FR01"]).with_ids(["FR01-001", "KIT-937104", "bleeding"])
    assert quotes.may("FR01-001", "USUBJID")
    assert not any(quotes.may(text, "USUBJID") for text in ("KIT-937104", "937104", "bleeding"))
