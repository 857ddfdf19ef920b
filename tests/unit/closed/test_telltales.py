"""A telltale is found in whichever form an output can carry it, and nowhere else."""

import json
from pathlib import Path

import pytest

from checks.closed import telltales_in
from checks.errors import UsageError
from checks.protocol import load_protocol
from checks.protocol.untelling import names_arm, require_untelling
from checks.telltales import names_one

GOOD = Path(__file__).parents[2] / "fixtures" / "protocols" / "good.yaml"

WORDS = ("QZACTIVE", "-731.25", "Zürich & Co")


@pytest.mark.parametrize(
    "content",
    [
        b"arm,QZACTIVE\n",
        b"QzActive",
        b"\x00\x01QZACTIVE\xff",
        "arm QZACTIVE".encode("utf-16-le"),
        b"x" + "arm QZACTIVE".encode("utf-16-be"),
        b"Q&#90;ACTIVE",
        b"\\u0051ZACTIVE",
        b"arm_QZACTIVE.csv",
        b"QZ ACTIVE",
        b"q z a c t i v e",
        b"Q.Z-A/C_T*I:V E",
        "QZ\u200bAC\u00adTI\ufeffVE".encode(),
        "\u202eQZACTIVE".encode(),
        "\uff31\uff3a\uff21\uff23\uff34\uff29\uff36\uff25".encode(),
        "QZ\u0410\u0421T\u0406V\u0415".encode(),
        "QZ\u0391CT\u0399V\u0395".encode(),
        "q\u017e\u00e1\u00e7t\u00edv\u00e9".encode(),
        "q\u1d22\u1d00\u1d04\u1d1b\u026a\u1d20\u1d07".encode(),
        "\U0001d410\U0001d419\U0001d400\U0001d402\U0001d413\U0001d408\U0001d415\U0001d404".encode(),
        b"Q Z 4 C T 1 V 3",
        b"QZ@CT!VE",
    ],
)
def test_a_name_is_found_however_it_is_written(content: bytes) -> None:
    assert telltales_in(content, WORDS) == ("QZACTIVE",)


def test_amounts_and_names_with_signs_are_found() -> None:
    assert telltales_in(json.dumps({"found": "-731.25 mg", "x": "Zürich & Co"}).encode(), WORDS) == (
        "-731.25",
        "Zürich & Co",
    )
    assert telltales_in(b"<td>Z&uuml;rich &amp; Co</td>", WORDS) == ("Zürich & Co",)


@pytest.mark.parametrize("content", [b"QZACTIVELY", b"INQZACTIVE", b"731.257"])
def test_part_of_another_word_is_no_telltale(content: bytes) -> None:
    assert telltales_in(content, WORDS) == ()


def test_a_studys_id_may_hold_its_drugs_name() -> None:
    innocent = ("CYT107-IV",)
    assert telltales_in(b"study CYT107-IV, US01-001", ["CYT107"], innocent=innocent) == ()
    assert telltales_in(b"study CYT107-IV, arm CYT107", ["CYT107"], innocent=innocent) == ("CYT107",)


@pytest.mark.parametrize(
    "text",
    [
        "all on active arm",
        "All three are in the ACTIVE-TREATMENT arm.",
        "treatment arms differ",
        "none in control arm",
        "both in the control group",
        "on treatment group",
        "placebo group only",
        "the verum arm",
        "\u0430ctive\u00a0arm",
        "active&nbsp;arm",
    ],
)
def test_an_arm_is_known_by_its_role_whatever_it_is_called(text: str) -> None:
    assert names_arm(text, load_protocol(GOOD))
    with pytest.raises(UsageError, match="--reason: found the name of an arm"):
        require_untelling("--reason", text, load_protocol(GOOD))


@pytest.mark.parametrize(
    "text",
    [
        "active bleeding, calling the site",
        "control of fever achieved",
        "onset in the control window",
        "swelling of the left arm at the cannula",
        "treatment of fever; arm painful",
        "bleeding still active. Arm swollen",
        "fever under control, arm warm",
        "asked the infection control group",
        "seen by the pain treatment group",
        "alarm armed; active armband",
        "interactive groups of forms",
    ],
)
def test_words_of_medicine_tell_no_arm(text: str) -> None:
    assert not names_arm(text, load_protocol(GOOD))


def test_a_code_too_short_to_be_told_from_chance_is_not_looked_for() -> None:
    assert telltales_in(b"arm A of B", ["A", "B ", ""]) == ()


GLUED = [
    ("Placebo", ["in der Placebogruppe", "Placeboarm", "nonplacebo", "placebokontrolliert", "PLACEBO1"]),
    ("CYT107", ["CYT107mg", "10CYT107", "CYT107arm", "TEMPCYT107", "CYT-107mg", "cyt 107mg", "xCYT_107"]),
    ("CYT107", ["\u0421Y\u0422107x", "CYTl07x"]),
    ("IL7", ["TEMPIL7", "IL7mg", "IL 7mg"]),
    ("20 mg", ["20mgs"]),
    ("Active", ["activearm", "Active1", "ACTIVEGROUP", "Activegruppe"]),
    ("Iron", ["ironarm", "1iron"]),
    ("プラセボ", ["プラセボ群"]),
]  # fmt: skip

OTHER_WORDS = [
    ("Active", "inactive, reactive and hyperactive"),
    ("Control", "uncontrolled hypertension"),
    ("Standard care", "standardised, careful"),
    ("Iron", "the environment"),
    ("Rest", "cardiac arrest"),
    ("Oral", "temporal"),
    ("Low", "slow, lower, below"),
    ("Saline", "universal in Europe"),
    ("IL7", "until 7 h after the dose"),
    ("CYT107", "CYT1071, CYT108"),
    ("20 mg", "120 mg"),
]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GLUED for text in texts])
def test_a_name_in_a_longer_word_of_a_person_is_found(name: str, text: str) -> None:
    assert names_one(text, [name])


@pytest.mark.parametrize(("name", "text"), OTHER_WORDS)
def test_another_word_that_holds_the_letters_of_a_name_does_not_tell_it(name: str, text: str) -> None:
    assert not names_one(text, [name])


def test_a_studys_id_may_hold_its_drugs_name_within_a_word() -> None:
    assert not names_one("read in CYT107IV-01", ["CYT107"], innocent=("CYT107IV-01",))
    assert names_one("read in CYT107IV-01: CYT107IV", ["CYT107"], innocent=("CYT107IV-01",))


def test_a_title_that_is_a_treatments_name_does_not_make_it_sayable() -> None:
    protocol = load_protocol(GOOD)
    (name, *_) = protocol.treatment.names
    for title, told in ((name.lower(), True), (f"A trial of {name}", False)):
        study = protocol.study.model_copy(update={"title": title})
        text = f"read in {title}"
        assert names_arm(text, protocol.model_copy(update={"study": study})) is told
