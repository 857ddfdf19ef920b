"""What is told twice: times beside what had elapsed, study days, results as collected, and doses beside DM and VS."""

import numpy as np
import pandas as pd
import pytest
from rows_of_witnesses import (
    AGREES,
    CUTOFF,
    PROTOCOL,
    ZONES,
    doses,
    feed,
    prepared,
    reasons,
    span,
    temperature,
)

from checks.validation import administrations, laboratory, vital_signs
from checks.validation.check_results import undelivered_results
from checks.validation.dose_times import dose_times
from checks.validation.testimony import apart
from checks.validation.time_gaps import gaps
from checks.validation.witnesses import elapsed_hours, tells_once


def at(*texts):
    return pd.to_datetime([f"2024-06-{text}Z" for text in texts]).as_unit("s")


@pytest.mark.parametrize(
    ("domain", "rows", "dm", "vs", "once"),
    [
        ("EX", [{"USUBJID": "S1", "EXSTDTC": "2024-06-10T08:00"}], (), (), True),
        ("EX", [{"USUBJID": "S1"}], [{"USUBJID": "S1", "RFXSTDTC": "2024-06-10T08:00"}], (), False),
        ("EX", [{"USUBJID": "S1"}], (), [{"USUBJID": "S1", "VSRFTDTC": "2024-06-10T08:00"}], False),
        ("VS", [{"USUBJID": "S1", "VSDTC": "2024-06-10T08:00"}], (), (), True),
        ("VS", [{"USUBJID": "S1", "VSELTM": ""}], (), (), True),
        ("VS", [{"USUBJID": "S1", "VSELTM": "PT6H"}], (), (), True),  # since what?
        ("VS", [{"USUBJID": "S1", "VSELTM": "PT6H", "VSTPTREF": "DOSE"}], (), (), False),
        ("VS", [{"USUBJID": "S1", "VSTPT": "6H POST-DOSE"}], (), (), False),
        ("VS", [{"USUBJID": "S1", "VSELTM": "PT1M", "VSTPTREF": "PATIENT STANDING"}], (), (), True),
        ("AE", [{"USUBJID": "S1", "AESTDTC": "2024-06-10T08:00", "AESTDY": "1"}], (), (), True),
        ("DM", [{"USUBJID": "S1"}], (), (), False),
    ],
)
def test_a_feed_whose_hours_nothing_tells_again(domain, rows, dm, vs, once):
    assert prepared(tells_once, domain, rows, dm, vs) is once


@pytest.mark.parametrize(
    ("duration", "point", "hours"),
    [
        ("PT4H", "", 4),
        ("-PT30M", "", -0.5),
        ("P1DT2H", "", 26),
        ("P1W", "", 168),
        ("PT0H", "", 0),
        ("PT1.5H", "2H POST-DOSE", 1.5),
        ("", "4H POST-DOSE", 4),
        ("", "Post-dose 90 min", 1.5),
        ("", "2 hours after infusion", 2),
        ("", "1HR PRE-DOSE", -1),
        ("P", "", np.nan),
        ("PT", "", np.nan),
        ("4H", "", np.nan),
        ("PT99999999H", "", np.nan),  # no trial is so long
        ("", "99999999999H POST-DOSE", np.nan),
        ("", "PREDOSE", np.nan),
        ("", "AFTER LYING DOWN FOR 5 MINUTES", np.nan),  # no dose
        ("", "DAY 3", np.nan),
    ],
)
def test_what_had_elapsed_is_told_by_a_duration_or_by_the_time_point_in_words(duration, point, hours) -> None:
    texts = (pd.Series([one or pd.NA], dtype="str") for one in (duration, point))
    assert elapsed_hours(*texts)[0] == pytest.approx(hours, nan_ok=True)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (4, "4 h ahead"),
        (-24, "24 h behind"),
        (1.5, "90 min ahead"),
        (-72.2, "3 days behind"),
        (13.4, "13 h ahead"),
    ],
)
def test_a_size_is_told_in_few_words(hours, words) -> None:
    assert apart(hours) == words


