# SPDX-License-Identifier: Apache-2.0
"""What makes PostgreSQL tables a ledger: the marker, the triggers, and whether all of it is still as it was made.

Rules: every table, the marker too, refuses UPDATE, DELETE and TRUNCATE by triggers for each statement, so that an
upsert and a MERGE are refused with them; a place that is taken refuses an INSERT by its key. The triggers fire even
for sessions that play the part of a replica. Whatever could hide or change rows beside the triggers is looked for:
rules, row security, inheritance, views in place of tables, tables that a crash would empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from governance.storage.postgresql_connection import Connection
from governance.storage.triggers import APPEND_ONLY, TABLES

MARKER = "schema_version"
"""The table that says whose the schema is, and of which version; the highest version counts."""

APPLICATION_ID = 0x474F5631
"""The letters GOV1, as in the header of an SQLite ledger."""

VIEW = "event"
FUNCTION = "refuse_change"
FUNCTION_BODY = f" BEGIN RAISE EXCEPTION '{APPEND_ONLY}' USING ERRCODE = 'restrict_violation'; END "
VERBS = {"update": 16, "delete": 8, "truncate": 32}
"""What is refused, with its bit in `pg_trigger.tgtype`."""

_BEFORE = 2
_ALWAYS = "A"
MARKED_TABLES = (*TABLES, MARKER)


def marker_statements(version: int) -> tuple[str, ...]:
    """Make the marker and write the version into it."""
    return (
        f"CREATE TABLE {MARKER} (application_id BIGINT NOT NULL, version BIGINT NOT NULL PRIMARY KEY)",
        f"INSERT INTO {MARKER} VALUES ({APPLICATION_ID}, {int(version)})",
    )


def trigger_statements() -> tuple[str, ...]:
    """Make the function and the triggers, in the schema that the connection looks at."""
    made = [f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS '{_quoted(FUNCTION_BODY)}'"]
    for table in MARKED_TABLES:
        for verb in VERBS:
            name = f"{table}_no_{verb}"
            made.append(
                f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()"
            )
            made.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return tuple(made)


def view_statements() -> tuple[str, ...]:
    """Make the view `event`: what the bodies say, in columns, for whoever asks with SQL; nothing of ours reads it."""
    told = "told -> 'event' ->> '{0}' AS {0}"
    columns = ", ".join(told.format(name) for name in ("type", "subject", "occurred_at", "data"))
    actor = ", ".join(f"told -> 'event' -> 'actor' ->> '{name}' AS actor_{name}" for name in ("kind", "id"))
    return (
        f"CREATE VIEW {VIEW} AS SELECT \"index\", {columns}, {actor}, told ->> 'appended_at' AS appended_at "
        "FROM (SELECT \"index\", convert_from(body, 'UTF8')::json AS told FROM entry) AS body",
    )


def structure_problems(connection: Connection) -> list[str]:
    """What differs from how the ledger was made, each named."""
    return [*_table_problems(connection), *_trigger_problems(connection), *_orphans(connection)]


def _table_problems(connection: Connection) -> Iterator[str]:
    rows = connection.all(
        "SELECT relname, relkind::text, relpersistence::text, relrowsecurity OR relforcerowsecurity, "
        "EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = pg_class.oid), "
        "EXISTS (SELECT 1 FROM pg_inherits WHERE pg_class.oid IN (inhrelid, inhparent)) "
        "FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relname = ANY(%s)",
        (connection.address.schema, list(MARKED_TABLES)),
    )
    found = {row[0]: row[1:] for row in rows}
    for table in MARKED_TABLES:
        if table not in found:
            yield f"table {table} is missing"
            continue
        kind, persistence, secured, ruled, inherited = found[table]
        if kind != "r":
            yield f"{table} is not a table"
        if persistence != "p":
            yield f"table {table} does not survive a crash: it is unlogged or temporary"
        if secured:
            yield f"table {table} has row security, which can hide rows"
        if ruled and kind == "r":
            yield f"table {table} has a rule, which can change what is read and written"
        if inherited:
            yield f"table {table} inherits or is inherited from, so that rows of another table show in it"


def _trigger_problems(connection: Connection) -> Iterator[str]:
    schema = connection.address.schema
    rows = connection.all(
        "SELECT tgname, relname, tgtype::int, tgenabled::text, "
        "tgqual IS NOT NULL OR tgattr <> ''::int2vector OR tgnargs > 0, "
        "proname, f.nspname, prosrc, lanname, proconfig IS NOT NULL "
        "FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "JOIN pg_namespace AS n ON n.oid = relnamespace JOIN pg_proc ON pg_proc.oid = tgfoid "
        "JOIN pg_namespace AS f ON f.oid = pronamespace JOIN pg_language ON pg_language.oid = prolang "
        "WHERE NOT tgisinternal AND n.nspname = %s AND relname = ANY(%s)",
        (schema, list(MARKED_TABLES)),
    )
    present = {(row[1], row[0]): tuple(row[2:]) for row in rows}
    for table in sorted(MARKED_TABLES):
        for verb, bit in sorted(VERBS.items()):
            name = f"{table}_no_{verb}"
            made = present.pop((table, name), None)
            expected = (bit | _BEFORE, _ALWAYS, False, FUNCTION, schema, FUNCTION_BODY, "plpgsql", False)
            if made is None:
                yield f"trigger {name} is missing"
            elif made[1] != _ALWAYS:
                yield f"trigger {name} is switched off, or off for some sessions"
            elif made != expected:
                yield f"trigger {name} is not the one that the ledger was made with"
    for _, name in sorted(present):
        yield f"trigger {name} is not the ledger's"


def _orphans(connection: Connection) -> Iterator[str]:
    rows = connection.all(
        "SELECT name FROM ref WHERE NOT EXISTS (SELECT 1 FROM mention WHERE ref_id = ref.id) "
        "ORDER BY name LIMIT 20"
    )
    for row in rows:
        yield f"ref {row[0]} is mentioned by no entry"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
