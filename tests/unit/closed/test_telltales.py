"""A telltale is found in whichever form an output can carry it, and nowhere else."""

import json

import pytest

from checks.closed import telltales_in

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
    ],
)
def test_a_name_is_found_in_any_case_encoding_and_escape(content: bytes) -> None:
    assert telltales_in(content, WORDS) == ("QZACTIVE",)


def test_amounts_and_names_with_signs_are_found() -> None:
    assert telltales_in(json.dumps({"found": "-731.25 mg", "x": "Zürich & Co"}).encode(), WORDS) == (
        "-731.25",
        "Zürich & Co",
    )
    assert telltales_in(b"<td>Z&uuml;rich &amp; Co</td>", WORDS) == ("Zürich & Co",)


@pytest.mark.parametrize("content", [b"QZACTIVELY", b"INQZACTIVE", b"731.257", b"QZ ACTIVE"])
def test_part_of_another_word_is_no_telltale(content: bytes) -> None:
    assert telltales_in(content, WORDS) == ()


def test_a_studys_id_may_hold_its_drugs_name() -> None:
    innocent = ("CYT107-IV",)
    assert telltales_in(b"study CYT107-IV, US01-001", ["CYT107"], innocent=innocent) == ()
    assert telltales_in(b"study CYT107-IV, arm CYT107", ["CYT107"], innocent=innocent) == ("CYT107",)


def test_a_code_too_short_to_be_told_from_chance_is_not_looked_for() -> None:
    assert telltales_in(b"arm A of B", ["A", "B ", ""]) == ()
