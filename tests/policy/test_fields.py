# SPDX-License-Identifier: Apache-2.0
"""What rules see has types: a misspelt field or a comparison of unlike things is told when the rule set loads.

A field that is there is never refused, and its values are of its type, over every history that we have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.policy.cases import Case, build_entries, load_cases
from governance.policy.cel.types import BOOL, DOUBLE, DYN, INT, STRING, Type, choice, fits, list_of, map_of
from governance.policy.cel.values import kind_of
from governance.policy.expressions import ExpressionError, check_expression
from governance.policy.fields import VARIABLES, fields_of, type_of
from governance.policy.model import SCOPES
from governance.policy.variables import NAMES, Variables
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import NOW

POLICIES = Path(__file__).resolve().parents[2] / "policies"
TYPES = {**VARIABLES, "params": map_of(STRING, DYN), "x": DYN}


def refused(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        check_expression(text, TYPES)
    return raised.value


def test_every_variable_has_a_type() -> None:
    assert set(VARIABLES) | {"params"} == set(NAMES)


@pytest.mark.parametrize(
    ("text", "owner", "field"),
    [
        ("model.reff == 'm'", "model", "reff"),
        ("!has(model.run.cod)", "model.run", "cod"),
        ("has(model . run . code . dirt)", "model . run . code", "dirt"),
        ("model.approvals.exists(a, !has(a.voided_att))", "a", "voided_att"),
        ("model.approvals\n  .filter(a, a.role_held)\n  .all(b, b.purpos == 'p')", "b", "purpos"),
        ("model.approvals[0].purpos == 'p'", "model.approvals[0]", "purpos"),
        ("models.all(m, m.evaluations.exists(e, e.measurements.exists(v, v.valu > 1)))", "v", "valu"),
        ("size(systems.map(s, s.risk_clas)) == 1", "s", "risk_clas"),
        ("systems.map(s, s.registered, s.risk_clas).size() == 1", "s", "risk_clas"),
        ("{'k': [model.reff]}.size() == 1", "model", "reff"),
        ("model.ref in [model.reff]", "model", "reff"),
        ("now > 0 ? model.reff == '' : true", "model", "reff"),
        ("(model.registered) && (model.reff == '')", "model", "reff"),
        ("entries.exists(e, e.typ == 'x')", "e", "typ"),
        ("ledger.orign == ''", "ledger", "orign"),
        ("model.`reff` == ''", "model", "reff"),
        ("organisation.persons.all(p, p.roles.exists(r, r.rol == 'x'))", "r", "rol"),
        ("model.ref == \"it's\" || model.reff == ''", "model", "reff"),
        ("(model.registered ? models : models).exists(m, m.reff == '')", "m", "reff"),
        ("(models + models).exists(m, m.reff == '')", "m", "reff"),
        ("[model, model].exists(m, m.reff == '')", "m", "reff"),
        ("model['reff'] == ''", "model", "reff"),
        (".model.reff == ''", ".model", "reff"),
        ("model.?reff.hasValue()", "model", "reff"),
        ("model.?run.?codee.hasValue()", "model.?run", "codee"),
        ("cel.bind(m, model, m.reff == '')", "m", "reff"),
        ("models.first().value().reff == ''", "models.first().value()", "reff"),
    ],
)
def test_a_field_that_cannot_be_there_is_told(text: str, owner: str, field: str) -> None:
    error = refused(text)
    assert error.message == f"{owner} has no field {field!r}"
    assert error.hint
    line = text.splitlines()[error.line - 1]
    assert line[error.column - 1 :].lstrip("'").startswith(field)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model.ref == 1", "string and int are never equal"),
        ("model.registered < model.ref", "bool and string have no order"),
        ("model.ref + 1 == ''", "there is no string + int"),
        ("system.risk_class == 'hihg'", "it is never 'hihg'"),
        ("system.risk_class in ['high', 'hihg']", "it is never 'hihg'"),
        ("'hihg' != system.risk_class", "it is never 'hihg'"),
        ("model.occurred_at == '2026-11-20'", "int and string are never equal"),
        ("model.approvals.exists(a, a.index)", "exists takes true or false, and this is int"),
        ("model.evaluations.exists(e, e.measurements == 1)", "are never equal"),
        ("model.ref.reff", "model.ref is string and has no fields"),
        ("model.approvals.granted", "has no fields"),
        ("model.index + 1.5 > 2.0", "there is no int + double"),
        ("1 in model.ref", "string has no elements to look among"),
        ("1 in model.trainers", "int and string are never equal"),
        ("size(model.index) == 1", "no matching overload for size(int)"),
    ],
)
def test_what_the_types_do_not_have_is_told(text: str, told: str) -> None:
    assert told in refused(text).message


@pytest.mark.parametrize(
    "text",
    [
        "model.ref == 'model.reff'",
        'model.ref == r\'\\d\' || model.ref == """model.reff " x"""',
        "model.registered // as model.reff says",
        "x.anything.at.all",
        "model.ref.startsWith('m') && 'a'.size() == 1 && 1.5 < 2.0 && model.index < 1.5",
        "[1, 2][0] == 1 && {'a': {'b': 1}}.a.b == 1",
        ".model.ref == 'm'",
        "model.`ref` == ''",
        "params.any == 1",
        "model.run.completed.parameters.anything == 1",
        "model.occurred_at - model.appended_at <= now && model.approvals.all(a, a.occurred_at > 0)",
        "dyn(model.ref) == 1",
        "system.risk_class == params.any || system.risk_class in params.any",
    ],
)
def test_what_is_there_or_is_not_known_is_not_judged(text: str) -> None:
    check_expression(text, TYPES)


