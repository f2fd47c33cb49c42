# SPDX-License-Identifier: Apache-2.0
"""Kept assessments: a file in the user's state folder, so that what has not changed is not assessed again.

    kept(question, subject, size, root, assessed_at, steady_until, footprint, summary, digest)

Rules: a kept summary is told again only if the question is the same to the last byte (rules, parameters, this program's
own code), the ledger still begins with the tree that it was made from, no entry since then mentions anything that its
dossier was read by, and the moment lies in the time for which it was found to hold. Each row bears a digest of itself:
what is damaged is assessed again, and a file that cannot be read is made anew. Nothing of it is ever in the ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from governance.core.canonical import format_canonical
from governance.events.envelope import read_entry
from governance.events.links import links_of
from governance.ledger.checked import CheckedReader
from governance.lineage.footprint import Touched
from governance.policy.model import RuleSet
from governance.policy.parameters import parameter_values
from governance.policy.summary import Summary, format_summary, parse_summary
from governance.policy.variables import microseconds
from governance.workspace.many import Found

QUESTIONS_MAX = 8
"""Different questions of which the answers are kept."""

ENTRIES_MAX = 50_000
"""What is older than so many entries is assessed again rather than held against all of them."""

TABLE = (
    "CREATE TABLE IF NOT EXISTS kept (question TEXT, subject TEXT, size INTEGER, root BLOB, assessed_at INTEGER, "
    "steady_until INTEGER, footprint BLOB, summary TEXT, digest BLOB, PRIMARY KEY (question, subject))"
)


class _Row(NamedTuple):
    question: str
    subject: str
    size: int
    root: bytes
    assessed_at: int
    steady_until: int | None
    footprint: bytes
    summary: str
    digest: bytes


def question_of(
    rule_sets: Sequence[RuleSet],
    *,
    origin: str,
    key: str,
    severity_min: str,
    parameters: Mapping[str, Any],
    in_force_only: bool,
    fail_vacuous: bool = False,
) -> str:
    """What tells one question from another, the subject, the moment and the ledger's size apart.

    Raises:
        InputError: A parameter is unknown or out of bounds.
    """
    told = {
        "code": code_digest(),
        "key": key,
        "origin": origin,
        "rule_sets": [[each.id, each.digest] for each in rule_sets],
        "parameters": parameter_values(rule_sets, parameters),
        "severity_min": severity_min,
        "in_force_only": in_force_only,
        "fail_vacuous": fail_vacuous,
    }
    return hashlib.sha256(format_canonical(told)).hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """A digest of the code on which an assessment rests: the rooms from the core to the rules."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for room in ("core", "events", "lineage", "policy"):
        for path in sorted((package / room).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(package)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


class Kept:
    """The kept summaries of one question.

    Args:
        path: The file.
        question: See `question_of`.
    """

    def __init__(self, path: Path, question: str) -> None:
        self._path = path
        self._question = question

    def read(
        self, reader: CheckedReader, refs: Iterable[str], *, size: int, at: datetime
    ) -> dict[str, Summary]:
        """What still holds at a moment, of a ledger of this size.

        Raises:
            IntegrityError: An entry that was appended since then was altered.
        """
        moment, wanted = microseconds(at), set(refs)
        rows = [each for each in self._rows() if each.subject in wanted and _is_of_moment(each, moment)]
        roots = {(each.size, each.root) for each in rows if size - ENTRIES_MAX <= each.size <= size}
        sound = {(old, root) for old, root in roots if reader.has_prefix(old, root)}
        rows = [each for each in rows if (each.size, each.root) in sound]
        touched = _touched(reader, min((each.size for each in rows), default=size), size)
        found = {}
        for each in rows:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                if not touched.touches(each.footprint, size=each.size):
                    found[each.subject] = parse_summary(each.summary)
        return found

    def write(self, found: Mapping[str, Found], *, size: int, root: bytes, at: datetime) -> None:
        """Keep what was found over a ledger of this size and root; where that cannot be, nothing is kept."""
        rows = [
            _sealed(
                _Row(
                    question=self._question,
                    subject=subject,
                    size=size,
                    root=root,
                    assessed_at=microseconds(at),
                    steady_until=None
                    if each.summary.steady_until is None
                    else microseconds(each.summary.steady_until),
                    footprint=each.footprint,
                    summary=format_summary(each.summary),
                    digest=b"",
                )
            )
            for subject, each in found.items()
        ]
        try:
            self._insert(rows)
        except (sqlite3.Error, OSError):
            # It is only kept to save time: what cannot be written into is made anew, or else done without.
            with contextlib.suppress(sqlite3.Error, OSError):
                self._path.unlink(missing_ok=True)
                self._insert(rows)

    def _insert(self, rows: Sequence[_Row]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._path)) as database, database:
            database.execute(TABLE)
            marks = ", ".join("?" * len(_Row._fields))
            database.executemany(f"INSERT OR REPLACE INTO kept VALUES ({marks})", rows)  # noqa: S608  # marks alone
            database.execute(
                "DELETE FROM kept WHERE question NOT IN (SELECT question FROM kept GROUP BY question "
                "ORDER BY question = ? DESC, max(assessed_at) DESC LIMIT ?)",
                (self._question, QUESTIONS_MAX),
            )

    def _rows(self) -> Iterator[_Row]:
        """Rows of the question that are as they were written."""
        if not self._path.is_file():
            return
        try:
            with contextlib.closing(sqlite3.connect(self._path)) as database:
                found = database.execute(
                    "SELECT * FROM kept WHERE question = ?", (self._question,)
                ).fetchall()
        except sqlite3.Error:
            return
        for each in found:
            if len(each) == len(_Row._fields):
                row = _Row._make(each)
                if _is_whole(row):
                    yield row


def _sealed(row: _Row) -> _Row:
    """A row with a digest of all that stands in it."""
    return row._replace(digest=_digest_of(row))


def _is_whole(row: _Row) -> bool:
    """Whether a row is as it was written."""
    try:
        return _digest_of(row) == row.digest
    except TypeError:
        return False


def _digest_of(row: _Row) -> bytes:
    """The digest of all that stands in a row before it.

    Raises:
        TypeError: Something in it is of a type that is never written.
    """
    # SHA-256(JSON of the small columns and of the lengths of the others || root || footprint || summary)
    summary = str.encode(row.summary)
    told = (
        row.question, row.subject, row.size, row.assessed_at, row.steady_until,
        len(row.root), len(row.footprint), len(summary),
    )  # fmt: skip
    return hashlib.sha256(b"".join((orjson.dumps(told), row.root, row.footprint, summary))).digest()


def _is_of_moment(row: _Row, moment: int) -> bool:
    return row.assessed_at <= moment and (row.steady_until is None or moment < row.steady_until)


def _touched(reader: CheckedReader, start: int, end: int) -> Touched:
    """What the entries in a range speak of."""
    entries = map(read_entry, (row.body for row in reader.entries(start, end)))
    return Touched((each.index, links_of(each.event.to_dict()).mentions) for each in entries)
