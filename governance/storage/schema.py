# SPDX-License-Identifier: Apache-2.0
"""The tables, said once, through sqlmodel; DDL for every database is made from here.

Rules: append-only, so every table gets a trigger against UPDATE and one against DELETE, and those with columns beside
their key one against INSERT at a place that is taken (INSERT OR REPLACE would delete silently). Refs are interned to
integers; relations are keyed both ways. One row of `mention` or `relation` says it for one entry, `first`, or for many
of one append: the others stand in `rest`. This module is imported only to create a ledger: sqlmodel takes longer to
load than most commands take to run.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.base import PGDialect, PGTypeCompiler
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Field, SQLModel

from governance.storage.triggers import sqlite_triggers, sqlite_views


class EntryTable(SQLModel, table=True):
    """Entries; the body is the truth, the other columns are read off it. The view `event` shows what it holds."""

    __tablename__ = "entry"

    index: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    event_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    type: str = Field(sa_column=Column(Text, nullable=False))


class TreeNodeTable(SQLModel, table=True):
    """Hashes of complete subtrees, from `ledger.tree.NODE_LEVEL_MIN` upward."""

    __tablename__ = "tree_node"
    __table_args__ = ({"sqlite_with_rowid": False},)

    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    index: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CheckpointTable(SQLModel, table=True):
    """Signed checkpoints as they were made."""

    __tablename__ = "checkpoint"

    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    tree_size: int = Field(sa_column=Column(Integer, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    note: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RefTable(SQLModel, table=True):
    """Refs, interned."""

    __tablename__ = "ref"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class MentionTable(SQLModel, table=True):
    """Which entries speak of a ref, and how."""

    __tablename__ = "mention"
    __table_args__ = ({"sqlite_with_rowid": False},)

    ref_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    role: str = Field(sa_column=Column(Text, primary_key=True))
    first: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    rest: str | None = Field(sa_column=Column(Text))


class RelationTable(SQLModel, table=True):
    """Lineage, effect to cause."""

    __tablename__ = "relation"
    __table_args__ = (
        Index("relation_by_cause", "cause_id", "effect_id", "kind", "first"),
        {"sqlite_with_rowid": False},
    )

    effect_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    cause_id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    first: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    rest: str | None = Field(sa_column=Column(Text))


TABLES = (EntryTable, TreeNodeTable, CheckpointTable, RefTable, MentionTable, RelationTable)


def sqlite_statements() -> tuple[str, ...]:
    """Every statement that makes an empty SQLite ledger, in order."""
    dialect = sqlite.dialect()
    statements: list[str] = []
    for model in TABLES:
        table = SQLModel.metadata.tables[str(model.__tablename__)]
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        statements.extend(str(CreateIndex(each).compile(dialect=dialect)).strip() for each in table.indexes)
    return (*statements, *sqlite_triggers().values(), *sqlite_views().values())


def postgresql_statements() -> tuple[str, ...]:
    """Every statement that makes the empty tables in PostgreSQL, in order; triggers and marker are made apart."""
    dialect = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it without annotations
    dialect.type_compiler_instance = _PostgresqlTypes(dialect)
    statements: list[str] = []
    for model in TABLES:
        table = SQLModel.metadata.tables[str(model.__tablename__)]
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        statements.extend(str(CreateIndex(each).compile(dialect=dialect)).strip() for each in table.indexes)
    return tuple(statements)


class _PostgresqlTypes(PGTypeCompiler):
    """SQLite's integers have 64 bits and its text compares by code point: so do these."""

    def visit_INTEGER(self, type_: Integer, **options: object) -> str:  # noqa: N802  # SQLAlchemy's name
        """Indexes beyond 2^31."""
        return "BIGINT"

    def visit_TEXT(self, type_: Text, **options: object) -> str:  # noqa: N802  # SQLAlchemy's name
        """Whatever the database's own collation is."""
        return 'TEXT COLLATE "C"'
