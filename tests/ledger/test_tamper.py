# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to the file behind the ledger's back, `verify` names it.

The attacker here has the database, drops the triggers, does their deed and puts the triggers back; they do not have the
signing key.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from governance.core.hashing import hash_leaf
from governance.core.merkle import extend
from governance.errors import IntegrityError
from governance.events.envelope import format_body, read_entry
from governance.events.links import links_of
from governance.ledger.log import Ledger
from governance.ledger.tree import NODE_LEVEL_MIN
from governance.ledger.verify import Verification, verify
from governance.storage.schema import sqlite_statements
from governance.storage.sqlite import SqliteStorage
from tests.ledger.histories import ORIGIN, ToldClock, fill, signing_key

KEY = signing_key()
ROUNDS = 4
SIZE = 1 + 10 * ROUNDS

COLUMNS = {
    "entry": ("index", "leaf_hash", "body", "event_id", "type"),
    "tree_node": ("level", "index", "hash"),
    "checkpoint": ("number", "tree_size", "root", "note"),
    "ref": ("id", "name"),
    "mention": ("ref_id", "role", "first", "rest"),
    "relation": ("effect_id", "cause_id", "kind", "first", "rest"),
}
TABLES = tuple(COLUMNS)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that verifies."""
    path = tmp_path_factory.mktemp("honest") / "ledger.db"
    storage = SqliteStorage.create(path)
    fill(storage, key=KEY, rounds=ROUNDS)
    storage.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def ledger(honest: Path, tmp_path: Path) -> Path:
    """A copy to be tampered with."""
    return Path(shutil.copy(honest, tmp_path / "ledger.db"))


def verified(path: Path) -> Verification:
    """What the verifier says with the key that the auditor trusts."""
    with closing(SqliteStorage(path)) as storage:
        return verify(storage, keys=[KEY.verifier_key])


def tamper(path: Path, *statements: str | tuple[str, tuple[object, ...]]) -> None:
    """Run statements with the triggers out of the way, and put them back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        triggers = [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]
        for name in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            assert database.execute(sql, values).rowcount != 0, f"nothing happened: {sql}"
        for statement in sqlite_statements():
            if statement.startswith("CREATE TRIGGER"):
                database.execute(statement)


