# SPDX-License-Identifier: Apache-2.0
"""The triggers that make SQLite tables append-only, by name; used to make a ledger and to see that they are still there.

Rules: every table refuses UPDATE and DELETE. `entry` and `checkpoint` also refuse an INSERT at a place that is taken,
because INSERT OR REPLACE would delete silently.
"""

from __future__ import annotations

APPEND_ONLY = "the ledger is append-only"
TABLES = ("entry", "tree_node", "checkpoint", "ref", "mention", "relation")
PLACES = {"entry": '"index"', "checkpoint": "number"}


def sqlite_triggers() -> dict[str, str]:
    """The statement that makes each trigger, by the trigger's name."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
    made = {
        f"{table}_no_{verb.lower()}": f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {refuse}"
        for table in TABLES
        for verb in ("UPDATE", "DELETE")
    }
    for table, key in PLACES.items():
        taken = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"
        name = f"{table}_no_replace"
        made[name] = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {taken} {refuse}"
    return made
