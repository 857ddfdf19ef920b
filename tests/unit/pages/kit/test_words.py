"""How numbers, intervals and instants are said."""

import re
from pathlib import Path

import pytest

import flows.pages.kit.words as words

CSS = Path(words.__file__).with_name("style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (5.0, "5"),
        (6.25, "6.25"),
        (2904.5, "2,904.5"),
        (-8.0, "\u22128"),
        (None, "\u2013"),
        (float("inf"), "no limit"),
    ],
)
def test_numbers_have_no_idle_zeros(value, said):
    assert words.number(value) == said


def test_a_rare_rate_is_not_rounded_to_nothing():
    assert words.rate(0.005) == "0.005"


@pytest.mark.parametrize(
    ("value", "said"), [(0.00062, "0.00062"), (0.00002, "<0.0001"), (0.3419, "0.34"), (None, "\u2013")]
)
def test_p_values_keep_two_digits(value, said):
    assert words.p_text(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "-"),
        (0.0, "0.0%"),
        (0.00001, "<0.01%"),
        (0.0243, "2.43%"),
        (0.1, "10.0%"),
        (0.9994, "99.9%"),
        (0.99999, ">99.9%"),
    ],
)
def test_a_percentage_says_neither_never_nor_always(share, said):
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("value", "said"), [(3.034, "3.03"), (37.72, "37.7"), (1234.5, "1,234"), (None, "\u2013")]
)
def test_ratios_keep_three_digits(value, said):
    assert words.ratio(value) == said


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((5.2, 7.4), "5.2\u20137.4"),
        ((6.0, 6.0), "6"),
        ((-8.0, 15.98), "\u22128 to 15.98"),
        ((None, 3.0), "time not known"),
        (None, "time not known"),
    ],
)
def test_intervals(ends, said):
    assert words.span(ends) == said


def test_an_instant_is_said_in_utc_and_by_the_clock_of_the_study():
    assert words.utc_text("2026-07-01T22:30:00Z") == "2026-07-01 22:30 UTC"
    assert words.local_text("2026-07-01T22:30:00Z", "Europe/Paris") == " (2026-07-02 00:30 Europe/Paris)"
    assert words.local_text("2026-07-01T22:30:00Z", "UTC") == ""


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\x9b", "\u202e", "\u2066", "\ud800", "\x7f"])
def test_unprintable_characters_are_shown_as_such(hidden):
    assert words.printable(f"FR01{hidden}-004") == "FR01\ufffd-004"


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_formula_gives_the_known_extreme():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(
    "name",
    ["ink", "quiet", "signal", "watch", "not_assessable", "no_signal", "first", "second", "third", "fourth"],
)
def test_every_colour_of_text_has_the_contrast_of_wcag_aa(name):
    colour = re.search(rf"--{name}: (#[0-9a-f]{{6}});", CSS).group(1)
    grounds = ["#ffffff", re.search(r"--wash: (#[0-9a-f]{6});", CSS).group(1)]
    assert min(_contrast(colour, ground) for ground in grounds) >= 4.5
