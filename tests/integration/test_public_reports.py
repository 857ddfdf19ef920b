"""False facts that others have reported in public, each made again in a study of four, and what its look must answer.

Each report names where it was told; the inputs are our own. Of the four subjects the first is truly ill at hours 6
and 7 after its dose, and the fault sits on one more. Two cases are a signal, so a case lost in silence answers
``no_signal`` and one invented ``signal``; a doubt that is kept answers ``watch``.
"""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from four_subjects import (
    ABROAD,
    FIRST,
    SECOND,
    SUBJECTS,
    FourSubjects,
    administration,
    clock,
    in_utc,
    observation,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was reported where, and which answers to it are right.

    ``named`` is a pattern that must stand in the terminal, on the page or in the quarantine, in the terminal where
    the data allow no answer; ``doses`` is how many administrations there were.
    """

    source: str
    right: str
    make: Callable[[FourSubjects], None]
    named: str = ""
    doses: int | None = None


REPORTS: Final[dict[str, Report]] = {}


def report(
    source: str, right: str, named: str = "", *, doses: int | None = None
) -> Callable[[Callable[[FourSubjects], None]], None]:
    """Put a report on the list, under the name of what makes its input."""

    def listed(make: Callable[[FourSubjects], None]) -> None:
        REPORTS[make.__name__] = Report(source, right, make, named, doses)

    return listed


# Precision of a clock


@report("AmsterdamUMC/AmsterdamUMCdb#106: charts are validated on the hour, and rightly so", "signal")
def nothing_is_wrong_with_an_hourly_chart(study: FourSubjects) -> None:
    study.make_ill(SECOND)


@report("episphere/connect#1574: an unknown time is kept as noon", "watch", "12:00")
def events_without_a_time_stand_at_noon(study: FourSubjects) -> None:
    study.make_ill(SECOND, "TEMP")
    _events(study, {SECOND: "2024-06-10"}, "T12:00:00")


@report("episphere/connect#1574: midnights of New York are kept as 04:00 in UTC", "watch", "04:00")
def midnights_of_new_york_are_told_in_utc(study: FourSubjects) -> None:
    study.make_ill(ABROAD, "TEMP")
    _events(study, {ABROAD: "2024-06-10"}, "T04:00:00Z")


def _events(study: FourSubjects, dyspnoea: dict[str, str], stood: str) -> None:
    """Tell six events of every day, and a dyspnoea, each with its date alone behind the same clock."""
    told = [(ABROAD, "NAUSEA", f"2024-06-{day:02}") for day in range(4, 10)]
    told += [(subject, "DYSPNOEA", day) for subject, day in dyspnoea.items()]
    study.ae = [
        {"USUBJID": subject, "AETERM": term, "AEDECOD": term, "AESTDTC": day + stood}
        for subject, term, day in told
    ]


@report(
    "National-Clinical-Cohort-Collaborative/Data-Ingestion-and-Harmonization#56: a site strips clocks",
    "watch|not_assessable",
    "US01",
)
def one_site_strips_every_clock(study: FourSubjects) -> None:
    study.make_ill(ABROAD)
    for row in study.rows(ABROAD):
        row["VSDTC"] = "2024-06-10T00:00"


@report(
    "dhis2/dhis2-core#14628: dates are exported behind T00:00:00.000",
    "watch|not_assessable",
    "(?i)midnight|00:00",
)
def every_measurement_stands_at_midnight(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.vs:
        row["VSDTC"] = row["VSDTC"][:10] + "T00:00:00.000"


@report("IrinaStatsLab/Awesome-CGM#13: a clock at midnight is left out as it is printed", "signal|watch")
def midnight_is_printed_as_a_date(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    _later(study, SECOND, by=10)
    for row in study.rows(SECOND, hours=(16,)):
        row["VSDTC"] = "2024-06-11"


def _later(study: FourSubjects, subject: str, *, by: int) -> None:
    """Move a subject's dose and chart to so many hours later."""
    study.dose(subject).update(EXSTDTC=clock(by), EXENDTC=clock(by + 0.5))
    moved = [(study.rows(subject, hours=(hour,)), clock(hour + by)) for hour in range(-4, 12)]
    for rows, stamp in moved:
        for row in rows:
            row["VSDTC"] = stamp


# Placeholders


@report("i2b2-omop/i2o-transform#4: every date is 1900-01-01 beside a right clock", "watch", "1900")
def dates_of_1900_beside_a_right_clock(study: FourSubjects) -> None:
    for row in study.make_ill(SECOND):
        row["VSDTC"] = "1900-01-01" + row["VSDTC"][10:]


@report("gt-health/GT-FHIR#34: years are counted from 1900", "watch", "0124")
def years_counted_from_1900(study: FourSubjects) -> None:
    for row in study.make_ill(SECOND):
        row["VSDTC"] = "0124" + row["VSDTC"][4:]


@report(
    "MIT-LCP/eicu-code#49: an end that is unknown becomes the hour of admission", "signal|watch", "EXENDTC"
)
def an_unknown_end_becomes_the_admission(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.dose(SECOND)["EXENDTC"] = "2024-06-08T10:00"


@report("OHDSI/DataQualityDashboard#516: times lie before the subject's birth", "watch", "1924")
def times_before_the_birth(study: FourSubjects) -> None:
    for row in study.dm:
        row["BRTHDTC"] = "1951-03-04"
    for row in study.make_ill(SECOND):
        row["VSDTC"] = "1924" + row["VSDTC"][4:]


@report("AI4HealthUOL/ECG-MIMIC#7: a device's clock was never set", "watch", "2019")
def the_clock_of_a_device_is_years_behind(study: FourSubjects) -> None:
    for row in study.make_ill(SECOND):
        row["VSDTC"] = "2019-01-01" + row["VSDTC"][10:]


# Doses and their segments


@report(
    "Common-Longitudinal-ICU-data-Format/CLIF#53: the end of an infusion is a row with amount 0",
    "signal",
    doses=4,
)
def an_infusion_ends_by_a_row_of_amount_zero(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    _rows_of_ex(study, (0, "10"), (1.5, "0"))


@report("MIT-LCP/eicu-code#230: an infusion is a row an hour with one time each", "signal", doses=4)
def an_infusion_is_a_row_an_hour(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    _rows_of_ex(study, *((hour, "2.5") for hour in range(4)))


def _rows_of_ex(study: FourSubjects, *begun: tuple[float, str]) -> None:
    """Give every subject rows of one infusion, none with an end: hour and amount."""
    study.ex = [
        {**study.dose(subject), "EXSTDTC": clock(hour), "EXDOSE": amount, "EXENDTC": ""}
        for subject in SUBJECTS
        for hour, amount in begun
    ]


@report("Xt-EHR/xt-ehr-common#414: one administration for each rate of an infusion", "signal", doses=4)
def an_infusion_is_a_resource_a_rate(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    rates = [(hour / 4, hour / 4 + 0.25) for hour in range(6)]
    given = [
        {**study.dose(subject), "EXSTDTC": clock(start), "EXENDTC": clock(end)}
        for subject in SUBJECTS
        for start, end in rates
    ]
    study.as_fhir("ex", [administration(row, id=f"rate-{place}") for place, row in enumerate(given)])


@report(
    "MIT-LCP/mimic-omop#22: an amount carries the time of its end alone", "watch|not_assessable", "EXSTDTC"
)
def only_the_end_of_a_dose_is_known(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.dose(SECOND)["EXSTDTC"] = ""


@report(
    "YosemiteCrew/Yosemite-Crew#3148: a record of administrations holds scheduled doses", "no_signal", doses=4
)
def scheduled_doses_stand_in_the_record(study: FourSubjects) -> None:
    _second_dose(study, EXMOOD="SCHEDULED")


@report(
    "masslight/ottehr#633: a dose that was not given is `administered-not`",
    "no_signal|watch|not_assessable",
    "EXSTAT",
)
def a_dose_is_administered_not(study: FourSubjects) -> None:
    _second_dose(study, EXSTAT="administered-not")


@report("drajer-health/eCRNow#688: `not-done` is taken for completed", "no_signal", doses=4)
def a_dose_that_was_not_done_is_a_resource(study: FourSubjects) -> None:
    _second_dose_as_fhir(study, status="not-done")


@report("cerner/fhir.cerner.com#169: `stopped` beside `wasNotGiven`", "no_signal|watch")
def a_stopped_dose_was_not_given(study: FourSubjects) -> None:
    _second_dose_as_fhir(study, status="stopped", wasNotGiven=True)


def _second_dose(study: FourSubjects, **said: str) -> None:
    """Give every subject one more row of EX at hour 4, six hours before the second subject is ill."""
    study.make_ill(SECOND, hour=10)
    later = {"EXSTDTC": clock(4), "EXENDTC": clock(4.5)}
    study.ex += [{**study.dose(subject), **later, **said} for subject in SUBJECTS]


def _second_dose_as_fhir(study: FourSubjects, **said: object) -> None:
    _second_dose(study)
    study.as_fhir(
        "ex", [administration(row, **(said if "T12" in row["EXSTDTC"] else {})) for row in study.ex]
    )


@report("LinuxForHealth/CsvToFHIR#20: the status becomes `unknown`", "watch|not_assessable", "UNKNOWN")
def the_status_of_a_dose_is_unknown(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.as_fhir(
        "ex",
        [
            administration(row, status="unknown" if row["USUBJID"] == SECOND else "completed")
            for row in study.ex
        ],
    )


# A row that says "not"


@report(
    "nightingaleproject/vrdr-dotnet#365: a value stands beside the reason for its absence",
    "watch",
    "not performed|not-performed|NOT DONE|absent",
)
def a_value_beside_the_reason_for_its_absence(study: FourSubjects) -> None:
    absent = {"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}
    doubted = study.make_ill(SECOND)
    study.as_fhir("vs", [observation(row, **(absent if row in doubted else {})) for row in study.vs])


@report("drajer-health/eCRNow#678: an entry made in error is still told", "no_signal")
def an_event_was_entered_in_error(study: FourSubjects) -> None:
    study.make_ill(SECOND, "TEMP")
    event = {
        "resourceType": "AdverseEvent",
        "event": {"text": "Dyspnoea"},
        "actuality": "actual",
        "date": "2024-06-10T14:00:00+02:00",
    }
    subject = {"subject": {"reference": f"Patient/{SECOND}"}}
    potential = {**event, **subject, "id": "potential", "actuality": "potential"}
    wrong = {**event, **subject, "id": "wrong", "status": "entered-in-error"}
    another = {**event, **subject, "id": "another", "event": {"text": "Headache"}}
    study.as_fhir("ae", [wrong, potential, another])


@report("CDCgov/prime-simplereport#3416: a result is posted as wrong", "watch", "VSSTAT")
def a_result_is_posted_as_wrong(study: FourSubjects) -> None:
    for row in study.make_ill(SECOND):
        row["VSSTAT"] = "W"


@report("OpenClinica/OpenClinica#17: what was removed and restored does not come back", "signal")
def removed_rows_are_restored(study: FourSubjects) -> None:
    restored = study.make_ill(SECOND)
    for place, row in enumerate(study.vs, start=1):
        row.update(VSSEQ=str(place), DELETED="")
    study.protocol["feeds"]["vs"] = {"path": "vs", "mode": "incremental", "max_age_hours": 100_000}
    deliveries = [study.vs, [{**row, "DELETED": "Y"} for row in restored], restored]
    for number, rows in enumerate(deliveries, start=1):
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        study.files[f"vs/delivery{number}.csv"] = "\n".join(lines).encode()


# Witnesses


@report(
    "department-of-veterans-affairs/va.gov-team#131813: vital signs of some sites are in UTC",
    "watch|not_assessable",
    "VSRFTDTC",
)
def one_site_charts_in_utc(study: FourSubjects) -> None:
    study.make_ill(ABROAD)
    for row in study.vs:
        row["VSRFTDTC"] = in_utc(ABROAD, 0) if row["USUBJID"] == ABROAD else clock(0)
    for hour in reversed(range(-4, 12)):
        for row in study.rows(ABROAD, hours=(hour,)):
            row["VSDTC"] = in_utc(ABROAD, hour)


@report(
    "Medical-Software-Foundation/canvas#241: a clock is joined to the date of the session",
    "watch|not_assessable",
    "VSELTM",
)
def the_date_of_the_visit_is_kept_past_midnight(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.tell_hours()
    for row in study.vs:
        row["VSRFTDTC"] = clock(12 if row["USUBJID"] == SECOND else 0)
    _later(study, SECOND, by=12)
    for row in study.rows(SECOND, hours=range(16, 24)):
        row["VSDTC"] = "2024-06-10" + row["VSDTC"][10:]


@report(
    "obiba/opal#3449: an export moves every time by an hour",
    "signal|watch|not_assessable",
    "RFXSTDTC|VSRFTDTC",
)
def doses_are_an_hour_early(study: FourSubjects) -> None:
    for subject in (FIRST, SECOND):
        for row in study.rows(subject, hours=(6, 7)):
            row["VSORRES"] = {"TEMP": "36.8", "OXYSAT": "97"}[row["VSTESTCD"]]
        study.make_ill(subject, hour=8)
    for row in study.dm:
        row["RFXSTDTC"] = clock(0)
    for row in study.vs:
        row["VSRFTDTC"] = clock(0)
    for row in study.ex:
        row.update(EXSTDTC=clock(-1), EXENDTC=clock(-0.5))


@report(
    "nightscout/nocturne#969: a device stamps its own clock, here of the next year, on when it told a value",
    "no_signal",
    "not counted yet",
)
def what_is_known_is_stamped_a_year_ahead(study: FourSubjects) -> None:
    study.protocol["feeds"]["vs"]["known_at"] = "entered_at"
    ahead = study.make_ill(SECOND)
    for row in study.vs:
        row["entered_at"] = f"{'2025' if row in ahead else '2024'}-06-11T00:00Z"


@report(
    "Medical-Software-Foundation/canvas#241: a clock is joined to the date of the session, beside hours alone",
    "watch|not_assessable",
    "EX and VSELTM",
)
def hours_since_the_dose_name_no_reference(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.tell_hours()
    for hour in reversed(range(-4, 12)):
        for row in study.rows(SECOND, hours=(hour,)):
            row["VSDTC"] = clock(hour + 4)


@report(
    "eth-mds/ricu#20: times of a second stay are counted from the first",
    "watch|not_assessable",
    "VSDY",
)
def a_chart_lies_days_before_its_dose(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.dm:
        row["RFSTDTC"] = clock(0)
    for row in study.vs:
        row["VSDY"] = "1"
    for row in study.rows(SECOND):
        row["VSDTC"] = "2024-06-07" + row["VSDTC"][10:]


@report(
    "nightscout/nocturne#969: a device stamps its own clock with Z",
    "signal|watch|not_assessable",
    "entered_at",
)
def a_clock_of_the_place_is_stamped_as_utc(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.protocol["feeds"]["vs"]["known_at"] = "entered_at"
    for row in study.vs:
        hour = int(row["VSDTC"][11:13]) - 8
        row["entered_at"] = in_utc(row["USUBJID"], hour + 0.1) + ":00Z"
        row["VSDTC"] += ":00Z"


@report(
    "duckdb/duckdb#3816: a clock without a zone is written to Parquet as UTC",
    "signal|watch|not_assessable",
    "VSELTM",
)
def a_clock_of_the_place_is_utc_in_parquet(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    study.tell_hours()
    table = pd.DataFrame(study.vs)
    table["VSSEQ"] = [str(place) for place in range(len(table))]
    table["VSRFTDTC"] = clock(0)
    table["VSDTC"] = pd.to_datetime(table["VSDTC"], utc=True)
    written = io.BytesIO()
    table.to_parquet(written)
    study.files["vs.parquet"] = written.getvalue()
    study.protocol["feeds"]["vs"]["path"] = "vs.parquet"


# Units and values


@report("MIT-LCP/eicu-code#144: values in Fahrenheit are called Celsius", "signal|watch", "102")
def fahrenheit_is_called_celsius(study: FourSubjects) -> None:
    _retold(study, "TEMP", {"38.9": "102.0", "38.7": "101.7"}, "C")


@report("MIT-LCP/eicu-code#144: values in Celsius are called Fahrenheit", "signal|watch", "38.9")
def celsius_is_called_fahrenheit(study: FourSubjects) -> None:
    _retold(study, "TEMP", {}, "F")


@report("AmsterdamUMC/AmsterdamUMCdb#6: a temperature is converted twice", "signal|watch", "3.8")
def a_temperature_is_converted_twice(study: FourSubjects) -> None:
    _retold(study, "TEMP", {"38.9": "3.8", "38.7": "3.7"}, "C")


@report("carekit-apple/CareKit#152: a percentage is a fraction of one", "signal|watch", "0.86")
def a_percentage_is_a_fraction_of_one(study: FourSubjects) -> None:
    _retold(study, "OXYSAT", {"86": "0.86", "87": "0.87"}, "%")


@report("ohcnetwork/care_fe#1563: a temperature has no unit", "signal|watch", "unit|VSORRESU")
def a_temperature_has_no_unit(study: FourSubjects) -> None:
    _retold(study, "TEMP", {"38.9": "102.0", "38.7": "101.7"}, "")


@report("danielmiessler/LifeOS#2182: a decimal comma is taken out", "signal|watch", "389")
def a_decimal_comma_is_taken_out(study: FourSubjects) -> None:
    _retold(study, "TEMP", {"38.9": "389", "38.7": "387"}, "C")


def _retold(study: FourSubjects, test: str, values: dict[str, str], unit: str) -> None:
    """Make the second subject ill, and tell its abnormal measurements of a test in other values and another unit."""
    for row in study.make_ill(SECOND):
        if row["VSTESTCD"] == test:
            row.update(VSORRES=values.get(row["VSORRES"], row["VSORRES"]), VSORRESU=unit)


@report(
    "WorldHealthOrganization/smart-ccc#153: Celsius is spelt Celcius",
    "signal|not_assessable",
    "Celcius|SIGNAL:",
)
def celsius_is_misspelt(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.vs:
        row["VSORRESU"] = {"TEMP": "degrees Celcius", "OXYSAT": "%"}[row["VSTESTCD"]]


# Rows that nobody uses, and halves


@report("MIT-LCP/eicu-code#196: the oximeter's saturation is called SaO2", "signal|watch", "SAO2")
def a_saturation_is_called_sao2(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.rows(SECOND, "OXYSAT"):
        row["VSTESTCD"] = "SAO2"


@report(
    "jupyterhealth/jupyterhealth-exchange#273: a page of results is no Bundle",
    "not_assessable",
    "resourceType|Bundle|results",
)
def a_page_of_results_is_no_bundle(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    results = [{"resource": observation(row)} for row in study.vs]
    study.as_fhir("vs", ())
    page = {"count": 4018, "next": "?_page=2", "previous": None, "results": results}
    study.files = {"vs.json": json.dumps(page).encode()}
    study.protocol["feeds"]["vs"]["path"] = "vs.json"


# Walls


@report(
    "Medical-Event-Data-Standard/meds_etl#61: an offset follows a blank",
    "signal|not_assessable",
    "VSDTC|SIGNAL:",
)
def an_instant_is_written_with_a_blank(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.vs:
        hour = int(row["VSDTC"][11:13]) - 8
        row["VSDTC"] = in_utc(row["USUBJID"], hour).replace("T", " ") + ":00+00:00"


@report("thewileylab/ReviewR#18: dates are month first", "not_assessable", "VSDTC")
def dates_are_month_first(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.vs:
        row["VSDTC"] = f"06/10/2024 {row['VSDTC'][11:]}"


@report("vubiostat/redcapAPI#6: a clock is a fraction of a day", "not_assessable", "VSDTC")
def a_clock_is_a_fraction_of_a_day(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    for row in study.vs:
        row["VSDTC"] = f"{45453 + int(row['VSDTC'][11:13]) / 24:.4f}"


# Identifiers


@report("incf-nidash/PyNIDM#84: the zeros before an id are lost", "watch|not_assessable", "USUBJID")
def the_zeros_before_an_id_are_lost(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    _renamed(study, SECOND, "0002")
    for row in study.vs:
        row["USUBJID"] = row["USUBJID"].lstrip("0")


@report("caporaso-lab/cual-id#42: an id with an e is taken for a number", "watch|not_assessable", "USUBJID")
def an_id_is_taken_for_a_number(study: FourSubjects) -> None:
    study.make_ill(SECOND)
    _renamed(study, SECOND, "891e3")
    for row in study.ex:
        row["USUBJID"] = row["USUBJID"].replace("891e3", "891000")


def _renamed(study: FourSubjects, subject: str, name: str) -> None:
    for row in (*study.dm, *study.ex, *study.vs, *study.ae):
        row["USUBJID"] = name if row["USUBJID"] == subject else row["USUBJID"]


@pytest.mark.parametrize("name", REPORTS)
def test_a_public_report_has_a_right_answer(name: str, tmp_path: Path) -> None:
    told, study = REPORTS[name], FourSubjects()
    study.make_ill(FIRST)
    told.make(study)
    found = study.looked_at(tmp_path)
    assert found.verdict in told.right.split("|"), told.source
    blocked = found.verdict == "not_assessable"
    assert re.search(told.named, found.terminal if blocked else found.seen()), told.source
    assert told.doses in (None, found.document["exposure"]["doses"]), told.source
