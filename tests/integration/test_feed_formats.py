"""Every format as real software writes it: one study in four formats, real bad input, files made here."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from feed_files import read_feed

from checks.instants import parse_stamps
from checks.tables import Feed

PROVENANCE = ["source_file", "source_row"]


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("POSTDOSE_TEST_DATA")
    if not folder:
        pytest.skip("POSTDOSE_TEST_DATA is not set: no real data at hand")
    return Path(folder) / "data"


def table(path: Path, **told: str) -> pd.DataFrame:
    feed = read_feed(str(path), domain="VS", **told)  # type: ignore[arg-type]
    assert feed.problem is None, feed.problem
    assert feed.table is not None
    return feed.table


def problem(path: Path, **told: str) -> str:
    feed: Feed = read_feed(str(path), domain="VS", **told)  # type: ignore[arg-type]
    assert feed.table is None
    return feed.problem or ""


@pytest.mark.parametrize("domain", ["ae", "dm", "ex", "vs"])
def test_one_study_is_one_table_in_every_format(data: Path, domain: str, tmp_path: Path) -> None:
    study = data / "datasetjson" / "sdtm"
    document = json.loads((study / f"{domain}.json").read_text(encoding="utf-8"))
    rows = pd.DataFrame(
        document["rows"], columns=[column["name"] for column in document["columns"]], dtype=object
    )
    rows.to_csv(tmp_path / f"{domain}.csv", index=False)
    rows.astype("str").where(rows.notna()).to_parquet(tmp_path / f"{domain}.parquet")
    paths = [study / f"{domain}.{ending}" for ending in ("json", "ndjson", "dsjc", "xpt")]
    first, *others = [
        table(path) for path in (*paths, tmp_path / f"{domain}.csv", tmp_path / f"{domain}.parquet")
    ]
    assert len(first) == document["records"] == len(document["rows"])
    for other in others:
        pd.testing.assert_frame_equal(first.drop(columns=PROVENANCE), other.drop(columns=PROVENANCE))


def test_row_numbers_are_lines_of_text_and_records_of_the_rest(data: Path) -> None:
    study = data / "datasetjson" / "sdtm"
    first = {
        ending: table(study / f"dm.{ending}")["source_row"][0] for ending in ("xpt", "json", "ndjson", "dsjc")
    }
    assert first == {"xpt": 1, "json": 1, "ndjson": 2, "dsjc": 2}


def test_japanese_terms(data: Path) -> None:
    frame = table(data / "datasetjson" / "i18n" / "ae.json")
    assert len(frame) == 1191
    assert frame["AETERM"][2] == "下痢"
    assert frame["AEDECOD"][2] == "DIARRHOEA"


def test_sas_dates_times_and_special_missing_values(data: Path) -> None:
    """The text columns of the file, written by its makers, say what the typed ones hold."""
    frame = table(data / "badinput" / "pyreadstat_dates_xpt_v8.xpt")
    assert len(frame) == 19
    assert frame["DT"].tolist() == frame["STRING_DT"].str.replace(" ", "T").tolist()
    assert frame["DATES"].tolist() == frame["STRING_DATES"].tolist()
    assert frame["TIMES"].tolist() == frame["STRING_TIMES"].tolist()
    assert frame["SECONDS"][0] == "-86401"
    assert frame["MISSINGS"].isna().any()


def test_xpt_v5_and_sas7bdat_with_special_missing_values(data: Path) -> None:
    sample = table(data / "badinput" / "pyreadstat_sample.xpt")
    assert sample["MYNUM"].tolist() == ["1.1", "1.2", "-1000.3", "-1.4", "1000.3"]
    assert sample["MYDATE"].tolist()[:4] == ["2018-05-06", "1880-05-06", "1960-01-01", "1583-01-01"]
    assert sample["DTIME"][0] == "2018-05-06T10:10:10"
    missing = table(data / "badinput" / "pyreadstat_missing_test.sas7bdat")
    assert missing.drop(columns=PROVENANCE).isna().to_numpy().tolist() == [[True] * 8 + [False]]


def test_json_with_a_letter_beyond_latin(data: Path) -> None:
    assert table(data / "badinput" / "core1023_ae_utf8.json")["USUBJID"].tolist() == ["utf8:\u1f07"]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize(
    "name", ["pyreadstat_dates_xpt_v8.xpt", "pyreadstat_sample.xpt", "pyreadstat_missing_test.sas7bdat"]
)
def test_sas_file_cut_short_is_a_problem(data: Path, tmp_path: Path, name: str, share: float) -> None:
    whole = (data / "badinput" / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    assert re.search("cut short|found 1[78] rows; allowed: 19", problem(tmp_path / name))


def test_xpt_v8_cut_between_records_misses_rows(data: Path, tmp_path: Path) -> None:
    whole = (data / "badinput" / "pyreadstat_dates_xpt_v8.xpt").read_bytes()
    (tmp_path / "vs.xpt").write_bytes(whole[:-80])
    assert problem(tmp_path / "vs.xpt") == "VS 1: found 18 rows; allowed: 19, as the file's header says"


def test_two_data_sets_in_one_transport_file_are_refused(data: Path, tmp_path: Path) -> None:
    study = data / "datasetjson" / "sdtm"
    library_header = 3 * 80
    both = (study / "dm.xpt").read_bytes() + (study / "ae.xpt").read_bytes()[library_header:]
    (tmp_path / "both.xpt").write_bytes(both)
    assert problem(tmp_path / "both.xpt").startswith("VS 1: found 2 data sets in one file")


@pytest.mark.parametrize("version", [5, 8])
def test_xpt_text_and_labels_in_the_encoding_told(tmp_path: Path, version: int) -> None:
    path = tmp_path / "lb.xpt"
    frame = pd.DataFrame({"LBORRESU": ["µg/L", "x"], "LBORRES": [36.6, np.nan]})
    pyreadstat.write_xport(
        frame, path, file_format_version=version, table_name="LB", column_labels=["µg/L", "r"]
    )
    path.write_bytes(path.read_bytes().replace("µg/L".encode(), "µg/L ".encode("windows-1252")))
    read = table(path, encoding="WINDOWS-1252")
    assert read["LBORRESU"].tolist() == ["µg/L", "x"]
    assert read["LBORRES"][0] == "36.6"
    assert "found a byte 0xB5 in a text that is not UTF-8" in problem(path)
    assert "which is unknown" in problem(path, encoding="wlatin9")


@pytest.mark.parametrize("version", [5, 8])
def test_xpt_without_rows_is_an_empty_table(tmp_path: Path, version: int) -> None:
    frame = pd.DataFrame({"USUBJID": ["S-01"], "VSSTRESN": [1.0]}).iloc[:0]
    pyreadstat.write_xport(frame, tmp_path / "vs.xpt", file_format_version=version, table_name="VS")
    read = table(tmp_path / "vs.xpt")
    assert list(read) == ["USUBJID", "VSSTRESN", *PROVENANCE]
    assert len(read) == 0


def test_midnight_that_an_export_tagged_as_new_york_keeps_its_offset(data: Path) -> None:
    """UTC midnight tagged as New York time is 19:00 (EST) or 20:00 (EDT) the day before."""
    stamps = table(data / "clindata" / "ae.parquet")["AESTDAT_NSV"].dropna()
    assert len(stamps) > 0
    assert set(stamps.str[10:]) == {"T19:00:00-05:00", "T20:00:00-04:00"}


def test_parquet_column_of_lists_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"USUBJID": ["S-01"], "VSORRES": [[1, 2]]}), tmp_path / "vs.parquet")
    assert "found column 2 of type list" in problem(tmp_path / "vs.parquet")


def test_real_tables_are_whole(data: Path) -> None:
    """The numbers of rows that the description of the data gives."""
    assert len(table(data / "mimic_iv_demo" / "vs.csv")) == 16_461
    assert len(table(data / "pharmaversesdtm" / "vs.csv.gz")) == 29_643
    assert len(table(data / "pharmaversesdtm" / "lb.csv.gz")) == 59_580
    assert len(table(data / "clindata" / "ae.parquet")) == 4_857


def test_dataset_json_number_texts(tmp_path: Path) -> None:
    columns = [
        {"name": name, "dataType": kind}
        for name, kind in [
            ("U", "string"),
            ("F", "float"),
            ("D", "decimal"),
            ("B", "boolean"),
            ("I", "integer"),
        ]
    ]
    document = {
        "datasetJSONVersion": "1.1",
        "records": 2,
        "columns": columns,
        "rows": [["S,1", 1e-7, "1,234.50", True, 12], ["", 100.0, None, None, -0.0]],
    }
    (tmp_path / "vs.json").write_text(json.dumps(document), encoding="utf-8")
    rows = table(tmp_path / "vs.json").drop(columns=PROVENANCE).astype(object)
    assert rows.where(rows.notna(), None).to_numpy().tolist() == [
        ["S,1", "0.0000001", "1234.50", "true", "12"],
        [None, "100", None, None, "0"],
    ]


def test_int96_keeps_its_name_since_it_has_no_zone(tmp_path: Path) -> None:
    told = pa.table({"USUBJID": ["S1", "S2"], "VSDTC": pa.array([0, None], pa.timestamp("us"))})
    pq.write_table(told, tmp_path / "vs.parquet", use_deprecated_int96_timestamps=True)
    stamps = table(tmp_path / "vs.parquet")["VSDTC"]
    assert stamps.iloc[0] == "1970-01-01T00:00:00 INT96" and pd.isna(stamps.iloc[1])
    read = parse_stamps(stamps, "UTC")
    assert str(read["problem"].iloc[0]).startswith("INT96 of Parquet, which carries no zone")
