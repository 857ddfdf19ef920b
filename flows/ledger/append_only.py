"""What makes the database itself refuse to change or remove a record: its triggers, looked for at every opening."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

GUARDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "sqlite": {
        "ledger_no_update": (
            "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger\n"
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        ),
        "ledger_no_delete": (
            "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger\n"
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        ),
        # INSERT OR REPLACE removes the record in its way without a DELETE that a trigger would see.
        "ledger_no_replace": (
            "CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger\n"
            "WHEN EXISTS (SELECT 1 FROM ledger WHERE sequence = NEW.sequence OR sha256 = NEW.sha256)\n"
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        ),
    },
    "postgresql": {
        "ledger_append_only": (
            "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS\n"
            "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
            "CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger\n"
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
            # Also in a session that says it is a replica, where ordinary triggers sleep.
            "ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_append_only",
        )
    },
}
"""The statements that make each guard, by the dialect and the guard's name."""

STANDING: Final[Mapping[str, str]] = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'",
    "postgresql": "SELECT tgname, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
    "WHERE tgrelid = to_regclass('ledger') AND tgenabled = 'A' AND tgtype = 58",
}
"""Which guards stand, and what each does; in PostgreSQL such as are always on, of each statement that changes,
removes or empties (``pg_trigger.tgtype``: before 2, delete 8, update 16, truncate 32)."""


def lost_guards(connection: Connection) -> tuple[str, ...]:
    """Return the names of the triggers that a ledger lacks, or has in another form."""
    dialect = connection.dialect.name
    stands = {row[0]: row[1] for row in connection.exec_driver_sql(STANDING[dialect])}
    # SQLite keeps the statement as it was given, PostgreSQL the body of the function, which is a part of it
    return tuple(
        name
        for name, made in GUARDS[dialect].items()
        if " ".join(stands.get(name, "missing").split()) not in " ".join(made[0].split())
    )


def guard(connection: Connection, names: tuple[str, ...]) -> None:
    """Make those triggers, in place of what stands under their names."""
    dialect = connection.dialect.name
    for name in names:
        connection.exec_driver_sql(
            f"DROP TRIGGER IF EXISTS {name}" + (" ON ledger" if dialect == "postgresql" else "")
        )
        for statement in GUARDS[dialect][name]:
            connection.exec_driver_sql(statement)
