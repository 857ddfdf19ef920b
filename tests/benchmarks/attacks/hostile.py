"""Files that a feed may hold and no sender should send: names, places, bombs, mutations; each writes one of them.

Every name and value that would tell an arm begins with QZ, as in the fixture of the blind tests.
"""

import gzip
import io
import json
import os
import random
import socket
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hostile_feeds
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
from hostile_feeds import File

Write = Callable[[Path], None]
"""Writes into the folder of a feed."""

MB, GB = 1 << 20, 1 << 30
ROWS = "USUBJID,AESEQ,AETERM,AESTDTC\nS1,7,Nausea,2024-06-11T10:00\nS2,8,Dyspnoea,2024-06-11T11:00\n"
GOOD = ROWS.encode()
MUTATIONS_OF_EACH = 4


def named(name: bytes, content: bytes = GOOD) -> Write:
    def write(folder: Path) -> None:
        (folder / os.fsdecode(name)).write_bytes(content)

    return write


def later(name: bytes, content: Callable[[], bytes]) -> Write:
    """Write what is large, and made only when it is asked for."""

    def write(folder: Path) -> None:
        (folder / os.fsdecode(name)).write_bytes(content())

    return write


def link(target: str) -> Write:
    return lambda folder: (folder / "ae_QZACTIVE.csv").symlink_to(target)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "ae_QZACTIVE.csv")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket has at most 108 bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("ae_QZACTIVE.csv")
    os.chdir(here)


def _out_by_a_folder(folder: Path) -> None:
    (folder / "inner").symlink_to("/etc")
    (folder / "ae_QZACTIVE.csv").symlink_to("inner/passwd")


def _sparse(folder: Path) -> None:
    with (folder / "ae_QZACTIVE.csv").open("wb") as file:
        file.truncate(1 << 40)


NAMES: Mapping[str, Write] = {
    "name not UTF-8": named(b"ae_QZACTIVE_\xff\xfe.csv"),
    "name Latin-1": named(b"ae_QZACTIVE_caf\xe9.csv"),
    "name with half a surrogate": named(b"ae_QZACTIVE_\xed\xa0\x80.csv"),
    "name with a line feed": named(b"ae_QZACTIVE\nVERDICT no_signal.csv"),
    "name with an escape": named(b"ae_QZACTIVE_\x1b[2J.csv"),
    "name right to left": named("ae_QZACTIVE_\u202egpj.csv".encode()),
    "name of 255 bytes": named(b"ae_QZACTIVE" + b"a" * 240 + b".csv"),
    "name that is a formula": named(b"=QZACTIVE+cmd.csv"),
    "name that is an option": named(b"--QZACTIVE.csv"),
    "name with a percent sign": named(b"ae_QZACTIVE_%s%n%00.csv"),
    "name of spaces": named(b"   .csv"),
    "name with two endings": named(b"ae_QZACTIVE.csv.zip.gz"),
    "name that markup could take": named(b"ae_QZACTIVE_<img onerror=x>&amp;{{7*7}}.csv"),
    "ending nobody reads": named(b"ae_QZACTIVE.docx", b"PK\x03\x04QZACTIVE"),
}
PLACES: Mapping[str, Write] = {
    "named pipe": _pipe,
    "socket": _socket,
    "folder": lambda folder: (folder / "ae_QZACTIVE.csv").mkdir(),
    "link to the accounts": link("/etc/passwd"),
    "link to zeros": link("/dev/zero"),
    "link to a full device": link("/dev/full"),
    "link to the environment": link("/proc/self/environ"),
    "link to a descriptor": link("/proc/self/fd/0"),
    "link to memory": link("/proc/self/mem"),
    "link to itself": link("ae_QZACTIVE.csv"),
    "link to nothing": link("nothing.csv"),
    "link out, relative": link("../../protocol.yaml"),
    "link out by a folder": _out_by_a_folder,
    "a sparse terabyte": _sparse,
}


