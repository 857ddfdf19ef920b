"""Files that were made to stop whoever reads them, each small, by name: bombs, mutations, headers that lie.

Each function returns the name of a file and its bytes. What is in it is rubbish: no row of any may be believed.
"""

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat

import pyarrow as pa
import pyarrow.parquet as pq

File = tuple[str, bytes]

MEBI = 1 << 20
HEADER = b"USUBJID,VSSEQ,VSTESTCD,VSORRES,VSORRESU,VSDTC\n"
ROW = b"S-01,1,TEMP,36.6,C,2025-03-03T00:00\n"


def deflated(blocks: Iterator[bytes], *, form: int) -> bytes:
    """Compress without ever holding what is compressed; ``form`` is that of zlib (31 gzip, 15 zlib, -15 bare)."""
    engine = zlib.compressobj(9, zlib.DEFLATED, form)
    return b"".join([*(engine.compress(one) for one in blocks), engine.flush()])


def of_size(size: int, block: bytes = b"0" * MEBI) -> Iterator[bytes]:
    """Yield a header, then one line of ``size`` bytes."""
    yield HEADER
    yield from repeat(block, size // len(block))


def rows_of(size: int) -> Iterator[bytes]:
    """Yield a table of ``size`` bytes, all its rows alike."""
    block = ROW * (MEBI // len(ROW))
    yield HEADER
    yield from repeat(block, size // len(block))


def zipped(members: Callable[[zipfile.ZipFile], None], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method, compresslevel=9) as archive:
        members(archive)
    return held.getvalue()


def _member(name: str, blocks: Callable[[], Iterator[bytes]]) -> Callable[[zipfile.ZipFile], None]:
    def write(archive: zipfile.ZipFile) -> None:
        with archive.open(name, "w", force_zip64=True) as member:
            for block in blocks():
                member.write(block)

    return write


def _lying(archive: bytes, size: int) -> bytes:
    """Return an archive whose headers say another unpacked size of its one member."""
    at = archive.index(b"PK\x01\x02")
    return archive[: at + 24] + struct.pack("<I", size) + archive[at + 28 :]


def parquet(table: pa.Table, **how: object) -> bytes:
    held = io.BytesIO()
    pq.write_table(table, held, compression="zstd", **how)
    return held.getvalue()


def _one_value(value: str, rows: int) -> pa.Table:
    indices = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(bytes(4 * rows))])
    column = pa.DictionaryArray.from_arrays(indices, pa.array([value]))
    return pa.table({"USUBJID": column, "VSORRES": column})


def _delta_prefixes() -> bytes:
    value = "x" * MEBI
    table = pa.table(
        {"USUBJID": pa.chunked_array([pa.array([f"{value}{place % 10}"]) for place in range(200)])}
    )
    return parquet(table, use_dictionary=False, column_encoding={"USUBJID": "DELTA_BYTE_ARRAY"})


def _big_gzip(name: str) -> File:
    return name, deflated(of_size(300 * MEBI), form=31)


BOMBS: dict[str, Callable[[], File]] = {
    "gzip of one line": lambda: _big_gzip("vs.csv.gz"),
    "gzip of rows": lambda: ("vs.csv.gz", deflated(rows_of(400 * MEBI), form=31)),
    "gzip of many members": lambda: (
        "vs.csv.gz",
        gzip.compress(HEADER) + gzip.compress(b"0" * MEBI) * 400,
    ),
    "gzip as tab-separated": lambda: _big_gzip("vs.tsv.gz"),
    "gzip as text": lambda: _big_gzip("vs.txt.gz"),
    "gzip as lines of JSON": lambda: (
        "vs.ndjson.gz",
        deflated(iter([b'{"datasetJSONVersion": "', *repeat(b"1" * MEBI, 300)]), form=31),
    ),
    "zlib as compressed Dataset-JSON": lambda: (
        "vs.dsjc",
        deflated(iter([b'{"datasetJSONVersion": "', *repeat(b"1" * MEBI, 300)]), form=15),
    ),
    "zip of one line": lambda: ("vs.zip", zipped(_member("vs.csv", lambda: of_size(300 * MEBI)))),
    "zip of rows": lambda: ("vs.zip", zipped(_member("vs.csv", lambda: rows_of(400 * MEBI)))),
    "zip by bzip2": lambda: (
        "vs.zip",
        zipped(_member("vs.csv", lambda: of_size(100 * MEBI)), zipfile.ZIP_BZIP2),
    ),
    "zip by LZMA": lambda: (
        "vs.zip",
        zipped(_member("vs.csv", lambda: of_size(100 * MEBI)), zipfile.ZIP_LZMA),
    ),
    "zip of gzip": lambda: (
        "vs.zip",
        zipped(lambda archive: archive.writestr("vs.csv.gz", deflated(of_size(900 * MEBI), form=31))),
    ),
    "zip that says less": lambda: (
        "vs.zip",
        _lying(zipped(lambda archive: archive.writestr("vs.csv", HEADER + b"0" * 200 * MEBI)), 100),
    ),
    "zip that says more": lambda: (
        "vs.zip",
        _lying(zipped(lambda archive: archive.writestr("vs.csv", HEADER)), 0xFFFFFFF0),
    ),
    "Parquet of one long text": lambda: ("vs.parquet", parquet(_one_value("x" * 100_000, 100_000))),
    "Parquet of many short texts": lambda: ("vs.parquet", parquet(_one_value("36.6", 40_000_000))),
    "Parquet of nothing": lambda: ("vs.parquet", parquet(pa.table({"A": pa.nulls(200_000_000)}))),
    "Parquet of prefixes": lambda: ("vs.parquet", _delta_prefixes()),
    "Parquet of many columns": lambda: (
        "vs.parquet",
        parquet(pa.table({f"C{place}": pa.array([1]) for place in range(17_000)})),
    ),
}
"""What becomes a hundred times as large, or more, as it is unpacked, or lies of it."""


def _json(text: str) -> bytes:
    return text.encode()


def _dataset(**changed: object) -> bytes:
    said = {
        "datasetJSONVersion": "1.1.0",
        "records": 1,
        "columns": [{"name": "USUBJID", "dataType": "string"}, {"name": "VSORRES", "dataType": "string"}],
        "rows": [["S-01", "36.6"]],
    }
    return json.dumps({**said, **changed}).encode()


def _xpt_header() -> bytes:
    record = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
    return record + b"SAS     SAS     SASLIB  9.1     Linux   " + b" " * 24 + b"01JAN25:00:00:00" + b" " * 80


MUTATIONS: dict[str, Callable[[], File]] = {
    "nothing": lambda: ("vs.csv", b""),
    "one byte": lambda: ("vs.csv", b"\xff"),
    "NUL alone": lambda: ("vs.csv", bytes(1000)),
    "a NUL in a cell": lambda: ("vs.csv", HEADER + ROW.replace(b"36.6", b"3\x006")),
    "half a character": lambda: ("vs.csv", HEADER + ROW.replace(b"TEMP", b"\xed\xa0\x80")),
    "too many columns": lambda: ("vs.csv", b",".join(b"C%d" % place for place in range(200_000)) + b"\n"),
    "columns without a name": lambda: ("vs.csv", b"," * 1_000_000 + b"\n"),
    "one name for all columns": lambda: ("vs.csv", b"A," * 1_000_000 + b"A\n"),
    "a header of one long name": lambda: ("vs.csv", b"x" * (30 * MEBI) + b'"\n1"\n'),
    "an open quotation mark": lambda: ("vs.csv", HEADER + b'"' + b"x" * (20 * MEBI)),
    "quotation marks alone": lambda: ("vs.csv", HEADER + b'"' * 999_999),
    "a page": lambda: ("vs.csv", b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;&b;'>]><a>&d;</a>"),
    "an XML of entities": lambda: (
        "vs.txt",
        b"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a0 'l'>"
        + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
        + b"]><l>&a11;</l>",
    ),
    "an external entity": lambda: (
        "vs.csv",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><ODM>&b;</ODM>",
    ),
    "a workbook": lambda: (
        "vs.zip",
        zipped(lambda archive: archive.writestr("[Content_Types].xml", b"<a/>")),
    ),
    "an archive of an archive": lambda: (
        "vs.zip",
        zipped(lambda archive: archive.writestr("in.zip", zipped(lambda one: one.writestr("a.csv", ROW)))),
    ),
    "an archive of many": lambda: (
        "vs.zip",
        zipped(lambda archive: [archive.writestr(f"{n}.csv", ROW) for n in range(2000)] and None),
    ),
    "an archive of nothing": lambda: ("vs.zip", zipped(lambda archive: None)),
    "an archive that climbs": lambda: (
        "vs.zip",
        zipped(lambda archive: archive.writestr("../../../etc/cron.d/x.exe", ROW)),
    ),
    "an archive's name that is no text": lambda: (
        "vs.zip",
        zipped(lambda archive: archive.writestr("é.csv", ROW)).replace("é".encode(), b"\xff\xfe"),
    ),
    "a zip's first bytes": lambda: ("vs.zip", b"PK\x03\x04" + b"\xff" * 500),
    "gzip cut short": lambda: ("vs.csv.gz", gzip.compress(HEADER + ROW * 1000)[:-20]),
    "gzip's first bytes": lambda: ("vs.csv.gz", b"\x1f\x8b\x08" + b"\xff" * 500),
    "zlib's first bytes": lambda: ("vs.dsjc", b"\x78\x9c" + b"\xff" * 500),
    "Parquet's first bytes": lambda: ("vs.parquet", b"PAR1" + b"\xff" * 500 + b"PAR1"),
    "Parquet with a huge footer": lambda: (
        "vs.parquet",
        b"PAR1" + bytes(100) + struct.pack("<I", 0x7FFFFFFF) + b"PAR1",
    ),
    "Parquet of lists": lambda: ("vs.parquet", parquet(pa.table({"A": pa.array([[[[1]]]])}))),
    "Parquet of bytes": lambda: ("vs.parquet", parquet(pa.table({"A": pa.array([b"\xff\xfe"])}))),
    "Parquet with half a character": lambda: (
        "vs.parquet",
        parquet(pa.table({"A": pa.array([b"\xed\xa0\x80"])}), store_schema=False),
    ),
    "Parquet with a NUL in a name": lambda: ("vs.parquet", parquet(pa.table({"A\0B": pa.array(["1"])}))),
    "deep JSON": lambda: ("vs.json", b'{"a":' * 500_000),
    "deep arrays": lambda: ("vs.json", b"[" * 1_000_000),
    "deep and whole JSON": lambda: ("vs.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep lines of JSON": lambda: ("vs.ndjson", b'{"a":' * 500_000),
    "a number without end": lambda: ("vs.json", _dataset(records="@").replace(b'"@"', b"9" * MEBI)),
    "half a character in a cell": lambda: ("vs.json", _dataset(rows=[["S-01", "\ud800"]])),
    "half a character in a name": lambda: (
        "vs.json",
        _dataset(columns=[{"name": "A\udfff"}, {"name": "B"}]),
    ),
    "half a character in the version": lambda: ("vs.json", _dataset(datasetJSONVersion="\ud800")),
    "records of another type": lambda: ("vs.json", _dataset(records={"a": "\ud800"})),
    "rows of another type": lambda: ("vs.json", _dataset(rows={"a": 1})),
    "cells that are objects": lambda: ("vs.json", _dataset(rows=[[{"a": 1}, [2]]])),
    "columns without a text name": lambda: ("vs.json", _dataset(columns=[{"name": None}])),
    "more records than rows": lambda: ("vs.json", _dataset(records=10**9)),
    "transport file of a header": lambda: ("vs.xpt", _xpt_header()),
    "transport file of rubbish": lambda: ("vs.xpt", _xpt_header() + b"\xff" * 8000),
    "transport file of namestr": lambda: (
        "vs.xpt",
        _xpt_header()
        + b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  "
        + b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  "
        + b" " * 160
        + b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000999900000000000000000000  ",
    ),
    "SAS data of rubbish": lambda: (
        "vs.sas7bdat",
        b"\x00" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00" + b"\xff" * 4000,
    ),
    "SAS data of nothing": lambda: (
        "vs.sas7bdat",
        b"\x00" * 12 + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00",
    ),
    "a PDF": lambda: ("vs.csv", b"%PDF-1.7\n" + bytes(100)),
}
"""What is no table, or one that cannot be: rubbish behind the right first bytes, depth, halves of characters."""

FHIR: dict[str, Callable[[], File]] = {
    "half a character in an id": lambda: (
        "vs.ndjson",
        _json(
            '{"resourceType": "Observation", "id": "\\ud800", "subject": {"reference": "Patient/\\udfff"}}\n'
        ),
    ),
    "half a character in a type": lambda: ("vs.ndjson", _json('{"resourceType": "\\uDB00"}\n')),
    "half a character in a value": lambda: (
        "vs.json",
        _json('{"resourceType": "Observation", "valueString": "\\uDFFF"}'),
    ),
    "half a character in a key": lambda: (
        "vs.json",
        _json('{"resourceType": "Observation", "value\\ud9ff": 1}'),
    ),
    "deep value": lambda: (
        "vs.json",
        b'{"resourceType": "Observation", "valueX": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ),
    "deep bundles": lambda: (
        "vs.json",
        b'{"resourceType": "Bundle", "entry": [{"resource": ' * 20_000
        + b'{"resourceType": "Observation"}'
        + b"}]}" * 20_000,
    ),
    "a number without end": lambda: (
        "vs.ndjson",
        b'{"resourceType": "Observation", "valueQuantity": {"value": ' + b"9" * MEBI + b"\n",
    ),
    "rubbish": lambda: ("vs.ndjson", b'{"resourceType": "Observation", "a": \xff}\n'),
}
"""The same of FHIR resources."""