def test_the_nearest_time_is_of_the_same_subject_and_spans_that_can_meet_are_not_apart() -> None:
    points = pd.DataFrame(
        {
            "USUBJID": ["B", "A", "A"],
            "earliest": at("10T08:00", "10T00:00", "12T08:00"),
            "latest": at("10T08:00", "10T23:59", "12T08:00"),
        }
    )
    times = at("10T12:00", "10T12:00", "12T07:00", "10T08:00")
    asked = pd.DataFrame(
        {"USUBJID": ["A", "B", "A", "C"], "earliest": times, "latest": times}, index=list("wxyz")
    )
    found = gaps(asked, points)
    np.testing.assert_array_equal(found["hours"], [0, 4, -1, np.nan])
    assert list(found["place"][["x", "y"]]) == [0, 2] and list(found.index) == list("wxyz")


# --- Rows of VS beside what had elapsed -------------------------------------------------------------------

SINCE = {"VSRFTDTC": "2024-06-10T20:00"}


@pytest.mark.parametrize(
    ("time", "elapsed", "state"),
    [
        ("2024-06-11T02:00", "PT6H", AGREES),
        ("2024-06-11T03:30", "PT6H", AGREES),  # a quarter of 6 h late
        ("2024-06-11T03:31", "PT6H", "VSRFTDTC and VSELTM (91 min ahead)"),
        ("2024-06-10T02:00", "PT6H", "VSRFTDTC and VSELTM (24 h behind)"),  # the date of the visit is kept
        ("2023-06-11T02:00", "PT6H", "VSRFTDTC and VSELTM (366 days behind)"),  # 2024 is a leap year
        ("2024-06-10T22:00", "PT1H", AGREES),  # an hour late
        ("2024-06-11", "PT6H", AGREES),  # a date can be of that hour
        ("2024-06-12", "PT6H", "VSRFTDTC and VSELTM (22 h ahead)"),  # 02:00 to midnight
        ("2024-06-10T12:00", "-PT15M", AGREES),  # before the dose is before the dose
        ("2024-06-10T21:01", "PT0H", "VSRFTDTC and VSELTM (61 min ahead)"),
    ],
)
def test_a_time_is_compared_with_its_reference_and_what_had_elapsed(time, elapsed, state) -> None:
    one = prepared(vital_signs.prepare, "VS", [temperature(time, VSELTM=elapsed, **SINCE)])
    assert reasons(one, "VSDTC_witness") == [state]


def test_a_row_in_doubt_may_be_of_either_time() -> None:
    one = prepared(vital_signs.prepare, "VS", [temperature("2024-06-10T02:00", VSELTM="PT6H", **SINCE)])
    assert span(one) == ("10T00:00", "11T00:00")  # in UTC


def test_rows_of_a_subject_that_are_all_off_by_an_hour_are_a_clock_not_lateness() -> None:
    rows = [temperature(f"2024-06-11T0{hour + 1}:00", VSELTM=f"PT{hour + 4}H", **SINCE) for hour in range(4)]
    one = prepared(vital_signs.prepare, "VS", rows)
    assert reasons(one, "VSDTC_witness") == ["VSRFTDTC and VSELTM (1 h ahead)"] * 4
    three = prepared(vital_signs.prepare, "VS", rows[:3])
    assert reasons(three, "VSDTC_witness") == [AGREES] * 3


def test_elapsed_since_something_that_is_no_dose_is_compared_with_nothing() -> None:
    row = temperature("2024-06-10T02:00", VSELTM="PT1M", VSTPTREF="PATIENT STANDING")
    one = prepared(vital_signs.prepare, "VS", [row])
    assert pd.isna(reasons(one, "VSDTC_witness")).all()


def test_a_reference_without_its_time_is_the_nearest_dose_of_ex() -> None:
    doses = pd.DataFrame(
        {"USUBJID": "S1", "earliest": at("10T18:00", "12T18:00"), "latest": at("10T18:00", "12T18:00")}
    )
    # 20:00 and 02:00 in Paris, in summer, are 18:00 and 00:00 in UTC
    for reference, time, state in (
        ("2024-06-10", "2024-06-11T02:00", AGREES),
        ("2024-06-10T00:00", "2024-06-10T06:00", "VSRFTDTC and VSELTM (20 h behind)"),
        ("", "2024-06-11T02:00", AGREES),
        ("", "2024-06-13T02:00", AGREES),
        ("", "2024-06-10T18:00", "EX and VSELTM (8 h behind)"),
    ):
        row = temperature(time, VSELTM="PT6H", VSTPTREF="DOSE", VSRFTDTC=reference)
        one = prepared(vital_signs.prepare, "VS", [row], given=doses)
        assert reasons(one, "VSDTC_witness") == [state]


