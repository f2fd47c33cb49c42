# SPDX-License-Identifier: Apache-2.0
"""Types known before evaluation: what they refuse, what they give, and that values keep to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from governance.policy.cel.environment import Environment
from governance.policy.cel.errors import CompileError, EvaluationError
from governance.policy.cel.program import compile_program
from governance.policy.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    MAP,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Type,
    choice,
    fits,
    joined,
    list_of,
    map_of,
    optional_of,
    record,
)
from governance.policy.cel.values import Optional, kind_of
from tests.policy.cel.written import VARIABLES, activations, expressions

PERSON: Type = record(
    "person", lambda: {"name": STRING, "age": INT, "boss": PERSON, "mood": choice("good", "bad")}
)
ENVIRONMENT = Environment(
    {
        "n": INT, "u": UINT, "f": DOUBLE, "s": STRING, "b": BOOL, "y": BYTES, "t": TIMESTAMP, "d": DURATION, "x": DYN,
        "ns": list_of(INT), "p": PERSON, "ps": list_of(PERSON), "m": map_of(STRING, INT), "o": optional_of(PERSON),
        "mood": choice("good", "bad"), "raw": MAP,
    }
)  # fmt: skip


def given_by(text: str) -> Type:
    return compile_program(text, ENVIRONMENT).result


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", INT), ("1u", UINT), ("1.0", DOUBLE), ("''", STRING), ("b''", BYTES), ("true", BOOL), ("null", NULL), ("int", TYPE),
        ("n + 1", INT), ("s + s", STRING), ("mood + s", STRING), ("ns + ns", list_of(INT)), ("t + d", TIMESTAMP), ("d + t", TIMESTAMP),
        ("d + d", DURATION), ("t - t", DURATION), ("t - d", TIMESTAMP), ("d - d", DURATION), ("x + 1", DYN), ("-n", INT), ("!b", BOOL),
        ("n % 2", INT), ("f / 2.0", DOUBLE), ("y + y", BYTES), ("n < f", BOOL), ("n == u", BOOL), ("n in ns", BOOL), ("1.0 in ns", BOOL),
        ("'a' in m", BOOL), ("n in x", BOOL), ("b && x", BOOL), ("b ? n : n", INT), ("b ? n : s", DYN), ("b ? mood : s", STRING),
        ("b ? ns : [s]", list_of(DYN)), ("[n, 1]", list_of(INT)), ("[n, s]", list_of(DYN)), ("[]", list_of(DYN)), ("{s: n}", map_of(STRING, INT)),
        ("{}", map_of(DYN, DYN)), ("[?o]", list_of(PERSON)), ("{s: n, ?s: x}", map_of(STRING, DYN)), ("p.boss.name", STRING), ("p['age']", INT),
        ("p[s]", DYN), ("has(p.name)", BOOL), ("p.?age", optional_of(INT)), ("o.name", optional_of(STRING)), ("o.?boss.age", optional_of(INT)),
        ("has(o.name)", BOOL), ("o[?'name']", optional_of(STRING)), ("ns[0]", INT), ("ns[?0]", optional_of(INT)), ("m.any", INT), ("m[s]", INT),
        ("x.y.z", DYN), ("x[0]", DYN), ("raw.a", DYN), ("ps.map(q, q.age)", list_of(INT)), ("ps.filter(q, q.age > 1)", list_of(PERSON)),
        ("ps.all(q, q.age > 1)", BOOL), ("m.map(k, k)", list_of(STRING)), ("m.exists(k, v, v > 1)", BOOL), ("x.map(q, 1)", list_of(INT)),
        ("ps.transformList(i, q, i + q.age)", list_of(INT)), ("m.transformMap(k, v, v > 1)", map_of(STRING, BOOL)),
        ("ns.transformMap(i, v, s)", map_of(INT, STRING)), ("cel.bind(q, p, q.age)", INT), ("o.optMap(q, q.age)", optional_of(INT)),
        ("o.optFlatMap(q, q.?age)", optional_of(INT)), ("o.value()", PERSON), ("o.orValue(p)", PERSON), ("x.value()", DYN), ("size(x)", INT),
        ("ns.sort()", list_of(INT)), ("x.sort()", list_of(DYN)), ("ps.first()", optional_of(PERSON)), ("x.first()", optional_of(DYN)),
        ("string(n)", STRING), ("dyn(n)", DYN), ("type(n)", TYPE), ("math.abs(x)", DYN), ("math.abs(n)", INT), ("math.greatest(n, f, u)", DYN),
        ("optional.of(n)", optional_of(DYN)), ("[x].map(q, q.anything)", list_of(DYN)), ("ps[0].boss.boss.age", INT), ("x ? 1 : 2", INT),
    ],
)  # fmt: skip
def test_what_an_expression_gives_is_known(text: str, kind: Type) -> None:
    assert given_by(text) == kind


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("p.nam", "p has no field 'nam'", "did you mean name?"),
        ("p.zzz", "p has no field 'zzz'", "there are age, boss, mood, name"),
        ("record.x", "undeclared reference to 'record'", None),
        ("ps[0].boss.agee", "ps[0].boss has no field 'agee'", "age"),
        ("p['agee']", "p has no field 'agee'", "age"),
        ("o.nme", "o has no field 'nme'", "name"),
        ("n.a", "n is int and has no fields", None),
        ("o['name'].a", "has no fields", None),
        ("ns['a']", "list(int) has no string between its brackets", None),
        ("n[0]", "int has no int between its brackets", None),
        ("m[1]", "map(string, int) has no int between its brackets", None),
        ("!n", "there is no '!' of int", None),
        ("-s", "there is no '-' of string", None),
        ("-u", "there is no '-' of uint", None),
        ("n + s", "there is no int + string", None),
        ("n + f", "there is no int + double", "write 1.0"),
        ("f % f", "there is no double % double", None),
        ("s - s", "there is no string - string", None),
        ("t + t", "there is no timestamp + timestamp", None),
        ("n < s", "int and string have no order", None),
        ("ns < ns", "list(int) and list(int) have no order", None),
        ("n == s", "int and string are never equal", None),
        ("ns == [s]", "list(int) and list(string) are never equal", None),
        ("null == n", "null_type and int are never equal", None),
        ("s in ns", "string and int are never equal", None),
        ("n in s", "string has no elements to look among", None),
        ("mood == 'goood'", "it is never 'goood'", "did you mean good?"),
        ("'zzz' != mood", "it is never 'zzz'", "it is one of good, bad"),
        ("mood in ['good', 'badd']", "it is never 'badd'", "bad"),
        ("p.mood == s || p.mood == 'x'", "it is never 'x'", None),
        ("'x' in [mood]", "it is never 'x'", None),
        ("n && b", "'&&' takes true or false, and this is int", None),
        ("b || s", "'||' takes true or false, and this is string", None),
        ("n ? 1 : 2", "'?' takes true or false, and this is int", None),
        ("{f: 1}", "double cannot be a key", None),
        ("[?n]", "expected an optional, and this is int", None),
        ("{?s: n}", "expected an optional, and this is int", None),
        ("n.optMap(q, q)", "expected an optional, and this is int", None),
        ("size(n)", "no matching overload for size(int)", None),
        ("s.startsWith(n)", "no matching overload for startsWith(string, int)", None),
        ("n.all(q, true)", "all cannot run over int", None),
        ("ns.all(q, q)", "all takes true or false, and this is int", None),
        ("ns.map(q, q, 1)", "map takes true or false, and this is int", None),
        ("ns.exists(q, q.a)", "q is int and has no fields", None),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, told: str, hint: str | None) -> None:
    with pytest.raises(CompileError) as raised:
        compile_program(text, ENVIRONMENT)
    assert told in raised.value.message
    assert hint is None or hint in (raised.value.hint or "")


def test_types_are_told_in_words() -> None:
    assert str(map_of(STRING, list_of(PERSON))) == "map(string, list(person))"
    assert fits(list_of(DYN), list_of(INT))
    assert not fits(list_of(STRING), list_of(INT))
    assert joined(optional_of(INT), optional_of(STRING)) == optional_of(DYN)
    assert joined(PERSON, record("other", dict)) == DYN


def keeps_to(value: Any, kind: Type) -> bool:
    if kind.kind == "dyn":
        return True
    if kind.kind != kind_of(value):
        return False
    if isinstance(value, list):
        return all(keeps_to(each, kind.parameters[0]) for each in value)
    if isinstance(value, dict):
        return all(keeps_to(each, kind.parameters[1]) for each in value.values())
    if isinstance(value, Optional):
        return not value.is_present or keeps_to(value.value, kind.parameters[0])
    return True


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(expressions(), activations())
def test_a_value_is_of_the_type_that_was_foretold(text: str, values: dict[str, Any]) -> None:
    known = {
        "n": INT,
        "k": INT,
        "f": DOUBLE,
        "s": STRING,
        "t": STRING,
        "p": BOOL,
        "xs": list_of(INT),
        "ys": list_of(STRING),
    }
    try:
        program = compile_program(
            text, Environment({**dict.fromkeys(VARIABLES, DYN), **known, "i": DYN, "j": DYN})
        )
        value = program.evaluate(values)
    except (CompileError, EvaluationError):
        return
    assert keeps_to(value, program.result)
