"""The ledger: what is written to it together, and read back."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial, reduce
from typing import Any

from sqlalchemy import Connection, Row, select

from checks.errors import LedgerBrokenError, LedgerWriteError
from flows.ledger import outbox, projection
from flows.ledger.chain import Head, Kind, Record, canonical, seal, verify_chain
from flows.ledger.chaining import Chained, chain_entries, protocol_change
from flows.ledger.database import Database, damaged
from flows.ledger.moving import copy_tables
from flows.ledger.outbox import Attempt, Entry, Outgoing, Waiting
from flows.ledger.payloads import AlertPayload, EvidencePayload, LookPayload, Payload
from flows.ledger.projection import Projection
from flows.ledger.schema import OUTBOX, RECORDS, bring_up_to_date
from flows.ledger.standing import Standing, follow

ROWS_AT_ONCE = 1000
"""Rows fetched together while a chain is verified: a few megabytes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is decided on: where a study stands, its newest look as of a moment, and what earlier looks told.

    ``look`` is what is on record of the look with the latest data cut-off that had come by then, None before the
    first. ``told`` returns what is on record of what a look told, by the look's id; None where no alert refers to it.
    """

    standing: Standing
    look: LookPayload | None
    told: Callable[[str | None], EvidencePayload | None]


Decision = Callable[[Seen], Sequence[Entry]]
"""Says, of what is seen of a study, what is to be written next."""


class Ledger:
    """The record of one database; every method is one transaction.

    Parameters
    ----------
    url
        A SQLAlchemy URL of SQLite or PostgreSQL; whichever driver it names, ours is used.
    key
        Seals each record that is written, and judges the seals when the chain is verified. A ledger once sealed
        is written with its key alone. There is one key for a ledger's life: changing it is not provided for.
    must_exist
        Whether to refuse, rather than make, a ledger that is not there.

    Raises
    ------
    LedgerWriteError
        From every method, when the database cannot be reached, read or written.
    UsageError
        When the ledger must exist and does not.
    """

    def __init__(self, url: str, *, key: bytes | None = None, must_exist: bool = False) -> None:
        self._key = key
        self._database = Database(url, must_exist=must_exist)
        bring_up_to_date(self._database, must_exist=must_exist, then=self._project_anew)

    def record(self, study: str, kind: Kind, payload: Payload, outgoing: Sequence[Outgoing] = ()) -> Head:
        """Append one record, put the messages it causes into the outbox, and return the new head."""
        with self._database.writing() as connection:
            return self._write(connection, study, [Entry(kind, payload, tuple(outgoing))])

    def decide(self, study: str, decision: Decision, *, now: datetime) -> Head | None:
        """Append what a decision on what is seen of the study comes to; return the new head, None when nothing was.

        Nobody writes between what the decision reads and what it causes: two that decide at once do not both tell.
        It is made before others are kept from writing, and made again where one of them wrote meanwhile.
        """

        def planned(seen: Seen, last: Record | None) -> Chained:
            return self._chain(study, last, decision(seen))

        written = self._settle(study, now, planned)
        return written.records[-1].head if written.records else None

    def record_look(
        self,
        study: str,
        payload: LookPayload,
        outgoing: Sequence[Outgoing] = (),
        *,
        decision: Decision | None = None,
        now: datetime | None = None,
    ) -> Head:
        """Append a look, with the messages and whatever else it causes, and return the new head: one transaction.

        A change of the protocol since the study's last look is recorded before it, with the look's reason; each
        message is recorded after it, by its hash. The decision is made with the look on record, but on the newest
        look before it, as ``decide`` does.
        """
        if decision is not None and now is None:
            raise ValueError("a decision is made at a moment")
        looked = Entry(Kind.LOOK, payload, tuple(outgoing))

        def planned(seen: Seen, last: Record | None) -> Chained:
            look = self._chain(
                study, last, [*protocol_change(seen.standing.protocol_sha256, payload), looked]
            )
            after = replace(seen, standing=reduce(follow, look.records, seen.standing))
            caused = decision(after) if decision else ()
            return look + self._chain(study, look.records[-1], caused)

        return self._settle(study, now, planned).records[-1].head

    def record_attempts(self, study: str, attempts: Sequence[Attempt], *, at: datetime | None) -> Head:
        """Append what became of each message that was tried, one or more, and mark it so in the outbox.

        A receipt, a failed attempt, or of one that is given up a failed attempt and its end: all in one
        transaction, so that a burst of messages does not wait for the disk after each.
        """
        with self._database.writing() as connection:
            marked = outbox.mark(connection, attempts, at=at)
            return self._write(connection, study, marked)

    def requeue(self, study: str, outgoing_id: str, *, by: str, at: datetime) -> Head:
        """Let a message, a dead letter above all, wait again under the same id, and record who asked for it."""
        with self._database.writing() as connection:
            one = outbox.find(connection, outgoing_id)
            told = outbox.put_in(one, canonical(one.message))
            again: AlertPayload = {**told, "resent_by": by, "at": outbox.stamp(at)}
            head = self._append(connection, study, Kind.ALERT, again)
            outbox.requeue(connection, outgoing_id, head)
        return head

    def claim_due(
        self,
        study: str,
        now: datetime,
        *,
        until: datetime,
        by: str = "",
        only: Collection[str] | None = None,
    ) -> tuple[Waiting, ...]:
        """Return the messages that are due, oldest first; no other process is given them before ``until``.

        Parameters
        ----------
        study
            Whose messages.
        now, until
            UTC.
        by
            The process, as ``this_process`` names it: once it has ended, what it has not marked is due.
        only
            The ids of those that are asked for; all where None.
        """
        with self._database.writing() as connection:
            return outbox.claim(connection, study, now, until, by=by, only=only)

    def give_back(self, ids: Sequence[str]) -> None:
        """Let messages that were claimed and not tried be due at once."""
        if ids:
            with self._database.writing() as connection:
                outbox.give_back(connection, ids)

    def count_waiting(self, study: str) -> tuple[int, int]:
        """Return how many messages wait after an attempt, and how many have not been tried."""
        with self._database.reading() as connection:
            return outbox.count_waiting(connection, study)

    def undelivered(self, study: str) -> tuple[Waiting, ...]:
        """Return the messages that wait, due or not, oldest first."""
        with self._database.reading() as connection:
            return outbox.waiting(connection, study)

    def dead_letters(self, study: str) -> tuple[Waiting, ...]:
        """Return the messages that were given up, oldest first, with the problem of each."""
        with self._database.reading() as connection:
            return outbox.waiting(connection, study, "dead")

    def seen(self, study: str, now: datetime) -> Seen:
        """Return what a decision on a study at a moment (UTC) is made on."""
        with self._database.reading() as connection:
            return self._seen(connection, study, now)

    def newest_look(self, study: str, by: datetime) -> LookPayload | None:
        """Return what is on record of the look with the latest data cut-off that had come by a moment (UTC)."""
        with self._database.reading() as connection:
            return projection.newest_look(connection, study, by)

    def standings(self) -> Mapping[str, Standing]:
        """Return where each study stands, by study."""
        with self._database.reading() as connection:
            return projection.read_standings(connection)

    def is_due(self, study: str, now: datetime) -> bool:
        """Whether a message of a study is to be tried."""
        with self._database.reading() as connection:
            return outbox.is_due(connection, study, now)

    def records(self, study: str | None = None, kind: Kind | None = None) -> tuple[Record, ...]:
        """Return the records of a study and of a kind, of all where None, oldest first."""
        with self._database.reading() as connection:
            return _records(connection, study, kind)

    def head(self) -> Head | None:
        """Return the newest record, or None in an empty ledger."""
        with self._database.reading() as connection:
            last = _last(connection)
        return None if last is None else last.head

    def verify(self) -> int:
        """Return how many records the chain holds.

        Raises
        ------
        LedgerBrokenError
            Naming the first record that does not follow from those before it or, with a key, is not sealed by it;
            or, where the chain holds, the first part of the projection or the outbox that does not follow from it.
        """
        made = Projection()
        try:
            with self._database.reading() as connection:
                records = verify_chain(made.of(_stream(connection)), key=self._key)
                for other in projection.differences(connection, made):
                    raise LedgerBrokenError(other)
                return records
        except LedgerWriteError as error:
            if damaged(error):
                raise LedgerBrokenError(f"the records cannot all be read: {error}") from error
            raise

    def rebuild(self) -> int:
        """Write the projection anew from the records, and return how many there are.

        Raises
        ------
        LedgerBrokenError
            When the chain does not verify: the projection is left as it is.
        """
        made = Projection()
        with self._database.writing() as connection:
            records = verify_chain(made.of(_stream(connection)), key=self._key)
            projection.rebuild(connection, made)
        return records

    def find(self, sha256: str) -> Head:
        """Return the record with a hash, as an earlier report or an earlier `head` names it.

        Raises
        ------
        LedgerBrokenError
            When no record has it: records were cut off the end, or the chain was rewritten.
        """
        with self._database.reading() as connection:
            sequence = connection.execute(
                select(RECORDS.c.sequence).where(RECORDS.c.sha256 == sha256)
            ).scalar()
            last = _last(connection)
        if sequence is None:
            newest = "the ledger is empty" if last is None else f"record {last.sequence} is the newest"
            raise LedgerBrokenError(
                f"no record has the hash {sha256} ({newest}): records were cut off the end, or the chain rewritten"
            )
        return Head(sequence, sha256)

    def copy_to(self, url: str) -> Head | None:
        """Copy the ledger and its outbox into an empty database, and return the head that both then have.

        Raises
        ------
        LedgerBrokenError
            When the chain does not verify here, or there after it was copied.
        UsageError
            When the other database is this one, or not empty.
        """
        self.verify()
        target = Ledger(url, key=self._key)
        copied = copy_tables(self._database, target._database, then=self._project_anew)
        found = target.verify()
        if found != copied:
            raise LedgerBrokenError(f"{copied} records were copied, and {found} are there")
        return target.head()

    def rehearse(self, outgoing: Outgoing) -> None:
        """Write what a look does, a record and a message, and undo it: raises where a look could not write."""
        with self._database.writing() as connection:
            self._write(connection, "rehearsal", [Entry(Kind.LOOK, {}, (outgoing,))])
            connection.rollback()

    def _settle(
        self, study: str, now: datetime | None, planned: Callable[[Seen, Record | None], Chained]
    ) -> Chained:
        """Write what is planned on what is seen of a study; plan anew where somebody else has written meanwhile."""
        with self._database.reading() as connection:
            last, seen = _last(connection), self._seen(connection, study, now)
        chained = planned(seen, last)
        with self._database.writing() as connection:
            newest = _last(connection)
            if newest != last:
                chained = planned(self._seen(connection, study, now), newest)
            self._insert(connection, newest, chained)
        return chained

    def _seen(self, connection: Connection, study: str, now: datetime | None) -> Seen:
        standing = projection.read_standing(connection, study)
        look = None if now is None else projection.newest_look(connection, study, now)
        return Seen(standing, look, partial(self._told, standing))

    def _told(self, standing: Standing, look_id: str | None) -> EvidencePayload | None:
        """Return what a look told: read when it is asked for, since few decisions do, and it is long."""
        sequence = None if look_id is None else standing.evidence.get(look_id)
        if sequence is None:
            return None
        with self._database.reading() as connection:
            told = connection.execute(
                select(RECORDS.c.payload).where(RECORDS.c.sequence == sequence)
            ).scalar()
        return None if told is None else json.loads(told)

    def _project_anew(self, connection: Connection) -> None:
        """Fill the projection of a ledger that comes from before it was kept; its chain is not verified for that."""
        made = Projection()
        try:
            for _ in made.of(_stream(connection)):
                pass
        except LedgerBrokenError as error:
            raise LedgerWriteError(f"{self._database.shown}: {error}") from error
        projection.rebuild(connection, made)

    def _append(self, connection: Connection, study: str, kind: Kind, payload: Payload) -> Head:
        return self._write(connection, study, [Entry(kind, payload)])

    def _write(self, connection: Connection, study: str, entries: Sequence[Entry]) -> Head:
        """Append entries, one or more."""
        last = _last(connection)
        written = self._chain(study, last, entries)
        self._insert(connection, last, written)
        return written.records[-1].head

    def _chain(self, study: str, last: Record | None, entries: Sequence[Entry]) -> Chained:
        return chain_entries(study, last, entries, self._key)

    def _insert(self, connection: Connection, last: Record | None, chained: Chained) -> None:
        if not chained.records:
            return
        self._refuse_other_keys(connection, last)
        connection.execute(RECORDS.insert(), chained.rows)
        if chained.messages:
            connection.execute(OUTBOX.insert(), list(chained.messages))
        projection.project(connection, chained.records)

    def _refuse_other_keys(self, connection: Connection, last: Record | None) -> None:
        """Keep a chain's seals whole: a record written without the key would be a bad one for ever."""
        if last is None:
            return
        if self._key is None and last.hmac is not None:
            problem = "is sealed with a key, and none was given"
        elif self._key is not None and last.hmac is None and _any_sealed(connection):
            problem = "carries no seal, though one before it does"
        elif self._key is not None and last.hmac not in (None, seal(self._key, last.sha256)):
            problem = "is sealed with another key"
        else:
            return
        raise LedgerWriteError(
            f"{self._database.shown}: record {last.sequence} {problem} (POSTDOSE_LEDGER_KEY)"
        )


