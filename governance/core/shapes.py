# SPDX-License-Identifier: Apache-2.0
"""Shapes: texts of canonical JSON that differ in their values only, known again without being parsed.

    shape_of({"a": "x", "n": 0.5})     takes {"a":"…","n":…} with any text and any number in these places

Rules: what a shape takes is canonical (RFC 8785) if it also `is_clean` and its numbers `are_canonical`; the two are
left to the caller, who can ask for many texts at once. Its structure is that of the value that the shape was made from:
keys, in order, lists of the same length, null where null was. In the place of a text stands any text that needs no
escape, of a number any number, of a boolean a boolean. What a shape does not take may be canonical all the same: the
answer is only ever yes or "look closer".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import orjson

PLACES_MAX = 64
"""Values in a shape; what holds more is looked at more closely."""

Path = tuple[str | int, ...]

_ESCAPED = (b"\\", *(bytes([code]) for code in range(0x20)))
"""What RFC 8785 section 3.2.2.2 lets stand in a text only behind a backslash, and the backslash itself."""

_TEXT = rb'"[^"]*+"'
_TAKEN = rb'"([^"]*+)"'
_NUMBER = rb"([-0-9.]++)"
_BOOLEAN = rb"(?:true|false)"

_WRITE = orjson.OPT_STRICT_INTEGER


class Shape(NamedTuple):
    """A pattern for texts that differ in their values only.

    Attributes:
        match: Takes a text whole, from a position to another, as `re.Pattern.fullmatch` does.
        texts: The group of each text that is handed out, by its path.
        numbers: The groups of numbers, for `are_canonical`.
    """

    match: Callable[[bytes, int, int], re.Match[bytes] | None]
    texts: dict[Path, int]
    numbers: tuple[int, ...]


class _DoubtError(Exception):
    """A value that no shape is made from."""


def shape_of(value: Any, *, fixed: Collection[Path] = (), taken: Collection[Path] = ()) -> Shape | None:
    """The shape of a value that was read from canonical JSON; None when it has none.

    Args:
        value: Dicts, lists, texts, numbers, booleans, None.
        fixed: Paths of texts and integers that are part of the structure: only the same is taken in their place.
        taken: Paths of texts to hand out.
    """
    made = _Making(frozenset(fixed), frozenset(taken))
    try:
        made.add(value, ())
    except _DoubtError:
        return None
    return Shape(re.compile(b"".join(made.parts)).fullmatch, made.texts, tuple(made.numbers))


def is_clean(text: bytes) -> bool:
    """Whether the text is UTF-8 and holds neither a backslash nor a control character."""
    for each in _ESCAPED:
        if each in text:
            return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def are_canonical(numbers: Sequence[bytes]) -> bool:
    """Whether numbers that a shape took, digits with sign and point, are written as RFC 8785 asks.

    orjson writes them as RFC 8785 asks but for whole numbers with a point, for those with an exponent, which no shape
    takes, and for integers beyond ±(2^53-1), which it is told to refuse.
    """
    text = b"[%b]" % b",".join(numbers)
    try:
        return (
            orjson.dumps(orjson.loads(text), option=_WRITE) == text
            and b".0," not in text
            and text[-3:] != b".0]"
        )
    except (ValueError, TypeError):
        return False


class _Making:
    def __init__(self, fixed: frozenset[Path], taken: frozenset[Path]) -> None:
        self._fixed = fixed
        self._taken = taken
        self._places = 0
        self.parts: list[bytes] = []
        self.texts: dict[Path, int] = {}
        self.numbers: list[int] = []

    def add(self, value: Any, path: Path) -> None:
        self._places += 1
        if self._places > PLACES_MAX:
            raise _DoubtError
        if isinstance(value, dict):
            self._add_dict(value, path)
        elif isinstance(value, list):
            self._add_all(b"[", [(b"", each, (*path, at)) for at, each in enumerate(value)], b"]")
        elif isinstance(value, str):
            self._add_text(value, path)
        elif value is None:
            self.parts.append(b"null")
        elif isinstance(value, bool):
            self.parts.append(_BOOLEAN)
        elif path in self._fixed and isinstance(value, int):
            self.parts.append(b"%d" % value)
        else:
            self.numbers.append(self._next_group())
            self.parts.append(_NUMBER)

    def _add_dict(self, value: dict[str, Any], path: Path) -> None:
        if not all(key.isascii() for key in value):
            raise _DoubtError  # UTF-16 sorts keys otherwise than code points do
        members = [(_quoted(key) + b":", value[key], (*path, key)) for key in sorted(value)]
        self._add_all(b"{", members, b"}")

    def _add_all(self, start: bytes, members: list[tuple[bytes, Any, Path]], end: bytes) -> None:
        self.parts.append(re.escape(start))
        for number, (name, value, path) in enumerate(members):
            self.parts.append(b"," + name if number else name)
            self.add(value, path)
        self.parts.append(re.escape(end))

    def _add_text(self, value: str, path: Path) -> None:
        if path in self._fixed:
            self.parts.append(_quoted(value))
        elif path in self._taken:
            self.texts[path] = self._next_group()
            self.parts.append(_TAKEN)
        else:
            self.parts.append(_TEXT)

    def _next_group(self) -> int:
        return 1 + len(self.texts) + len(self.numbers)


def _quoted(text: str) -> bytes:
    """A pattern for just this text, which needs no escape.

    Raises:
        _DoubtError: It does.
    """
    written = text.encode("utf-8", "surrogatepass")
    if b'"' in written or not is_clean(written):
        raise _DoubtError
    return b'"' + re.escape(written) + b'"'
