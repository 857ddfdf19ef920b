"""The good study of tests/fixtures/bad_input, spoilt in one way."""

import csv
import gzip
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyreadstat

FIXTURES = Path(__file__).parent / "fixtures" / "bad_input"


def _tell(study: Path, domain: str, words: str) -> None:
    """Add words of the protocol to one feed."""
    protocol = study / "protocol.yaml"
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace(f"{domain}: {{", f"{domain}: {{{words}, "), encoding="utf-8")


def _deliver(study: Path, name: str, content: bytes) -> None:
    """Deliver a feed under another name than the good study's, and name it in the protocol."""
    protocol = study / "protocol.yaml"
    text = protocol.read_text(encoding="utf-8")
    domain = name.partition(".")[0]
    protocol.write_text(text.replace(f"path: {domain}.csv", f"path: {name}"), encoding="utf-8")
    (study / name).write_bytes(content)


def _vs(study: Path) -> str:
    return (study / "vs.csv").read_text(encoding="utf-8")


def _truncated_xpt(study: Path) -> None:
    whole = study / "whole.xpt"
    table = pd.read_csv(study / "vs.csv", dtype=str)
    pyreadstat.write_xport(table, whole, file_format_version=5, table_name="VS")
    _deliver(study, "vs.xpt", whole.read_bytes()[:2000])


def _truncated_gzip(study: Path) -> None:
    whole = gzip.compress(_vs(study).encode(), mtime=0)
    _deliver(study, "vs.csv.gz", whole[: len(whole) // 2])


def _nul_bytes(study: Path) -> None:
    (study / "vs.csv").write_bytes(_vs(study).encode().replace(b"38.9", b"\0\0\0\0"))


def _latin_1(study: Path) -> None:
    text = (study / "ae.csv").read_text(encoding="utf-8")
    (study / "ae.csv").write_bytes(text.replace("Nausea", "Nausée").encode("latin-1"))


def _encoding_told(study: Path) -> None:
    _latin_1(study)
    _tell(study, "ae", "encoding: latin-1")


def _written(study: Path, before: str, after: str) -> None:
    """Write something in vs.csv in another way."""
    (study / "vs.csv").write_text(_vs(study).replace(before, after), encoding="utf-8")


def _in_folder(study: Path, **files: str) -> None:
    """Deliver vs as a folder of files, by name."""
    (study / "vs.csv").unlink()
    (study / "vs").mkdir()
    _deliver_folder(study)
    for name, text in files.items():
        os_name = os.fsencode(study / "vs") + b"/" + name.replace("__", ".").encode("latin-1")
        Path(os.fsdecode(os_name)).write_text(text, encoding="utf-8")


def _deliver_folder(study: Path) -> None:
    protocol = study / "protocol.yaml"
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace("path: vs.csv", "path: vs"), encoding="utf-8")


def _snapshots(study: Path, older: str, newer: str) -> None:
    """Two states of vs in one folder: in the older the fever was not yet corrected."""
    whole = _vs(study)
    _in_folder(study, **{older: whole.replace("38.9", "36.9"), newer: whole})


def _excel_dates(study: Path) -> None:
    """Dates as a spreadsheet's numbers of days from 1900."""
    table = pd.read_csv(study / "vs.csv", dtype=str)
    days = (pd.to_datetime(table["VSDTC"]) - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)
    table.assign(VSDTC=days.map("{:.6f}".format)).to_csv(study / "vs.csv", index=False)


def _american_dates(study: Path) -> None:
    table = pd.read_csv(study / "vs.csv", dtype=str)
    clocks = pd.to_datetime(table["VSDTC"]).map("{:%m/%d/%Y %I:%M %p}".format)
    table.assign(VSDTC=clocks).to_csv(study / "vs.csv", index=False)


def _told(spoil: Callable[[Path], object], words: str) -> Callable[[Path], object]:
    def spoil_and_tell(study: Path) -> None:
        spoil(study)
        _tell(study, "vs", words)

    return spoil_and_tell


def _decimal_comma_quoted(study: Path) -> None:
    table = pd.read_csv(study / "vs.csv", dtype=str)
    table["VSORRES"] = table["VSORRES"].str.replace(".", ",", regex=False)
    table.to_csv(study / "vs.csv", index=False, quoting=csv.QUOTE_ALL)
    _tell(study, "vs", "decimal: ','")


def _zipped(study: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("vs.csv"), _vs(study))  # of a fixed date, so that its bytes are
    _deliver(study, "vs.zip", content.getvalue())


MUTATIONS: Mapping[str, Callable[[Path], object]] = {
    "feed_missing": lambda study: (study / "vs.csv").unlink(),
    "truncated_xpt": _truncated_xpt,
    "truncated_gzip": _truncated_gzip,
    "nul_bytes": _nul_bytes,
    "wrong_encoding": _latin_1,
    "encoding_told": _encoding_told,
    "utf_16": lambda study: (study / "vs.csv").write_bytes(_vs(study).encode("utf-16")),
    "utf_16_without_mark": lambda study: (study / "vs.csv").write_bytes(_vs(study).encode("utf-16-le")),
    "decimal_comma_not_told": lambda study: _tell(study, "vs", "delimiter: ';'"),
    "decimal_comma_told": lambda study: _tell(study, "vs", "delimiter: ';', decimal: ','"),
    "decimal_comma_quoted": _decimal_comma_quoted,
    "blank_tail_rows": lambda study: (study / "vs.csv").write_text(_vs(study) + ",,,,,\n" * 200),
    "sep_line": lambda study: (study / "vs.csv").write_text("sep=;\n" + _vs(study).replace(",", ";")),
    "zip_of_one_file": _zipped,
    "name_in_latin_1": lambda study: _in_folder(study, **{"temp\xe9rature__csv": _vs(study)}),
    "snapshots_with_dates": lambda study: _snapshots(study, "vs_20240610__csv", "vs_20240611__csv"),
    "snapshots_without_dates": lambda study: _snapshots(study, "vs_old__csv", "vs_new__csv"),
    "a_part_missing": lambda study: _in_folder(study, vs_part1of2__csv=_vs(study)),
    "a_workbook_beside": lambda study: _in_folder(study, vs__csv=_vs(study), vs_US02__xlsx="PK"),
    "units_in_words": lambda study: _written(study, ",C,", ",Degrees Celsius,"),
    "excel_dates_not_told": _excel_dates,
    "excel_dates_told": _told(_excel_dates, "date_format: EXCEL-1900"),
    "american_dates_not_told": _american_dates,
    "american_dates_told": _told(_american_dates, "date_format: {VSDTC: MM/DD/YYYY hh:mm AM}"),
}
"""What cannot be kept as a text file, or is told in the protocol, is done to the good study here."""


def make_study(kind: str, folder: Path) -> Path:
    """Copy the good study, put the kind's files over it, and return its protocol."""
    shutil.copytree(FIXTURES / "good", folder, dirs_exist_ok=True)
    for file in sorted((FIXTURES / kind).glob("*")):
        if (folder / file.name).exists():
            shutil.copy(file, folder)
        else:
            _deliver(folder, file.name, file.read_bytes())
    if kind in MUTATIONS:
        MUTATIONS[kind](folder)
    return folder / "protocol.yaml"
