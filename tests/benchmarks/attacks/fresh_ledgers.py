"""Ledgers that are not there yet, each opened at the same moment by four threads of each of four processes."""

import gc
import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

from attacks.attempt import Attempt, Bench, held
from postgresql import new_database
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from flows.ledger import Kind, Ledger

LEDGERS = 200
THREADS, PROCESSES = 4, 4
TABLES = {"ledger", "outbox", "standings", "looks"}
CHANGES = (
    "UPDATE ledger SET study = 'T' WHERE sequence = 1",
    "DELETE FROM ledger WHERE sequence = 1",
)
WAIT_SECONDS = 300


def open_at_once(url: str) -> None:
    """Open a ledger in each thread of this process, once all are ready, and write a record."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    ready = Barrier(THREADS)

    def first_use(_: int) -> None:
        ready.wait(WAIT_SECONDS)
        Ledger(url).record("S", Kind.LOOK, {})

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(first_use, range(THREADS)))
    gc.collect()  # ends the connections of each, of which a server takes a hundred


def whole(url: str) -> str:
    """Require of a ledger that its chain, its tables and its guards are there."""
    records = Ledger(url, must_exist=True).verify()
    assert records == THREADS * PROCESSES, f"{records} records"
    engine = create_engine(url, poolclass=NullPool)
    assert set(inspect(engine).get_table_names()) >= TABLES
    for change in CHANGES:
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(change)
        except DBAPIError as error:
            assert "append-only" in str(error), error
        else:
            raise AssertionError(f"a record could be changed: {change}")
    return f"{records} records, append-only"


def fresh_ledgers(bench: Bench) -> Iterator[Attempt]:
    """Yield an attempt for each ledger, in SQLite and in PostgreSQL by turns."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        for number in range(LEDGERS):
            database = "sqlite" if number % 2 or bench.postgresql is None else "postgresql"
            name = f"{database} {number}"
            if name in bench.done:
                continue
            url = _fresh(bench, database, number)

            def opened(url: str = url) -> str:
                list(processes.map(open_at_once, [url] * PROCESSES, timeout=WAIT_SECONDS))
                return whole(url)

            yield Attempt("ledgers", f"fresh ledgers at once, {database}", name, *held(opened))


def _fresh(bench: Bench, database: str, number: int) -> str:
    if database == "postgresql" and bench.postgresql is not None:
        return new_database(bench.postgresql)
    file: Path = bench.work / "ledgers" / f"{number}.sqlite"
    file.parent.mkdir(exist_ok=True)
    for left in file.parent.glob(f"{file.name}*"):  # of an attempt that was interrupted
        left.unlink()
    return f"sqlite:///{file}"