def schedule(*hours, subject="S1", late=0, **told):
    """Return temperatures of so many hours after a dose at 08:00, or charted late; the hours are told as well."""
    return [
        temperature(
            f"2024-06-10T{8 + hour + late:02}:00", **{name: by.format(hour) for name, by in told.items()}
        )
        | {"USUBJID": subject}
        for hour in hours
    ]


def given_at_eight(*subjects):
    return pd.DataFrame({"USUBJID": subjects, "earliest": at("10T06:00")[0], "latest": at("10T06:00")[0]})


@pytest.mark.parametrize("told", [{"VSELTM": "PT{}H"}, {"VSTPT": "Hour {}"}])
def test_hours_since_nobody_says_what_are_since_the_dose_where_most_subjects_fit_it(told) -> None:
    rows = schedule(1, 4, 6, 7, **told) + schedule(1, 4, 6, 7, subject="S2", late=4, **told)
    found = prepared(vital_signs.prepare, "VS", rows, given=given_at_eight("S1", "S2"))
    assert reasons(found, "VSDTC_witness") == [AGREES] * 4 + [f"EX and {next(iter(told))} (4 h ahead)"] * 4


@pytest.mark.parametrize(
    "rows",
    [
        schedule(1, 4, 6, late=3, VSELTM="PT{}H"),  # since a meal at eleven
        schedule(0, 1, VSELTM="PT5M"),  # since lying down
    ],
)
def test_hours_that_fit_no_dose_or_any_are_compared_with_none(rows) -> None:
    found = prepared(vital_signs.prepare, "VS", rows, given=given_at_eight("S1"))
    assert pd.isna(reasons(found, "VSDTC_witness")).all()


# --- When a row became known ------------------------------------------------------------------------------


def known(*entered):
    rows = [temperature(f"2024-06-10T{10 + place:02}:00", ENTERED=one) for place, one in enumerate(entered)]
    return reasons(prepared(vital_signs.prepare, "VS", rows, known_at="entered"), "VSDTC_witness")


def test_nearly_all_rows_known_before_they_were_are_of_another_clock() -> None:
    # 10:00 to 13:00 in Paris are 08:00 to 11:00 in UTC
    assert (
        known(*(f"2024-06-10T{hour:02}:10Z" for hour in (6, 7, 8, 9)))
        == ["entered (110 min ahead at site FR01)"] * 4
    )


def test_a_row_known_before_it_was_among_others_was_charted_ahead() -> None:
    # 10:00 to 13:00 in Paris are 08:00 to 11:00 in UTC; so few rows ahead have nothing told of them
    assert known(*(f"2024-06-10T{hour:02}:10Z" for hour in (6, 9, 10, 11))) == [None] * 4


def test_rows_known_before_they_were_among_as_many_others_were_charted_ahead() -> None:
    # four of eight: known at 06:10 to 09:10 UTC, of 08:00 to 11:00; then known after they were, from 12:00 on
    entered = (*(f"2024-06-10T{hour:02}:10Z" for hour in (6, 7, 8, 9)), *("2024-06-10T16:00Z",) * 4)
    assert known(*entered) == [AGREES] * 8


# --- Study days ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "day", "state"),
    [
        ("2024-06-10T08:00", "1", AGREES),
        ("2024-06-09T08:00", "-1", AGREES),  # there is no day 0
        ("2024-06-11T08:00", "2", AGREES),
        ("2024-06-12", "2", "VSDY (24 h ahead)"),
        ("2024-06-07T08:00", "1", "VSDY (3 days behind)"),
        ("2024-06-07T08:00", "1e300", None),
        ("2024-06-07T08:00:00Z", "1", None),  # which local day that is, the stamp does not tell
    ],
)
def test_a_date_is_compared_with_its_study_day(date, day, state) -> None:
    rows = [temperature(date, VSDY=day), *(temperature("2024-06-10T08:00", VSDY="1", VSTESTCD="OXYSAT"),) * 3]
    one = prepared(vital_signs.prepare, "VS", rows, dm=[{"USUBJID": "S1", "RFSTDTC": "2024-06-10T07:00"}])
    found = reasons(one, "VSDTC_witness")[0]
    assert pd.isna(found) if state is None else found == state


