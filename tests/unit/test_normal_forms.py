"""Normal forms of any text: Unicode's own for what people write, and no more work for what nobody does."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.normal_forms import JOINER, normal_form
from checks.validation.test_codes import _WORDS, _is_named

MARKS = "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}"


@given(st.text(), st.sampled_from(["NFKC", "NFKD"]))
def test_what_people_write_has_the_form_of_unicode(text: str, form: str) -> None:
    if sum(map(bool, map(unicodedata.combining, text))) <= 30:
        assert normal_form(form, text) == unicodedata.normalize(form, text)


@pytest.mark.timeout(20)
def test_marks_without_end_are_no_more_work_than_letters() -> None:
    """Sorted in one row they would take minutes."""
    many = normal_form("NFKD", "a" + MARKS * 200_000)
    assert max(map(len, many.split(JOINER))) <= 31
    assert sorted(many.replace(JOINER, "")) == sorted("a" + MARKS * 200_000)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("word", ["INSP", "OXY", "RESP", "BREATH", "FRE"])
def test_a_name_of_a_test_without_end_is_read_once(word: str) -> None:
    """Its beginning again and again: from each, the rest would be read to the end."""
    assert [_is_named(vital, word * 50_000, []) for vital in _WORDS].count(True) == (word == "RESP")
