# SPDX-License-Identifier: Apache-2.0
"""Entries that are sound at a glance: most bodies differ from one before in their values only (docs/adr/0017).

    {"appended_at":"…","event":{…},"index":7,"previous":"…","signatures":[]}
    └ head, as before ──────┘└ of a known shape┘└ tail, follows from the entry before ┘

Rules: a glance says yes or "look closer", never no: what it does not take is checked, and told, by those who parse it.
What it takes is what they would take without a word: canonical, with the fields of an entry and of an event, at its
index, after the entry before, not signed by an author, of a type that the verifier need not follow. Shapes are learned
from events that were parsed, and say which mentions and relations follow from an event; they are few, so that a hostile
ledger costs no more than one that is read closely.
"""

from __future__ import annotations

import re
from binascii import hexlify
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import orjson

from governance.core.canonical import SIZE_BYTES_MAX
from governance.core.hashing import hash_leaves
from governance.core.instants import is_canonical_instant
from governance.core.shapes import Path, are_canonical, is_clean, shape_of
from governance.events.links import Pair, Triple, pairs_of

STRIDE_MAX = 256
"""So many entries are taken at a glance together, as long as all of them are sound."""
EACH_MAX = 8
"""Shapes of one event type."""
ALL_MAX = 256
"""Shapes in all: making one costs as much as parsing some hundred bodies."""
LEARNED_EVERY = 32
"""So many events of a type are parsed before one is learned from."""

EVENT_FIELDS = frozenset({"actor", "data", "id", "occurred_at", "schema_version", "subject", "type"})

_TYPE: Path = ("type",)
_SCHEMA_VERSION: Path = ("schema_version",)
_ID: Path = ("id",)
_MARK = re.compile("\x00([0-9]+)\x00")
_HEAD = b'{"appended_at":"%b","event":'
_TYPE_AT = b'"type":"'
_MOMENT = slice(16, 43)
"""Where `appended_at` stands in a body."""
_MOMENT_LENGTH = 27
_EVENT_AT = 53
"""Where the event begins."""

Text = tuple[str | int, ...]
"""A text in pieces: as it stands, or the number of what is to be put there."""


class EventShape:
    """A shape of events of one type.

    Attributes:
        match: Takes a whole event out of a body, from a position to another.
        event_id: The group of its id.
        numbers: Groups of numbers, whose form is still to be looked at.
        key: The groups on which its mentions and relations depend.
        tally: For whoever adds up what events with the same key say.
    """

    __slots__ = ("_mentions", "_relations", "event_id", "key", "match", "numbers", "tally")

    def __init__(
        self,
        match: Callable[[bytes, int, int], re.Match[bytes] | None],
        event_id: int,
        numbers: tuple[int, ...],
        key: tuple[int, ...],
        links: tuple[list[tuple[Text, str]], list[tuple[Text, Text, str]]],
    ) -> None:
        self.match = match
        self.event_id = event_id
        self.numbers = numbers
        self.key = key
        self._mentions, self._relations = links
        self.tally: dict[Any, int] = {}

    def pairs(self, key: Sequence[bytes]) -> tuple[Iterable[Pair], Iterable[Triple]]:
        """The mentions and relations of an event, out of the texts of its `key` groups; as `pairs_of` gives them."""
        texts = [each.decode() for each in key]
        return (
            dict.fromkeys((_filled(ref, texts), role) for ref, role in self._mentions),
            dict.fromkeys(
                (_filled(effect, texts), _filled(cause, texts), kind)
                for effect, cause, kind in self._relations
            ),
        )


