# SPDX-License-Identifier: Apache-2.0
r"""Classes of characters in regular expressions: `[a-z]`, `\d`, `\p{Lu}`, `[[:alpha:]]`, one character.

Rules: \d, \s and \w are ASCII, as in RE2. \p takes the general categories of Unicode by one or two letters; names
of scripts are not known. Without case, a character is also in a class when its other case is.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

Range = tuple[int, int]

DIGITS: tuple[Range, ...] = ((48, 57),)
SPACES: tuple[Range, ...] = ((9, 10), (12, 13), (32, 32))
WORDS: tuple[Range, ...] = ((48, 57), (65, 90), (95, 95), (97, 122))
PERL: dict[str, tuple[Range, ...]] = {"d": DIGITS, "s": SPACES, "w": WORDS}
POSIX: dict[str, tuple[Range, ...]] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": DIGITS,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": WORDS,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
CATEGORIES = frozenset(
    (
        "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No",
        "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CharacterClass:
    """A set of characters.

    Attributes:
        ranges: Code points, both ends included.
        categories: General categories of Unicode, or their first letters.
        parts: Classes inside this one, which may be negated themselves.
        is_negated: Whether it is everything else.
        folds_case: Whether the other case of a character counts too.
    """

    ranges: tuple[Range, ...] = ()
    categories: tuple[str, ...] = ()
    parts: tuple[CharacterClass, ...] = ()
    is_negated: bool = False
    folds_case: bool = False

    def accepts(self, character: str) -> bool:
        """Whether a character is in it."""
        found = self._holds(character)
        if self.folds_case and not found:
            found = any(
                len(other) == 1 and self._holds(other) for other in (character.lower(), character.upper())
            )
        return found is not self.is_negated

    def _holds(self, character: str) -> bool:
        point = ord(character)
        return (
            any(low <= point <= high for low, high in self.ranges)
            or (bool(self.categories) and unicodedata.category(character).startswith(self.categories))
            or any(part.accepts(character) for part in self.parts)
        )