def _zeros(size: int) -> bytes:
    """Return so many zeros, compressed as a gzip member."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MB)
    parts = [squeeze.compress(block) for _ in range(size // MB)]
    return b"".join([*parts, squeeze.flush()])


def _zlib_bomb() -> bytes:
    squeeze = zlib.compressobj(9)
    head = json.dumps({"datasetJSONVersion": "1.1.0", "records": 1, "columns": []}).encode() + b"\n"
    parts = [squeeze.compress(head)]
    parts += [squeeze.compress(b" " * MB) for _ in range(GB // MB)]
    return b"".join([*parts, squeeze.flush()])


def _zip_of(*members: tuple[str, int]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, size in members:
            with archive.open(name, "w", force_zip64=True) as member:
                for _ in range(max(size // MB, 1)):
                    member.write(b"A" * min(size, MB))
    return held.getvalue()


def _zip_that_lies() -> bytes:
    """An archive whose directory says that its member is small."""
    content = bytearray(_zip_of(("ae.csv", 256 * MB)))
    at = content.rindex(b"PK\x01\x02")
    struct.pack_into("<L", content, at + 24, 100)
    return bytes(content)


def _parquet(columns: Mapping[str, pa.Array]) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), held, compression="zstd")
    return held.getvalue()


def _parquet_of_one_word() -> bytes:
    word = pa.array(["S1" * 5000])
    index = pa.repeat(0, 5_000_000).cast(pa.int32())
    return _parquet({"USUBJID": pa.DictionaryArray.from_arrays(index, word), "AESEQ": index})


def _xpt() -> bytes:
    return _written(lambda path: pyreadstat.write_xport(_table(), path, table_name="AE"), "ae.xpt")


def _written(write: Callable[[str], None], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(str(path))
        return path.read_bytes()


def _table() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(ROWS))


def _dataset(rows: list[list[object]]) -> bytes:
    columns = [
        {"itemOID": name, "name": name, "label": name, "dataType": "string"}
        for name in ("USUBJID", "AETERM", "AESTDTC")
    ]
    head = {"datasetJSONVersion": "1.1.0", "itemGroupOID": "AE", "name": "AE", "label": "AE"}
    return json.dumps({**head, "records": len(rows), "columns": columns, "rows": rows}).encode()


def _claims_a_billion() -> bytes:
    content = _xpt()
    return content + content[-80:] * 20_000


BOMBS: Mapping[str, Write] = {
    "gzip of 1 GB of zeros": later(b"ae_QZACTIVE.csv.gz", lambda: _zeros(GB)),
    "gzip of a header and one line of 1 GB": later(
        b"ae_QZACTIVE.csv.gz", lambda: gzip.compress(GOOD + b"S3,9,") + _zeros(GB)
    ),
    "gzip of many members": later(b"ae_QZACTIVE.csv.gz", lambda: _zeros(64 * MB) * 32),
    "gzip within gzip": later(b"ae_QZACTIVE.csv.gz", lambda: gzip.compress(_zeros(GB))),
    "gzip cut short": named(b"ae_QZACTIVE.csv.gz", gzip.compress(GOOD)[:-9]),
    "gzip of quotes never closed": later(
        b"ae_QZACTIVE.csv.gz", lambda: gzip.compress(GOOD + b'"' + b"A" * (256 * MB), 1)
    ),
    "zlib of 1 GB of blanks": later(b"ae_QZACTIVE.dsjc", _zlib_bomb),
    "zip of 1 GB": later(b"ae_QZACTIVE.zip", lambda: _zip_of(("ae_QZACTIVE.csv", GB))),
    "zip that lies about its size": later(b"ae_QZACTIVE.zip", _zip_that_lies),
    "zip of 20,000 members": later(
        b"ae_QZACTIVE.zip", lambda: _zip_of(*((f"ae_{one}.csv", 10) for one in range(20_000)))
    ),
    "zip whose member leads out": later(b"ae_QZACTIVE.zip", lambda: _zip_of(("../../../QZACTIVE.csv", 10))),
    "Parquet of five million rows and one word": later(b"ae_QZACTIVE.parquet", _parquet_of_one_word),
    "SAS with rows without end": later(b"ae_QZACTIVE.xpt", _claims_a_billion),
    "JSON ten million deep": later(b"ae_QZACTIVE.json", lambda: b"[" * 10_000_000),
    "JSON lines a million deep": later(
        b"ae_QZACTIVE.ndjson", lambda: b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000
    ),
    "JSON with a number of a million digits": later(
        b"ae_QZACTIVE.json", lambda: b'{"records": ' + b"9" * 1_000_000 + b"}"
    ),
    "CSV of 300,000 columns": later(
        b"ae_QZACTIVE.csv", lambda: ",".join(f"C{one}" for one in range(300_000)).encode() + b"\n"
    ),
    "CSV of one line of 100 MB": later(b"ae_QZACTIVE.csv", lambda: GOOD + b"S" * (100 * MB)),
}
ODD: Mapping[str, Write] = {
    "half a surrogate in JSON": named(b"ae_QZACTIVE.json", _dataset([["S1", "Naus\ud800ea", "2024-06-11"]])),
    "an arm where a time belongs": named(
        b"ae_QZACTIVE.csv", ROWS.replace("2024-06-11T10:00", "QZACTIVE").encode()
    ),
    "an arm where a term belongs, and a formula": named(
        b"ae_QZACTIVE.csv", ROWS.replace("Nausea", '"=QZACTIVE+1"').encode()
    ),
    "an arm as a column": named(b"ae_QZACTIVE.csv", ROWS.replace("AETERM", "QZACTIVE").encode()),
    "an arm as a subject": named(b"ae_QZACTIVE.csv", ROWS.replace("S1,", "QZACTIVE,").encode()),
    "years beyond the calendar": named(
        b"ae_QZACTIVE.csv", ROWS.replace("2024-06-11T10", "99999-06-11T10").encode()
    ),
    "numbers beyond numbers": named(b"ae_QZACTIVE.csv", ROWS.replace(",7,", ",1e999,").encode()),
    "UTF-16 without a mark": named(b"ae_QZACTIVE.csv", ROWS.encode("utf-16-le")),
    "returns alone": named(b"ae_QZACTIVE.csv", ROWS.replace("\n", "\r").encode()),
    "NUL bytes": named(b"ae_QZACTIVE.csv", GOOD.replace(b"Nausea", b"Nau\0sea")),
    "empty": named(b"ae_QZACTIVE.csv", b""),
    "a page": named(b"ae_QZACTIVE.csv", b"<html><body>QZACTIVE: 503</body></html>"),
}


def _mutated(name: str, content: bytes, seed: int) -> bytes:
    """Cut, flip, double or blank a part of a file."""
    chance = random.Random(f"{name} {seed}")  # the same files each time
    at = chance.randrange(len(content))
    end = min(len(content), at + chance.randrange(1, 200))
    return (
        content[:at],
        content[:at] + bytes(chance.randrange(256) for _ in range(end - at)) + content[end:],
        content[:end] + content[at:],
        content[:at] + bytes(end - at) + content[end:],
    )[seed % MUTATIONS_OF_EACH]


def _sources() -> Iterator[tuple[str, bytes]]:
    yield "csv", GOOD
    yield "csv.gz", gzip.compress(GOOD)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("ae.csv", ROWS)
    yield "zip", held.getvalue()
    yield "json", _dataset([["S1", "Nausea", "2024-06-11T10:00"]])
    yield "xpt", _xpt()
    yield "parquet", _parquet({name: pa.array(_table()[name].astype(str)) for name in _table()})


def _mutations() -> Iterator[tuple[str, Write]]:
    for ending, content in _sources():
        for seed in range(MUTATIONS_OF_EACH):
            changed = _mutated(ending, content, seed)
            yield f"{ending} mutated, {seed}", named(f"ae_QZACTIVE.{ending}".encode(), changed)


def _of_the_tests(files: Mapping[str, Callable[[], File]]) -> Mapping[str, Write]:
    def writing(make: Callable[[], File]) -> Write:
        def write(folder: Path) -> None:
            name, content = make()
            (folder / f"QZACTIVE_{name}").write_bytes(content)

        return write

    return {f"{name} (of the tests)": writing(make) for name, make in files.items()}


HOSTILE: Mapping[str, Mapping[str, Write]] = {
    "names": NAMES,
    "places": PLACES,
    "bombs": {**BOMBS, **_of_the_tests(hostile_feeds.BOMBS)},
    "odd": ODD,
    "mutations": {**dict(_mutations()), **_of_the_tests(hostile_feeds.MUTATIONS)},
}
"""Every kind, and what writes each file of it."""
