"""What another hand appended is named, left out by a record that the key seals, and the chain goes on."""

from datetime import UTC, datetime

import pytest
from ledgers import caused
from sqlalchemy import Engine

from checks.errors import LedgerBrokenError, LedgerWriteError, UsageError
from flows.ledger import Kind, Ledger, Outgoing
from flows.ledger.chain import GENESIS, canonical, digest

KEY = b"a key of the study team, 32 bytes or more"
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
WORDS = {"by": "Dr A", "reason": "put in by the account of the looks", "now": NOW}


@pytest.fixture
def sealed(state_url: str) -> Ledger:
    """Three records: a look, its message, and a review."""
    ledger = Ledger(state_url, key=KEY)
    caused(ledger, {"at": "2026-03-01T02:00:00Z"}, [Outgoing("m-1", "file:outbox/", {})])
    ledger.record("S", Kind.REVIEW, {})
    return ledger


def put_in(database: Engine, sequence: int, previous: str, *, kind: str = "look", seal: str = "NULL",
           payload: str = '{"verdict":"no_signal"}', sha256: str | None = None) -> str:  # fmt: skip
    """As whoever may append can: a record whose hash is right, unless told."""
    hashed = sha256 or digest(sequence, "S", kind, payload, previous)
    with database.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO ledger VALUES ({sequence}, 'S', '{kind}', '{payload}', '{previous}', '{hashed}', {seal})"
        )
    return hashed


FORGED = {
    "a sound hash": (4, {}),
    "a wrong hash": (4, {"sha256": "f" * 64}),
    "a seal of its own": (4, {"seal": f"'{'e' * 64}'"}),
    "no JSON": (4, {"payload": "no JSON"}),
    "an unknown kind": (4, {"kind": "verdict"}),
    "far ahead": (1000, {}),
    "the last of all numbers": (2**31 - 1, {}),
    "before the first": (0, {}),
    "below nothing": (-7, {}),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_record_is_named_left_out_and_followed(sealed: Ledger, database: Engine, how: str) -> None:
    sequence, forged = FORGED[how]
    head, kinds = sealed.head(), [record.kind for record in sealed.records()]
    assert head is not None
    put_in(database, sequence, head.sha256 if sequence > 0 else GENESIS, **forged)
    with pytest.raises(
        LedgerBrokenError,
        match=r"record \S+ (was put in|is missing: record|carries no seal|was changed|is not)",
    ):
        sealed.verify()
    if sequence > 0:
        with pytest.raises(LedgerWriteError, match=f"ledger quarantine {sequence}"):
            sealed.record("S", Kind.REVIEW, {})
    left_out = sealed.quarantine([sequence], **WORDS)
    assert left_out.sequence == (5 if sequence == 4 else 4)
    assert sealed.verify() == 4
    assert Ledger(sealed_url(database)).verify() == 4  # without the key too
    (said,) = sealed.left_out()
    assert (list(said.records), said.by_record, said.by) == ([sequence], left_out.sequence, "Dr A")
    after = sealed.record("S", Kind.REVIEW, {"note": "goes on"})
    assert after.sequence == left_out.sequence + 1
    assert sealed.verify() == 5
    assert [record.kind for record in sealed.records()] == [*kinds, Kind.QUARANTINE, Kind.REVIEW]
    sealed.rebuild()
    assert sealed.verify() == 5


def sealed_url(database: Engine) -> str:
    return database.url.render_as_string(hide_password=False)


def test_numbers_that_are_left_out_are_passed_over(sealed: Ledger, database: Engine) -> None:
    head = sealed.head()
    assert head is not None
    for sequence in (4, 6, 7):
        put_in(database, sequence, head.sha256, sha256=f"{sequence:064x}")
    with pytest.raises(LedgerBrokenError, match="record 6"):  # names what is left to name
        sealed.quarantine([4], **WORDS)
    assert sealed.quarantine([7, 4, 6], **WORDS).sequence == 5
    assert [sealed.record("S", Kind.REVIEW, {}).sequence for _ in range(2)] == [8, 9]
    assert sealed.verify() == 6


def test_a_moved_ledger_takes_what_is_left_out_with_it(
    sealed: Ledger, database: Engine, tmp_path: object
) -> None:
    head = sealed.head()
    assert head is not None
    put_in(database, 4, head.sha256)
    sealed.quarantine([4], **WORDS)
    url = f"sqlite:///{tmp_path}/moved.sqlite"
    moved = sealed.copy_to(url)
    assert (moved, Ledger(url, key=KEY).verify()) == (sealed.head(), 4)


def test_without_the_key_nothing_is_left_out(sealed: Ledger, database: Engine, state_url: str) -> None:
    head = sealed.head()
    assert head is not None
    put_in(database, 4, head.sha256)
    with pytest.raises(UsageError, match="without it nothing tells who leaves"):
        Ledger(state_url).quarantine([4], **WORDS)
    with pytest.raises(LedgerWriteError, match="sealed with a key, and none was given"):
        Ledger(state_url).record("S", Kind.REVIEW, {})  # the unsealed record does not hide that


@pytest.mark.parametrize(
    ("sequence", "said"), [(2, "sealed with this key"), (3, "sealed with this key"), (9, "no record has")]
)
def test_a_good_record_is_not_left_out(sealed: Ledger, sequence: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sealed.quarantine([sequence], **WORDS)
    assert sealed.verify() == 3


def test_whoever_may_append_cannot_leave_a_record_out(sealed: Ledger, database: Engine) -> None:
    head = sealed.head()
    assert head is not None
    payload = canonical(
        {"at": "", "by": "x", "reason": "y", "records": [{"sequence": 3, "fingerprint": "0"}]}
    )
    hashed = digest(4, "", "quarantine", payload, head.sha256)
    with database.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO ledger VALUES (4, '', 'quarantine', '{payload}', '{head.sha256}', '{hashed}', '{'a' * 64}')"
        )
    assert [record.sequence for record in sealed.records()] == [1, 2, 3, 4]
    with pytest.raises(LedgerBrokenError, match="record 4 is not sealed with this key"):
        sealed.verify()
    sealed.quarantine([4], **WORDS)
    assert sealed.verify() == 4


def test_a_record_that_is_left_out_and_changed_or_gone_is_named(sealed: Ledger, database: Engine) -> None:
    head = sealed.head()
    assert head is not None
    put_in(database, 4, head.sha256)
    sealed.quarantine([4], **WORDS)
    with pytest.raises(UsageError, match="which is quarantined already"):
        sealed.quarantine([4], **WORDS)
    with database.begin() as connection:
        for name in ("update", "delete", "replace"):
            if database.dialect.name == "sqlite":
                connection.exec_driver_sql(f"DROP TRIGGER ledger_no_{name}")
        if database.dialect.name == "postgresql":
            connection.exec_driver_sql("DROP TRIGGER ledger_append_only ON ledger")
        connection.exec_driver_sql("DELETE FROM ledger WHERE sequence = 4")
    with pytest.raises(LedgerBrokenError, match="record 4 is quarantined, and missing"):
        sealed.verify()