def test_study_days_counted_from_zero_are_a_convention() -> None:
    rows = [temperature(f"2024-06-{10 + day}T08:00", VSDY=str(day)) for day in range(1, 6)]
    one = prepared(vital_signs.prepare, "VS", rows, dm=[{"USUBJID": "S1", "RFSTDTC": "2024-06-10"}])
    assert reasons(one, "VSDTC_witness") == [AGREES] * 5


# --- Values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collected", "unit", "standard", "alternative"),
    [
        ("38.9", "C", "36.9", 38.9),
        ("98.6", "F", "37", None),  # 98.6 F is 37.0 C
        ("101.3", "F", "38.5", None),  # 38.5 C is 101.3 F
        ("101", "F", "38.3", None),  # 38.33 C, cut off
        ("102", "F", "37.0", 38.888889),  # (102 - 32) / 1.8
        ("39.9", "C", "39.4", None),  # fever both: the case definition cannot tell them apart
        ("389", "C", "38.9", None),  # no living subject's
        ("38.3", "C", "38.29999923706055", None),
        ("warm", "C", "36.9", None),
    ],
)
def test_a_result_is_compared_with_what_was_collected(collected, unit, standard, alternative) -> None:
    row = temperature("2024-06-10T08:00", collected, VSSTRESN=standard, VSSTRESU="C") | {"VSORRESU": unit}
    one = prepared(vital_signs.prepare, "VS", [row])
    assert reasons(one, "VSDTC_witness") == [AGREES if alternative is None else "VSORRES (another value)"]
    np.testing.assert_allclose(one.typed["alternative"], [np.nan if alternative is None else alternative])


@pytest.mark.parametrize(
    ("collected", "standard", "unit", "value"),
    [
        ("45", "45", "U/L", 45),
        ("45.4", "45", "U/L", 45),  # rounded
        ("450", "45", "U/L", 450),
        ("45", "450", "u/l", 450),
        ("45", "0.75", "ukat/L", 0.75),  # converted: 45 U/L is 0.75 microkatal
    ],
)
def test_a_laboratory_result_in_one_unit_is_at_worst_the_higher(collected, standard, unit, value) -> None:
    row = {"USUBJID": "S1", "LBTESTCD": "LYM", "LBORRES": collected, "LBORRESU": "U/L", "LBSTRESN": standard}
    row |= {"LBSTRESU": unit, "LBSTNRHI": "40", "LBDTC": "2024-06-10"}
    one = prepared(laboratory.prepare, "LB", [row])
    assert one.typed["value"][0] == value
    found = reasons(one, "LBDTC_witness")[0]
    assert (found == "LBORRES (another value)") is (value == 450)


@pytest.mark.parametrize(
    ("text", "alternative"),
    [("38.9", 38.9), ("36.90", None), ("37", None), ("98.4", None), ("<38.3", None), ("", None)],
)  # 98.4 is no temperature in C, and what is no number tells none
def test_a_result_in_characters_is_compared_with_the_number(text, alternative) -> None:
    row = temperature("2024-06-10T08:00", "36.9", VSSTRESC=text, VSSTRESN="36.9", VSSTRESU="C")
    one = prepared(vital_signs.prepare, "VS", [row])
    assert reasons(one, "VSDTC_witness") == [AGREES if alternative is None else "VSSTRESC (another value)"]
    np.testing.assert_allclose(one.typed["alternative"], [np.nan if alternative is None else alternative])


@pytest.mark.parametrize(("text", "value"), [("45", 45), ("450", 450), ("4.5", 45), ("<0.1", 45)])
def test_a_laboratory_result_in_characters_is_compared_with_the_number(text, value) -> None:
    row = {"USUBJID": "S1", "LBTESTCD": "LYM", "LBSTRESN": "45", "LBSTRESC": text, "LBSTRESU": "U/L"}
    one = prepared(laboratory.prepare, "LB", [row | {"LBSTNRHI": "40", "LBDTC": "2024-06-10"}])
    assert one.typed["value"][0] == value
    agrees = text in ("45", "<0.1")
    assert reasons(one, "LBDTC_witness") == [AGREES if agrees else "LBSTRESC (another value)"]


# --- Doses -----------------------------------------------------------------------------------------------


