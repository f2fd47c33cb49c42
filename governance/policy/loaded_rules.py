# SPDX-License-Identifier: Apache-2.0
"""A rule set that loaded, as bytes: read again without reading YAML and without checking what was checked.

    read_loaded(write_loaded(rule_set)) == rule_set

Rules: only for rule sets that this very code loaded from these very bytes; whoever keeps them sees to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

import orjson

from governance.policy.model import Parameter, Requirement, Rule, RuleSet, Source

_PARTS = {"sources": Source, "parameters": Parameter, "requirements": Requirement, "rules": Rule}
"""What stands in a rule set as a list of its own kind."""

_TUPLES = ("requirements", "for_each", "depends_on", "evidence", "one_of")
_DAYS = ("read_on", "applies_from")


def write_loaded(rule_set: RuleSet) -> bytes:
    """A rule set as JSON.

    Raises:
        TypeError: A value in it is none that JSON has.
    """
    told = {each.name: getattr(rule_set, each.name) for each in fields(rule_set)}
    return orjson.dumps(told, default=_told)


def read_loaded(content: bytes) -> RuleSet:
    """A rule set out of what `write_loaded` wrote.

    Raises:
        ValueError, TypeError, LookupError: It was written by something else.
    """
    told = orjson.loads(content)
    for name, kind in _PARTS.items():
        told[name] = tuple(_made(kind, each) for each in told[name])
    return RuleSet(**told)


def _told(value: Any) -> Any:
    """What JSON has not: a NamedTuple becomes a map."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"a rule set holds a {type(value).__name__}")


def _made(kind: type[Any], told: Mapping[str, Any]) -> Any:
    """A part with the types that it had, where JSON has others."""
    made = dict(told)
    for name in _TUPLES:
        if made.get(name) is not None:
            made[name] = tuple(made[name])
    for name in _DAYS:
        if made.get(name) is not None:
            made[name] = date.fromisoformat(made[name])
    if "mapped" in made:
        made["mapped"] = {name: tuple(clauses) for name, clauses in made["mapped"].items()}
    return kind(**made)
