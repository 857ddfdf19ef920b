"""Every row that no stage uses is counted under its reason and its test code."""

from datetime import UTC, datetime

from tests.small_studies import frames, look_at_study, small_protocol

AT = "2024-06-10T08:00"


def vital(code, value="1", **changed):
    return {"USUBJID": "S-1", "VSTESTCD": code, "VSORRES": value, "VSORRESU": "C", "VSDTC": AT, **changed}


def test_rows_that_nothing_uses_are_counted_by_reason_and_code(tmp_path):
    ex = [
        {"USUBJID": "S-1", "EXSTDTC": AT},
        {"USUBJID": "S-1", "EXSTDTC": AT, "EXTRT": "PARACETAMOL"},
        {"USUBJID": "S-1", "EXSTDTC": AT, "EXSTAT": "NOT DONE"},
    ]
    vs = [
        vital("TEMP", "36.8"),
        vital("TEMP", "", VSSTAT="NOT DONE"),
        vital("PULSE", "71", VSORRESU="beats/min"),
        vital("SBP", "121", VSORRESU="mmHg"),
        *(vital("HEIGHT", "171", VSORRESU="cm") for _ in range(3)),
        vital("PULSEPR", "41", VSORRESU="mmHg"),
    ]
    ae = [
        {"USUBJID": "S-1", "AETERM": "Headache", "AESTDTC": AT},
        {"USUBJID": "S-1", "AETERM": "Pyrexia", "AESTDTC": AT},
    ]
    look = look_at_study(frames(ex, vs, ae), small_protocol(), datetime(2024, 6, 12, tzinfo=UTC), tmp_path)
    found = {
        (feed["domain"], one["reason"], one["code"], one["nearest"]): one["rows"]
        for feed in look.document()["feeds"]
        for one in feed["unused"]
    }
    assert found == {
        ("EX", "another treatment than those that the protocol lists", None, None): 1,
        ("EX", "not given, or planned", None, None): 1,
        ("VS", "not done", "TEMP", None): 1,
        ("VS", "a test that no criterion names", "PULSE", None): 1,
        ("VS", "a test that no criterion names", "SBP", None): 1,
        ("VS", "a test code that is not known", "HEIGHT", None): 3,
        ("VS", "a test code that is not known", "PULSEPR", "PULSE"): 1,
        ("AE", "a term that no criterion names", None, None): 1,
    }