def test_an_element_has_the_type_of_its_list() -> None:
    alerts = check_expression("deployment.alerts.filter(a, a.kind == 'drift')", TYPES)
    assert "acknowledged_at" in (fields_of(alerts.parameters[0]) or {})


def test_annotations_have_their_types() -> None:
    assert type_of(str) is STRING
    assert type_of(int | None) is INT
    assert type_of(int | str) is DYN
    assert type_of(Annotated[str, "one"] | Annotated[str, "two"]) is STRING
    assert type_of(Literal[1, 2]) is INT
    assert type_of(Literal[1, "a"]) is DYN
    assert type_of(Literal[b"a"]) is DYN
    assert type_of(tuple[float, ...]) == list_of(DOUBLE)
    assert type_of(tuple[int, str]) is DYN
    assert type_of(dict[str, bool]) == map_of(STRING, BOOL)
    assert fields_of(STRING) is None
    assert choice("a", "b") == choice("a", "b") != STRING


def strange(value: Any, kind: Type, path: str) -> list[str]:
    """Where plain values are not of their type, or have keys that it does not know."""
    if not fits(kind, Type(kind_of(value), kind.parameters if kind_of(value) == kind.kind else ())):
        return [f"{path} is a {kind_of(value)} and not a {kind}"]
    if kind.choices and value not in kind.choices:
        return [f"{path} is {value}"]
    if isinstance(value, list):
        element = kind.parameters[0] if kind.parameters else DYN
        return [each for part in value for each in strange(part, element, f"{path}[]")]
    if not isinstance(value, dict) or kind.kind == "dyn":
        return []
    known = fields_of(kind) or dict.fromkeys(value, kind.parameters[1])
    return [f"{path}.{name}" for name in value if name not in known] + [
        each
        for name, part in value.items()
        if name in known
        for each in strange(part, known[name], f"{path}.{name}")
    ]


def strange_to_types(dossier: Dossier) -> list[str]:
    variables = Variables(dossier, NOW)
    return [
        each
        for scope in SCOPES
        for thing in variables.things(scope)
        for name, kind in VARIABLES.items()
        if name in thing.values
        for each in strange(thing.values[name], kind, name)
    ]


def test_everything_that_a_dossier_has_is_of_its_type() -> None:
    """The promise that no field that is there is ever refused, over the story and every history of the rule sets."""
    assert strange_to_types(dossier_of("model:scorer@2", story())) == []
    histories: dict[tuple[str, str, int], Case] = {}
    for directory in sorted(POLICIES.iterdir()):
        for case in load_cases(directory):
            histories.setdefault((directory.name, case.subject, len(case.events)), case)
    for case in histories.values():
        entries = build_entries(case.events, case.start)
        assert strange_to_types(build_dossier(case.subject, entries, tree_size=len(entries))) == []
    assert len(histories) > 10


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"ref": "m", "strange": 1}, "model.strange"),
        ({"ref": 1}, "model.ref is a int and not a string"),
        ({"approvals": [{"role_held": "yes"}]}, "model.approvals[].role_held is a string and not a bool"),
    ],
)
def test_what_is_not_of_its_type_would_be_seen(value: Any, found: str) -> None:
    assert strange(value, VARIABLES["model"], "model") == [found]
