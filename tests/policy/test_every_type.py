# SPDX-License-Identifier: Apache-2.0
"""Everything that a rule can see is typed: for each field of each record of the dossier, what is wrong is a load error.

The records are walked from the variables on, so that a new view, payload or field is held to this the day it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from governance.errors import RuleSetError
from governance.policy.cel.types import BOOL, DOUBLE, INT, STRING, Type, choice, list_of
from governance.policy.expressions import ExpressionError, check_expression
from governance.policy.fields import VARIABLES
from governance.policy.model import Parameter
from governance.policy.rule_types import parameter_type, variables_of
from tests.policy.rule_sets import FILE, HEAD, rule, rule_set

WRONG = {"string": "1", "int": "'x'", "double": "'x'", "bool": "1", "list": "1", "map": "1"}
"""Something of another type, for each kind of value."""

UNTYPED = {
    "statement of ComplaintReceived.summary",
    "statement of OversightExercised.reason",
    "statement of RuleSetAdopted.parameters[]",
    "statement of RunCompleted.parameters[]",
    "statement of RunStarted.parameters[]",
}
"""The values of parameters, which may be anything, and texts that may be sealed. Everything else has a type."""


@cache
def records() -> dict[str, Type]:
    """Every record that can be reached from a variable, by name."""
    found: dict[str, Type] = {}

    def walk(kind: Type) -> None:
        if kind.name and kind.name not in found:
            found[kind.name] = kind
            for each in fields(kind).values():
                walk(each)
        elif not kind.name:
            for each in kind.parameters:
                walk(each)

    for kind in VARIABLES.values():
        walk(kind)
    return found


def fields(kind: Type) -> dict[str, Type]:
    return dict(kind.fields()) if kind.fields is not None else {}


def every_field() -> Iterator[tuple[str, str, Type]]:
    """Record, field and its type."""
    for name, kind in records().items():
        yield from ((name, field, each) for field, each in fields(kind).items())


FIELDS = sorted(every_field(), key=lambda each: each[:2])


def refused(text: str, kind: Type) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        check_expression(text, {"x": kind})
    assert (raised.value.line, raised.value.column) != (0, 0)
    return raised.value


def untyped(kind: Type, path: str) -> Iterator[str]:
    if kind.kind == "dyn":
        yield path
    if not kind.name:
        for each in kind.parameters:
            yield from untyped(each, f"{path}[]")


def test_there_are_many_records_and_all_views_are_among_them() -> None:
    assert len(records()) > 60
    assert {"SystemView", "ModelView", "DatasetView", "DeploymentView", "WaiverView", "PersonView"} <= set(
        records()
    )


def test_only_what_may_be_anything_or_sealed_has_no_type() -> None:
    assert {path for record, field, kind in FIELDS for path in untyped(kind, f"{record}.{field}")} == UNTYPED


def fields_of_each(record: str) -> Iterator[tuple[Type, str, Type]]:
    """A record's own type, and each of its fields with its type."""
    yield from ((records()[record], field, kind) for name, field, kind in FIELDS if name == record)


@pytest.mark.parametrize("record", sorted(records()))
def test_a_field_is_known_and_its_misspelling_is_not(record: str) -> None:
    for owner, field, kind in fields_of_each(record):
        require_known(owner, field, kind)


@pytest.mark.parametrize("record", sorted(records()))
def test_a_comparison_with_another_type_is_refused(record: str) -> None:
    for owner, field, kind in fields_of_each(record):
        if kind.kind != "dyn":
            require_comparable(owner, field, kind)


@pytest.mark.parametrize("record", sorted(records()))
def test_a_word_that_it_can_never_be_is_refused(record: str) -> None:
    for owner, field, kind in fields_of_each(record):
        require_choice(owner, field, kind)


@pytest.mark.parametrize("record", sorted(records()))
def test_elements_of_lists_are_typed_too(record: str) -> None:
    for owner, field, kind in fields_of_each(record):
        if kind.kind == "list" and kind.parameters[0].kind != "dyn":
            require_elements(owner, field, kind)


def require_known(owner: Type, field: str, kind: Type) -> None:
    assert check_expression(f"x.{field}", {"x": owner}) == kind
    assert check_expression(f"has(x.{field})", {"x": owner}) == BOOL
    for wrong in (f"x.{field}x", f"!has(x.{field}x)", f"x.?{field}x.hasValue()", f"x['{field}x']"):
        error = refused(wrong, owner)
        assert error.message == f"x has no field '{field}x'"
        assert field in (error.hint or "")


def require_comparable(owner: Type, field: str, kind: Type) -> None:
    wrong = WRONG[kind.kind]
    for text in (f"x.{field} == {wrong}", f"{wrong} != x.{field}", f"x.{field} in [{wrong}]"):
        assert refused(text, owner).message
    if kind.kind in ("list", "map", "bool"):
        refused(f"x.{field} < {wrong}", owner)
        refused(f"-x.{field} == 1", owner)
    if kind.kind != "bool":
        refused(f"!x.{field}", owner)
        refused(f"x.{field} && true", owner)
        refused(f"x.{field} ? 1 : 2", owner)