def _last(connection: Connection) -> Record | None:
    row = connection.execute(select(RECORDS).order_by(RECORDS.c.sequence.desc()).limit(1)).first()
    return None if row is None else _record(row)


def _records(connection: Connection, study: str | None, kind: Kind | None = None) -> tuple[Record, ...]:
    wanted = select(RECORDS).order_by(RECORDS.c.sequence)
    if study is not None:
        wanted = wanted.where(RECORDS.c.study == study)
    if kind is not None:
        wanted = wanted.where(RECORDS.c.kind == kind)
    return tuple(_record(row) for row in connection.execute(wanted))


def _any_sealed(connection: Connection) -> bool:
    return (
        connection.execute(select(RECORDS.c.sequence).where(RECORDS.c.hmac.is_not(None)).limit(1)).first()
        is not None
    )


def _stream(connection: Connection) -> Iterator[Record]:
    every = select(RECORDS).order_by(RECORDS.c.sequence).execution_options(yield_per=ROWS_AT_ONCE)
    return (_record(row) for row in connection.execute(every))


def _record(row: Row[Any]) -> Record:
    # SQLite lets another hand store bytes where text was declared: as text they fail their hash and are named.
    text = {name: str(value) for name, value in row._mapping.items() if isinstance(value, str | bytes)}
    return Record(
        row.sequence,
        text["study"],
        text["kind"],
        text["payload"],
        text["previous_sha256"],
        text["sha256"],
        text.get("hmac"),
    )
