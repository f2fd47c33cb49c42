# SPDX-License-Identifier: Apache-2.0
"""The way along the entries of a range: chain, order of time, columns, and what follows from each body.

Rules: an entry is taken at a glance (`verify_glance.py`) or parsed and checked part by part; both take the same ones,
and only the second one tells. What goes wrong is told, never raised. Nothing here imports the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from governance.core.canonical import parse_canonical
from governance.core.hashing import HASH_SIZE_BYTES, hash_leaf
from governance.core.instants import is_canonical_instant
from governance.errors import GovernanceError
from governance.events.links import pairs_of
from governance.events.signers import SIGNER_EVENTS, SignerKeys
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.fingerprints import IndexFingerprints
from governance.ledger.key_chain import KEY_EVENTS, KEY_EVENTS_MAX
from governance.ledger.verify_glance import EVENT_FIELDS, STRIDE_MAX, Shapes
from governance.ledger.verify_report import OPENED, RangeReport, show
from governance.ledger.verify_statements import StatementCheck
from governance.storage.interface import EntryRow, Reader

MARKED = frozenset({OPENED, *KEY_EVENTS})
"""Types whose places the whole wants to know."""

_ENTRY_FIELDS = {"appended_at", "event", "index", "previous", "signatures"}


class Walk:
    """The checks along the entries of one range.

    Args:
        report: What is found goes there.
        keys: Gives the keys of authors and the ledger's origin.
        mentions: Is told what each entry mentions.
        relations: Is told which relations each entry asserts.
    """

    def __init__(
        self,
        report: RangeReport,
        keys: Callable[[], tuple[SignerKeys, str]],
        *,
        mentions: IndexFingerprints,
        relations: IndexFingerprints,
    ) -> None:
        self._report = report
        self.statements = StatementCheck(keys, self._tell)
        self._mentions = mentions
        self._relations = relations
        self._shapes = Shapes(closely={*MARKED, *SIGNER_EVENTS})
        self._stride = 1
        self._previous: str | None = None
        self._appended_at = ""

    def read_chunk(self, reader: Reader, first: int, last: int, chunk: int) -> list[bytes]:
        """Check the entries [first, last), which are those of a chunk; the leaf hashes, one for every index."""
        leaves: list[bytes] = []
        for rows in reader.entry_runs(first, last):
            self._read_rows(rows, first, chunk, leaves)
        while first + len(leaves) < last:
            leaves.append(self._missing(first + len(leaves), None))
        for shape in self._shapes.all():
            for key, weight in shape.tally.items():
                self._add_links(shape.pairs(key), chunk, weight)
            shape.tally.clear()
        self._report.last_hash = self._previous or ""
        self._report.last_appended_at = self._appended_at
        return leaves

    def _read_rows(
        self, rows: Sequence[tuple[Any, ...]], first: int, chunk: int, leaves: list[bytes]
    ) -> None:
        """Check some rows that follow one another: as many at a glance as are sound, the others one by one."""
        at = 0
        while at < len(rows):
            some = rows[at : at + self._stride]
            if self._take(some, first, leaves):
                at += len(some)
                self._stride = min(4 * self._stride, STRIDE_MAX)
            elif len(some) > 1:
                self._stride = self._shapes.fewer([row[4] for row in some])
            else:
                self._look_closer(EntryRow(*rows[at]), first, chunk, leaves)
                at += 1

    def _take(self, rows: Sequence[tuple[Any, ...]], first: int, leaves: list[bytes]) -> bool:
        """Take rows at a glance: all of them, or nothing happens."""
        if rows[0][4] not in self._shapes.known or not self._previous:
            return False
        indexes, stored, bodies, event_ids, kinds = zip(*rows, strict=True)
        index = first + len(leaves)
        taken = self._shapes.take(
            bodies, kinds, index=index, appended_at=self._appended_at, previous=self._previous.encode()
        )
        if (
            taken is None
            or tuple(taken.leaves) != stored
            or indexes != tuple(range(index, index + len(rows)))
        ):
            return False
        texts = [match[shape.event_id] for shape, match in zip(taken.shapes, taken.matches, strict=True)]
        try:
            # None of the texts holds a line feed, so that the lines are the same if all together are.
            if b"\n".join(texts).decode() != "\n".join(event_ids):
                return False
        except TypeError:
            return False  # a column may hold anything
        weights = self._mentions.weights[index - first : index - first + len(rows)]
        for shape, match, weight in zip(taken.shapes, taken.matches, weights, strict=True):
            key = match.group(*shape.key)
            shape.tally[key] = shape.tally.get(key, 0) + weight
        leaves += taken.leaves
        self._previous, self._appended_at = taken.last.decode(), taken.appended_at
        return True

    def _look_closer(self, row: EntryRow, first: int, chunk: int, leaves: list[bytes]) -> None:
        """Parse and check one entry, after those that are missing before it."""
        while first + len(leaves) < row.index:
            leaves.append(self._missing(first + len(leaves), row))
        if row.type in MARKED and len(self._report.key_events) < KEY_EVENTS_MAX:
            self._report.key_events.append(row.index)
        told = len(self._report.discrepancies)
        leaf, event = self._check(row)
        leaves.append(leaf)
        if event is None:
            return
        links = links_of_stranger(event)
        if links is None:
            self._tell(row.index, "event does not have the form of one")
            return
        self._add_links(links, chunk, self._mentions.weights[row.index - first])
        if len(self._report.discrepancies) == told:
            self._shapes.consider(event)

    def _add_links(self, links: Any, chunk: int, weight: int) -> None:
        for mention in links[0]:
            self._mentions.add(chunk, weight, *mention)
        for relation in links[1]:
            self._relations.add(chunk, weight, *relation)

    def _check(self, row: EntryRow) -> tuple[bytes, dict[str, Any] | None]:
        index, body = row.index, row.body
        try:
            leaf = hash_leaf(body)
            fields = parse_canonical(body)
            event = fields["event"]
            stated = (fields["index"], event["id"], event["type"])
            previous, appended_at = fields["previous"], fields["appended_at"]
        except (GovernanceError, TypeError, KeyError, AttributeError) as error:
            self._tell(index, "body cannot be read as an entry", "canonical JSON (RFC 8785)", str(error))
            return self._unreadable(row), None
        if leaf != row.leaf_hash:
            self._tell(index, "leaf hash is not that of the body", leaf.hex(), show(row.leaf_hash))
        if stated != (index, row.event_id, row.type):
            self._tell_columns(row, stated)
        if event["type"] == OPENED and index != 0:
            self._tell(index, "opens the ledger a second time")
        if event["type"] in SIGNER_EVENTS:
            self._report.has_signers = True
        if fields.get("signatures", ()) != []:
            self.statements.hold(index, fields)
        if fields.keys() != _ENTRY_FIELDS or event.keys() != EVENT_FIELDS:
            self._tell(index, "body has other fields than an entry", "", ", ".join([*fields, *event]))
        self._chain(index, previous, appended_at, leaf.hex())
        return leaf, event

    def _chain(self, index: int, previous: str, appended_at: str, leaf_hash: str) -> None:
        if self._previous is None:
            self._report.first_previous, self._report.first_appended_at = previous, appended_at
        elif previous != self._previous:
            self._tell(
                index, "previous is not the leaf hash of the entry before", self._previous, show(previous)
            )
        if appended_at != self._appended_at:
            if not is_canonical_instant(str(appended_at)):
                self._tell(index, "appended_at is not a canonical instant", "", show(appended_at))
            elif appended_at < self._appended_at:
                self._tell(
                    index, "appended_at is earlier than in the entry before", self._appended_at, appended_at
                )
            else:
                self._appended_at = appended_at
        self._previous = leaf_hash

    def _missing(self, index: int, following: EntryRow | None) -> bytes:
        self._tell(index, "entry is missing")
        # The entry after it says what its hash was: with that the rest of the tree can still be compared.
        leaf = b"" if following is None else _previous_of(following.body)
        if following is None or following.index != index + 1 or len(leaf) != HASH_SIZE_BYTES:
            leaf = bytes(HASH_SIZE_BYTES)
        self._previous = leaf.hex()
        return leaf

    def _unreadable(self, row: EntryRow) -> bytes:
        stored: object = row.leaf_hash  # a column may hold anything
        body: object = row.body
        leaf = hash_leaf(body) if isinstance(body, bytes) else stored if isinstance(stored, bytes) else b""
        leaf = leaf if len(leaf) == HASH_SIZE_BYTES else bytes(HASH_SIZE_BYTES)
        if leaf != row.leaf_hash:
            self._tell(row.index, "leaf hash is not that of the body", leaf.hex(), show(row.leaf_hash))
        self._previous = leaf.hex()
        return leaf

    def _tell_columns(self, row: EntryRow, stated: tuple[Any, ...]) -> None:
        got = (row.index, row.event_id, row.type)
        for name, expected, found in zip(("index", "event_id", "type"), stated, got, strict=True):
            if expected != found:
                self._tell(row.index, f"column {name} differs from the body", show(expected), show(found))

    def _tell(self, index: int, what: str, expected: str = "", got: str = "") -> None:
        self._report.discrepancies.append(Discrepancy("entry", str(index), what, expected, got))


def links_of_stranger(event: dict[str, Any]) -> Any:
    """What `pairs_of` says of an event that may not have the form of one; None then."""
    try:
        return pairs_of(event)
    except (TypeError, KeyError, AttributeError, ValueError):
        return None


def _previous_of(body: bytes) -> bytes:
    try:
        return bytes.fromhex(parse_canonical(body)["previous"])
    except (GovernanceError, TypeError, KeyError, ValueError):
        return b""
