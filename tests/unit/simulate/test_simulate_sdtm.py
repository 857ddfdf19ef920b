"""The feeds are SDTM whose keys agree, and whose oddities are those a site would make."""

import re

import pandas as pd
import pytest

from flows.simulate import sdtm
from flows.simulate.timeline import ORIGIN

LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
UTC_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")
SEQUENCES = {"ex": "EXSEQ", "ae": "AESEQ", "vs": "VSSEQ", "lb": "LBSEQ"}


@pytest.fixture(scope="module")
def world(study):
    return study("cyt107")


@pytest.fixture(scope="module")
def feeds(world) -> dict[str, pd.DataFrame]:
    return {
        "dm": sdtm.demographics(world.subjects),
        "ex": sdtm.exposure(world.subjects),
        "ae": sdtm.adverse_events(world.events, world.subjects),
        "vs": sdtm.vital_signs(world.measurements, world.subjects),
        "lb": sdtm.laboratory(world.counts, world.subjects),
    }


def test_every_row_names_its_study_and_domain(feeds):
    for domain, table in feeds.items():
        assert set(table["STUDYID"]) == {"CYT107-IV-SIM"}
        assert set(table["DOMAIN"]) == {domain.upper()}


def test_subjects_of_every_feed_are_in_dm(feeds):
    known = set(feeds["dm"]["USUBJID"])
    assert len(known) == len(feeds["dm"]) == 21
    for table in feeds.values():
        assert set(table["USUBJID"]) <= known


@pytest.mark.parametrize(("domain", "key"), SEQUENCES.items())
def test_sequence_numbers_are_unique_within_a_subject(feeds, domain, key):
    assert not feeds[domain].duplicated(["USUBJID", key]).any()


def test_sites_lead_subject_ids(feeds):
    dm = feeds["dm"]
    assert (dm["SUBJID"].str[:4] == dm["SITEID"]).all()
    assert (dm["USUBJID"] == "CYT107-IV-SIM-" + dm["SUBJID"]).all()
    assert set(dm.loc[dm["SITEID"].str.startswith("US"), "COUNTRY"]) == {"USA"}


def test_placebo_has_dose_zero_and_the_active_drug_ten(feeds):
    given = feeds["ex"][feeds["ex"]["EXSTAT"] == ""]
    assert given.groupby("EXTRT")["EXDOSE"].unique().map(list).to_dict() == {
        "CYT107": ["10"],
        "PLACEBO": ["0"],
    }
    assert set(given["EXDOSU"]) == {"ug/kg"}


def test_a_dose_not_given_has_a_reason_a_day_and_no_amount(study):
    rows = pd.concat([sdtm.exposure(study("null", seed).subjects) for seed in (1, 2, 3)])
    missing = rows[rows["EXSTAT"] == "NOT DONE"]
    assert len(missing) > 0
    assert (missing["EXREASND"] != "").all()
    assert missing["EXSTDTC"].map(lambda stamp: bool(DATE.fullmatch(stamp))).all()
    assert set(missing["EXDOSE"]) == set(missing["EXENDTC"]) == {""}


def test_site_stamps_are_naive_to_the_minute(feeds):
    given = feeds["ex"][feeds["ex"]["EXSTAT"] == ""]
    for stamps in (given["EXSTDTC"], given["EXENDTC"], feeds["vs"]["VSDTC"], feeds["lb"]["LBDTC"]):
        assert stamps.map(lambda stamp: bool(LOCAL.fullmatch(stamp))).all()


def test_entry_stamps_are_utc_and_within_the_cut_off(world, feeds):
    cutoff = pd.Timestamp(ORIGIN) + pd.Timedelta(minutes=world.data_cutoff)
    for domain in ("vs", "ae", "lb"):
        entered = feeds[domain]["ENTERED"]
        assert entered.map(lambda stamp: bool(UTC_STAMP.fullmatch(stamp))).all()
        assert pd.to_datetime(entered).max() <= cutoff


def test_the_first_dose_is_the_reference_start(feeds):
    first = feeds["ex"][feeds["ex"]["EXSTAT"] == ""].groupby("USUBJID")["EXSTDTC"].min()
    assert feeds["dm"].set_index("USUBJID")["RFSTDTC"].sort_index().tolist() == first.sort_index().tolist()


def test_vitals_have_a_value_and_unit_or_say_not_done(feeds):
    vs = feeds["vs"]
    lost = vs["VSSTAT"] == "NOT DONE"
    assert set(vs.loc[lost, "VSORRES"]) == set(vs.loc[lost, "VSORRESU"]) == {""}
    assert set(vs.loc[~lost, "VSORRESU"]) == {"C", "F", "breaths/min", "%", "beats/min"}
    assert vs.loc[~lost & (vs["VSTESTCD"] == "TEMP"), "VSORRES"].str.fullmatch(r"\d{2,3}\.\d").all()


def test_planted_cases_are_reported_timed_half_timed_and_by_date(world, feeds):
    ae = feeds["ae"]
    for order, name in enumerate(world.reactions):
        own = ae[ae["USUBJID"] == name].set_index("AETERM")
        timed = [
            bool(LOCAL.fullmatch(own.loc[term, "AESTDTC"])) for term in ("PYREXIA", "RESPIRATORY DISTRESS")
        ]
        assert timed == [order < 2, order < 1]
    assert ae["AETERM"].isin(["PYREXIA", "RESPIRATORY DISTRESS"]).sum() == 6


def test_no_background_event_is_a_component_of_the_case_definition(study):
    ae = sdtm.adverse_events(study("null").events, study("null").subjects)
    assert not ae["AETERM"].str.contains("PYREXIA|FEVER|HYPERTHERMIA|RESPIR|DYSP|HYPOX|TACHYP").any()


def test_events_end_after_they_start_and_are_entered_later(world):
    events = [one for rows in world.events.values() for one in rows]
    assert events
    for one in events:
        assert one.start < one.end < one.entered
        assert 1 <= one.grade <= 5


def test_counts_carry_their_normal_range(feeds):
    lb = feeds["lb"]
    assert set(lb["LBSTNRHI"]) == {"4.0"}
    assert set(lb["LBSTNRLO"]) == {"1.0"}
    assert (lb["LBSTRESN"] == lb["LBORRES"]).all()