def test_an_honest_ledger_verifies(ledger: Path) -> None:
    """Nothing is found where nothing was done."""
    found = verified(ledger)
    assert found.holds, found.discrepancies
    assert (found.tree_size, found.signed_size, found.checkpoints) == (SIZE, SIZE, ROUNDS + 1)
    assert found.notices == ()


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in TABLES for column in COLUMNS[table]]
)
def test_flipping_one_byte_of_any_column_is_found(ledger: Path, table: str, column: str) -> None:
    """In the middle row of each table one byte of one column is changed."""
    with closing(sqlite3.connect(ledger)) as database:
        rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
    at = COLUMNS[table].index(column)
    rows = [row for row in rows if row[at] is not None]
    chosen = rows[len(rows) // 2]
    changed = list(chosen)
    changed[at] = _flipped(chosen[at])
    assert changed[at] != chosen[at]
    where = " AND ".join(f'"{name}" IS ?' for name in COLUMNS[table])
    tamper(ledger, (f'UPDATE "{table}" SET "{column}" = ? WHERE {where}', (changed[at], *chosen)))
    found = verified(ledger)
    assert not found.holds
    named = {each.where for each in found.discrepancies}
    # A ref's row is only a name for others: altering it shows in the rows that use it.
    assert named & ({table} if table != "ref" else {"mention", "relation", "structure"}), found.discrepancies


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_deleting_any_row_is_found(ledger: Path, table: str, which: str) -> None:
    """One row less, at either end or between."""
    with closing(sqlite3.connect(ledger)) as database:
        rows = database.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall()
    row = rows[{"first": 0, "middle": len(rows) // 2, "last": -1}[which]]
    where = " AND ".join(f'"{name}" IS ?' for name in COLUMNS[table])
    tamper(ledger, (f'DELETE FROM "{table}" WHERE {where}', row))
    found = verified(ledger)
    if table == "checkpoint" and which == "last":
        # A missing last checkpoint leaves a shorter signed part; only an auditor who kept it can tell.
        assert any("no checkpoint covers them" in notice for notice in found.notices)
    elif table == "checkpoint" and which == "middle":
        assert any("without gaps" in each.what for each in found.discrepancies)
    else:
        assert not found.holds


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        (
            "entry",
            "INSERT INTO entry SELECT 900, leaf_hash, body, 'new', type FROM entry LIMIT 1",
        ),
        (
            "entry",
            "INSERT INTO entry SELECT -1, leaf_hash, body, 'new', type FROM entry LIMIT 1",
        ),
        ("tree_node", "INSERT INTO tree_node SELECT 40, 3, hash FROM tree_node LIMIT 1"),
        ("tree_node", "INSERT INTO tree_node SELECT 2, 3, hash FROM tree_node LIMIT 1"),
        ("tree_node", "INSERT INTO tree_node SELECT 4, 700, hash FROM tree_node LIMIT 1"),
        ("checkpoint", "INSERT INTO checkpoint SELECT 77, tree_size, root, note FROM checkpoint LIMIT 1"),
        ("ref", "INSERT INTO ref VALUES (9000, 'model:ghost@1')"),
        ("mention", "INSERT INTO mention SELECT ref_id, 'reviewer', first, rest FROM mention LIMIT 1"),
        ("mention", "INSERT INTO mention SELECT ref_id, role, 9000, NULL FROM mention LIMIT 1"),
        ("mention", "INSERT INTO mention SELECT ref_id, role, -5, NULL FROM mention LIMIT 1"),
        (
            "relation",
            "INSERT INTO relation SELECT cause_id, effect_id, kind, first, rest FROM relation LIMIT 1",
        ),
        (
            "relation",
            "INSERT INTO relation SELECT effect_id, cause_id, kind, 9000, NULL FROM relation LIMIT 1",
        ),
    ],
)
def test_inserting_a_row_is_found(ledger: Path, table: str, statement: str) -> None:
    """One row more, inside or outside what the entries say."""
    tamper(ledger, statement)
    found = verified(ledger)
    expected = "structure" if table == "ref" else table
    if table == "entry" and "-1" not in statement:
        # The ledger now seems to have 901 entries: all those between are missing.
        assert any(each.what == "entry is missing" for each in found.discrepancies)
    assert expected in {each.where for each in found.discrepancies}


@pytest.mark.parametrize("index", [-1, -(2**63), 500_000, 2**40, 2**63 - 1])
def test_an_entry_at_an_index_that_cannot_be_is_found_in_bounded_time(ledger: Path, index: int) -> None:
    """One row can claim that there are 2^63 entries: the work is held to the rows that there are."""
    tamper(
        ledger,
        f"INSERT INTO entry SELECT {index}, leaf_hash, body, 'new', type FROM entry WHERE \"index\" = 20",
    )
    found = verified(ledger)
    assert found.tree_size == SIZE
    expected = "index is below 0" if index < 0 else "entries are missing; what follows them was not looked at"
    assert expected in {each.what for each in found.discrepancies if each.where == "entry"}
    assert len(found.discrepancies) < 50


def test_entries_that_are_missing_are_counted_before_work_is_refused(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as they are not too many, each of them is named and what follows them is looked at."""
    monkeypatch.setattr("governance.ledger.verify_size.MISSING_MAX", 20)
    tamper(ledger, 'DELETE FROM entry WHERE "index" BETWEEN 5 AND 19')
    found = verified(ledger)
    assert found.tree_size == SIZE
    missing = [each.place for each in found.discrepancies if each.what == "entry is missing"]
    assert missing == [str(index) for index in range(5, 20)]


def test_a_ledger_whose_only_entry_lies_below_0_is_told(ledger: Path) -> None:
    tamper(ledger, 'DELETE FROM entry WHERE "index" > 0', 'UPDATE entry SET "index" = -7')
    found = verified(ledger)
    assert found.tree_size == 0
    assert "index is below 0" in {each.what for each in found.discrepancies}


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ('UPDATE entry SET leaf_hash = -1 WHERE "index" = 20', 21),
        ('UPDATE tree_node SET hash = 7.5 WHERE level = 4 AND "index" = 1', 2),
    ],
)
def test_a_proof_that_needs_a_hash_that_is_none_is_refused(ledger: Path, statement: str, index: int) -> None:
    tamper(ledger, statement)
    with closing(SqliteStorage(ledger)) as storage:
        writer = Ledger(storage, clock=ToldClock(), origin=ORIGIN)
        with pytest.raises(IntegrityError, match="missing or no hash"):
            writer.prove(index)


def test_a_tree_node_that_is_text_written_like_the_bytes_is_found(ledger: Path) -> None:
    """Both look the same in a fingerprint's text; who asks for the hash would get no bytes."""
    with closing(sqlite3.connect(ledger)) as database:
        ((value,),) = database.execute(
            'SELECT hash FROM tree_node WHERE level = 4 AND "index" = 1'
        ).fetchall()
    tamper(ledger, ('UPDATE tree_node SET hash = ? WHERE level = 4 AND "index" = 1', (str(value),)))
    told = {each.what for each in verified(ledger).discrepancies if each.where == "tree_node"}
    assert {"row belongs to no entry", "row is missing"} <= told


@pytest.mark.parametrize("level", ["\0", "four", b"", b"\xff" * 32, 0.5, 2**62])
def test_a_tree_node_at_a_level_that_is_none_is_told_and_does_not_stop(ledger: Path, level: object) -> None:
    """The database enforces no types."""
    tamper(ledger, ('UPDATE tree_node SET level = ? WHERE level = 4 AND "index" = 1', (level,)))
    told = {each.what for each in verified(ledger).discrepancies if each.where == "tree_node"}
    assert {"row belongs to no entry", "row is missing"} <= told


@pytest.mark.parametrize("index", ["relation_by_cause", "sqlite_autoindex_ref_1", "sqlite_autoindex_entry_1"])
def test_an_index_that_says_other_than_its_table_is_found(ledger: Path, index: str) -> None:
    """Lineage downstream is answered out of an index: a byte altered there would tell another story."""
    content = bytearray(ledger.read_bytes())
    with closing(sqlite3.connect(ledger)) as database:
        ((page,),) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)
        ).fetchall()
        ((size,),) = database.execute("PRAGMA page_size").fetchall()
    # The end of the page is the end of a key: the text of a ref or an id, or the number of an entry.
    content[page * size - 3] ^= 1
    ledger.write_bytes(content)
    found = verified(ledger)
    assert "structure" in {each.where for each in found.discrepancies}


