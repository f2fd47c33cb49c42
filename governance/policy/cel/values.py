# SPDX-License-Identifier: Apache-2.0
"""Values: what an expression computes with, as Python has it.

    int → int (64 bits)       uint → Uint          double → float      string → str       bytes → bytes
    bool → bool               null → None          list → list         map → dict         type → TypeName
    timestamp → Timestamp     duration → Duration  optional → Optional

Rules: a map's key that is a bool is kept as TRUE_KEY or FALSE_KEY, since Python holds True for 1; other keys are int,
Uint or str, and numbers that are equal are one key. Times count nanoseconds, as the language definition asks. Values
are never changed once they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
UINT_MAX = 2**64 - 1

SECOND = 1_000_000_000
"""Nanoseconds."""

TIMESTAMP_MIN = -62_135_596_800 * SECOND
TIMESTAMP_MAX = 253_402_300_800 * SECOND - 1
"""The first nanosecond of the year 1 and the last of the year 9999."""

DURATION_MAX = 315_576_000_000 * SECOND
"""Some 10,000 years, either way."""


class Uint(int):
    """An unsigned integer of 64 bits; equal to, and the same key as, an int of the same number."""


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A moment: nanoseconds since 1970 UTC."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time in nanoseconds."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a value."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may not be there; `NONE` is the one without."""

    value: Any
    is_present: bool = True


NONE = Optional(None, is_present=False)


class BooleanKey(Enum):
    """A bool as the key of a map."""

    TRUE = True
    FALSE = False


TRUE_KEY, FALSE_KEY = BooleanKey.TRUE, BooleanKey.FALSE

KINDS: Mapping[type, str] = {
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    bool: "bool",
    type(None): "null_type",
    list: "list",
    tuple: "list",
    dict: "map",
    Timestamp: "timestamp",
    Duration: "duration",
    TypeName: "type",
    Optional: "optional_type",
}
"""The kind of each Python type that is a value; kinds are what functions are chosen by."""

TYPE_NAMES: Mapping[str, str] = {
    "timestamp": "google.protobuf.Timestamp",
    "duration": "google.protobuf.Duration",
}
"""What a kind is called as a type, where that differs."""

NUMBERS = frozenset((int, Uint, float))


def kind_of(value: Any) -> str:
    """The kind of a value; what is no value at all is `unsupported`, which no function takes."""
    return KINDS.get(type(value), "unsupported")


def to_key(value: Any) -> Any:
    """A value as the key of a map; the inverse of `from_key`."""
    if type(value) is bool:
        return TRUE_KEY if value else FALSE_KEY
    return value


def from_key(key: Any) -> Any:
    """The key of a map as a value."""
    return key.value if type(key) is BooleanKey else key
