"""The ledger: what is written to it together, and read back."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial, reduce
from typing import Self

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from checks.errors import LedgerBrokenError, LedgerWriteError, UsageError
from checks.stamps import stamp
from flows.ledger import forms, outbox, projection
from flows.ledger.chain import Head, Kind, Record, canonical, seal, stored, verified
from flows.ledger.database import Database, damaged, places_of_damage
from flows.ledger.foreign import foreign_parts
from flows.ledger.messages import few
from flows.ledger.outbox import Attempt, Chained, Entry, Outbox, Outgoing
from flows.ledger.payloads import EvidencePayload, LookPayload, Payload
from flows.ledger.projection import Projection
from flows.ledger.quarantine import NO_STUDY, LeftOut, leave_out, left_out_by, quarantined
from flows.ledger.rows import any_sealed, heads_at, newest, record_of, sealed_lately, stream
from flows.ledger.schema import METADATA, OUTBOX, RECORDS, bring_up_to_date
from flows.ledger.seen import Decision, Seen, entries_of_look, see
from flows.ledger.standing import Standing, follow
from flows.settings import Settings

LOGGER = logging.getLogger("postdose")


class Ledger:
    """The record of one database, with its messages in the ``outbox``; every method is one transaction.

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
        self.outbox = Outbox(self._database, key)

    @classmethod
    def of(cls, settings: Settings, *, must_exist: bool = False) -> Self:
        """Open the ledger that the settings name, with their key."""
        return cls(settings.state_url, key=settings.ledger_key, must_exist=must_exist)

    def record(self, study: str, kind: Kind, payload: Payload) -> Head:
        """Append one record, and return the new head."""
        with self._database.writing() as connection:
            return self._write(connection, study, [Entry(kind, payload)])

    def decide(self, study: str, decision: Decision, *, now: datetime) -> Head | None:
        """Append what a decision on what is seen of the study comes to; return the new head, None when nothing was.

        Nobody writes between what the decision reads and what it causes: two that decide at once do not both tell.
        It is made before others are kept from writing, and made again where one of them wrote meanwhile.
        """

        def plan(seen: Seen, chained: Chained) -> None:
            chained.add(decision(seen))

        written = self._settle(study, now, plan)
        return written[-1].head if written else None

    def record_look(self, study: str, payload: LookPayload, *, decision: Decision, now: datetime) -> Head:
        """Append a look, with whatever it causes, and return the new head: one transaction.

        A change of the protocol since the study's last look is recorded before it, with the look's reason. The
        decision is made with the look on record, but on the newest look before it, as ``decide`` does.
        """

        def plan(seen: Seen, chained: Chained) -> None:
            chained.add(entries_of_look(seen, payload))
            chained.add(decision(replace(seen, standing=reduce(follow, chained.records, seen.standing))))

        return self._settle(study, now, plan)[-1].head

    def record_attempts(self, study: str, attempts: Sequence[Attempt], *, at: datetime) -> Head:
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
            one = outbox.find(connection, outgoing_id, self._key)
            queued = outbox.queued_payload(one, canonical(one.message))
            again = Entry(Kind.ALERT, {**queued, "resent_by": by, "at": stamp(at)})
            head = self._write(connection, study, [again])
            outbox.requeue(connection, outgoing_id, head)
        return head

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return which records are left out of the chain, and by whom; seals are judged with the key alone."""
        with self._database.reading() as connection:
            return left_out_by(connection, self._key)

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

    def records(self, study: str | None = None, kind: Kind | None = None) -> tuple[Record, ...]:
        """Return the records of a study and of a kind, of all where None, oldest first."""
        wanted = select(RECORDS).order_by(RECORDS.c.sequence)
        for column, value in ((RECORDS.c.study, study), (RECORDS.c.kind, kind)):
            wanted = wanted if value is None else wanted.where(column == value)
        with self._database.reading() as connection:
            left_out = quarantined(connection, self._key)
            found = map(record_of, connection.execute(wanted))
            return tuple(one for one in found if one.sequence not in left_out)

    def sound(self, study: str, kind: Kind) -> tuple[Record, ...]:
        """Return the records of a study and a kind of its form, oldest first; the others are named in the log."""
        return tuple(filter(forms.is_sound, self.records(study, kind)))

    def quarantine(self, sequences: Sequence[int], *, by: str, reason: str, now: datetime) -> Head:
        """Leave records that another hand put in out of the chain, by a sealed record that follows; return the head.

        Raises
        ------
        UsageError
            When there is no key, or one of them is no record that was put in without it.
        LedgerBrokenError
            When the chain does not verify without them.
        """
        if self._key is None:
            raise UsageError(
                "POSTDOSE_LEDGER_KEY: found nothing; allowed: the ledger's key: without it nothing tells who leaves "
                "a record out"
            )
        with self._database.writing() as connection:
            known, every, words = quarantined(connection, self._key), stream(connection), (by, reason)
            last, left_out = leave_out(every, sequences, known=known, key=self._key, words=words, now=now)
            taken = frozenset((*known, *(one["sequence"] for one in left_out["records"])))
            chained = Chained(NO_STUDY, last, self._key, taken)
            chained.add([Entry(Kind.QUARANTINE, left_out)])
            self._insert(connection, chained)
            return chained.records[-1].head

    def head(self) -> Head | None:
        """Return the newest record, or None in an empty ledger."""
        with self._database.reading() as connection:
            last = newest(connection, quarantined(connection, self._key))
        return None if last is None else last.head

    def verify(self) -> int:
        """Return how many records the chain holds; raises as ``verified`` does."""
        return sum(1 for _ in self.verified())

    def verified(self) -> Iterator[Record]:
        """Yield every record, oldest first, once it is verified; to be read to its end.

        Raises
        ------
        LedgerBrokenError
            Naming the first record that does not follow from those before it, says what none of its kind can or,
            with a key, is not sealed by it;
            or, where the chain holds, each part of the projection or the outbox that does not follow from it.
        """
        made = Projection()
        try:
            with self._database.reading() as connection:
                left_out = quarantined(connection, self._key)
                for record in verified(stream(connection), key=self._key, quarantined=left_out):
                    forms.require(record)
                    made.follow(record)
                    yield record
                others = list(projection.differences(connection, made, datetime.now(UTC)))
                others += [f"the database is damaged: {place}" for place in places_of_damage(connection)]
                foreign = foreign_parts(connection, METADATA.tables)
                others += [f"the database does by itself what is not ours: {name}" for name in foreign]
                if others:
                    raise LedgerBrokenError(few(others))
        except LedgerWriteError as error:
            if damaged(error):
                where = "".join(f"; {place}" for place in self._places_of_damage())
                raise LedgerBrokenError(f"the records cannot all be read: {error}{where}") from error
            raise

    def _places_of_damage(self) -> tuple[str, ...]:
        try:
            with self._database.reading() as connection:
                return places_of_damage(connection)
        except LedgerWriteError:  # so torn that its own checks cannot be made: that is said already
            return ()

    def rebuild(self) -> None:
        """Write the projection anew from the records.

        Raises
        ------
        LedgerBrokenError
            When the chain does not verify: the projection is left as it is.
        """
        with self._database.writing() as connection:
            left_out = quarantined(connection, self._key)
            _project(connection, verified(stream(connection), key=self._key, quarantined=left_out))

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
            last = newest(connection, ())
        if sequence is None:
            known = "the ledger is empty" if last is None else f"record {last.sequence} is the newest"
            raise LedgerBrokenError(
                f"no record has the hash {sha256} ({known}): records were cut off the end, or the chain rewritten"
            )
        return Head(sequence, sha256)

    def holding(self, heads: Sequence[Head]) -> frozenset[Head]:
        """Return those of some heads that the ledger has a record of."""
        with self._database.reading() as connection:
            return frozenset(heads) & heads_at(connection, {one.sequence for one in heads})

    def copy_to(self, url: str) -> Head | None:
        """Copy the ledger and its outbox into an empty database; return the head that both then have.

        Raises
        ------
        LedgerBrokenError
            When the chain does not verify here, or there after it was copied.
        UsageError
            When the other database is this one, or not empty.
        """
        self.verify()
        target = Ledger(url, key=self._key)
        copied, found = self._copy_tables(target), target.verify()
        if found != copied:
            raise LedgerBrokenError(f"{copied} records were copied, and {found} are there")
        return target.head()

    def _copy_tables(self, target: "Ledger") -> int:
        """Copy every record, seal and message as it stands, while nobody writes here; return how many records."""
        shown = target._database.shown
        if self._database.shown == shown:
            raise UsageError(f"--to: found {shown}, the ledger itself; allowed: another, empty database")
        with self._database.writing() as old, target._database.writing() as new:
            for table in (RECORDS, OUTBOX):
                if new.execute(select(table).limit(1)).first() is not None:
                    raise UsageError(
                        f"--to: found a {table.name} with entries in {shown}; allowed: an empty one"
                    )
                every = old.execute(select(table).order_by(*table.primary_key)).mappings()
                if rows := [{**row} for row in every]:
                    new.execute(table.insert(), rows)
            target._project_anew(new)
            left_out = RECORDS.c.sequence.in_(quarantined(old, self._key).keys())
            return old.execute(select(func.count()).select_from(RECORDS).where(~left_out)).scalar_one()

    def rehearse(self, outgoing: Outgoing) -> None:
        """Write what a look does, a record and a message, and undo it: raises where a look could not write."""
        with self._database.writing() as connection:
            self._write(connection, "rehearsal", [Entry(Kind.LOOK, {}, (outgoing,))])
            connection.rollback()

    def _settle(self, study: str, now: datetime, plan: Callable[[Seen, Chained], None]) -> Sequence[Record]:
        """Write what is planned on what is seen; where that is on record already, once more on the records alone."""
        try:
            return self._settled(study, now, plan)
        except LedgerWriteError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            try:
                self.rebuild()
            except (LedgerBrokenError, LedgerWriteError):
                raise error from error.__cause__
        LOGGER.error("The projection lacked what is on record, and was written anew; verify the ledger")
        return self._settled(study, now, plan)

    def _settled(self, study: str, now: datetime, plan: Callable[[Seen, Chained], None]) -> Sequence[Record]:
        """Write what is planned on what is seen of a study; plan anew where somebody else has written meanwhile."""
        with self._database.reading() as connection:
            chained, seen = self._chained(connection, study), self._seen(connection, study, now)
        plan(seen, chained)
        with self._database.writing() as connection:
            newest = self._chained(connection, study)
            if newest.before != chained.before:
                chained = newest
                plan(self._seen(connection, study, now), chained)
            if chained.records:
                self._insert(connection, chained)
        return chained.records

    def _seen(self, connection: Connection, study: str, now: datetime) -> Seen:
        return see(
            connection, study, now, key=self._key, evidence=lambda standing: partial(self._evidence, standing)
        )

    def _evidence(self, standing: Standing, look_id: str | None) -> EvidencePayload | None:
        """Return what a look told: read when it is asked for, since few decisions do, and it is long."""
        sequence = None if look_id is None else standing.evidence.get(look_id)
        if sequence is None:
            return None
        with self._database.reading() as connection:
            told = connection.execute(select(RECORDS).where(RECORDS.c.sequence == sequence)).first()
        found = None if told is None else record_of(told)
        return found.read(EvidencePayload) if found is not None and forms.is_sound(found) else None

    def _project_anew(self, connection: Connection) -> None:
        """Fill the projection of a ledger that comes from before it was kept; its chain is not verified for that."""
        left_out = quarantined(connection, self._key)
        try:
            _project(connection, (one for one in stream(connection) if one.sequence not in left_out))
        except LedgerBrokenError as error:
            raise LedgerWriteError(f"{self._database.shown}: {error}") from error

    def _write(self, connection: Connection, study: str, entries: Sequence[Entry]) -> Head:
        """Append entries, one or more."""
        chained = self._chained(connection, study)
        chained.add(entries)
        self._insert(connection, chained)
        return chained.records[-1].head

    def _chained(self, connection: Connection, study: str) -> Chained:
        left_out = (
            quarantined(connection, self._key) if self._key else {}
        )  # sealed, it is not written without
        return Chained(study, newest(connection, left_out), self._key, frozenset(left_out))

    def _insert(self, connection: Connection, chained: Chained) -> None:
        self._refuse_other_keys(connection, chained.before)
        connection.execute(RECORDS.insert(), [stored(record) for record in chained.records])
        if chained.messages:
            connection.execute(OUTBOX.insert(), chained.messages)
        projection.project(connection, chained.records)
        if outbox.unkept(connection, chained.messages):  # undone, so that they are sent past it
            raise LedgerWriteError(
                f"{self._database.shown}: the database changes by itself what is put in the outbox"
            )

    def _refuse_other_keys(self, connection: Connection, last: Record | None) -> None:
        """Keep a chain's seals whole: a record written without the key would be a bad one for ever."""
        if last is None:
            return
        if self._key is None and (last.hmac is not None or sealed_lately(connection)):
            problem = "is sealed with a key, and none was given"
        elif self._key is not None and last.hmac is None and any_sealed(connection):
            problem = "carries no seal, though one before it does"
        elif self._key is not None and last.hmac not in (None, seal(self._key, last.sha256)):
            problem = "is sealed with another key"
        else:
            return
        raise LedgerWriteError(
            f"{self._database.shown}: record {last.sequence} {problem} (POSTDOSE_LEDGER_KEY); where it was put in by "
            f"another hand, `postdose ledger quarantine {last.sequence} --by NAME --reason TEXT` leaves it out"
        )


def _project(connection: Connection, records: Iterable[Record]) -> None:
    """Write the projection of records anew."""
    made = Projection()
    for record in records:
        made.follow(record)
    projection.rebuild(connection, made, datetime.now(UTC))
