# SPDX-License-Identifier: Apache-2.0
"""Refs: the names of things, `kind:name` or `kind:name@version`.

    model:credit-risk@3
    ^^^^^ ^^^^^^^^^^^ ^
    kind  name        version

Rules: kinds are a closed list. A name has letters, digits and `. _ / ~ + -` and begins with a letter or digit; a
version likewise without `/`. Everything is ASCII so that two names that look alike are alike. At most 255 characters
in all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from governance.errors import RefError

REF_LENGTH_MAX = 255

KINDS: tuple[str, ...] = (
    "system",
    "model",
    "dataset",
    "feature_set",
    "code",
    "environment",
    "run",
    "deployment",
    "segment",
    "incident",
    "person",
    "service",
    "tool",
    "organisation",
    "data_subject",
    "rule_set",
    "report",
    "ledger",
)

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._/~+-]*"
VERSION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._~+-]*"

_REF = re.compile(rf"({'|'.join(KINDS)}):({NAME_PATTERN})(?:@({VERSION_PATTERN}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ref:
    """The name of a thing; `parse_ref(format_ref(ref)) == ref`.

    Attributes:
        kind: One of `KINDS`.
        name: The line's name.
        version: The one immutable instance, or None for the line as a whole.
    """

    kind: str
    name: str
    version: str | None = None

    def __str__(self) -> str:
        return format_ref(self)


def parse_ref(text: str) -> Ref:
    """Read a ref.

    Args:
        text: `kind:name` or `kind:name@version`, at most `REF_LENGTH_MAX` characters.

    Raises:
        RefError: The text is not of that form; the hint names the nearest mend.
    """
    match = _REF.fullmatch(text) if len(text) <= REF_LENGTH_MAX else None
    if match is None:
        raise RefError(f"not a ref: {text[:80]!r}; expected kind:name or kind:name@version", hint=_mend(text))
    return Ref(match[1], match[2], match[3])


def format_ref(ref: Ref) -> str:
    """Write a ref as text."""
    return f"{ref.kind}:{ref.name}" if ref.version is None else f"{ref.kind}:{ref.name}@{ref.version}"


def kind_of(text: str) -> str:
    """The kind of a ref that is known to be well formed: all before the first colon."""
    return text.partition(":")[0]


def ref_pattern(*kinds: str, versioned: bool = False) -> str:
    """A regular expression for refs of the given kinds (all kinds when none is given), with a version or with any."""
    version = f"@{VERSION_PATTERN}"
    return rf"^(?:{'|'.join(kinds or KINDS)}):{NAME_PATTERN}{version if versioned else f'(?:{version})?'}$"


def _mend(text: str) -> str:
    if len(text) > REF_LENGTH_MAX:
        return f"shorten it: {len(text)} characters, at most {REF_LENGTH_MAX}"
    kind, colon, _ = text.partition(":")
    if not colon:
        return f"put a kind before it, as in model:{text[:40] or 'credit-risk'}"
    if kind not in KINDS:
        return f"kinds are {', '.join(KINDS)}"
    return "a name has letters, digits and . _ / ~ + - and begins with a letter or digit"
