# SPDX-License-Identifier: Apache-2.0
"""Kept assessments: a file in the user's state folder, so that what has not changed is not assessed again.

    kept(question, part, assessed_at, columns, footprints, lines, digest)

Rules: a kept summary is told again only if the question is the same to the last byte (rules, parameters, this program's
own code), the ledger still begins with the tree that it was made from, no entry since then mentions anything that its
dossier was read by, and the moment lies in the time for which it was found to hold. Subjects stand together in parts,
by a checksum of their name: thousands are read as a few hundred rows, and few are written when few have changed. Each
part bears a digest of itself: what is damaged is assessed again, and a file that cannot be read is made anew. Nothing
of it is ever in the ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from governance.core.instants import microseconds
from governance.events.envelope import read_entry
from governance.events.links import links_of
from governance.ledger.checked import CheckedReader
from governance.lineage.footprint import Touched
from governance.policy.summary import Summary
from governance.workspace.asked import Asked, Found

QUESTIONS_MAX = 8
"""Different questions of which the answers are kept."""

ENTRIES_MAX = 50_000
"""What is older than so many entries is assessed again rather than held against all of them."""

PARTS = 256
"""Parts of what is kept of one question."""

TABLE = (
    "CREATE TABLE IF NOT EXISTS kept (question TEXT, part INTEGER, assessed_at INTEGER, columns BLOB, footprints BLOB, "
    "lines BLOB, digest BLOB, PRIMARY KEY (question, part))"
)

HASTY = "PRAGMA page_size = 32768; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY"
"""What is lost or damaged is made anew."""

Tree = tuple[int, str]
"""Size and root, hexadecimal."""

_NOT_OURS = (ValueError, TypeError, LookupError)
"""What comes of reading a part that something else wrote."""


class _Kept(NamedTuple):
    """A subject's summary, with the tree (size and root) and the moment that it was found at."""

    tree: Tree
    assessed_at: int
    footprint: bytes
    summary: Summary


class _Subjects(NamedTuple):
    """What is kept of some subjects, column by column, since most are told as they are; footprints joined."""

    found_at: Sequence[Tree]
    moments: Sequence[int]
    footprint_sizes: Sequence[int]
    footprints: bytes
    summaries: Sequence[Summary]

    @property
    def trees(self) -> set[Tree]:
        """Those that any was found at."""
        return set(self.found_at)

    def rows(self) -> Iterator[_Kept]:
        """Subject by subject."""
        footprints = _cut(self.footprints, self.footprint_sizes)
        return map(_Kept, self.found_at, self.moments, footprints, self.summaries)

    def those(self, wanted: set[str], moment: int) -> _Subjects:
        """Those that are wanted, and hold at a moment."""
        is_kept = [
            each.subject in wanted
            and found_at <= moment
            and (each.steady_until is None or moment < each.steady_until)
            for each, found_at in zip(self.summaries, self.moments, strict=True)
        ]
        return self if all(is_kept) else _joined(list(itertools.compress(self.rows(), is_kept)))

    def untouched(self, sound: set[Tree], touched: Touched) -> Sequence[Summary]:
        """Summaries of those that were found at one of these trees, and of which no entry speaks since then."""
        touched_here = touched.within(self.footprints)
        if self.trees <= sound and not touched_here:
            return self.summaries
        return [
            each.summary
            for each in self.rows()
            if each.tree in sound
            and not (
                any(number in each.footprint for number in touched_here)
                and touched.touches(each.footprint, size=each.tree[0])
            )
        ]


NOTHING = _Subjects((), (), (), b"", ())


class _Part(NamedTuple):
    """A row of the table."""

    question: str
    part: int
    assessed_at: int
    columns: bytes
    footprints: bytes
    lines: bytes
    digest: bytes


