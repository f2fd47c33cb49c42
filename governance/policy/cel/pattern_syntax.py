# SPDX-License-Identifier: Apache-2.0
r"""The syntax of regular expressions: a text becomes a tree of parts.

    parse_pattern("a(b|c)*") → Sequence((a, Repetition(Alternatives((b, c)), 0, None)))

Rules: RE2's syntax (github.com/google/re2/wiki/Syntax) without names of scripts and without \C. Groups are not
remembered and laziness makes no difference, since all that is asked is whether something is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.pattern_classes import CATEGORIES, PERL, POSIX, CharacterClass, Range

LENGTH_MAX = 1_000
REPETITION_MAX = 1_000
DEPTH_MAX = 40

_REPEAT = re.compile(r"\{([0-9]{1,9})(?:(,)([0-9]{0,9}))?\}", re.ASCII)
_GROUP = re.compile(r"\?(?:(?::)|P?<[A-Za-z_][A-Za-z0-9_]*>|([imsU]*)(?:-([imsU]+))?([:)]))", re.ASCII)
_ESCAPED = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}


@dataclass(frozen=True, slots=True)
class Assertion:
    """What has to hold between two characters."""

    kind: Literal["text_start", "text_end", "line_start", "line_end", "word_boundary", "no_word_boundary"]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One or another."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    """A part so often; `most` is None where there is no end."""

    part: Part
    least: int
    most: int | None


Part = CharacterClass | Assertion | Sequence | Alternatives | Repetition

_ASSERTIONS: dict[str, Assertion] = {
    "A": Assertion("text_start"),
    "z": Assertion("text_end"),
    "b": Assertion("word_boundary"),
    "B": Assertion("no_word_boundary"),
}


def refuse(why: str) -> NoReturn:
    """Refuse a pattern.

    Raises:
        EvaluationError: Always.
    """
    raise EvaluationError("pattern", f"invalid regular expression: {why}")


def parse_pattern(text: str) -> Part:
    """Parse a regular expression.

    Raises:
        EvaluationError: It is none of this syntax, or too long or too deep.
    """
    if len(text) > LENGTH_MAX:
        refuse(f"it has {len(text)} characters, at most {LENGTH_MAX}")
    reader = _Reader(text)
    part = reader.alternatives(frozenset())
    if reader.at < len(text):
        refuse("a bracket is closed that was not opened")
    return part


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0

    def alternatives(self, flags: frozenset[str]) -> Part:
        """What stands between brackets, up to the closing one or the end; flags set inside end with it."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            refuse(f"it is deeper than {DEPTH_MAX} levels")
        found: list[Part] = []
        while True:
            part, flags = self._sequence(flags)
            found.append(part)
            if not self._taken("|"):
                break
        self._depth -= 1
        return found[0] if len(found) == 1 else Alternatives(tuple(found))

    def _sequence(self, flags: frozenset[str]) -> tuple[Part, frozenset[str]]:
        found: list[Part] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self.text.startswith("\\Q", self.at):
                found.extend(self._quoted(flags))
                continue
            setting = _GROUP.match(self.text, self.at + 1) if self.text[self.at] == "(" else None
            if setting is not None and setting[3] == ")":
                flags = _set(flags, setting)
                self.at = setting.end()
                continue
            found.append(self._repeated(self._atom(flags)))
        return Sequence(tuple(found)), flags

    def _quoted(self, flags: frozenset[str]) -> list[Part]:
        end = self.text.find("\\E", self.at)
        body = self.text[self.at + 2 : end if end >= 0 else None]
        self.at = end + 2 if end >= 0 else len(self.text)
        return [_one(ord(each), flags) for each in body]

    def _repeated(self, part: Part) -> Part:
        repeated = False
        while self.at < len(self.text):
            bounds = self._bounds()
            if bounds is None:
                break
            if repeated:
                refuse("a repetition is repeated")
            self._taken("?")
            part, repeated = Repetition(part, *bounds), True
        return part

    def _bounds(self) -> tuple[int, int | None] | None:
        sign = self.text[self.at]
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if sign in simple:
            self.at += 1
            return simple[sign]
        match = _REPEAT.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        least = int(match[1])
        most = None if match[2] and not match[3] else int(match[3] or match[1])
        if least > REPETITION_MAX or (most is not None and not least <= most <= REPETITION_MAX):
            refuse(f"a repetition is not within {REPETITION_MAX}")
        return least, most

    def _atom(self, flags: frozenset[str]) -> Part:
        sign = self.text[self.at]
        self.at += 1
        match sign:
            case "(":
                return self._group(flags)
            case "[":
                return self._class(flags)
            case "\\":
                return self._escape(flags)
            case ".":
                return CharacterClass(() if "s" in flags else ((10, 10),), is_negated=True)
            case "^":
                return Assertion("line_start" if "m" in flags else "text_start")
            case "$":
                return Assertion("line_end" if "m" in flags else "text_end")
            case "*" | "+" | "?":
                refuse("nothing to repeat")
            case _:
                return _one(ord(sign), flags)

    def _group(self, flags: frozenset[str]) -> Part:
        if self.text.startswith("?", self.at):
            match = _GROUP.match(self.text, self.at)
            if match is None:
                refuse("groups that look around, or of another kind, are not known")
            self.at = match.end()
            flags = _set(flags, match)
        part = self.alternatives(flags)
        if not self._taken(")"):
            refuse("a bracket is not closed")
        return part

    def _escape(self, flags: frozenset[str]) -> Part:
        sign = self.text[self.at : self.at + 1]
        if sign in _ASSERTIONS:
            self.at += 1
            return _ASSERTIONS[sign]
        known = self._known_class()
        return known if known is not None else _one(self._point(), flags)

    def _known_class(self) -> CharacterClass | None:
        """The class that a letter after a backslash names, if it names one."""
        sign = self.text[self.at : self.at + 1]
        if sign.lower() in PERL and sign:
            self.at += 1
            return CharacterClass(PERL[sign.lower()], is_negated=sign.isupper())
        if sign not in ("p", "P"):
            return None
        match = re.compile(r"[pP](?:([A-Z])|\{(\^?)([A-Za-z]+)\})", re.ASCII).match(self.text, self.at)
        if match is None or (match[1] or match[3]) not in (*CATEGORIES, "Any"):
            refuse("a class of characters that is not known")
        self.at = match.end()
        name = match[1] or match[3]
        is_negated = (sign == "P") is not bool(match[2])
        if name == "Any":
            return CharacterClass(((0, 0x10FFFF),), is_negated=is_negated)
        return CharacterClass(categories=(name,), is_negated=is_negated)

    def _point(self) -> int:
        """The character that an escape says; the backslash is behind."""
        match = re.compile(r"x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}|([0-7]{3}|0[0-7]{0,2})").match(
            self.text, self.at
        )
        if match is not None:
            self.at = match.end()
            point = int(match[1] or match[2] or match[3], 8 if match[3] else 16)
            return point if point <= 0x10FFFF else refuse("an escape says no character")
        sign = self.text[self.at : self.at + 1]
        self.at += 1
        if sign in _ESCAPED and sign:
            return _ESCAPED[sign]
        if not sign or sign.isalnum():
            refuse("an escape that is not known")
        return ord(sign)

    def _class(self, flags: frozenset[str]) -> CharacterClass:
        is_negated = self._taken("^")
        ranges: list[Range] = []
        parts: list[CharacterClass] = []
        is_first = True
        while is_first or not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                refuse("a class of characters is not closed")
            is_first = False
            named = self._named_class()
            if named is not None:
                parts.append(named)
                continue
            low = self._class_point()
            high = low
            if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
                self.at += 1
                high = self._class_point()
            if high < low:
                refuse("a range runs backwards")
            ranges.append((low, high))
        self.at += 1
        return CharacterClass(tuple(ranges), (), tuple(parts), is_negated, "i" in flags)

    def _named_class(self) -> CharacterClass | None:
        match = re.compile(r"\[:(\^?)(\w+):\]", re.ASCII).match(self.text, self.at)
        if match is not None:
            if match[2] not in POSIX:
                refuse("a class of characters that is not known")
            self.at = match.end()
            return CharacterClass(POSIX[match[2]], is_negated=bool(match[1]))
        if not self.text.startswith("\\", self.at):
            return None
        self.at += 1
        known = self._known_class()
        if known is None:
            self.at -= 1
        return known

    def _class_point(self) -> int:
        if self.at >= len(self.text):
            refuse("a class of characters is not closed")
        self.at += 1
        return self._point() if self.text[self.at - 1] == "\\" else ord(self.text[self.at - 1])

    def _taken(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.at)
        self.at += found
        return found


def _one(point: int, flags: frozenset[str]) -> CharacterClass:
    return CharacterClass(((point, point),), folds_case="i" in flags)


def _set(flags: frozenset[str], match: re.Match[str]) -> frozenset[str]:
    return (flags | frozenset(match[1] or "")) - frozenset(match[2] or "")
