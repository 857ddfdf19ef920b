"""How a value is shown in a message, and how the words that are allowed are named."""

import pytest

from checks.problems import one_of, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ({"a": 1}, "a mapping"),
        ([1, 2], "a list of 2"),
        ((), "a list of 0"),
        ("https://user:secret@host/", "an address (not repeated here)"),
        ("x" * 60, repr("x" * 60)),
        ("x" * 61, repr("x" * 60 + "...")),
        (38.3, "'38.3'"),
    ],
)
def test_a_value_is_shown_short_and_without_a_secret(value, text):
    assert shown(value) == text


def test_the_word_nearest_to_what_was_found_is_named_first():
    assert one_of(("count", "rate"), "Counts") == "count (the nearest), or one of count, rate"
    assert one_of(("count", "rate"), "xyz") == "one of count, rate"
