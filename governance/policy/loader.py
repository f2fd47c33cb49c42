# SPDX-License-Identifier: Apache-2.0
"""Load a rule set from its folder: `rule_set.yaml` becomes a RuleSet, or an error with file, line and column.

Rules: everything that can be known before an assessment is checked here: unknown keys, ids, requirements, event types,
parameters and their bounds, every expression compiled, every field of a view that an expression names, circles of
dependency, rules that can never apply. A rule set that loads is a rule set that runs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from governance.core.hashing import digest_bytes
from governance.errors import InputError
from governance.events.vocabulary import EVENT_TYPES
from governance.policy.cel.types import BOOL, LIST, Type, fits
from governance.policy.checks import CHECKS
from governance.policy.documents import Marked, parse_document
from governance.policy.expressions import ExpressionError, check_expression, place_of
from governance.policy.fields import fields_of
from governance.policy.folding import fold_condition
from governance.policy.messages import places
from governance.policy.model import (
    SCOPES,
    SEVERITIES,
    Parameter,
    Requirement,
    Rule,
    RuleSet,
    Source,
)
from governance.policy.parameters import TYPES, require_bounds, typed
from governance.policy.rule_files import FILE, read_limited
from governance.policy.rule_types import element_type, variables_of
from governance.policy.variables import NAMES
from governance.policy.waivers import SIGNED_DEMANDED

REASON_LENGTH_MIN = 20
"""Characters in the reason for accepting a lint, as in the reason of a waiver."""
COVERAGES = ("automated", "manual", "out_of_scope")

_SET_KEYS = (
    "id", "title", "version", "summary", "framework", "sources", "parameters", "requirements", "rules", "lint_ok",
)  # fmt: skip
_RULE_KEYS = (
    "id", "title", "requirement", "applies_from", "scope", "when", "for_each", "satisfied_if", "check", "manual",
    "vacuous_ok", "depends_on", "evidence", "severity", "message", "remediation", "mapped", "lint_ok",
)  # fmt: skip
_RULE_REQUIRED = ("id", "title", "requirement", "scope", "severity", "message", "remediation")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_RULE_ID = re.compile(r"[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9.-]*)+", re.ASCII)

C = TypeVar("C", bound=str)


def load_rule_set(directory: Path) -> RuleSet:
    """Load a rule set.

    Args:
        directory: The folder that holds `rule_set.yaml`.

    Raises:
        NotFoundError: No such file.
        RuleSetError: It does not load; says where.
    """
    path = directory / FILE
    return parse_rule_set(read_limited(path), file=str(path))


def parse_rule_set(content: bytes, *, file: str) -> RuleSet:
    """Read a rule set's text; `file` is named in errors."""
    document = parse_document(content, file=file)
    document.name = "rule set"
    fields = document.fields(
        _SET_KEYS, required=("id", "title", "version", "summary", "requirements", "rules")
    )
    set_id = _matching(fields["id"], _ID, "lower-case letters, digits and hyphens")
    parameters = _parameters(fields.get("parameters"))
    requirements = tuple(map(_requirement, fields["requirements"].elements()))
    _refuse_doubles(fields["requirements"].elements(), [each.id for each in requirements])
    reader = _RuleReader(set_id, frozenset(each.id for each in requirements), parameters)
    rules = tuple(map(reader.read, fields["rules"].elements()))
    _refuse_doubles(fields["rules"].elements(), [rule.id for rule in rules])
    _check_dependencies(fields["rules"].elements(), rules)
    return RuleSet(
        id=set_id,
        title=fields["title"].text(),
        version=fields["version"].text(),
        summary=fields["summary"].text(),
        digest=digest_bytes(content),
        framework=_texts(fields.get("framework")),
        sources=tuple(map(_source, fields["sources"].elements())) if "sources" in fields else (),
        parameters=parameters,
        requirements=requirements,
        rules=rules,
        lint_ok=_reasons(fields.get("lint_ok")),
    )


