# SPDX-License-Identifier: Apache-2.0
"""A misspelt field is told when the rule set loads, wherever it stands; a field that is there is never refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.policy.cases import Case, build_entries, load_cases
from governance.policy.expressions import compile_expression
from governance.policy.fields import VARIABLES, Shape, element_shape, fields_of, misnomers
from governance.policy.model import SCOPES
from governance.policy.variables import NAMES, Variables
from tests.lineage.histories import dossier_of, story
from tests.policy.rule_sets import NOW

POLICIES = Path(__file__).resolve().parents[2] / "policies"


def told(text: str) -> list[tuple[str, str]]:
    compile_expression(text, (*NAMES, "x"))
    found = misnomers(text, VARIABLES)
    assert all(text[each.offset :].startswith(each.field) for each in found)
    return [(each.owner, each.field) for each in found]


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
    ],
)
def test_a_field_that_cannot_be_there_is_told(text: str, owner: str, field: str) -> None:
    assert told(text) == [(owner, field)]


@pytest.mark.parametrize(
    "text",
    [
        "model.ref == 'model.reff'",
        'model.ref == r\'\\d\' || model.ref == """model.reff " x"""',
        "model.registered // as model.reff says",
        "model.evaluations.map(e, e.measurements).exists(m, m.anything)",
        "(model.registered ? models : models).exists(m, m.anything)",
        "model['anything'].more",
        "x.anything.at.all",
        "[model, model].exists(model, model.anything)",
        "model.ref.startsWith('m') && 'a'.size() == 1 && 1.5 < 2.0",
        "[1, 2][0] == 1 && {'a': {'b': 1}}.a.b == 1",
        ".model.anything == 1",
        "model.`ref` == ''",
        "params.any == 1",
        "model.run.completed.parameters.anything == 1",
    ],
)
def test_what_the_walk_cannot_follow_it_does_not_judge(text: str) -> None:
    assert told(text) == []


def test_an_element_has_the_shape_of_its_list() -> None:
    alert = element_shape("deployment.alerts.filter(a, a.kind == 'drift')", VARIABLES)
    assert "acknowledged_at" in (fields_of(alert) or {})
    assert element_shape("model.approvals + model.approvals", VARIABLES) is None
    assert element_shape("model.ref", VARIABLES) is None


def test_shapes_that_are_not_maps_have_no_fields() -> None:
    assert fields_of(str) is None
    assert fields_of(int | str) is None
    assert fields_of(None) is None
    assert fields_of({"a": None}) == {"a": None}


def beyond(value: Any, shape: Shape, path: str) -> list[str]:
    """Paths of keys in plain values that their shape does not know."""
    if isinstance(value, list):
        return [each for part in value for each in beyond(part, _element_of(shape), f"{path}[]")]
    known = fields_of(shape)
    if not isinstance(value, dict) or known is None:
        return []
    strange = [f"{path}.{name}" for name in value if name not in known]
    return strange + [
        each
        for name, part in value.items()
        if name in known
        for each in beyond(part, known[name], f"{path}.{name}")
    ]


def _element_of(shape: Shape) -> Shape:
    return element_shape("x", {"x": shape})


def strange_to_shapes(dossier: Dossier) -> list[str]:
    variables = Variables(dossier, NOW)
    return [
        each
        for scope in SCOPES
        for thing in variables.things(scope)
        for name, shape in VARIABLES.items()
        for each in beyond(thing.values.get(name), shape, name)
    ]


def test_every_key_that_a_dossier_has_is_known() -> None:
    """The promise that no field that is there is ever refused, over the story and every history of the rule sets."""
    assert strange_to_shapes(dossier_of("model:scorer@2", story())) == []
    histories: dict[tuple[str, str, int], Case] = {}
    for directory in sorted(POLICIES.iterdir()):
        for case in load_cases(directory):
            histories.setdefault((directory.name, case.subject, len(case.events)), case)
    for case in histories.values():
        entries = build_entries(case.events, case.start)
        assert strange_to_shapes(build_dossier(case.subject, entries, tree_size=len(entries))) == []
    assert len(histories) > 10


def test_a_key_that_is_not_known_would_be_seen() -> None:
    assert beyond({"ref": "m", "strange": 1}, VARIABLES["model"], "model") == ["model.strange"]
