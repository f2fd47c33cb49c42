# SPDX-License-Identifier: Apache-2.0
"""The environment: which variables and functions an expression may use.

Rules: frozen. What is not declared is refused when the expression is compiled, unless the environment is open: then
it is absent when it is evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from governance.policy.cel.library import Functions, functions_of
from governance.policy.cel.overloads import Overload
from governance.policy.cel.types import Type
from governance.policy.cel.values import TypeName

TYPES: Mapping[str, TypeName] = {
    name: TypeName(name)
    for name in (
        "bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "optional_type",
        "google.protobuf.Timestamp", "google.protobuf.Duration",
    )
}  # fmt: skip
"""The types that have names."""


@dataclass(frozen=True)
class Environment:
    """What expressions may use.

    Attributes:
        variables: Their types by name; a name may be dotted.
        overloads: Functions besides the library.
        container: The namespace that names are looked up in first, dotted.
        is_open: Whether other names are left to the evaluation, and types are not checked.
    """

    variables: Mapping[str, Type] = field(default_factory=dict)
    overloads: tuple[Overload, ...] = ()
    container: str = ""
    is_open: bool = False

    @cached_property
    def functions(self) -> Functions:
        """Every function there is."""
        return functions_of(self.overloads)

    def over(self, variables: Mapping[str, Type]) -> Environment:
        """The same with other variables; the functions are gathered once for all of them."""
        made = replace(self, variables=variables)
        made.__dict__["functions"] = self.functions
        return made

    def candidates(self, name: str) -> list[str]:
        """The names that a name may stand for, the innermost namespace first."""
        parts = self.container.split(".") if self.container else []
        return [".".join((*parts[:count], name)) for count in range(len(parts), -1, -1)]
