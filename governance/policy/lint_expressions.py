# SPDX-License-Identifier: Apache-2.0
"""Lints of expressions: what they say by their words and types alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from governance.policy.cel import tree
from governance.policy.expressions import INSTANT_ENDINGS, TypedTree, typed_tree
from governance.policy.folding import fold_condition
from governance.policy.lint_model import Found, Lint, Linted
from governance.policy.model import Rule
from governance.policy.rule_types import rule_variables, variables_of

NOT_EMPTY = {(">", 0), (">=", 1), ("!=", 0), ("==", 1)}
"""What a size is compared with where a list is said to hold something."""


def vacuous_quantifiers(linted: Linted) -> Iterator[Found]:
    """An `all` over a list that may be empty, which is then true."""
    for rule in linted.rule_set.rules:
        if rule.satisfied_if is None or rule.vacuous_ok:
            continue
        typed = typed_tree(rule.satisfied_if, rule_variables(linted.rule_set, rule))
        guards = frozenset(_guards_of_when(linted, rule))
        for node in _unguarded(typed, typed.root, guards):
            shown = typed.written(node.range)
            yield Found(
                linted.sources.place(rule.id, "satisfied_if", node.at),
                rule.id,
                f"`all` is true where {shown} is empty",
                f"add {shown}.size() > 0 &&, or say vacuous_ok: true where nothing to look at is well",
            )


def constant_conditions(linted: Linted) -> Iterator[Found]:
    """A part of a condition that comes out the same whatever is recorded."""
    for rule in linted.rule_set.rules:
        for key, text, variables in linted.expressions(rule):
            given = rule.when if key == "satisfied_if" else None
            found, constants, typed = fold_condition(text, variables, given)
            if found is not None:
                continue  # the whole is told by the lints below
            for each in constants:
                yield Found(
                    linted.sources.place(rule.id, key, each.node.start),
                    rule.id,
                    f"{typed.written(each.node)} is always {str(each.value).lower()} here",
                    "leave it out, or write what was meant",
                )


def always_applying(linted: Linted) -> Iterator[Found]:
    """A `when` that is always true."""
    for rule in linted.rule_set.rules:
        if rule.when is not None and fold_condition(rule.when, variables_of(linted.rule_set.parameters))[0]:
            yield Found(
                linted.sources.place(rule.id, "when"),
                rule.id,
                "`when` is always true",
                "leave it out, or write what was meant",
            )


def always_satisfied(linted: Linted) -> Iterator[Found]:
    """A rule that no evidence can fail."""
    yield from _decided(linted, True, "the rule is satisfied whatever is recorded", "ask for evidence")


def never_satisfied(linted: Linted) -> Iterator[Found]:
    """A rule that no evidence can satisfy."""
    hint = "write what satisfies it; what only a person can tell is manual: true"
    yield from _decided(linted, False, "the rule can never be satisfied", hint)


def duplicate_operands(linted: Linted) -> Iterator[Found]:
    """The same condition twice on the sides of one && or ||."""
    for rule in linted.rule_set.rules:
        for key, text, variables in linted.expressions(rule):
            typed = typed_tree(text, variables)
            for node in tree.walk(typed.root):
                if not isinstance(node, tree.Logical):
                    continue
                texts = [typed.written(each) for each in node.operands]
                for number, each in enumerate(node.operands):
                    if texts[number] in texts[:number]:
                        yield Found(
                            linted.sources.place(rule.id, key, each.start),
                            rule.id,
                            f"{texts[number]} stands twice between the same {node.operator}",
                            "leave one out, or write what was meant",
                        )


def duplicate_rules(linted: Linted) -> Iterator[Found]:
    """Two rules that ask the same."""
    seen: dict[tuple[object, ...], str] = {}
    for rule in linted.rule_set.rules:
        if rule.satisfied_if is None:
            continue
        asked = (
            rule.scope,
            _plain(rule.when),
            rule.for_each and (rule.for_each[0], _plain(rule.for_each[1])),
            _plain(rule.satisfied_if),
        )
        if asked in seen:
            yield Found(
                linted.sources.place(rule.id, "satisfied_if"),
                rule.id,
                f"asks the same as {seen[asked]}",
                "one rule may name several requirements",
            )
        seen.setdefault(asked, rule.id)


def moments_without_units(linted: Linted) -> Iterator[Found]:
    """A span between two moments beside a bare number, which counts microseconds."""
    for rule in linted.rule_set.rules:
        for key, text, variables in linted.expressions(rule):
            typed = typed_tree(text, variables)
            for node in tree.walk(typed.root):
                if not isinstance(node, tree.Binary) or node.operator not in (
                    "<",
                    "<=",
                    ">",
                    ">=",
                    "==",
                    "!=",
                    "+",
                    "-",
                ):
                    continue
                for one, other in ((node.left, node.right), (node.right, node.left)):
                    if _is_bare_number(other) and _is_moment(one):
                        yield Found(
                            linted.sources.place(rule.id, key, other.start),
                            rule.id,
                            f"{typed.written(other)} beside a moment counts microseconds",
                            f"write days({typed.written(other)}) or another span",
                        )


def unused_parameters(linted: Linted) -> Iterator[Found]:
    """A parameter that no rule reads, so that setting it changes nothing."""
    from governance.policy.checks import PARAMETERS
    from governance.policy.messages import places

    used: set[str] = set()
    for rule in linted.rule_set.rules:
        used.update(PARAMETERS.get(rule.check or "", ()))
        for _, text, variables in linted.expressions(rule):
            used.update(_parameters_read(typed_tree(text, variables)))
    shown = {
        path.removeprefix("params.").partition(".")[0]
        for rule in linted.rule_set.rules
        for path in chain(places(rule.message), places(rule.remediation))
        if path.startswith("params.")
    }
    for parameter in linted.rule_set.parameters:
        if parameter.name not in used:
            only = ", and only shown in messages" if parameter.name in shown else ""
            yield Found(
                linted.sources.place_in("parameters", parameter.name),
                None,
                f"no rule reads the parameter {parameter.name}{only}",
                "leave it out, or use it as params." + parameter.name,
            )


def _decided(linted: Linted, truth: bool, message: str, hint: str) -> Iterator[Found]:
    for rule in linted.rule_set.rules:
        if rule.satisfied_if is None:
            continue
        variables = rule_variables(linted.rule_set, rule)
        found, constants, typed = fold_condition(rule.satisfied_if, variables, rule.when)
        if found is truth:
            is_whole = fold_condition(rule.satisfied_if, variables)[0] is None
            why = ": its `when` says so already" if is_whole and truth else ""
            at = constants[-1].node.start if constants else typed.root.start
            yield Found(linted.sources.place(rule.id, "satisfied_if", at), rule.id, message + why, hint)


def _guards_of_when(linted: Linted, rule: Rule) -> Iterator[str]:
    if rule.when is not None:
        typed = typed_tree(rule.when, variables_of(linted.rule_set.parameters))
        yield from _guarded_lists(typed, typed.root)


def _unguarded(typed: TypedTree, node: tree.Node, guards: frozenset[str]) -> Iterator[tree.Quantifier]:
    """The `all` quantifiers that may decide over nothing, where these lists are known to hold something."""
    match node:
        case tree.Logical(operator="&&"):
            here = guards.union(*(_guarded_lists(typed, each) for each in node.operands))
            for each in node.operands:
                yield from _unguarded(typed, each, here)
        case tree.Logical():
            for each in node.operands:
                yield from _unguarded(typed, each, guards)
        case tree.Conditional():
            known = guards.union(_guarded_lists(typed, node.condition))
            yield from _unguarded(typed, node.chosen, known)
            yield from _unguarded(typed, node.otherwise, guards)
        case tree.Quantifier() if node.condition is not None:
            if node.kind == "all" and typed.written(node.range) not in guards and not _is_filled(node.range):
                yield node
            yield from _unguarded(typed, node.condition, guards)
        case _:
            return


def _guarded_lists(typed: TypedTree, node: tree.Node) -> Iterator[str]:
    """The lists, by their text, that hold something where a condition is true."""
    if isinstance(node, tree.Logical) and node.operator == "&&":
        for each in node.operands:
            yield from _guarded_lists(typed, each)
    if isinstance(node, tree.Quantifier) and node.kind in ("exists", "exists_one"):
        over = typed.written(node.range)
        assert node.condition is not None  # both have one
        yield over
        # xs.exists(x, p) says that xs.filter(x, p) holds something.
        yield f"{over}.filter({', '.join(node.names)}, {typed.written(node.condition)})"
    if isinstance(node, tree.Binary) and isinstance(node.left, tree.Call) and node.left.function == "size":
        bound = node.right.value if isinstance(node.right, tree.Literal) else None
        if (node.operator, bound) in NOT_EMPTY:
            yield typed.written(node.left.target or node.left.arguments[0])


def _is_bare_number(node: tree.Node) -> bool:
    return isinstance(node, tree.Literal) and type(node.value) is int and node.value != 0


def _is_moment(node: tree.Node) -> bool:
    """Whether a node is a moment, or a sum or difference with one."""
    if isinstance(node, tree.Name):
        return node.name == "now"
    if isinstance(node, tree.Binary) and node.operator in ("+", "-"):
        return _is_moment(node.left) or _is_moment(node.right)
    return isinstance(node, tree.Select) and not node.is_test and node.field.endswith(INSTANT_ENDINGS)


def _is_filled(node: tree.Node) -> bool:
    return isinstance(node, tree.ListOf) and bool(node.elements)


def _parameters_read(typed: TypedTree) -> Iterator[str]:
    for node in tree.walk(typed.root):
        if (
            isinstance(node, tree.Select)
            and isinstance(node.operand, tree.Name)
            and node.operand.name == "params"
        ):
            yield node.field
        if (
            isinstance(node, tree.Index)
            and isinstance(node.operand, tree.Name)
            and node.operand.name == "params"
        ):
            yield str(node.index.value) if isinstance(node.index, tree.Literal) else ""


def _plain(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())


CHECKS = (
    (Lint("vacuous-quantifier", "warning", "`all` over a list that may be empty"), vacuous_quantifiers),
    (
        Lint("constant-condition", "warning", "a condition that always comes out the same"),
        constant_conditions,
    ),
    (Lint("always-applies", "warning", "a `when` that is always true"), always_applying),
    (Lint("always-satisfied", "error", "a rule that no evidence can fail"), always_satisfied),
    (Lint("never-satisfied", "error", "a rule that no evidence can satisfy"), never_satisfied),
    (Lint("duplicate-operand", "warning", "the same condition twice in one && or ||"), duplicate_operands),
    (Lint("duplicate-rule", "warning", "two rules that ask the same"), duplicate_rules),
    (Lint("moment-without-unit", "warning", "a span of time beside a bare number"), moments_without_units),
    (Lint("unused-parameter", "warning", "a parameter that no rule reads"), unused_parameters),
)
"""The lints of this file, each with what finds it."""
