# SPDX-License-Identifier: Apache-2.0
"""The oracle: cel-expr-python (the C++ implementation of CEL), asked the same; its answers made comparable."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from governance.policy.cel.values import Duration, Timestamp, TypeName, from_key, kind_of

EXTENSIONS = (
    "optional",
    "strings",
    "math",
    "lists",
    "sets",
    "bindings",
    "encoders",
    "two-var-comprehensions",
)

Outcome = tuple[str, Any]
"""`("value", (type, plain value))`, `("error", class)` or `("refused", words)`."""

_CLASSES = (
    ("absent", r"Key not found|No value with name|no such key|optional.none\(\) dereference"),
    ("division", r"divide by zero|modulus by zero"),
    ("overflow", r"OUT_OF_RANGE|overflow"),
    ("key", r"Invalid map key type|map key"),
    ("index", r"Index error: index="),
    ("pattern", r"invalid regular expression"),
    (
        "overload",
        r"No matching overload|Applying SELECT|expected integer type|Invalid container type|not supported|Expected",
    ),
    ("conversion", r"onver|malformed UTF-8|Invalid timezone"),
)


@lru_cache(maxsize=8)
def _environment(names: tuple[str, ...], container: str) -> Any:
    lines = ["name: oracle", "extensions:", *(f"- name: {each}" for each in EXTENSIONS)]
    lines += ["variables:", *(f"- name: {each}\n  type_name: dyn" for each in names)] if names else []
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml("\n".join(lines)))


def ask(text: str, names: tuple[str, ...], values: Mapping[str, Any]) -> Outcome:
    """What the oracle says of an expression, types unchecked beforehand."""
    try:
        compiled = _environment(names, "").compile(text, disable_check=True)
    except RuntimeError as error:
        return ("refused", str(error))
    try:
        value = compiled.eval(data=dict(values))
    except RuntimeError as error:
        if "Iteration budget exceeded" not in str(error):
            raise
        return ("gave up", str(error))
    kind = str(value.type()).rpartition(".")[2]
    if kind in ("ERROR", "UNKNOWN"):
        words = str(value.plain_value())
        return ("error", next((name for name, form in _CLASSES if re.search(form, words)), words))
    plain = value.plain_value()
    return ("value", (kind.partition("<")[0].lower(), comparable(plain)))


def comparable(value: Any) -> Any:
    """A value of either side as both can say it; a double keeps its sign, not-a-number is one thing."""
    if isinstance(value, (list, tuple)):
        return [comparable(each) for each in value]
    if isinstance(value, dict):
        return {repr(comparable(from_key(key))): comparable(each) for key, each in value.items()}
    return next((tell(value) for kind, tell in _TOLD if isinstance(value, kind)), value)


def told(value: Any) -> tuple[str, Any]:
    """A value of ours as `ask` tells the oracle's."""
    kind = kind_of(value)
    return ("null" if value is None else kind, comparable(value))


_TOLD: tuple[tuple[Any, Any], ...] = (
    (bool, bool),
    (float, lambda value: "nan" if math.isnan(value) else repr(value)),
    (int, int),
    (
        datetime,
        lambda value: ("moment", (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)),
    ),
    (timedelta, lambda value: ("span", value // timedelta(microseconds=1))),
    (Timestamp, lambda value: ("moment", value.nanoseconds // 1000)),
    (Duration, lambda value: ("span", value.nanoseconds // 1000)),
    ((TypeName, cel.Type), lambda value: "type"),
)
"""How each kind of value is told."""