class _RuleReader:
    """Reads rules, with what the rest of the set says."""

    def __init__(self, set_id: str, requirements: frozenset[str], parameters: tuple[Parameter, ...]) -> None:
        self._set_id = set_id
        self._requirements = requirements
        self._variables = variables_of(parameters)

    def read(self, node: Marked) -> Rule:
        """One rule."""
        node.name = "rule"
        fields = node.fields(_RULE_KEYS, required=_RULE_REQUIRED)
        rule_id = _matching(fields["id"], _RULE_ID, f"{self._set_id}/ and lower-case words")
        if not rule_id.startswith(f"{self._set_id}/"):
            fields["id"].refuse(f"rule id {rule_id!r} must begin with {self._set_id}/")
        for_each = self._for_each(fields.get("for_each"))
        variables = self._variables
        if for_each is not None:
            variables = {**variables, for_each[0]: element_type(for_each[1], variables)}
        self._check_ways(node, fields)
        for key in ("message", "remediation"):
            self._check_places(fields[key], variables)
        return Rule(
            id=rule_id,
            title=fields["title"].text(),
            requirements=self._requirement_ids(fields["requirement"]),
            scope=_choice(fields["scope"], SCOPES),
            severity=_choice(fields["severity"], SEVERITIES),
            message=fields["message"].text(),
            remediation=fields["remediation"].text(),
            when=self._when(fields.get("when")),
            for_each=for_each,
            satisfied_if=self._expression(fields.get("satisfied_if"), variables, BOOL),
            check=_choice(fields["check"], tuple(CHECKS)) if "check" in fields else None,
            is_manual=fields["manual"].flag() if "manual" in fields else False,
            vacuous_ok=fields["vacuous_ok"].flag() if "vacuous_ok" in fields else False,
            depends_on=_text_list(fields.get("depends_on")),
            evidence=_event_types(fields.get("evidence")),
            applies_from=_day(fields.get("applies_from")),
            mapped=_mapped(fields.get("mapped")),
            lint_ok=_reasons(fields.get("lint_ok")),
        )

    def _requirement_ids(self, node: Marked) -> tuple[str, ...]:
        nodes = node.elements() if node.is_list() else [node]
        for each in nodes:
            if each.text() not in self._requirements:
                each.refuse(
                    f"requirement {each.text()!r} is not in the catalogue",
                    hint=_nearest(each.text(), self._requirements, "requirements: must list it"),
                )
        return tuple(each.text() for each in nodes)

    def _check_ways(self, node: Marked, fields: Mapping[str, Marked]) -> None:
        ways = [key for key in ("satisfied_if", "check", "manual") if key in fields]
        if len(ways) != 1:
            node.refuse(
                f"rule has {' and '.join(ways) or 'no condition'}: expected one of satisfied_if, check, manual",
                hint="say when it is satisfied",
            )

    def _for_each(self, node: Marked | None) -> tuple[str, str] | None:
        if node is None:
            return None
        pairs = list(node.mapping().items())
        if len(pairs) != 1:
            node.refuse("for_each takes one variable and its list")
        name, text = pairs[0]
        if not name.isidentifier() or name in NAMES:
            text.refuse(f"{name!r} cannot name an element", hint="choose a new lower-case name")
        found = self._expression(text, self._variables, LIST)
        return (name, found or "")

    def _expression(self, node: Marked | None, variables: Mapping[str, Type], wanted: Type) -> str | None:
        if node is None:
            return None
        text = node.text()
        try:
            found = check_expression(text, variables)
        except ExpressionError as error:
            node.refuse(
                f"expression does not compile: {error.message}",
                line=error.line,
                column=error.column,
                hint=error.hint,
            )
        if not fits(wanted, found):
            expected = "true or false" if wanted == BOOL else "a list"
            node.refuse(f"expression gives {found}, expected {expected}", line=1, column=1)
        return text

    def _when(self, node: Marked | None) -> str | None:
        text = self._expression(node, self._variables, BOOL)
        if node is None or text is None:
            return None
        always, constants, _ = fold_condition(text, self._variables)
        if always is False:
            line, column = place_of(text, constants[-1].node.start)
            node.refuse(
                "rule can never apply: its `when` is never true",
                line=line,
                column=column,
                hint="two of its conditions exclude each other; to retire a rule, leave it out",
            )
        return text

    def _check_places(self, node: Marked, variables: Mapping[str, Type]) -> None:
        for path in places(node.text()):
            root, *rest = path.split(".")
            if root not in variables:
                node.refuse(
                    f"{{{path}}} names no variable",
                    hint=_nearest(root, variables, f"there are {', '.join(variables)}"),
                )
            owner, kind = root, variables[root]
            for field in rest:
                known = fields_of(kind)
                if known is None:
                    break
                if field not in known:
                    node.refuse(
                        f"{{{path}}}: {owner} has no field {field!r}", hint=_nearest(field, known, "")
                    )
                owner, kind = f"{owner}.{field}", known[field]


def _parameters(node: Marked | None) -> tuple[Parameter, ...]:
    return tuple(_parameter(name, each) for name, each in (node.mapping() if node else {}).items())


def _parameter(name: str, node: Marked) -> Parameter:
    node.name = f"parameter {name}"
    fields = node.fields(
        ("type", "default", "minimum", "maximum", "one_of", "why"), required=("type", "default")
    )
    kind = _choice(fields["type"], TYPES)
    if name == SIGNED_DEMANDED and kind != "flag":
        fields["type"].refuse(f"parameter {name} is a flag, not a {kind}: waivers are held to it too")
    parameter = Parameter(
        name=name,
        type=kind,
        default=_typed(fields["default"], kind),
        minimum=_typed(fields["minimum"], kind) if "minimum" in fields else None,
        maximum=_typed(fields["maximum"], kind) if "maximum" in fields else None,
        why=fields["why"].text() if "why" in fields else "",
        one_of=_text_list(fields.get("one_of")),
    )
    for bound in ("minimum", "maximum"):
        if bound in fields and kind == "text":
            (fields[bound].key or fields[bound]).refuse(
                f"parameter {name}: a text has no {bound}", hint="one_of: lists what a text may be"
            )
    if "one_of" in fields and kind != "text":
        (fields["one_of"].key or fields["one_of"]).refuse(
            f"parameter {name}: one_of is for texts, and this is a {kind}",
            hint="minimum: and maximum: bound other types",
        )
    try:
        require_bounds(parameter, parameter.default)
    except InputError as error:
        fields["default"].refuse(error.message)
    return parameter


