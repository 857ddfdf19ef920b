"""What the database does or refuses by itself when a table of the ledger is written to, and that is not ours."""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, Table, UniqueConstraint, bindparam, text

from flows.ledger.append_only import GUARDS

ACTIONS: Final[Mapping[str, str]] = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN :tables",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal "
    "AND relname IN :tables AND relnamespace = to_regnamespace(current_schema()) "
    "UNION SELECT rulename FROM pg_rules WHERE tablename IN :tables AND schemaname = current_schema() "
    "UNION SELECT policyname FROM pg_policies WHERE tablename IN :tables AND schemaname = current_schema() "
    "UNION SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'c' "
    "AND relname IN :tables AND relnamespace = to_regnamespace(current_schema())",
}
"""Triggers, rules, policies and checks, whoever made them: a record can vanish by one, or be refused."""

INDEXES: Final[Mapping[str, str]] = {
    "sqlite": "SELECT i.name, m.name, i.\"unique\", i.partial, (SELECT group_concat(coalesce(c.name, '()')) "
    "FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c) "
    "FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name IN :tables",
    "postgresql": "SELECT i.relname, t.relname, x.indisunique OR x.indisexclusion, "
    "x.indpred IS NOT NULL OR x.indexprs IS NOT NULL, "
    "(SELECT string_agg(a.attname, ',' ORDER BY k.place) "
    "FROM unnest(x.indkey::int2[]) WITH ORDINALITY k (number, place) "
    "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) "
    "FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
    "WHERE t.relname IN :tables AND t.relnamespace = to_regnamespace(current_schema())",
}
"""Of each index its name and table, whether it refuses what is there already, whether it is of a part or of an
expression, and its columns: one that is unique or fails keeps records out, whatever it is named."""

Form = tuple[str, bool, str]
"""An index by its table, whether it is unique, and its columns."""


def foreign_parts(connection: Connection, tables: Mapping[str, Table]) -> tuple[str, ...]:
    """Return the names of what these tables have that is not ours and may change or refuse what is written."""
    dialect = connection.dialect.name

    def asked(question: str) -> list[tuple[object, ...]]:
        wanted = text(question).bindparams(bindparam("tables", expanding=True))
        return [tuple(row) for row in connection.execute(wanted, {"tables": list(tables)})]

    ours = {form for table in tables.values() for form in _forms(table)}
    found = {str(name) for (name,) in asked(ACTIONS[dialect]) if name not in GUARDS[dialect]}
    for name, table, unique, partial, columns in asked(INDEXES[dialect]):
        if partial or (table, bool(unique), columns) not in ours:
            found.add(str(name))
    return tuple(sorted(found))


def _forms(table: Table) -> Iterator[Form]:
    """Yield what each index of a table of ours is, that of its key and of what is unique in it among them."""
    for index in table.indexes:
        yield table.name, bool(index.unique), ",".join(index.columns.keys())
    for one in table.constraints:
        if isinstance(one, UniqueConstraint) or one is table.primary_key:
            yield table.name, True, ",".join(column.name for column in one.columns)
