# SPDX-License-Identifier: Apache-2.0
"""Overloads: one function's implementations by the kinds of its arguments.

Rules: kinds decide, never Python's types. A parameter of type DYN takes every kind. The first overload that fits is
taken, in the order of the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from governance.policy.cel.types import Type, fits


class Overload(NamedTuple):
    """One implementation.

    Attributes:
        name: As it is called; dotted where a namespace stands before it.
        is_member: Whether it is called on its first argument.
        parameters: The types of its arguments.
        result: What it gives.
        run: Takes the budget, then the arguments.
        is_variadic: Whether the last parameter may come any number of times.
    """

    name: str
    is_member: bool
    parameters: tuple[Type, ...]
    result: Type
    run: Callable[..., Any]
    is_variadic: bool = False

    def takes(self, arguments: tuple[Type, ...]) -> bool:
        """Whether arguments of these types fit."""
        wanted = self.parameters
        if self.is_variadic and len(arguments) > len(wanted):
            wanted = wanted + wanted[-1:] * (len(arguments) - len(wanted))
        return len(wanted) == len(arguments) and all(map(fits, wanted, arguments))


class Function:
    """All overloads of one name.

    Args:
        overloads: At least one, all of that name.
    """

    __slots__ = ("_chosen", "overloads")

    def __init__(self, overloads: tuple[Overload, ...]) -> None:
        self.overloads = overloads
        self._chosen: dict[tuple[str, ...], Callable[..., Any] | None] = {}

    def choose(self, kinds: tuple[str, ...]) -> Callable[..., Any] | None:
        """The implementation for arguments of these kinds, if there is one."""
        if kinds not in self._chosen:
            # What was found is kept; there are no more kinds of arguments than an expression has calls.
            given = tuple(map(Type, kinds))
            found = (each.run for each in self.overloads if _takes_kinds(each, given))
            self._chosen[kinds] = next(found, None)
        return self._chosen[kinds]


def _takes_kinds(overload: Overload, given: tuple[Type, ...]) -> bool:
    bare = Overload(
        overload.name,
        overload.is_member,
        tuple(Type(each.kind) for each in overload.parameters),
        overload.result,
        overload.run,
        overload.is_variadic,
    )
    return bare.takes(given)


def function(
    name: str,
    parameters: tuple[Type, ...],
    result: Type,
    run: Callable[..., Any],
    *,
    is_variadic: bool = False,
) -> Overload:
    """An overload that is called as `name(a, b)`."""
    return Overload(name, False, parameters, result, run, is_variadic)


def method(name: str, parameters: tuple[Type, ...], result: Type, run: Callable[..., Any]) -> Overload:
    """An overload that is called as `a.name(b)`; `a` is the first parameter."""
    return Overload(name, True, parameters, result, run)


def gather(overloads: Iterable[Overload]) -> dict[tuple[str, bool], Function]:
    """Overloads by name, and whether they are called on something."""
    grouped: dict[tuple[str, bool], list[Overload]] = {}
    for each in overloads:
        grouped.setdefault((each.name, each.is_member), []).append(each)
    return {key: Function(tuple(found)) for key, found in grouped.items()}
