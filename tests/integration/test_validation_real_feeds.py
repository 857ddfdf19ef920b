"""Real feeds, not made for this project: counts are of the files themselves, taken without our code."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from checks.protocol import StudyProtocol
from checks.tables import Feed
from checks.validation import FeedOutcome, Validation, validate_feeds

pytestmark = pytest.mark.skipif(
    "POSTDOSE_TEST_DATA" not in os.environ, reason="POSTDOSE_TEST_DATA is unset: no real data at hand"
)


def folder(name: str) -> Path:
    return Path(os.environ["POSTDOSE_TEST_DATA"]) / "data" / name


def read(domain: str, path: Path) -> Feed:
    table = pd.read_csv(path, dtype="str", keep_default_na=False).rename(columns=str.upper)
    table = table.mask(table == "")
    rows = pd.Series(range(2, len(table) + 2), dtype="int64")
    return Feed(domain.upper(), table.assign(source_file=path.name, source_row=rows))


def make_protocol(
    sites: Sequence[str], zone: str, names: Sequence[str], domains: Sequence[str]
) -> StudyProtocol:
    source = {"rationale": "a test", "source": "a test"}
    vitals = [
        {"vital": "OXYSAT", "below": 90, "unit": "%"},
        {"vital": "RESP", "at_least": 30, "unit": "breaths/min"},
    ]
    content: dict[str, Any] = {
        "schema_version": 1,
        "study": {"id": "REAL", "timezone": zone},
        "sites": dict.fromkeys(sites, zone),
        "treatment": {"names": list(names)},
        "feeds": {domain: {"path": f"{domain}.csv"} for domain in domains},
        "case_definition": {
            "name": "fever_with_respiratory_distress",
            "components": {
                "fever": {"any_of": [{"vital": "TEMP", "at_least": 38.3, "unit": "C"}]},
                "distress": {"any_of": vitals},
            },
        },
        "baseline_hours": [-6, 0],
        "risk_window_hours": [5, 8],
        "control_windows_hours": [[-24, -6], [12, 48]],
        "rules": [
            {"id": "count", "kind": "count", "cases": 3, **source},
            {
                "id": "lab",
                "kind": "lab_limit",
                "test": "ALB",
                "above_times_uln": 2.5,
                "subjects": 1,
                **source,
            },
        ],
    }
    return StudyProtocol.model_validate(content)


def outcomes(validation: Validation) -> dict[str, FeedOutcome]:
    return {feed.domain: feed for feed in validation.feeds}


@pytest.fixture(scope="module")
def icu() -> Validation:
    protocol = make_protocol(["BIDMC"], "America/New_York", ["VANCOMYCIN"], ["dm", "ex", "vs"])
    feeds = {domain: read(domain, folder("mimic_iv_demo") / f"{domain}.csv") for domain in ("dm", "ex", "vs")}
    return validate_feeds(feeds, protocol, datetime(2290, 1, 1, tzinfo=UTC))


def test_the_icu_demo_is_read_whole_and_doses_not_given_open_no_window(icu: Validation) -> None:
    said = outcomes(icu)
    assert {name: feed.rows_read for name, feed in said.items()} == {"DM": 14, "EX": 141, "VS": 16461}
    assert all(feed.outcome == "passed" and feed.trustworthy for feed in said.values())
    assert len(icu.administrations) == 141 - 19  # 19 rows are EXSTAT = NOT DONE
    assert icu.administrations["trusted"].all()


def test_the_icu_demo_keeps_every_reading_of_the_vitals_in_use(icu: Validation) -> None:
    raw = pd.read_csv(folder("mimic_iv_demo") / "vs.csv", dtype={"VSORRES": float})
    used = raw[raw["VSTESTCD"].isin(["TEMP", "RESP", "OXYSAT", "HR"])]
    assert icu.measurements["test"].value_counts().to_dict() == used["VSTESTCD"].value_counts().to_dict()
    # Lost signals (0) are the only values here that no living subject has.
    assert (
        (~icu.measurements["trusted"]).sum()
        == (used["VSORRES"] == 0).sum()
        == outcomes(icu)["VS"].rows_quarantined
    )
    fahrenheit = used.loc[(used["VSTESTCD"] == "TEMP") & (used["VSORRESU"] == "F"), "VSORRES"]
    warm = icu.measurements.loc[icu.measurements["test"] == "TEMP", "value"]
    assert warm.between(25, 45).all() and len(warm) > len(fahrenheit)


def test_the_pilot_with_dates_alone_is_spans_not_instants() -> None:
    where = folder("pharmaversesdtm")
    files = {"dm": "dm.csv", "ex": "ex.csv", "vs": "vs.csv.gz", "ae": "ae.csv", "lb": "lb.csv.gz"}
    feeds = {domain: read(domain, where / name) for domain, name in files.items()}
    sites = sorted(set(feeds["dm"].table["SITEID"].dropna())) if feeds["dm"].table is not None else []
    protocol = make_protocol(sites, "America/Chicago", ["PLACEBO", "XANOMELINE"], list(files))
    validation = validate_feeds(feeds, protocol, datetime(2016, 1, 1, tzinfo=UTC))
    said = outcomes(validation)
    # One event's AESTDTC (2013-05-09, study day 1) and AESTDY (366) are a year apart.
    counts = {name: (feed.rows_read, feed.rows_quarantined) for name, feed in said.items()}
    assert counts == {"DM": (306, 0), "EX": (591, 0), "VS": (29643, 0), "AE": (1191, 1), "LB": (59580, 0)}
    # 226 of the 591 doses are placebo of amount 0: doses like any other.
    assert len(validation.administrations) == 591 and validation.administrations["trusted"].all()
    assert not validation.adverse_events["timed"].any()
    assert (validation.adverse_events["latest"] > validation.adverse_events["earliest"]).all()
    assert validation.measurements["upper_limit"].notna().any()


def test_a_diary_left_blank_is_a_missing_value_not_a_normal_one() -> None:
    where = folder("pharmaversesdtm")
    feeds = {domain: read(domain, where / f"{domain}_vaccine.csv") for domain in ("dm", "ex", "vs")}
    protocol = make_protocol(["1001.0", "1002.0"], "America/Chicago", ["VACCINE A", "VACCINE B"], list(feeds))
    validation = validate_feeds(feeds, protocol, datetime(2023, 1, 1, tzinfo=UTC))
    raw = pd.read_csv(where / "vs_vaccine.csv")
    blank = int(raw["VSORRES"].isna().sum())
    assert set(validation.quarantine["check"]) == {"value_present"}
    assert outcomes(validation)["VS"].rows_quarantined == blank == 8
    assert validation.measurements["value"].isna().sum() == blank


RENAMED = {
    "SUBJECTID": "USUBJID",
    "EXST_DT": "EXSTDTC",
    "EXEN_DT": "EXENDTC",
    "AEST_DT": "AESTDTC",
    "AEEN_DT": "AEENDTC",
}


def surely_before(end: str, start: str) -> bool:
    """Whether a partial date is before another: by the parts that both have."""
    end, start = end.rstrip("-"), start.rstrip("-")
    known = min(len(end), len(start))
    return end[:known] < start[:known]


def test_blank_and_partial_ends_of_an_edc_export_are_not_before_their_start() -> None:
    feeds: dict[str, Feed] = {}
    for domain in ("dm", "ex", "ae"):
        table = (
            pd.read_parquet(folder("clindata") / f"{domain}.parquet").astype("str").rename(columns=str.upper)
        )
        table = table.rename(columns=RENAMED).loc[:, lambda frame: ~frame.columns.str.endswith("_NSV")]
        rows = pd.Series(range(1, len(table) + 1), dtype="int64")
        feeds[domain] = Feed(
            domain.upper(), table.mask(table == "").assign(source_file=domain, source_row=rows)
        )
    tables = {domain: feed.table for domain, feed in feeds.items() if feed.table is not None}
    sites = sorted(set(tables["dm"]["SITEID"]))
    protocol = make_protocol(sites, "America/New_York", ["DRUG1", "DRUG2", "DRUG3"], list(feeds))
    validation = validate_feeds(feeds, protocol, datetime(2026, 1, 1, tzinfo=UTC))
    said = outcomes(validation)
    assert {name: feed.rows_read for name, feed in said.items()} == {"DM": 2387, "EX": 4876, "AE": 4857}
    # A text compare calls 1,816 ends of EX "before": 1,814 are blank and 2 are all hyphens.
    assert said["EX"].rows_quarantined == 0
    ended = tables["ae"].dropna(subset=["AESTDTC", "AEENDTC"])
    expected = [
        surely_before(end, start) for end, start in zip(ended["AEENDTC"], ended["AESTDTC"], strict=True)
    ]
    assert (validation.quarantine["check"] == "end_not_before_start").sum() == sum(expected)
    partial = tables["ae"]["AESTDTC"].str.endswith("-").sum()
    spans = validation.adverse_events["latest"] - validation.adverse_events["earliest"]
    assert (spans > pd.Timedelta(days=1, hours=1)).sum() == partial