class Shapes:
    """The shapes learned so far.

    Args:
        closely: Event types that are always looked at more closely.

    Attributes:
        known: By event type, the one that was met last first.
    """

    def __init__(self, closely: Collection[str]) -> None:
        self.known: dict[object, list[EventShape]] = {}
        self._closely = closely
        self._parsed: dict[str, int] = {}
        self._count = 0

    def consider(self, event: dict[str, Any]) -> None:
        """Learn from an event that was parsed and found sound, if it is its type's turn."""
        kind: str = event["type"]
        parsed = self._parsed[kind] = self._parsed.get(kind, 0) + 1
        if parsed % LEARNED_EVERY or parsed > LEARNED_EVERY * EACH_MAX or self._count >= ALL_MAX:
            return
        if kind in self._closely:
            return
        shape = _learned(event)
        if shape is not None:
            self._count += 1
            self.known.setdefault(kind, []).insert(0, shape)

    def fewer(self, kinds: Sequence[object]) -> int:
        """How many entries to try next, of some that were not taken together: up to the first of an unknown type."""
        unknown = (number for number, kind in enumerate(kinds) if kind not in self.known)
        return next(unknown, len(kinds) // 4) or 1

    def all(self) -> list[EventShape]:
        """Every one of them."""
        return [each for shapes in self.known.values() for each in shapes]

    def take(
        self,
        bodies: Sequence[bytes],
        kinds: Sequence[object],
        *,
        index: int,
        appended_at: str,
        previous: bytes,
    ) -> Taken | None:
        """Take the bodies of entries that follow one another; None when one of them has to be looked at more closely.

        Args:
            bodies: At least one; what is no bytes is not taken.
            kinds: Their events' types, by whoever knows them; a shape takes that type only.
            index: Of the first.
            appended_at: That of the entry before.
            previous: Leaf hash of the entry before, hex.
        """
        try:
            shapes = [self.known[kind][0] for kind in kinds]
            leaves = hash_leaves(bodies)
        except (LookupError, TypeError):
            return None
        hexes = [previous, *map(hexlify, leaves)]
        tails = _tails(index, hexes[:-1])
        matches = [
            shape.match(body, _EVENT_AT, len(body) - len(tail))
            for shape, body, tail in zip(shapes, bodies, tails, strict=True)
        ]
        if None in matches:
            self._try_others(shapes, matches, bodies, kinds, tails)
        found = [match for match in matches if match is not None]
        if not (
            len(found) == len(bodies)
            and all(map(bytes.endswith, bodies, tails))
            and max(map(len, bodies)) <= SIZE_BYTES_MAX
            and is_clean(b"".join([match[0] for match in found]))
            and self._have_canonical_numbers(shapes, found)
        ):
            return None
        moment = _last_moment([body[:_EVENT_AT] for body in bodies], appended_at)
        return None if moment is None else Taken(leaves, shapes, found, moment, hexes[-1])

    def _have_canonical_numbers(self, shapes: list[EventShape], matches: list[re.Match[bytes]]) -> bool:
        numbers = [
            match[number]
            for shape, match in zip(shapes, matches, strict=True)
            if shape.numbers
            for number in shape.numbers
        ]
        return not numbers or are_canonical(numbers)

    def _try_others(
        self,
        shapes: list[EventShape],
        matches: list[re.Match[bytes] | None],
        bodies: Sequence[bytes],
        kinds: Sequence[object],
        tails: Sequence[bytes],
    ) -> None:
        """Try further shapes where the first one of the type takes nothing, until one place stays empty."""
        for at, body in enumerate(bodies):
            if matches[at] is not None:
                continue
            known = self.known[kinds[at]]
            for shape in known:
                match = shape.match(body, _EVENT_AT, len(body) - len(tails[at]))
                if match is not None:
                    shapes[at], matches[at] = shape, match
                    known.remove(shape)
                    known.insert(0, shape)
                    break
            else:
                return


class Taken(NamedTuple):
    """Entries that were taken at a glance.

    Attributes:
        leaves: Their leaf hashes.
        shapes: The shape of each event.
        matches: What each shape took.
        appended_at: That of the last.
        last: Leaf hash of the last, hex.
    """

    leaves: list[bytes]
    shapes: list[EventShape]
    matches: list[re.Match[bytes]]
    appended_at: str
    last: bytes


def kind_of(body: bytes) -> str:
    """The type of the event in a body, if it has the form of one: what stands in the last place that names a type."""
    return body.rpartition(_TYPE_AT)[2].partition(b'"')[0].decode("ascii", "replace")


def _tails(index: int, hexes: Sequence[bytes]) -> list[bytes]:
    """How the bodies of entries end that follow one another: `,"index":<index>,"previous":"<hex>","signatures":[]}`."""
    numbers = orjson.dumps(list(range(index, index + len(hexes))))[1:-1].split(b",")
    parts = zip(repeat(b',"index":'), numbers, repeat(b',"previous":"'), hexes, repeat(b'","signatures":[]}'))
    return list(map(b"".join, parts))


def _last_moment(heads: list[bytes], appended_at: str) -> str | None:
    """The last of the moments with which bodies begin, if all are canonical instants and none is before another."""
    if len(appended_at) == _MOMENT_LENGTH and heads.count(_HEAD % appended_at.encode()) == len(heads):
        return appended_at
    moments = [head[_MOMENT] for head in heads]
    if [_HEAD % moment for moment in moments] != heads or sorted(moments) != moments:
        return None
    texts = [moment.decode("ascii", "replace") for moment in dict.fromkeys(moments)]
    if texts[0] < appended_at or not all(map(is_canonical_instant, texts)):
        return None
    return texts[-1]


def _learned(event: dict[str, Any]) -> EventShape | None:
    """The shape of an event, None when it has none."""
    if event.keys() != EVENT_FIELDS:
        return None
    paths: list[Path] = []
    try:
        mentions, relations = pairs_of(_marked(event, (), paths))
        links = (
            [(_pieces(ref), role) for ref, role in mentions],
            [(_pieces(effect), _pieces(cause), kind) for effect, cause, kind in relations],
        )
    except (TypeError, KeyError, AttributeError, ValueError):
        return None
    texts = [each for row in (*links[0], *links[1]) for each in row[:-1]]
    asked = sorted({piece for text in texts for piece in text if isinstance(piece, int)})
    taken = [paths[number] for number in asked]
    shape = shape_of(event, fixed=[_TYPE, _SCHEMA_VERSION], taken=[_ID, *taken])
    if shape is None or _ID not in shape.texts or len(asked) < 2:
        return None
    place = {number: at for at, number in enumerate(asked)}
    return EventShape(
        shape.match,
        shape.texts[_ID],
        shape.numbers,
        tuple(shape.texts[path] for path in taken),
        (
            [(_placed(ref, place), role) for ref, role in links[0]],
            [(_placed(effect, place), _placed(cause, place), kind) for effect, cause, kind in links[1]],
        ),
    )


def _marked(value: Any, path: Path, paths: list[Path]) -> Any:
    """The same structure with a mark in the place of every text but the type's: its number in `paths`."""
    if isinstance(value, dict):
        return {key: _marked(each, (*path, key), paths) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, (*path, at), paths) for at, each in enumerate(value)]
    if isinstance(value, str) and path != _TYPE:
        paths.append(path)
        return f"\x00{len(paths) - 1}\x00"
    return value


def _pieces(text: str) -> Text:
    """A text with marks in pieces: what stands between them, and their numbers."""
    parts = _MARK.split(text)
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts) if part)


def _placed(text: Text, place: dict[int, int]) -> Text:
    return tuple(place[piece] if isinstance(piece, int) else piece for piece in text)


def _filled(text: Text, texts: Sequence[str]) -> str:
    return "".join([texts[piece] if isinstance(piece, int) else piece for piece in text])
