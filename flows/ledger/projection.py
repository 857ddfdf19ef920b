"""The projection: where each study stands, and its looks by data cut-off, in tables beside the records.

Written in the transaction of the records, so that it is never behind them; made again from them by ``rebuild``, and
compared with them by ``differences``, as is what the outbox says of each message. The records alone are the truth:
whoever changes the projection changes what is told next, and is named by the next verification.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, delete, select

from checks.errors import LedgerBrokenError, LedgerWriteError
from checks.stamps import stamp
from flows.ledger import forms, messages
from flows.ledger.chain import Kind, Record
from flows.ledger.messages import Messages
from flows.ledger.payloads import LookPayload
from flows.ledger.rows import record_of
from flows.ledger.schema import LOOKS, RECORDS, STANDINGS
from flows.ledger.standing import Standing, follow

_STANDING = TypeAdapter(Standing)


@dataclass(slots=True)
class Projection:
    """What all records of a ledger come to."""

    standings: dict[str, Standing] = field(default_factory=dict)
    looks: dict[int, tuple[str, str]] = field(default_factory=dict)
    messages: Messages = field(default_factory=Messages)

    def follow(self, record: Record) -> None:
        """Carry on over one more record.

        Raises
        ------
        LedgerBrokenError
            When no record of its kind says what it does.
        """
        try:
            self.standings[record.study] = follow(self.standings.get(record.study, Standing()), record)
            cutoff = record.read(LookPayload).get("data_cutoff") if record.kind == Kind.LOOK else None
            if cutoff is not None:
                self.looks[record.sequence] = (record.study, stamp(datetime.fromisoformat(cutoff)))
            self.messages.follow(record)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise LedgerBrokenError(f"record {record.sequence} says what no record can: {error}") from error


def project(connection: Connection, records: Sequence[Record]) -> None:
    """Carry the projection on over records that are written in this transaction, oldest first."""
    made = Projection({study: read_standing(connection, study) for study in {one.study for one in records}})
    for record in records:
        made.follow(record)
    _write(connection, made)


def rebuild(connection: Connection, made: Projection, now: datetime) -> None:
    """Write the projection anew, and what became of each message that the outbox has otherwise; ``now`` is UTC."""
    for table in (LOOKS, STANDINGS):
        connection.execute(delete(table))
    _write(connection, made)
    messages.mend(connection, made.messages, now)


def read_standing(connection: Connection, study: str) -> Standing:
    """Return where a study stands; before its first record, nowhere yet.

    Raises
    ------
    LedgerWriteError
        When the projection was changed by another hand, so that it cannot be read.
    """
    kept = connection.execute(select(STANDINGS.c.document).where(STANDINGS.c.study == study)).scalar()
    return Standing() if kept is None else _read(study, kept)


def read_standings(connection: Connection) -> Mapping[str, Standing]:
    """Return where each study stands, by study."""
    rows = connection.execute(select(STANDINGS).order_by(STANDINGS.c.study))
    return {row.study: _read(row.study, row.document) for row in rows}


def newest_look(connection: Connection, study: str, by: datetime) -> LookPayload | None:
    """Return what is on record of the look with the latest data cut-off that had come by a moment (UTC), or None.

    A look made by hand at an earlier cut-off does not hide a recent one; one at a cut-off to come, which is a
    mistake, does not hide that none is made. Of two at one cut-off the later stands. A record of another form, as
    another hand may put in, is passed over.
    """
    newest = (
        select(RECORDS)
        .join(LOOKS, LOOKS.c.sequence == RECORDS.c.sequence)
        .where(LOOKS.c.study == study, LOOKS.c.data_cutoff <= stamp(by))
        .order_by(LOOKS.c.data_cutoff.desc(), LOOKS.c.sequence.desc())
        .limit(1)
    )
    for passed_over in count():
        row = connection.execute(newest.offset(passed_over)).first()
        if row is None:
            break
        if forms.is_sound(record := record_of(row)):
            return record.read(LookPayload)
    return None


def differences(connection: Connection, made: Projection, now: datetime) -> Iterator[str]:
    """Yield a sentence for each part of the projection or the outbox that does not follow from the records."""
    yield from _other_standings(connection, made)
    looks = {row.sequence: (row.study, row.data_cutoff) for row in connection.execute(select(LOOKS))}
    for place in sorted(looks.keys() | made.looks.keys()):
        if looks.get(place) != made.looks.get(place):
            yield f"the projection has the look of record {place} otherwise"
    yield from messages.differences(connection, made.messages, now)


def _other_standings(connection: Connection, made: Projection) -> Iterator[str]:
    kept = {row.study: row.document for row in connection.execute(select(STANDINGS))}
    for study in sorted(kept.keys() | made.standings.keys()):
        expected = made.standings.get(study)
        try:
            found = None if study not in kept else _read(study, kept[study])
        except LedgerWriteError as error:
            yield str(error)
            continue
        if found is None or expected is None:
            yield f"the projection says nothing of study {study}, or what no record says"
            continue
        parts = [name for name in Standing.__slots__ if getattr(found, name) != getattr(expected, name)]
        if parts:
            yield f"the projection of study {study} has otherwise: {', '.join(parts)}"


def _write(connection: Connection, made: Projection) -> None:
    for study, standing in made.standings.items():
        document = _STANDING.dump_json(standing).decode()
        changed = STANDINGS.update().where(STANDINGS.c.study == study).values(document=document)
        if connection.execute(changed).rowcount == 0:
            connection.execute(STANDINGS.insert().values(study=study, document=document))
    looks = [
        {"sequence": place, "study": study, "data_cutoff": cutoff}
        for place, (study, cutoff) in made.looks.items()
    ]
    if looks:
        connection.execute(LOOKS.insert(), looks)


def _read(study: str, document: str) -> Standing:
    try:
        return _STANDING.validate_json(document)
    except ValidationError as error:
        raise LedgerWriteError(
            f"the projection of study {study} cannot be read ({error.error_count()} problems)"
        ) from error
