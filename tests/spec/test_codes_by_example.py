"""Which test a row of VS is of: a vital by its code or another spelling, one in doubt, or one that nothing uses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from checks.protocol import load_protocol
from checks.validation.raw import Setting, Source
from checks.validation.test_codes import read_codes
from tests.small_studies import charted, frames, look_at_study, small_protocol

DOSE = datetime(2024, 6, 10, 8, tzinfo=UTC)
RULE = {"id": "one_case", "kind": "count", "cases": 1, "rationale": "an example", "source": "no charter"}
SATURATION = [97.0] * 6 + [87.0, 86.0] + [97.0] * 4
FEVER = [36.8] * 6 + [38.9, 39.0] + [36.8] * 4
NEEDED = frozenset({"TEMP", "OXYSAT", "RESP"})
PROTOCOL = load_protocol(Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml")
SETTING = Setting(PROTOCOL, pd.Timestamp("2024-06-12T12:00Z"), {"S1": "Europe/Paris"}, {})


def read(*rows):
    """Read rows of code, VSTEST, unit and value."""
    columns = ["VSTESTCD", "VSTEST", "VSORRESU", "VSORRES"]
    table = pd.DataFrame([dict(zip(columns, row, strict=True)) for row in rows]).astype("str")
    return read_codes(
        Source("VS", table.assign(USUBJID="S1", source_file="x", source_row=2), SETTING), NEEDED
    )


@pytest.mark.parametrize(
    ("code", "unit", "value", "vital"),
    [
        ("OXYSAT", "%", "97", "OXYSAT"),
        ("oxysat", "%", "97", "OXYSAT"),
        (" OxySat ", "%", "97", "OXYSAT"),
        ("SPO2", "%", "97", "OXYSAT"),
        ("SpO2", "", "97", "OXYSAT"),
        ("SpO\u2082", "%", "97", "OXYSAT"),  # a subscript two
        ("\uff33\uff30\uff2f\uff12", "%", "97", "OXYSAT"),  # full-width, as a Japanese keyboard writes it
        ("SpO2 (%)", "%", "97", "OXYSAT"),
        ("SaO2", "%", "97", "OXYSAT"),
        ("O2SAT", "%", "97", "OXYSAT"),
        ("Oxygen Saturation", "%", "97", "OXYSAT"),
        ("RR", "breaths/min", "16", "RESP"),
        ("RR", "", "16", "RESP"),
        ("resp_rate", "/min", "16", "RESP"),
        ("Respiratory Rate", "/min", "16", "RESP"),
        ("Temp", "C", "36.8", "TEMP"),
        ("Temperature", "C", "36.8", "TEMP"),
        ("BT", "C", "36.8", "TEMP"),
        ("temp_c", "C", "36.8", "TEMP"),
    ],
)
def test_another_spelling_of_a_vital_is_that_vital(code, unit, value, vital):
    found = read((code, "", unit, value))
    assert found.test.tolist() == [vital]
    assert not found.doubt.any()
    own = code.strip().upper() == vital
    assert found.spelling.tolist() == ["known" if own else f"{code} (1 row), read as {vital}"]


@pytest.mark.parametrize(
    ("code", "label", "unit", "value", "vital"),
    [
        ("TEMPTYMP", "", "C", "36.8", "TEMP"),
        ("TEMPORAL ARTERY", "", "C", "36.8", "TEMP"),
        ("ORALTEMP", "", "F", "98.2", "TEMP"),
        ("Temperature, oral", "", "C", "36.8", "TEMP"),
        ("TMP", "Temperature, oral", "C", "36.8", "TEMP"),
        ("\u4f53\u6e29", "", "C", "36.8", "TEMP"),  # body temperature in Japanese
        ("V07", "\u4f53\u6e29", "C", "36.8", "TEMP"),
        ("V07", "", "C", "36.8", "TEMP"),  # by its unit alone
        ("TEMPTYMP", "", "", "36.8", "TEMP"),  # by its name alone
        ("TEMPTYMP", "", "grad", "36.8", "TEMP"),
        ("75539-7", "Body temperature - Temporal artery", "C", "36.8", "TEMP"),
        ("OXYST", "", "%", "97", "OXYSAT"),
        ("SP02", "", "%", "97", "OXYSAT"),  # a zero for the letter
        ("V09", "Pulse oximetry", "%", "97", "OXYSAT"),
        ("V09", "S\u00e4ttigung", "%", "97", "OXYSAT"),
        ("V09", "", "%", "97", "OXYSAT"),
        ("SPO2 recorded at rest", "", "%", "97", "OXYSAT"),
        ("V10", "Fr\u00e9quence respiratoire", "/min", "16", "RESP"),
        ("V10", "", "breaths/min", "16", "RESP"),
    ],
)
def test_what_may_have_been_a_needed_vital_is_in_doubt(code, label, unit, value, vital):
    found = read((code, label, unit, value), ("TEMP", "Temperature", "C", "36.8"))
    assert found.test.tolist() == [vital, "TEMP"]
    assert found.doubt.tolist() == [True, False]
    assert found.meaning.tolist() == [f"{code} (1 row), may be {vital}", "known"]


@pytest.mark.parametrize(
    ("code", "label", "unit", "value"),
    [
        ("HEIGHT", "Height", "cm", "171"),
        ("WEIGHT", "Weight", "kg", "71"),
        ("BMI", "Body Mass Index", "kg/m2", "24.3"),
        ("SYSBP", "Systolic Blood Pressure", "mmHg", "121"),
        ("SBP", "", "mmHg", "121"),
        ("DIABP", "Diastolic Blood Pressure", "mmHg", "71"),
        ("PULSE", "Pulse Rate", "beats/min", "71"),
        ("PULSE2", "", "bpm", "71"),
        ("RR", "", "mmHg", "121"),  # a blood pressure, after Riva-Rocci
        ("KPS", "Karnofsky", "%", "90"),
        ("BODYFAT", "", "%", "24"),
        ("SVO2", "Venous oxygen saturation", "%", "71"),
        ("PAO2", "Partial pressure of oxygen", "kPa", "12"),
        ("TSAT", "Transferrin saturation", "%", "31"),
        ("SKINTEMP", "Skin temperature", "C", "34"),
        ("TEMPROOM", "Room temperature", "C", "26"),
        ("TEMPLOC", "Location of temperature", "", "EAR"),
        ("PAIN", "", "", "3"),
        ("FEV1", "", "L", "3"),
    ],
)
def test_another_test_is_no_doubt(code, label, unit, value):
    found = read((code, label, unit, value), ("TEMP", "Temperature", "C", "36.8"))
    assert found.test[0] not in NEEDED
    assert not found.doubt.any()
    assert set(found.spelling.dropna()) | set(found.meaning.dropna()) == {"known"}


def at(values):
    return {DOSE + timedelta(hours=hour): value for hour, value in enumerate(values)}


def rows(subject, test, values, **changed):
    return [{**row, **changed} for row in charted(subject, test, at(values))]


def looked(tmp_path, *some, **of_vs):
    """Look at a subject of whom these rows are, and at another who stays well."""
    well = [*rows("S-2", "TEMP", [36.8] * 12), *rows("S-2", "OXYSAT", [97.0] * 12)]
    given = [{"USUBJID": name, "EXSTDTC": f"{DOSE:%Y-%m-%dT%H:%M}"} for name in ("S-1", "S-2")]
    limits = {"max_quarantined": 0.9, "max_unobserved": 1.0}
    told = [{"USUBJID": "S-2", "AETERM": "Headache", "AESTDTC": "2024-06-10"}]
    feeds = frames(given, [*well, *(one for of in some for one in of)], told)
    protocol = small_protocol(RULE, limits=limits)
    protocol["feeds"]["vs"] |= of_vs
    return look_at_study(feeds, protocol, DOSE + timedelta(hours=12), tmp_path)


def said(look, name):
    return [one.message for one in look.validation.checks if one.name == name and one.outcome == "failed"]


def test_a_test_spelt_two_ways_in_one_feed_is_read_and_named_with_its_rows(tmp_path):
    saturation = rows("S-1", "OXYSAT", SATURATION)
    mixed = [{**row, "VSTESTCD": "SPO2"} if place in {6, 7} else row for place, row in enumerate(saturation)]
    look = looked(tmp_path, rows("S-1", "TEMP", FEVER), mixed)
    assert str(look.verdict) == "signal"
    (told,) = said(look, "test_spelt_one_way")
    assert "2 of 48 rows of vitals" in told
    assert "SPO2 (2 rows), read as OXYSAT, beside OXYSAT under other codes in this feed" in told


def test_a_fever_under_a_code_that_is_not_known_is_a_watch_and_named(tmp_path):
    look = looked(
        tmp_path, rows("S-1", "OXYSAT", SATURATION), rows("S-1", "TEMP", FEVER, VSTESTCD="TEMPTYMP")
    )
    assert str(look.verdict) == "watch"
    (told,) = said(look, "test_named")
    assert "TEMPTYMP (12 rows), may be TEMP" in told
    assert look.quarantine["check"].tolist() == ["test_named"] * 12
    assert str(look.rules[0].verdict) == "not_crossed"
    assert str(look.rules[0].worst_case) == "crossed"


def test_beside_a_vital_of_its_own_code_one_in_doubt_takes_nothing_back(tmp_path):
    cool = rows("S-1", "TEMP", [36.8] * 12, VSTESTCD="TEMPTYMP")
    look = looked(tmp_path, rows("S-1", "OXYSAT", SATURATION), rows("S-1", "TEMP", FEVER), cool)
    assert str(look.verdict) == "signal"


@pytest.mark.parametrize(("meaning", "verdict"), [("TEMP", "signal"), (None, "no_signal")])
def test_the_protocol_says_what_a_code_means(tmp_path, meaning, verdict):
    codes = {"means": {"temptymp": meaning}, "rationale": "the monitor's own code"}
    fever = rows("S-1", "TEMP", FEVER, VSTESTCD="TEMPTYMP")
    cool = rows("S-1", "TEMP", [36.8] * 12) if meaning is None else []
    look = looked(tmp_path, rows("S-1", "OXYSAT", SATURATION), fever, cool, test_codes=codes)
    assert str(look.verdict) == verdict
    assert look.quarantine.empty
