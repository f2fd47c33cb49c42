# SPDX-License-Identifier: Apache-2.0
"""A glance: one compiled function for each event type that says whether plain values are what a schema asks.

    {"type": "str", "max_length": 9, "pattern": "^[a-z]+$"}   compiles to
    if (type(v) is not str or v not in known) and not takes(v): return 0

Rules: the schemas are pydantic's own (`__pydantic_core_schema__`); a key or a kind of schema that nobody thought of
here is an AssertionError, never a guess. Beside pydantic's keys a text may say that it `is_unique`: it hardly ever
comes again. Nothing is built and nothing is changed. A glance may refuse what pydantic accepts (whoever asks then looks
closely) and never takes what pydantic refuses; a test holds both to the same answers. Names of fields and bounds stand
in the compiled text as literals; patterns and expected words are bound by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

REFUSED: Final = 0
PLAIN: Final = 1
"""As the schema asks, and its numbers are written by orjson as RFC 8785 asks."""
UNEVEN: Final = 2
"""As the schema asks; a number in it is one that both write differently, such as 1.0."""

Glance = Callable[[Any], int]
"""Gives REFUSED, PLAIN or UNEVEN; raises KeyError or TypeError on what is of another shape, which is a refusal too."""

KNOWN_MAX = 2048
"""How many texts are remembered for each pattern."""
KNOWN_LENGTH_MAX = 255

_WHOLE_MAX = 2**53 - 1
"""The largest whole number that RFC 8785 writes as it stands."""


def compile_glance(schema: Mapping[str, Any]) -> Glance:
    """The function that looks at values of a schema.

    Args:
        schema: A core schema without references.

    Raises:
        AssertionError: A kind of schema that no payload had when this was written.
    """
    source = _Source()
    source.look(schema, "v", 1)
    names = source.names
    exec("\n".join((*source.lines, "    return told")), names)  # noqa: S102  # our own text; values are bound
    compiled: Glance = names["glance"]
    return compiled


class _Texts:
    """The texts that a pattern takes; those that come again and again are matched once.

    Args:
        pattern: Of the whole text. Only ASCII is taken, because which characters beyond it are spaces differs between
            the two engines.
    """

    def __init__(self, pattern: str, length_min: int, length_max: float) -> None:
        self._pattern = re.compile(pattern, re.ASCII).fullmatch
        self._length_min = length_min
        self._length_max = length_max
        self.known: set[str] = set()

    def matches(self, text: Any) -> bool:
        return (
            type(text) is str
            and self._length_min <= len(text) <= self._length_max
            and text.isascii()
            and self._pattern(text) is not None
        )

    def takes(self, text: Any) -> bool:
        """As `matches`, and remembers what it took."""
        if not self.matches(text):
            return False
        if len(text) <= KNOWN_LENGTH_MAX:
            if len(self.known) >= KNOWN_MAX:
                self.known.clear()
            self.known.add(text)
        return True


_TEXTS: dict[tuple[str, int, float], _Texts] = {}
"""One for each pattern with its lengths, shared by all fields that have it."""


class _Source:
    """The text of one glance as it grows, and the values that it names."""

    def __init__(self) -> None:
        self.lines = ["def glance(v):", "    told = 1"]
        self.names: dict[str, Any] = {}
        self._variables = 0

    def look(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        """Add what refuses a value that is not as the schema asks.

        Args:
            schema: What it asks.
            value: The variable that holds the value.
            depth: How far the lines are indented.
        """
        kind = schema["type"]
        if kind not in _LOOKS:
            raise AssertionError(f"no admission for a schema of type {kind}")
        look, allowed = _LOOKS[kind]
        unknown = schema.keys() - allowed - {"type", "metadata", "ref"}
        assert not unknown, f"no admission for a schema of type {kind} with {', '.join(sorted(unknown))}"
        look(self, schema, value, depth)

    def _add(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def _refuse(self, depth: int, condition: str) -> None:
        self._add(depth, f"if {condition}: return 0")

    def _bind(self, value: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def _model(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        assert schema["config"]["extra_fields_behavior"] == "forbid"
        assert not schema["custom_init"]
        assert not schema["root_model"]
        self.look(schema["schema"], value, depth)

    def _fields(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        required = [
            (name, each["schema"])
            for name, each in schema["fields"].items()
            if each["schema"]["type"] != "default"
        ]
        optional = [
            (name, each["schema"]["schema"])
            for name, each in schema["fields"].items()
            if each["schema"]["type"] == "default"
        ]
        self._refuse(depth, f"type({value}) is not dict")
        count = self._variable()
        self._add(depth, f"{count} = {len(required)}")
        for name, each in required:
            own = self._variable()
            self._add(depth, f"{own} = {value}[{name!r}]")
            self.look(each, own, depth)
        if not optional:
            self._refuse(depth, f"len({value}) != {count}")
            return
        self._add(depth, f"if len({value}) != {count}:")  # most events state nothing beyond what they must
        for name, each in optional:
            own = self._variable()
            self._add(depth + 1, f"if {name!r} in {value}:")
            self._add(depth + 2, f"{count} += 1")
            self._add(depth + 2, f"{own} = {value}[{name!r}]")
            self.look(each, own, depth + 2)
        self._refuse(depth + 1, f"len({value}) != {count}")

    def _nullable(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        self._add(depth, f"if {value} is not None:")
        self.look(schema["schema"], value, depth + 1)

    def _text(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        if "pattern" not in schema:
            self._refuse(depth, f"type({value}) is not str")
            self._lengths(schema, value, depth)
            return
        low, high = schema.get("min_length", 0), schema.get("max_length", float("inf"))
        texts = _TEXTS.setdefault((schema["pattern"], low, high), _Texts(schema["pattern"], low, high))
        if schema.get("is_unique"):  # to remember it would cost more than it saves
            self._refuse(depth, f"not {self._bind(texts.matches)}({value})")
        else:
            known, takes = self._bind(texts.known), self._bind(texts.takes)
            # By its type first: a word of an enumeration equals the text that is remembered, and is none.
            self._refuse(
                depth, f"(type({value}) is not str or {value} not in {known}) and not {takes}({value})"
            )

    def _literal(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        expected = schema["expected"]
        (kind,) = {type(each) for each in expected}
        assert kind in (str, int)
        self._refuse(
            depth, f"type({value}) is not {kind.__name__} or {value} not in {self._bind(frozenset(expected))}"
        )

    def _flag(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        self._refuse(depth, f"{value} is not True and {value} is not False")

    def _whole(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        low = max(int(schema.get("ge", -_WHOLE_MAX)), -_WHOLE_MAX)
        high = min(int(schema.get("le", _WHOLE_MAX)), _WHOLE_MAX)
        self._refuse(depth, f"type({value}) is not int or not {low} <= {value} <= {high}")

    def _number(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        self._add(depth, f"if type({value}) is float:")
        self._refuse(depth + 1, f"{value} - {value} != 0.0")  # neither infinite nor NaN
        # What lies between is written without an exponent by both, with the fewest digits that read back.
        self._add(depth + 1, f"if not 1e-4 <= abs({value}) < 1e15 or {value}.is_integer(): told = 2")
        self._refuse(
            depth, f"type({value}) is not float and (type({value}) is not int or abs({value}) > {_WHOLE_MAX})"
        )
        if "ge" in schema:
            self._refuse(depth, f"{value} < {float(schema['ge'])!r}")
        if "le" in schema:
            self._refuse(depth, f"{value} > {float(schema['le'])!r}")

    def _items(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        (items,) = schema["items_schema"]
        assert schema["variadic_item_index"] == 0
        self._refuse(depth, f"type({value}) is not list and type({value}) is not tuple")
        self._lengths(schema, value, depth)
        own = self._variable()
        self._add(depth, f"for {own} in {value}:")
        self.look(items, own, depth + 1)

    def _mapping(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        self._refuse(depth, f"type({value}) is not dict")
        self._lengths(schema, value, depth)
        key, own = self._variable(), self._variable()
        self._add(depth, f"for {key}, {own} in {value}.items():")
        self.look(schema["keys_schema"], key, depth + 1)
        # Beyond the BMP, UTF-16 and code points sort differently.
        self._refuse(depth + 1, f"not {key}.isascii()")
        self.look(schema["values_schema"], own, depth + 1)

    def _lengths(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        low, high = int(schema.get("min_length", 0)), schema.get("max_length")
        if high is not None:
            self._refuse(depth, f"not {low} <= len({value}) <= {int(high)}")
        elif low:
            self._refuse(depth, f"len({value}) < {low}")

    def _union(self, schema: Mapping[str, Any], value: str, depth: int) -> None:
        choices = [self._bind(compile_glance(each)) for each in schema["choices"]]
        own = self._variable()
        self._add(depth, f"{own} = {' or '.join(f'{each}({value})' for each in choices)}")
        self._refuse(depth, f"not {own}")
        self._add(depth, f"if {own} == 2: told = 2")


_Look = Callable[[_Source, Mapping[str, Any], str, int], None]

_LOOKS: Mapping[str, tuple[_Look, frozenset[str]]] = {
    "model": (_Source._model, frozenset({"cls", "schema", "config", "custom_init", "root_model"})),
    "model-fields": (_Source._fields, frozenset({"fields", "model_name", "computed_fields"})),
    "nullable": (_Source._nullable, frozenset({"schema"})),
    "str": (_Source._text, frozenset({"pattern", "min_length", "max_length", "is_unique"})),
    "literal": (_Source._literal, frozenset({"expected"})),
    "bool": (_Source._flag, frozenset({"strict"})),
    "int": (_Source._whole, frozenset({"strict", "ge", "le"})),
    "float": (_Source._number, frozenset({"strict", "ge", "le", "allow_inf_nan"})),
    "tuple": (
        _Source._items,
        frozenset({"items_schema", "variadic_item_index", "min_length", "max_length"}),
    ),
    "dict": (_Source._mapping, frozenset({"keys_schema", "values_schema", "min_length", "max_length"})),
    "union": (_Source._union, frozenset({"choices"})),
}
"""What looks at each kind of schema, and the keys that it knows."""
