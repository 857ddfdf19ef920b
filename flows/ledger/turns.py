"""The turn of a study's look among all machines that share a ledger in PostgreSQL: an advisory lock of a session.

It ends with the session, so with its process, and with a machine that is gone once the server has asked it in vain.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from flows.ledger.database import Database

ASK_WHETHER_THERE = (
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
"""A machine without power says nothing: after a minute of that the server ends its session, not after two hours."""


@contextmanager
def turn_in_ledger(url: str, study: str) -> Iterator[Callable[[], bool]]:
    """Yield what tries to take the turn, and says whether it is had; in SQLite, of one machine, it always is.

    A session that is lost meanwhile has lost its turn, and takes it again if it is asked to.

    Raises
    ------
    LedgerWriteError
        When the database cannot be reached.
    """
    database = Database(url, must_exist=False)
    if not database.is_shared:
        yield lambda: True
        return
    name = hashlib.sha256(f"postdose look\n{study}".encode()).digest()
    attempt = select(func.pg_try_advisory_lock(int.from_bytes(name[:8], signed=True)))
    with database.session() as session:
        for setting in ASK_WHETHER_THERE:
            session.execute(text(setting))

        def taken() -> bool:
            try:
                return bool(session.execute(attempt).scalar())
            except SQLAlchemyError:  # gone: the look goes on as where there is no ledger
                return True

        yield taken
