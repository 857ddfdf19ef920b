"""The good study of tests/fixtures/bad_input, spoilt in one way."""

import gzip
import shutil
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
