# SPDX-License-Identifier: Apache-2.0
"""The triggers that make SQLite tables append-only, by name: to make a ledger, and to see that they are still there.

Rules: every table refuses UPDATE and DELETE. A table with columns beside its key also refuses an INSERT whose key is
taken, because INSERT OR REPLACE would delete silently; in `mention` and `relation` it finds the same row and changes
nothing.
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