def question_of(asked: Asked, rule_sets: Sequence[str], *, origin: str, key: str) -> str:
    """What tells one question from another, the subject, the moment and the ledger's size apart.

    No rule set is loaded for it: what was asked in the same words of the same rules was answered once.

    Args:
        asked: What is asked of each subject.
        rule_sets: The digests of its rule sets.
        origin: The ledger's own name.
        key: Its verifier key, text form.
    """
    told = {
        "code": code_digest(),
        "key": key,
        "origin": origin,
        "rule_sets": rule_sets,
        "parameters": asked.parameters,
        "severity_min": asked.severity_min,
        "in_force_only": asked.in_force_only,
        "fail_vacuous": asked.fail_vacuous,
    }
    # What a caller hands over that JSON has not is told by what it says of itself.
    return hashlib.sha256(orjson.dumps(told, default=repr, option=orjson.OPT_SORT_KEYS)).hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """A digest of the code on which an assessment rests: the rooms from the core to the rules, and what keeps it."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    rooms = [sorted((package / room).rglob("*.py")) for room in ("core", "events", "lineage", "policy")]
    for path in itertools.chain(*rooms, [Path(__file__)]):
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
        parts = [part.those(wanted, moment) for part in self._parts()]
        trees = {tree for part in parts for tree in part.trees}
        sound = {
            (old, root)
            for old, root in trees
            if size - ENTRIES_MAX <= old <= size and reader.has_prefix(old, bytes.fromhex(root))
        }
        touched = _touched(reader, min((old for old, _ in sound), default=size), size)
        return {each.subject: each for part in parts for each in part.untouched(sound, touched)}

    def write(self, found: Mapping[str, Found], *, size: int, root: bytes, at: datetime) -> None:
        """Keep what was found over a ledger of this size and root; where that cannot be, nothing is kept."""
        fresh: dict[int, dict[str, _Kept]] = defaultdict(dict)
        for subject, (summary, footprint) in found.items():
            fresh[_part_of(subject)][subject] = _Kept(
                (size, root.hex()), microseconds(at), footprint, summary
            )
        try:
            self._replace(fresh)
        except (sqlite3.Error, OSError):
            # It is only kept to save time: what cannot be written into is made anew, or else done without.
            with contextlib.suppress(sqlite3.Error, OSError):
                self._path.unlink(missing_ok=True)
                self._replace(fresh)

    def _replace(self, fresh: Mapping[int, Mapping[str, _Kept]]) -> None:
        """Put subjects in the place of themselves, part by part, in one transaction."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._path)) as database, database:
            database.executescript(HASTY)
            database.execute(TABLE)
            database.execute("BEGIN IMMEDIATE")
            for part, each in fresh.items():
                before = {old.summary.subject: old for old in self._read(database, part).rows()}
                row = _sealed(self._question, part, list((before | dict(each)).values()))
                database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            database.execute(
                "DELETE FROM kept WHERE question NOT IN (SELECT question FROM kept GROUP BY question "
                "ORDER BY question = ? DESC, max(assessed_at) DESC LIMIT ?)",
                (self._question, QUESTIONS_MAX),
            )

    def _parts(self) -> list[_Subjects]:
        """The parts of the question that are as they were written."""
        if not self._path.is_file():
            return []
        try:
            with contextlib.closing(sqlite3.connect(self._path)) as database:
                found = database.execute("SELECT * FROM kept WHERE question = ?", (self._question,))
                return [_opened(row) for row in found]
        except sqlite3.Error:
            return []

    def _read(self, database: sqlite3.Connection, part: int) -> _Subjects:
        found = database.execute(
            "SELECT * FROM kept WHERE question = ? AND part = ?", (self._question, part)
        ).fetchone()
        return NOTHING if found is None else _opened(found)


def _part_of(subject: str) -> int:
    return zlib.crc32(subject.encode()) % PARTS


def _sealed(question: str, part: int, kept: Sequence[_Kept]) -> _Part:
    """A part with a digest of all that stands in it."""
    joined = _joined(kept)
    trees = {tree: number for number, tree in enumerate(dict.fromkeys(joined.found_at))}
    *told, lines = zip(*joined.summaries, strict=True)
    columns = [
        [trees[tree] for tree in joined.found_at],
        joined.moments,
        joined.footprint_sizes,
        list(map(len, lines)),
        *told,
    ]
    made = _Part(
        question,
        part,
        max(joined.moments),
        orjson.dumps([list(trees), *columns]),
        joined.footprints,
        b"".join(lines),
        b"",
    )
    return made._replace(digest=_digest_of(made))


def _opened(row: Sequence[Any]) -> _Subjects:
    """What stands in a part; nothing if it is not as it was written."""
    try:
        part = _Part._make(row)
        if _digest_of(part) != part.digest:
            return NOTHING
        trees, numbers, moments, *sizes, subjects, verdicts, errors, horizons, steady = orjson.loads(
            part.columns
        )
        known = [(size, root) for size, root in trees]
        footprint_sizes, line_sizes = sizes
        lines = _cut(part.lines, line_sizes)
        summaries = list(map(Summary, subjects, verdicts, errors, horizons, steady, lines))
        found_at = [known[number] for number in numbers]
        return _Subjects(found_at, moments, footprint_sizes, part.footprints, summaries)
    except _NOT_OURS:
        return NOTHING


def _joined(rows: Sequence[_Kept]) -> _Subjects:
    """Column by column what stood subject by subject."""
    return _Subjects(
        [each.tree for each in rows],
        [each.assessed_at for each in rows],
        [len(each.footprint) for each in rows],
        b"".join(each.footprint for each in rows),
        [each.summary for each in rows],
    )


def _cut(joined: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Pieces of these sizes."""
    ends = list(itertools.accumulate(sizes, initial=0))
    return map(joined.__getitem__, map(slice, ends, ends[1:]))


def _digest_of(part: _Part) -> bytes:
    """The digest of all that stands in a part before it.

    Raises:
        TypeError: Something in it is of a type that is never written.
    """
    # SHA-256(JSON of the small columns and of the lengths of the others || columns || footprints || lines)
    blobs = (part.columns, part.footprints, part.lines)
    digest = hashlib.sha256(orjson.dumps((part.question, part.part, part.assessed_at, *map(len, blobs))))
    for each in blobs:
        digest.update(each)
    return digest.digest()


def _touched(reader: CheckedReader, start: int, end: int) -> Touched:
    """What the entries in a range speak of."""
    entries = map(read_entry, (row.body for row in reader.entries(start, end)))
    return Touched((each.index, links_of(each.event.to_dict()).mentions) for each in entries)
