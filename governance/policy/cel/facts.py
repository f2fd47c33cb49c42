# SPDX-License-Identifier: Apache-2.0
"""Facts: what a tree says of its values before it is evaluated, for the compiler.

Rules: each holds of every value that a node can give; a node that gives none makes no fact false.
"""

from __future__ import annotations

from governance.policy.cel import tree


def chain_of(node: tree.Node) -> str | None:
    """The fields of a variable of the environment, if a node is nothing else."""
    if isinstance(node, tree.Name):
        return f"v[{node.name!r}]" if node.is_absolute else None
    if not isinstance(node, tree.Select) or node.is_test or node.is_optional:
        return None
    before = chain_of(node.operand)
    return None if before is None else f"{before}[{node.field!r}]"


def is_size(node: tree.Node) -> bool:
    """Whether a node gives an int whenever it gives anything."""
    return isinstance(node, tree.Call) and node.function == "size"


def is_int(node: tree.Node) -> bool:
    """Whether a node is an int that is written out."""
    return isinstance(node, tree.Literal) and type(node.value) is int


def is_bool(node: tree.Node) -> bool:
    """Whether a node gives true or false whenever it gives anything."""
    match node:
        case tree.Literal():
            return type(node.value) is bool
        case tree.Logical():
            return True
        case tree.Select():
            return node.is_test
        case tree.Unary():
            return node.operator == "!"
        case tree.Binary():
            return node.operator in ("==", "!=", "in", "<", "<=", ">", ">=")
        case tree.Quantifier():
            return node.kind in ("all", "exists", "exists_one")
        case _:
            return False
