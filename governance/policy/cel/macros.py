# SPDX-License-Identifier: Apache-2.0
"""Macros: calls that bind names or do not evaluate their arguments become nodes of their own.

    has(a.b)                                    cel.bind(name, value, body)
    r.all(e, p) r.exists(e, p)                  r.exists_one(e, p) or existsOne
    r.filter(e, p)                              r.map(e, t) r.map(e, p, t)
    r.all(i, e, p) r.exists(i, e, p)            r.existsOne(i, e, p)
    r.transformList(i, e, t), (i, e, p, t)      r.transformMap(k, v, t), (k, v, p, t)
    o.optMap(name, body)                        o.optFlatMap(name, body)

Rules: a call of one of these names with another number of arguments is an ordinary call. What stands where a name has
to stand must be a plain name, and two names must differ.
"""

from __future__ import annotations

from governance.policy.cel import tree
from governance.policy.cel.errors import CompileError

_KINDS: dict[str, tree.QuantifierKind] = {
    "all": "all",
    "exists": "exists",
    "exists_one": "exists_one",
    "existsOne": "exists_one",
    "map": "map",
    "filter": "filter",
    "transformList": "transform_list",
    "transformMap": "transform_map",
}
_FORMS: dict[tuple[str, int], str] = {
    ("all", 2): "np",
    ("all", 3): "nnp",
    ("exists", 2): "np",
    ("exists", 3): "nnp",
    ("exists_one", 2): "np",
    ("existsOne", 2): "np",
    ("existsOne", 3): "nnp",
    ("filter", 2): "np",
    ("map", 2): "nt",
    ("map", 3): "npt",
    ("transformList", 3): "nnt",
    ("transformList", 4): "nnpt",
    ("transformMap", 3): "nnt",
    ("transformMap", 4): "nnpt",
}
"""By name and number of arguments, what each argument is: a name, what is asked, what is made."""


def expand(call: tree.Call) -> tree.Node:
    """A call as its macro's node, or as it is.

    Raises:
        CompileError: Something else where a name has to stand, or `has()` of what is no field.
    """
    target, arguments = call.target, call.arguments
    if target is None:
        return _has(call) if (call.function, len(arguments)) == ("has", 1) else call
    form = _FORMS.get((call.function, len(arguments)))
    if form is not None:
        return _quantifier(call, target, form)
    if call.function in ("optMap", "optFlatMap") and len(arguments) == 2:
        name = _name(arguments[0])
        is_flat = call.function == "optFlatMap"
        return tree.OptionalMap(
            target, name, arguments[1], is_flat, start=call.start, end=call.end, at=call.at
        )
    if call.function == "bind" and len(arguments) == 3 and _is_cel(target):
        name = _name(arguments[0])
        return tree.Bind(name, arguments[1], arguments[2], start=call.start, end=call.end, at=call.at)
    return call


def _has(call: tree.Call) -> tree.Node:
    field = call.arguments[0]
    if not isinstance(field, tree.Select) or field.is_optional or field.is_test:
        raise CompileError("has() takes a field, as in has(a.b)", field.start)
    return tree.Select(
        field.operand,
        field.field,
        is_optional=False,
        is_test=True,
        start=call.start,
        end=call.end,
        at=field.at,
    )


def _quantifier(call: tree.Call, target: tree.Node, form: str) -> tree.Node:
    names = tuple(_name(each) for each, what in zip(call.arguments, form, strict=True) if what == "n")
    if len(set(names)) < len(names):
        raise CompileError(f"the name {names[0]!r} is given twice", call.arguments[1].start)
    rest = {what: each for each, what in zip(call.arguments, form, strict=True) if what != "n"}
    return tree.Quantifier(
        _KINDS[call.function],
        target,
        names,
        rest.get("p"),
        rest.get("t"),
        weight=0,
        start=call.start,
        end=call.end,
        at=call.at,
    )


def _name(node: tree.Node) -> str:
    if not isinstance(node, tree.Name) or node.is_absolute:
        raise CompileError("expected a simple name", node.start)
    return node.name


def _is_cel(node: tree.Node) -> bool:
    return isinstance(node, tree.Name) and node.name == "cel" and not node.is_absolute
