# SPDX-License-Identifier: Apache-2.0
"""Types: what the checker knows of a value before there is one.

    INT, STRING, list_of(STRING), map_of(STRING, INT), optional_of(INT), record("model", {...}), choice("low", "high")

Rules: DYN goes with everything: what is not known is not judged. A record is a map whose text keys are known by name;
a choice is a text that is one of a few. A record's fields are asked for when they are needed, so that records may
hold each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Fields = Callable[[], Mapping[str, "Type"]]


@dataclass(frozen=True, slots=True)
class Type:
    """A type.

    Attributes:
        kind: As in `values.KINDS`, or `dyn`.
        parameters: Of a list its element, of a map key and value, of an optional its value.
        name: A record's name.
        choices: The texts that a choice can be.
        fields: A record's fields.
    """

    kind: str
    parameters: tuple[Type, ...] = ()
    name: str = ""
    choices: tuple[str, ...] = ()
    fields: Fields | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if self.name:
            return self.name
        return f"{self.kind}({', '.join(map(str, self.parameters))})" if self.parameters else self.kind


DYN = Type("dyn")
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
NULL = Type("null_type")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")
TYPE = Type("type")

NUMBERS = frozenset(("int", "uint", "double"))
ORDERED = frozenset((*NUMBERS, "string", "bytes", "bool", "timestamp", "duration"))


def list_of(element: Type) -> Type:
    """A list."""
    return Type("list", (element,))


def map_of(key: Type, value: Type) -> Type:
    """A map."""
    return Type("map", (key, value))


def optional_of(value: Type) -> Type:
    """An optional."""
    return Type("optional_type", (value,))


def record(name: str, fields: Fields) -> Type:
    """A map with these fields; two records are the same when their names are."""
    return Type("map", (STRING, DYN), name=name, fields=fields)


def choice(*texts: str) -> Type:
    """A text that is one of these."""
    return Type("string", choices=texts)


LIST = list_of(DYN)
MAP = map_of(DYN, DYN)
OPTIONAL = optional_of(DYN)


def fits(wanted: Type, given: Type) -> bool:
    """Whether a value of the type given can be what is wanted; DYN fits and is fitted."""
    if "dyn" in (wanted.kind, given.kind):
        return True
    if wanted.kind != given.kind:
        return False
    return all(map(fits, wanted.parameters, given.parameters))


def joined(left: Type, right: Type) -> Type:
    """The type of what is one or the other."""
    if left == right:
        return left
    if left.kind == right.kind == "string":
        return STRING
    if left.kind == right.kind and left.parameters and not (left.name or right.name):
        return Type(left.kind, tuple(map(joined, left.parameters, right.parameters)))
    return DYN


def is_comparable(left: Type, right: Type) -> bool:
    """Whether two values can be equal at all: of one type, or both numbers."""
    if left.kind in NUMBERS and right.kind in NUMBERS:
        return True
    if "dyn" in (left.kind, right.kind):
        return True
    if left.kind != right.kind:
        return False
    return all(map(is_comparable, left.parameters, right.parameters))
