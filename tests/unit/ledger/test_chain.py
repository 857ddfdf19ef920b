"""The chain: what a record's hash covers, and which record is the first bad one."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from checks.errors import LedgerBrokenError
from flows.ledger import Kind, Record, canonical
from flows.ledger.chain import GENESIS, digest, next_record, seal, verified

KEY = b"a key of the study team, 32 bytes or more"


def verify_chain(records: Iterable[Record], *, key: bytes | None) -> int:
    return len(list(verified(records, key=key)))


def chain(length: int, key: bytes | None = None) -> list[Record]:
    records: list[Record] = []
    for number in range(1, length + 1):
        last = records[-1] if records else None
        records.append(next_record(last, "S", Kind.LOOK, {"number": number}, key))
    return records


def rewritten(records: list[Record], key: bytes | None = None) -> list[Record]:
    """The same length, other content, and every hash right."""
    new: list[Record] = []
    for record in records:
        payload = {"number": record.payload["number"], "quiet": True}
        new.append(next_record(new[-1] if new else None, "S", Kind.LOOK, payload, key))
    return new


def test_a_hash_is_that_of_its_parts_each_led_by_its_length_in_bytes() -> None:
    # "é" is two bytes of UTF-8; the payload's own "é" is written as the six characters \\u00e9.
    written = b'1:13:S\xc3\xa94:look14:{"a":"\\u00e9"}64:' + b"0" * 64
    record = next_record(None, "Sé", Kind.LOOK, {"a": "é"}, None)
    assert record.sha256 == hashlib.sha256(written).hexdigest()
    assert record.previous_sha256 == GENESIS == "0" * 64


def test_a_seal_is_the_hmac_of_the_hash() -> None:
    # RFC 2104 with SHA-256, written out: H(key xor opad, H(key xor ipad, text)), for a block of 64 bytes.
    block = KEY.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + b"ab12").digest()
    assert seal(KEY, "ab12") == hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).hexdigest()
    assert seal(KEY, "ab12") == hmac.new(KEY, b"ab12", "sha256").hexdigest()


def test_moving_a_character_from_one_part_to_the_next_gives_another_hash() -> None:
    assert digest(1, "ab", "c", "{}", GENESIS) != digest(1, "a", "bc", "{}", GENESIS)
    assert digest(1, "1:a", "c", "{}", GENESIS) != digest(11, ":a", "c", "{}", GENESIS)


@pytest.mark.parametrize("payload", [{"b": 1, "a": [1.5, None]}, {"a": [1.5, None], "b": 1}])
def test_a_payload_has_one_text_whatever_its_order(payload: Mapping[str, Any]) -> None:
    assert canonical(payload) == '{"a":[1.5,null],"b":1}'


def test_a_payload_that_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"p_value": float("nan")})


def test_a_kind_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="'lok' is not a valid Kind"):
        next_record(None, "S", "lok", {}, None)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_sound_chain_is_counted(key: bytes | None) -> None:
    assert verify_chain(chain(4, key), key=key) == 4
    assert verify_chain([], key=key) == 0


@pytest.mark.parametrize("place", range(1, 6))
@pytest.mark.parametrize(
    ("field", "value"),
    [("study", "T"), ("kind", "receipt"), ("text", '{"number":9}'), ("sha256", "f" * 64), ("sha256", "")],
)
def test_an_edited_record_is_named_wherever_it_stands(place: int, field: str, value: str) -> None:
    records = chain(5)
    records[place - 1] = replace(records[place - 1], **{field: value})
    with pytest.raises(LedgerBrokenError, match=f"^record {place} was changed"):
        verify_chain(records, key=None)


def _delete(records: list[Record]) -> list[Record]:
    return records[:1] + records[2:]


def _delete_first(records: list[Record]) -> list[Record]:
    return records[1:]


def _delete_and_renumber(records: list[Record]) -> list[Record]:
    return records[:1] + [replace(record, sequence=record.sequence - 1) for record in records[2:]]


def _reorder(records: list[Record]) -> list[Record]:
    swapped = [replace(records[2], sequence=2), replace(records[1], sequence=3)]
    return records[:1] + swapped + records[3:]


def _insert(records: list[Record]) -> list[Record]:
    new = next_record(records[1], "S", Kind.LOOK, {"number": 99}, None)
    return [*records[:2], new, *(replace(one, sequence=one.sequence + 1) for one in records[2:])]


def _insert_before(records: list[Record]) -> list[Record]:
    return [replace(records[0], sequence=0), *records]


def _edit_and_rehash(records: list[Record]) -> list[Record]:
    new = next_record(records[0], "S", Kind.LOOK, {"number": 99}, None)
    return [records[0], new, *records[2:]]


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_delete, "record 2 is missing: record 3 comes after record 1"),
        (_delete_first, "record 1 is missing: record 2 comes after record 0"),
        (_delete_and_renumber, "record 2 does not follow from record 1"),
        (_reorder, "record 2 does not follow from record 1"),
        (_insert, "record 4 does not follow from record 3"),
        (_insert_before, "record 0 was put in"),
        (_edit_and_rehash, "record 3 does not follow from record 2"),
    ],
)
def test_the_first_bad_record_is_named(tamper: Callable[[list[Record]], list[Record]], said: str) -> None:
    with pytest.raises(LedgerBrokenError, match=said):
        verify_chain(tamper(chain(5)), key=None)


def test_a_chain_rewritten_whole_fits_in_itself_and_not_the_key() -> None:
    forged = rewritten(chain(3, KEY), key=b"a key that somebody else thought of")
    assert verify_chain(forged, key=None) == 3
    with pytest.raises(LedgerBrokenError, match="record 1 is not sealed with this key"):
        verify_chain(forged, key=KEY)


def test_a_chain_rewritten_whole_without_seals_is_noticed_with_the_key() -> None:
    with pytest.raises(LedgerBrokenError, match="record 1 and all after it, to record 3, carry no seal"):
        verify_chain(rewritten(chain(3, KEY)), key=KEY)


def test_old_seals_on_a_new_chain_do_not_fit() -> None:
    original = chain(3, KEY)
    forged = [replace(new, hmac=old.hmac) for new, old in zip(rewritten(original), original, strict=True)]
    with pytest.raises(LedgerBrokenError, match="record 1 is not sealed with this key"):
        verify_chain(forged, key=KEY)


def test_records_from_before_the_first_seal_are_covered_by_it() -> None:
    records = chain(2)
    records.append(next_record(records[-1], "S", Kind.LOOK, {"number": 3}, KEY))
    assert verify_chain(records, key=KEY) == 3


def test_a_record_without_a_seal_after_a_sealed_one_is_named() -> None:
    records = chain(2, KEY)
    records.append(next_record(records[-1], "S", Kind.LOOK, {"number": 3}, None))
    with pytest.raises(LedgerBrokenError, match="record 3 carries no seal"):
        verify_chain(records, key=KEY)
