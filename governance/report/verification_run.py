# SPDX-License-Identifier: Apache-2.0
"""The record of a run of the verifier over a ledger: what was looked at, how much of it, and all that was found.

    {"format":"governance/verification-run@1","tool":"governance 0.1.0","verified_at":"…","tree_size":136,
     "counts":{"entry":136,"mention":512,…},"discrepancies":[{"where":"entry","place":"7",…}],…}

Rules: canonical JSON; the same ledger at the same moment gives the same bytes, so nothing of the machine stands in it.
It is a statement of whoever ran it: a reader believes it as far as they believe them, or runs it again. A ledger may be
damaged in any place: what cannot be read is counted, never raised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from governance.core.canonical import format_canonical, parse_json
from governance.core.checkpoint import parse_checkpoint
from governance.core.instants import format_instant, parse_instant
from governance.core.note import parse_note
from governance.errors import BundleError, GovernanceError
from governance.events.envelope import Entry, read_entry
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.key_chain import KEY_EVENTS
from governance.ledger.verify import Verification
from governance.report.integrity_checks import check_of
from governance.storage.interface import CheckpointRow, EntryRow, Reader

FORMAT = "governance/verification-run@1"
LATE = timedelta(days=3)
AHEAD = timedelta(minutes=1)
"""Clocks of two machines differ by seconds; by more than this a statement was made before it happened."""

LISTED_MAX = 50
KEYS_LISTED_MAX = 1_000
"""Whoever verifies follows the keys from one to the next, and needs every entry about them."""

CHECKPOINTS_LISTED_MAX = 1_000
DISCREPANCIES_LISTED_MAX = 200
"""Of one check, so that a flood of one kind does not hide the others."""

TIME_SIZE_BYTES = 8
COSIGNATURE_SIZES_BYTES = (72, 2_428)
"""A time of 8 bytes and a signature: Ed25519, ML-DSA-44 (c2sp.org/tlog-cosignature)."""

Run = dict[str, Any]


def format_run(
    reader: Reader, found: Verification, *, verified_at: datetime, version: str, demanded: Sequence[str] = ()
) -> bytes:
    """Record a run.

    Args:
        reader: The ledger that was verified.
        found: What was found.
        verified_at: When.
        version: Of this package.
        demanded: What was demanded beyond a sound ledger, in words.
    """
    walk = _Walk()
    for row in _rows(reader, found.tree_size):
        walk.take(row)
    checkpoints = reader.checkpoints()
    return format_canonical(
        {
            "format": FORMAT,
            "tool": f"governance {version}",
            "verified_at": format_instant(verified_at),
            "origin": found.origin,
            "tree_size": found.tree_size,
            "root": found.root.hex(),
            "signed_size": found.signed_size,
            "key": found.key,
            "key_is_trusted": found.key_is_trusted,
            "keys": [
                {"key": str(each.key), "from_size": each.from_size, "revoked_from": each.revoked_from}
                for each in found.keys
            ],
            "statements": found.statements,
            "demanded": list(demanded),
            "notices": list(found.notices),
            "counts": {
                "entry": walk.count,
                "checkpoint": len(checkpoints),
                "tree_node": _count(reader.count_nodes),
                "mention": _count(lambda: sum(len(row[-1]) for row in reader.mention_runs())),
                "relation": _count(lambda: sum(len(row[-1]) for row in reader.relation_runs())),
            },
            "unread": walk.unread,
            "late": walk.told("late"),
            "ahead": walk.told("ahead"),
            "pruning": walk.told("pruning"),
            "erasures": walk.told("erasures"),
            "about_keys": walk.told("about_keys"),
            "checkpoints": [_checkpoint(row, found.origin) for row in _listed(checkpoints)],
            "discrepancies_total": len(found.discrepancies),
            "discrepancies_of": dict(
                Counter(check_of(each.where, each.what) for each in found.discrepancies)
            ),
            "discrepancies": [dict(each._asdict()) for each in _first_of_each(found.discrepancies)],
        }
    )


def read_run(content: bytes) -> Run:
    """Read the record of a run.

    Raises:
        BundleError: It is none.
    """
    try:
        told = parse_json(content)
    except GovernanceError as error:
        raise BundleError(f"the record of the verification cannot be read: {error.message[:200]}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BundleError(f"the record of the verification is not of the format {FORMAT}")
    return told


def cited_in(run: Run) -> list[int]:
    """Indexes of the entries that a record names, in order; entry 0 among them."""
    names = ("late", "ahead", "pruning", "erasures", "about_keys")
    listed = {index for name in names for index in run[name]["listed"]}
    return sorted(listed | ({0} if run["tree_size"] else set()))


class _Walk:
    """What the entries say of time, keys and retention, one after the other."""

    def __init__(self) -> None:
        self.count = 0
        self.unread = 0
        self._found: dict[str, list[int]] = {}
        self._counts: dict[str, int] = {}

    def take(self, row: EntryRow) -> None:
        """One more entry."""
        self.count += 1
        try:
            entry = read_entry(row.body)
            late = parse_instant(entry.appended_at) - parse_instant(entry.event.occurred_at)
        except (GovernanceError, TypeError, AttributeError):  # a column may hold anything
            self.unread += 1
            return
        for name in _kinds(entry, late):
            self._counts[name] = self._counts.get(name, 0) + 1
            if self._counts[name] <= (KEYS_LISTED_MAX if name == "about_keys" else LISTED_MAX):
                self._found.setdefault(name, []).append(entry.index)

    def told(self, name: str) -> dict[str, Any]:
        """How many entries of a kind there are, and the first of them."""
        return {"count": self._counts.get(name, 0), "listed": self._found.get(name, [])}


def _kinds(entry: Entry, late: timedelta) -> Iterable[str]:
    if late >= LATE:
        yield "late"
    if late < -AHEAD:
        yield "ahead"
    if entry.event.type == "pruning.decided":
        yield "pruning"
    if entry.event.type == "erasure.performed":
        yield "erasures"
    if entry.event.type in KEY_EVENTS:
        yield "about_keys"


def _first_of_each(discrepancies: Iterable[Discrepancy]) -> Iterable[Discrepancy]:
    """In order, of each check no more than are listed."""
    seen = Counter[str]()
    for each in discrepancies:
        check = check_of(each.where, each.what)
        seen[check] += 1
        if seen[check] <= DISCREPANCIES_LISTED_MAX:
            yield each


def _rows(reader: Reader, size: int) -> Iterable[EntryRow]:
    try:
        yield from reader.entries(0, size)
    except GovernanceError:
        return  # told by the verifier


def _count(rows: Callable[[], int]) -> int | None:
    """How many rows a table has; None when it cannot be read, which the verifier tells."""
    try:
        return rows()
    except GovernanceError:
        return None


def _listed(rows: Sequence[CheckpointRow]) -> Sequence[CheckpointRow]:
    """The first checkpoint and the last ones, when there are too many."""
    if len(rows) <= CHECKPOINTS_LISTED_MAX:
        return rows
    return [rows[0], *rows[1 - CHECKPOINTS_LISTED_MAX :]]


def _checkpoint(row: CheckpointRow, origin: str) -> dict[str, Any]:
    """A checkpoint's line: what it says of itself, by whom it bears signatures; nothing is judged here."""
    try:
        note = parse_note(row.note)
        stated = parse_checkpoint(note.text)
    except (GovernanceError, TypeError, AttributeError):  # a column may hold anything
        return {
            "number": str(row.number),
            "is_read": False,
            "tree_size": 0,
            "root": "",
            "signers": [],
            "witnesses": [],
        }
    own = [each for each in note.signatures if each.name == origin]
    others = [each for each in note.signatures if each.name != origin]
    return {
        "number": str(row.number),
        "is_read": True,
        "tree_size": stated.tree_size,
        "root": stated.root.hex(),
        "signers": [each.key_id.hex() for each in own],
        "witnesses": [{"name": each.name, "time": _time(each.signature)} for each in others],
    }


def _time(field: bytes) -> int:
    """The seconds since 1970 that a cosignature states; 0 where it states none."""
    if len(field) not in COSIGNATURE_SIZES_BYTES:
        return 0
    return min(int.from_bytes(field[:TIME_SIZE_BYTES], "big"), 2**53 - 1)  # what JSON carries without loss