def _typed(node: Marked, kind: str) -> Any:
    try:
        return typed(kind, node.value())
    except InputError as error:
        node.refuse(f"{node.name}: {error.message}", hint=error.hint)


def _requirement(node: Marked) -> Requirement:
    node.name = "requirement"
    fields = node.fields(("id", "title", "coverage", "reason"), required=("id", "title", "coverage"))
    coverage = _choice(fields["coverage"], COVERAGES)
    if coverage != "automated" and "reason" not in fields:
        node.refuse(
            f"requirement {fields['id'].text()!r} is {coverage} and gives no reason", hint="add reason:"
        )
    return Requirement(
        id=fields["id"].text(),
        title=fields["title"].text(),
        coverage=coverage,  # type: ignore[arg-type]  # one of COVERAGES, which are its literals
        reason=fields["reason"].text() if "reason" in fields else "",
    )


def _source(node: Marked) -> Source:
    node.name = "source"
    fields = node.fields(("title", "read_on", "note"), required=("title",))
    note = fields["note"].text() if "note" in fields else ""
    return Source(fields["title"].text(), _day(fields.get("read_on")), note)


def _mapped(node: Marked | None) -> dict[str, tuple[str, ...]]:
    return {name: _text_list(each) for name, each in (node.mapping() if node else {}).items()}


def _reasons(node: Marked | None) -> dict[str, str]:
    found = _texts(node)
    for name, each in (node.mapping() if node else {}).items():
        if len(found[name].strip()) < REASON_LENGTH_MIN:
            each.refuse(
                f"lint_ok: {name} gives no reason of at least {REASON_LENGTH_MIN} characters",
                hint="say why what the lint finds is meant",
            )
    return found


def _texts(node: Marked | None) -> dict[str, str]:
    return {name: each.text() for name, each in (node.mapping() if node else {}).items()}


def _text_list(node: Marked | None) -> tuple[str, ...]:
    return tuple(each.text() for each in node.elements()) if node else ()


def _event_types(node: Marked | None) -> tuple[str, ...]:
    for each in node.elements() if node else ():
        if each.text() not in EVENT_TYPES:
            each.refuse(
                f"unknown event type {each.text()!r}",
                hint=_nearest(each.text(), EVENT_TYPES, "docs/events.md lists them"),
            )
    return _text_list(node)


def _day(node: Marked | None) -> date | None:
    if node is None:
        return None
    try:
        return date.fromisoformat(node.text())
    except ValueError:
        node.refuse(f"{node.name} must be a day, as in 2026-08-02, got {node.text()!r}")


def _choice(node: Marked, known: tuple[C, ...]) -> C:
    text = node.text()
    found = next((each for each in known if each == text), None)
    if found is None:
        node.refuse(
            f"{node.name} is {text!r}", hint=_nearest(text, known, f"it is one of {', '.join(known)}")
        )
    return found


def _matching(node: Marked, pattern: re.Pattern[str], form: str) -> str:
    text = node.text()
    if pattern.fullmatch(text) is None:
        node.refuse(f"{node.name} {text!r} is not of the form {form}")
    return text


def _refuse_doubles(nodes: list[Marked], ids: list[str]) -> None:
    for number, (node, each) in enumerate(zip(nodes, ids, strict=True)):
        if each in ids[:number]:
            node.refuse(f"{each!r} stands twice")


def _check_dependencies(nodes: list[Marked], rules: tuple[Rule, ...]) -> None:
    by_id = {rule.id: rule for rule in rules}
    for node, rule in zip(nodes, rules, strict=True):
        for number, other in enumerate(rule.depends_on):
            if other not in by_id:
                node.mapping()["depends_on"].elements()[number].refuse(
                    f"{rule.id} depends on {other!r}, which is no rule here", hint=_nearest(other, by_id, "")
                )
        if _reaches(rule.id, rule.depends_on, by_id):
            node.mapping()["depends_on"].refuse(f"{rule.id} depends on itself in a circle")


def _reaches(target: str, start: tuple[str, ...], by_id: Mapping[str, Rule]) -> bool:
    seen: set[str] = set()
    open_ends = list(start)
    while open_ends:
        each = open_ends.pop()
        if each == target:
            return True
        if each not in seen and each in by_id:
            seen.add(each)
            open_ends.extend(by_id[each].depends_on)
    return False


def _nearest(text: str, known: Iterable[str], otherwise: str) -> str | None:
    close = difflib.get_close_matches(text, list(known), n=2)
    return f"did you mean {' or '.join(close)}?" if close else otherwise or None
