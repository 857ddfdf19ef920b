"""Compressed files: what comes out is what Python's own gzip makes of them, whatever their headers hold."""

import gzip
import io
import sys
import zlib
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.errors import FeedError
from flows.feeds.content import Content, decompressed, identify

ROWS = b"USUBJID,VSORRES\nS-01,36.6\n"
NAMED, COMMENTED = 8, 16
"""Flags of a header (RFC 1952, 2.3.1)."""


def member(content: bytes, flags: int = 0, header: bytes = b"") -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    ends = zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    return (
        b"\x1f\x8b\x08"
        + bytes([flags, *bytes(5), 255])
        + header
        + engine.compress(content)
        + engine.flush()
        + ends
    )


def unpacked(file: bytes) -> bytes:
    stream = io.BytesIO(file)
    with decompressed(Content("VS 1", "", stream, identify(stream), "vs.csv.gz")) as content:
        return content.stream.read()


WORDS = st.binary(min_size=1, max_size=40).map(lambda word: word.replace(b"\0", b"x") + b"\0")
MEMBERS = st.one_of(
    st.binary(max_size=60).map(member),
    st.tuples(st.binary(max_size=60), st.sampled_from([NAMED, COMMENTED]), WORDS).map(
        lambda one: member(*one)
    ),
    st.integers(1, 40).map(bytes),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MEMBERS, max_size=5), st.integers(0, 30), st.integers(0, 300))
def test_what_comes_out_is_what_gzip_makes_of_it(members: list[bytes], cut: int, spoilt: int) -> None:
    whole = member(ROWS) + b"".join(members)
    file = bytearray(whole[: len(whole) - cut])
    if spoilt < len(file):
        file[spoilt] ^= 1
    if not file.startswith(b"\x1f\x8b"):
        return
    try:
        expected = gzip.decompress(bytes(file))
    except (OSError, EOFError, zlib.error):
        with pytest.raises(FeedError, match="damaged or cut short"):
            unpacked(bytes(file))
    else:
        assert unpacked(bytes(file)) == expected


@pytest.mark.parametrize("flags", [NAMED, COMMENTED])
def test_a_long_header_is_not_read_byte_by_byte(flags: int) -> None:
    assert_few_steps(member(ROWS, flags, b"a" * 1_000_000 + b"\0"))


def test_zeros_after_the_end_are_not_read_byte_by_byte() -> None:
    assert_few_steps(member(ROWS) + bytes(1_000_000))


def assert_few_steps(file: bytes) -> None:
    """A megabyte is read in pieces: a call of Python for each byte would be a million."""
    steps = count()
    sys.setprofile(lambda *_: next(steps))
    try:
        came = unpacked(file)
    finally:
        sys.setprofile(None)
    assert came == ROWS
    assert next(steps) < 10_000


def test_a_large_content_comes_out_of_few_bytes_and_of_many_members() -> None:
    rows = ROWS * 200_000
    assert unpacked(gzip.compress(rows)) == unpacked(zlib.compress(rows)) == rows
    assert unpacked(b"".join(member(rows[at : at + 100]) for at in range(0, 20_000, 100))) == rows[:20_000]
