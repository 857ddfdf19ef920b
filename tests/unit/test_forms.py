"""What is said of a text that cannot be read: its form, the key that helps, and what it would be."""

import pandas as pd
import pytest

from checks.forms import form_of, meant, said_of_number, said_of_stamp, said_of_unit, with_forms
from checks.protocol.feeds import FeedSource
from checks.quoting import Quotes


def test_a_form_shows_no_value() -> None:
    assert form_of("10-Jun-2024 08:00") == "99-AAA-9999 99:99"
    assert form_of("FR01 é") == "AA99 A"


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("10-Jun-2024", ["DD-MMM-YYYY"]),
        ("10JUN2024:08:00:00", ["DDMMMYYYY hh:mm:ss"]),
        ("10 JUN 24 8:00", ["DD MMM YY hh:mm"]),
        ("6/10/2024 8:00 AM", ["MM/DD/YYYY hh:mm AM", "DD/MM/YYYY hh:mm AM"]),
        ("13/06/2024", ["DD/MM/YYYY"]),
        ("06.13.24", ["MM.DD.YY"]),
        ("20240610", ["YYYYMMDD"]),
        ("2024/6/1 08:00", ["YYYY/MM/DD hh:mm"]),
        ("2024-06-10T0830", ["YYYY-MM-DD hhmm"]),
        ("10-Jun-2024 830", ["DD-MMM-YYYY hhmm"]),
        ("05MRZ2024", ["DDMMMYYYY"]),
        ("12 M\u00e4r 2024", ["DD MMM YYYY"]),
        ("03-janv.-2024", ["DD-MMM-YYYY"]),
    ],
)
def test_a_date_names_the_formats_that_the_protocol_may_say(text: str, formats: list[str]) -> None:
    said = said_of_stamp(text, Quotes())
    keys = " or ".join(f"`date_format: {one}`" for one in formats)
    assert f"of the form {form_of(text)}: say {keys} of the feed" in said
    assert text not in said
    assert ("whichever was entered" in said) == (len(formats) > 1)
    for one in formats:  # each may be written in a protocol
        FeedSource.model_validate({"path": "vs.csv", "date_format": one})


def test_a_month_that_is_not_read_is_said_to_be_what_stands_in_the_way() -> None:
    said = said_of_stamp("10-maj-2024", Quotes())
    assert "text where a time belongs, whose month no language known here names so" in said


def test_a_spreadsheets_number_of_a_date_is_said_in_both_systems_and_guessed_in_none() -> None:
    said = said_of_stamp("45453.3333", Quotes())
    assert "of the form 99999.9999, a number of days as spreadsheets keep dates, from 1900 or 1904" in said
    # 10 June 2024 is day 45,453 of the 1900 system; the 1904 system is 1,462 days behind
    said = "45453.3333 (would be 2024-06-10T08:00 counted from 1900, 2028-06-11T08:00 from 1904)"
    assert meant("45453.3333") == said
    assert meant("45453").startswith("45453 (would be 2024-06-10 counted")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("38,9", ', but of the form 99,9: say `decimal: ","` of the feed in the protocol'),
        ("1,234.5", ", but of the form 9,999.9, as with thousands apart: export the number without"),
        ("<0.5", ", but of the form <9.9, a limit and no value"),
        ("38.9 C", ", but of the form 99.9 A: a unit belongs in the column of units"),
        ("38.9.1", ", but of the form 99.9.9"),
        ("high", ", but a word where a result belongs"),
        ("the value was 38.9 as the nurse remembers it", ", but text where a result belongs"),
    ],
)
def test_a_number_says_how_it_is_written(text: str, said: str) -> None:
    assert said_of_number(text, Quotes()).startswith(said)
    assert bool(said_of_number(text, Quotes())) == bool(said)


def test_a_decimal_comma_is_shown_as_what_it_would_be_to_those_who_see_the_rows() -> None:
    assert meant("38,9 C") == "38,9 C (would be 38.9 with a decimal comma)"
    assert meant("38.9 C") == "38.9 C"


def test_a_unit_is_named_beside_those_that_are_allowed() -> None:
    assert said_of_unit("TEMP Celcius", Quotes()) == ": 'Celcius' for TEMP; allowed: C, F"
    assert said_of_unit("OXYSAT 97 today", Quotes()) == ": text where a unit belongs for OXYSAT; allowed: %"


def test_only_the_commonest_forms_are_told_apart() -> None:
    texts = pd.Series(["1,5"] * 3 + [f"{'9' * number} C" for number in range(1, 9)] + ["36.6"])
    found = pd.Series(["bad"] * 11 + ["good"], dtype="category")
    said = with_forms(found, "bad", texts, said_of_number, Quotes())
    assert said[0].startswith("bad, but of the form 9,9")
    assert said[11] == "good"
    assert len(set(said)) == 5 + 1 + 1
    assert with_forms(found, "none", texts, said_of_number, Quotes()) is found