def require_choice(owner: Type, field: str, kind: Type) -> None:
    if kind.choices:
        right = kind.choices[0]
        assert check_expression(f"x.{field} == '{right}'", {"x": owner}) == BOOL
        for wrong in (
            f"x.{field} == '{right}x'",
            f"'{right}x' != x.{field}",
            f"x.{field} in ['{right}', '{right}x']",
        ):
            error = refused(wrong, owner)
            assert error.message == f"it is never '{right}x'"
            assert right in (error.hint or "")
    elif kind.kind == "string":
        check_expression(f"x.{field} == 'anything'", {"x": owner})


def require_elements(owner: Type, field: str, kind: Type) -> None:
    (element,) = kind.parameters
    for name in ("all", "exists", "filter", "exists_one"):
        refused(f"x.{field}.{name}(e, e == {WRONG[element.kind]})", owner)
        refused(f"x.{field}.{name}(e, 1)", owner)
    refused(f"{WRONG[element.kind]} in x.{field}", owner)
    refused(f"x.{field}[0] == {WRONG[element.kind]}", owner)
    refused(f"x.{field}.first().value() == {WRONG[element.kind]}", owner)
    refused(f"x.{field}.some", owner)
    refused(f"x.{field}['some'] == 1", owner)
    if element.fields is not None:
        error = refused(f"x.{field}.exists(e, e.misspelt_field)", owner)
        assert error.message == "e has no field 'misspelt_field'"
    if element.choices:
        error = refused(f"x.{field}.exists(e, e == '{element.choices[0]}x')", owner)
        assert error.message.startswith("it is never")


PARAMETERS = [
    (Parameter("p", "duration", 1), INT),
    (Parameter("p", "integer", 1), INT),
    (Parameter("p", "number", 1.0), DOUBLE),
    (Parameter("p", "flag", True), BOOL),
    (Parameter("p", "text", "a"), STRING),
    (Parameter("p", "text", "a", one_of=("a", "b")), choice("a", "b")),
    (Parameter("p", "list", ["a"]), list_of(STRING)),
    (Parameter("p", "list", [], minimum=["a"]), list_of(STRING)),
    (Parameter("p", "list", [], maximum=["a"]), list_of(STRING)),
]


@pytest.mark.parametrize(("parameter", "kind"), PARAMETERS)
def test_parameters_have_the_type_that_the_rule_set_states(parameter: Parameter, kind: Type) -> None:
    assert parameter_type(parameter) == kind
    variables = variables_of([parameter])
    wrong = WRONG[kind.kind]
    with pytest.raises(ExpressionError):
        check_expression(f"params.p == {wrong}", variables)
    with pytest.raises(ExpressionError, match="params has no field 'q'"):
        check_expression("params.q == 1", variables)
    if kind.kind == "list":
        with pytest.raises(ExpressionError, match="never equal"):
            check_expression("model.index in params.p", variables)


def test_a_list_that_says_nothing_of_its_elements_is_not_judged() -> None:
    for default in ([], [1, "a"]):
        variables = variables_of([Parameter("p", "list", default)])
        assert check_expression("model.index in params.p || model.ref in params.p", variables) == BOOL


def test_a_word_that_a_parameter_can_never_be_is_refused() -> None:
    variables = variables_of([Parameter("p", "text", "a", one_of=("production", "release"))])
    with pytest.raises(ExpressionError) as raised:
        check_expression("params.p == 'prodction'", variables)
    assert raised.value.hint == "did you mean production?"


def test_a_pattern_that_is_none_is_refused_when_it_is_written_out() -> None:
    for text in ("model.ref.matches('[')", "matches(model.ref, '(a')"):
        with pytest.raises(ExpressionError):
            check_expression(text, VARIABLES)
    check_expression("model.ref.matches('a+') && model.ref.matches(model.ref)", VARIABLES)


PLACES = [
    ("satisfied_if", "model.reff == ''", 7),
    ("satisfied_if", "model.index == 'x'", 13),
    ("satisfied_if", "system.risk_class == 'hihg'", 22),
    ("satisfied_if", "model.index", 1),
    ("when", "model.reff == ''", 7),
    ("when", "model.ref", 1),
    ("when", "model.registered && false", 1),
    ("when", "system.risk_class == 'high' && system.risk_class == 'minimal'", 1),
    ("when", "model.index == 1 && model.index != 1", 1),
    ("for_each", "{d: 'datasets.filter(d, d.reff)'}", 27),
    ("for_each", "{d: 'model.index'}", 6),
    ("message", "{model.reff}", 1),
]


@pytest.mark.parametrize(("key", "text", "column"), PLACES)
def test_every_mistake_has_its_place_in_the_file(key: str, text: str, column: int) -> None:
    """Line and column as an editor shows them: of the word that is wrong where that can be told."""
    told = rule(**{key: text})
    with pytest.raises(RuleSetError) as raised:
        rule_set(told)
    line = told.splitlines()[raised.value.line - HEAD.count("\n") - 1]
    assert line.strip().startswith(f"{key}:") or f" {key}:" in line
    begin = line.index(f"{key}: ") + len(f"{key}: ")
    quote = 0 if text.startswith("{") and key == "for_each" else int(key != "message")
    assert raised.value.column == begin + quote + column
    assert raised.value.file == FILE