@pytest.mark.parametrize("table", TABLES)
def test_a_view_in_a_table_s_place_is_found(ledger: Path, table: str) -> None:
    """A view can answer as it likes, each time anew."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        database.execute("PRAGMA legacy_alter_table = ON")
        database.execute(f"ALTER TABLE {table} RENAME TO kept")
        database.execute(f"CREATE VIEW {table} AS SELECT * FROM kept")
    told = [each.what for each in verified(ledger).discrepancies if each.where == "structure"]
    assert f"table {table} is missing" in told
    assert f"view {table} is not the ledger's" in told
    assert "table kept is not the ledger's" in told


def test_swapping_two_bodies_is_found(ledger: Path) -> None:
    """Two entries change places, columns and all."""
    columns = ("leaf_hash", "body", "type")
    swap = ", ".join(
        f'{name} = (SELECT other.{name} FROM entry AS other WHERE other."index" = 27 - entry."index")'
        for name in columns
    )
    tamper(ledger, f'UPDATE entry SET {swap} WHERE "index" IN (13, 14)')
    found = verified(ledger)
    assert {"13", "14"} <= {each.place for each in found.discrepancies if each.where == "entry"}


@pytest.mark.parametrize("keep", [0, 1, 17, SIZE - 1])
def test_cutting_the_end_off_is_found(ledger: Path, keep: int) -> None:
    """All rows of the last entries are taken away, but the checkpoints remain and say that there were more."""
    tamper(
        ledger,
        f'DELETE FROM entry WHERE "index" >= {keep}',
        f"DELETE FROM mention WHERE first >= {keep}",
        *([f"DELETE FROM relation WHERE first >= {keep}"] if keep < SIZE - 9 else []),
        *([f'DELETE FROM tree_node WHERE (("index" + 1) << level) > {keep}'] if keep < 32 else []),
    )
    found = verified(ledger)
    assert any("are gone" in each.what for each in found.discrepancies if each.where == "checkpoint")


def test_rewriting_the_whole_history_without_the_key_is_found(ledger: Path) -> None:
    """Every hash is made anew around one altered body: chain, tree and indexes agree, but no signature does."""
    rewrite(ledger, lambda data: data | {"reason": "all was well"} if "reason" in data else data)
    found = verified(ledger)
    assert {each.where for each in found.discrepancies} == {"checkpoint"}
    failing = {each.place for each in found.discrepancies}
    assert failing == {str(number) for number in range(1, ROUNDS + 1)}  # the opening alone was left as it was


def test_rewriting_with_another_key_is_found_by_whoever_knows_the_right_one(ledger: Path) -> None:
    """A forger who states their own key is believed by nobody who names the real one."""
    forger = signing_key(9)
    path = ledger.with_name("forged.db")
    storage = SqliteStorage.create(path)
    fill(storage, key=forger, rounds=ROUNDS)
    storage.close()
    found = verified(path)
    assert len([each for each in found.discrepancies if "does not verify" in each.what]) == ROUNDS + 1
    with closing(SqliteStorage(path)) as forged:
        alone = verify(forged)
    assert alone.holds
    assert not alone.key_is_trusted
    assert any("that you were given" in notice for notice in alone.notices)


def test_a_ledger_without_any_checkpoint_is_not_proven(ledger: Path) -> None:
    """Taking all checkpoints away is a discrepancy, not a shorter list."""
    tamper(ledger, "DELETE FROM checkpoint")
    found = verified(ledger)
    assert [each.what for each in found.discrepancies] == ["there is none: no signature covers any entry"]


def test_a_missing_trigger_is_found(ledger: Path) -> None:
    """A database that no longer refuses changes is told, although nothing was changed."""
    with closing(sqlite3.connect(ledger)) as database:
        database.execute("DROP TRIGGER mention_no_delete")
    assert [each.what for each in verified(ledger).discrepancies] == ["trigger mention_no_delete is missing"]


@pytest.mark.parametrize("column", ["body", "leaf_hash"])
@pytest.mark.parametrize("value", [None, "text", 7, b"", b"\xff", b"{}", b"[]", b'{"index":5}'])
def test_a_column_that_holds_anything_at_all_is_told_and_does_not_stop(
    ledger: Path, column: str, value: object
) -> None:
    """The database enforces no types: whatever stands there, verification goes on to the end."""
    tamper(
        ledger,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'entry'",
    )
    with closing(sqlite3.connect(ledger)) as database:
        database.execute("DROP TRIGGER entry_no_update")
        database.execute(f'UPDATE entry SET {column} = ? WHERE "index" = 20', (value,))
        database.commit()
    found = verified(ledger)
    assert any(each.where == "entry" and each.place == "20" for each in found.discrepancies)
    assert found.tree_size == SIZE


@pytest.mark.parametrize("table", ["mention", "relation"])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        (column, value)
        for column in ("first", "rest")
        for value in (-1, 0.5, "-1", "seven", b"\xff", '["7"]', "[-9]")
    ],
)
def test_an_index_table_that_holds_anything_at_all_is_told_and_does_not_stop(
    ledger: Path, table: str, column: str, value: object
) -> None:
    """In every row, so that whatever verify asks these tables itself meets it too."""
    tamper(ledger, (f"UPDATE OR REPLACE {table} SET {column} = ?", (value,)))
    found = verified(ledger)
    assert not found.holds
    assert table in {each.where for each in found.discrepancies}


def rewrite(path: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Make chain, columns, tree and index tables anew after changing payloads; checkpoints are left."""
    with closing(SqliteStorage(path)) as storage:
        entries = [read_entry(row.body) for row in storage.entries(0, SIZE)]
    previous = "0" * 64
    leaves: list[bytes] = []
    statements: list[tuple[str, tuple[object, ...]]] = []
    for entry in entries:
        event = entry.event.to_dict()
        event["data"] = change(event["data"])
        from governance.core.canonical import format_canonical

        body = format_body(
            event=format_canonical(event), index=entry.index, appended_at=entry.appended_at, previous=previous
        )
        assert links_of(event) == links_of(entry.event.to_dict())
        leaf = hash_leaf(body)
        leaves.append(leaf)
        previous = leaf.hex()
        statements.append(
            ('UPDATE entry SET body = ?, leaf_hash = ? WHERE "index" = ?', (body, leaf, entry.index))
        )
    for place, value in extend(0, (), leaves).nodes:
        if place.level >= NODE_LEVEL_MIN:
            statements.append(
                (
                    'UPDATE tree_node SET hash = ? WHERE level = ? AND "index" = ?',
                    (value, place.level, place.index),
                )
            )
    tamper(path, *statements)


def _flipped(value: object) -> object:
    if isinstance(value, int):
        return value ^ 1024
    if isinstance(value, bytes):
        middle = len(value) // 2
        return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
    text = str(value)
    middle = len(text) // 2
    return text[:middle] + chr(ord(text[middle]) ^ 1) + text[middle + 1 :]