def told(prepared):
    return prepared.added[["USUBJID", "EXSEQ", "earliest", "latest"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("starts", "first", "states"),
    [
        (["2024-06-10T08:00"], "2024-06-10T08:30", [AGREES]),
        (["2024-06-10T08:00"], "2024-06-10T08:31", ["RFXSTDTC (31 min behind)"]),
        (["2024-06-10T08:00"], "2024-06-10", [AGREES]),
        (["2024-06-10T08:00"], "2024-06-10T00:00", [AGREES]),  # a date whose time was filled in
        (["2024-06-10T12:00", "2024-06-17T12:00"], "2024-06-10T08:00", ["RFXSTDTC (4 h ahead)", AGREES]),
        (
            ["2023-06-10T08:00", "2024-06-17T08:00"],
            "2024-06-10T08:00",
            ["RFXSTDTC (366 days behind)", AGREES],
        ),
    ],
)
def test_a_dose_is_compared_with_the_first_exposure(starts, first, states) -> None:
    dm = [{"USUBJID": "S1", "RFXSTDTC": first}]
    found = reasons(prepared(administrations.prepare, "EX", doses(*starts), dm=dm), "EXSTDTC_witness")
    assert [AGREES if pd.isna(one) else one for one in found] == states


def test_a_dose_in_doubt_may_be_of_either_time() -> None:
    dm = [{"USUBJID": "S1", "RFXSTDTC": "2024-06-10T08:00"}]
    one = prepared(administrations.prepare, "EX", doses("2024-06-10T12:00"), dm=dm)
    assert span(one) == ("10T06:00", "10T10:00") and not len(one.added)  # in UTC


def test_doses_of_a_site_that_are_off_alike_are_named_with_the_size_whoever_has_witnesses() -> None:
    rows = [row for subject in ZONES for row in doses("2024-06-10T06:00", subject=subject)]
    dm = [{"USUBJID": one, "RFXSTDTC": "2024-06-10T08:00"} for one in ("S1", "S2")]
    one = prepared(administrations.prepare, "EX", rows, dm=dm)
    # 08:00 in Paris, in summer, is 06:00 in UTC
    assert (
        reasons(one, "EXSTDTC_witness")
        == ["RFXSTDTC (2 h behind at site FR01, on every subject: told in UTC?)"] * 3
    )
    assert span(one, 2) == ("10T04:00", "10T06:00")


def test_an_end_at_the_time_told_excuses_no_site_whose_starts_are_all_off_alike() -> None:
    rows = [row for subject in ZONES for row in doses("2024-06-10T05:00", subject=subject)]
    rows[0]["EXENDTC"], rows[1]["EXENDTC"] = "2024-06-10T08:00", "2024-06-10T08:30"
    vs = [{"USUBJID": one, "VSRFTDTC": "2024-06-10T08:00"} for one in ZONES]
    state = "VSRFTDTC (3 h behind at site FR01, on every subject)"
    assert reasons(prepared(administrations.prepare, "EX", rows, vs=vs), "EXSTDTC_witness") == [state] * 3
    for row in rows:
        row["EXENDTC"] = "2024-06-10T08:00"  # counted from the ends
    assert reasons(prepared(administrations.prepare, "EX", rows, vs=vs), "EXSTDTC_witness") == [AGREES] * 3


def test_time_points_are_counted_from_the_start_or_the_end_of_a_dose_or_from_no_dose() -> None:
    row = doses("2024-06-10T08:00")[0] | {"EXENDTC": "2024-06-10T12:00"}
    for reference, point, state in (
        ("2024-06-10T08:00", "DOSE", AGREES),
        ("2024-06-10T12:00", "END OF INFUSION", AGREES),
        ("2024-06-10T10:00", "DOSE", "VSRFTDTC (2 h behind)"),
        ("2024-06-10T10:00", "BREAKFAST", AGREES),
    ):
        vs = [{"USUBJID": "S1", "VSRFTDTC": reference, "VSTPTREF": point}]
        found = reasons(prepared(administrations.prepare, "EX", [row], vs=vs), "EXSTDTC_witness")
        assert [AGREES if pd.isna(one) else one for one in found] == [state]


def test_a_first_dose_that_is_not_delivered_is_given_in_the_worst_case() -> None:
    dm = [{"USUBJID": "S1", "RFXSTDTC": "2024-06-03T08:00"}]
    one = prepared(administrations.prepare, "EX", doses("2024-06-10T08:00"), dm=dm)
    instant = pd.Timestamp("2024-06-03T06:00Z")
    assert told(one) == [["S1", "RFXSTDTC", instant, instant]] and not one.added["trusted"].any()
    (said,) = undelivered_results(one.added, told=3)
    assert (said.numerator, said.denominator) == (1, 3) and "1 subjects (RFXSTDTC: 1)" in said.message


@pytest.mark.parametrize(
    ("last", "added"),
    [
        ("2024-06-10T08:30", []),
        ("2024-06-10T20:00", []),  # the end is not told: it lasts at most 12 h
        ("2024-06-03T08:30", []),  # DM is not brought up to date yet
        (
            "2024-06-17T08:00",
            [["S1", "RFXENDTC", pd.Timestamp("2024-06-16T18:00Z"), pd.Timestamp("2024-06-17T06:00Z")]],
        ),
        ("2024-06-30T08:00", []),  # after the cut-off
    ],
)
def test_a_last_dose_that_is_not_delivered_began_at_most_an_administration_before(last, added) -> None:
    dm = [{"USUBJID": "S1", "RFXENDTC": last}]
    assert told(prepared(administrations.prepare, "EX", doses("2024-06-10T08:00"), dm=dm)) == added


def test_a_dose_not_given_is_no_dose_that_was_not_delivered() -> None:
    rows = doses("2024-06-03T08:00", "2024-06-10T08:00")
    rows[0]["EXOCCUR"], rows[1]["EXOCCUR"] = "N", "Y"
    dm = [{"USUBJID": "S1", "RFXSTDTC": "2024-06-03T08:00"}]
    assert not len(prepared(administrations.prepare, "EX", rows, dm=dm).added)


@pytest.mark.parametrize(
    ("stamp", "told"),
    [("1900-01-01T00:00", 0), ("1970-01-01", 0), ("1960-01-01T08:00", 0), ("1965-06-10T08:00", 1)],
)
def test_a_placeholder_tells_of_no_dose_and_a_date_that_was_shifted_does(stamp, told):
    subjects = feed("DM", [{"USUBJID": "S1", "SITEID": "FR01", "RFXSTDTC": stamp}])
    found = dose_times({"dm": subjects}, ZONES, PROTOCOL.treatment.names, CUTOFF)
    assert len(found.told) == told


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        # every third day; the fourth of them, of 12 June, is told of May: 31 days behind
        (
            ("06-03", "06-06", "06-09", "05-12"),
            "the rhythm of the other doses (31 days behind: a month mistyped?)",
        ),
        (
            ("06-03", "06-06", "07-09", "06-12"),
            "the rhythm of the other doses (30 days ahead: a month mistyped?)",
        ),
        (("06-03", "06-06", "06-09", "06-12"), AGREES),
        (("06-03", "06-06", "06-09", "05-13"), AGREES),  # no month from its place: a dose before a pause
        (("06-03", "06-07", "06-09", "05-12"), AGREES),  # no rhythm that it could break
        (("06-03", "06-06", "05-09"), AGREES),  # two doses are none
    ],
)
def test_a_dose_that_is_a_month_from_its_place_in_a_rhythm_may_be_of_either(days, reason) -> None:
    rows = doses(*(f"2024-{day}T08:00" for day in days))
    one = prepared(administrations.prepare, "EX", rows, cutoff=pd.Timestamp("2024-08-01T12:00Z"))
    wrong = [
        place for place, state in enumerate(reasons(one, "EXSTDTC_witness")) if state not in (None, AGREES)
    ]
    assert wrong == ([] if reason == AGREES else [2 if days[2].startswith("07") else 3])
    for place in wrong:
        assert reasons(one, "EXSTDTC_witness")[place] == reason
        assert one.typed.loc[place, "earliest"] < one.typed.loc[place, "latest"]


def test_what_several_subjects_have_is_how_the_study_doses() -> None:
    starts = [f"2024-{day}T08:00" for day in ("05-12", "06-03", "06-06", "06-09")]
    rows = [row for subject in ("S1", "S2") for row in doses(*starts, subject=subject)]
    one = prepared(administrations.prepare, "EX", rows)
    assert set(reasons(one, "EXSTDTC_witness")) == {None}
