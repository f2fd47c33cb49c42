# SPDX-License-Identifier: Apache-2.0
"""What SQLite holds beside the tables, by name: to make a ledger, and to see that it is still there.

Rules: triggers make every table refuse UPDATE and DELETE, and an INSERT whose key is taken, because INSERT OR REPLACE
would delete silently. The view `event` is for whoever asks with SQL: what the bodies say, in columns; nothing here
reads it.
"""

from __future__ import annotations

APPEND_ONLY = "the ledger is append-only"
TABLES = ("entry", "tree_node", "checkpoint", "ref", "mention", "relation")
INDEXES = ("relation_by_cause",)
KEYS = {
    "entry": ('"index" = NEW."index"', "event_id = NEW.event_id"),
    "tree_node": ('level = NEW.level AND "index" = NEW."index"',),
    "checkpoint": ("number = NEW.number",),
    "ref": ("id = NEW.id", "name = NEW.name"),
    "mention": ("ref_id = NEW.ref_id AND role = NEW.role AND first = NEW.first",),
    "relation": (
        "effect_id = NEW.effect_id AND cause_id = NEW.cause_id AND kind = NEW.kind AND first = NEW.first",
    ),
}
"""What makes a row the same as a new one, for each unique key of a table."""


def sqlite_triggers() -> dict[str, str]:
    """The statement that makes each trigger, by the trigger's name."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
    made = {
        f"{table}_no_{verb.lower()}": f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refuse}"
        for table in TABLES
        for verb in ("UPDATE", "DELETE")
    }
    for table, keys in KEYS.items():
        taken = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {key})" for key in keys)
        name = f"{table}_no_replace"
        made[name] = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {taken} {refuse}"
    return made


def sqlite_views() -> dict[str, str]:
    """The statement that makes each view, by the view's name."""
    columns = ("type", "subject", "occurred_at", "actor.kind", "actor.id")
    told = ", ".join(
        f"json_extract(CAST(body AS TEXT), '$.event.{each}') AS {each.replace('.', '_')}" for each in columns
    )
    return {
        "event": f'CREATE VIEW event AS SELECT "index", {told}, '
        "json_extract(CAST(body AS TEXT), '$.appended_at') AS appended_at, "
        "json_extract(CAST(body AS TEXT), '$.event.data') AS data FROM entry"
    }
