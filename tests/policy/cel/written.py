# SPDX-License-Identifier: Apache-2.0
"""Expressions and variables as hypothesis draws them: mostly well typed, now and then not, with errors in all places."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

VARIABLES = ("n", "k", "f", "s", "t", "p", "xs", "ys", "ms", "m")
"""Two ints, a double, two texts, a bool, a list of ints, of texts and of maps, a map."""

LEAVES = (
    "''", "'a'", "'ab'", "'b'", "'é'", "'1'", "'true'", "'1.5'", "r'a+'", '"it\'s"', "0", "1", "2", "-1", "7",
    "9223372036854775807", "-9223372036854775808", "0x10", "9007199254740993", "0u", "1u", "2u", "18446744073709551615u",
    "0.0", "1.0", "1.5", "-2.5", "1e300", "0.1", "9007199254740992.0", "true", "false", "true", "false",
    "timestamp('2026-11-20T12:00:00Z')", "timestamp('1999-12-31T23:59:59.5+01:00')", "timestamp(0)", "duration('1h')",
    "duration('-1.5s')", "null", "[]", "{}", "b'a'", *VARIABLES, *VARIABLES, *VARIABLES, "m.a", "m.b", "m.absent",
    "ms[0].a", "xs[0]", "i", "j", "i", "j",
)  # fmt: skip

FORMS = (
    "§ == §", "§ == §", "§ != §", "§ < §", "§ <= §", "§ > §", "§ >= §", "§ + §", "§ - §", "§ * §", "§ / §", "§ % §",
    "§ && §", "§ || §", "§ && § && §", "§ || § || §", "§ in §", "§ in xs", "§ in ys", "§ in m", "!§", "-§", "§ ? § : §",
    "[§, §]", "[§]", "{'a': §, 'b': §}", "{§: §}", "§.a", "§.absent", "has(§.a)", "has(m.b)", "§[§]", "xs[§]", "ms[§].a",
    "size(§)", "§.startsWith(§)", "§.contains(§)", "§.matches(§)", "int(§)", "uint(§)", "double(§)", "string(§)",
    "bool(§)", "dyn(§)", "type(§)", "bytes(§)", "timestamp(§)", "duration(§)",
    "xs.all(i, §)", "xs.exists(i, i > §)", "ms.exists(i, i.a == §)", "ms.exists(i, has(i.b) && i.b == §)",
    "ms.all(i, has(i.a) ? i.a == § : §)", "§.all(j, §)", "§.exists(j, §)", "§.exists_one(i, §)", "xs.exists_one(i, i == §)",
    "§.map(i, §)", "§.filter(j, §)", "xs.map(i, i + §)", "xs.filter(i, i < §).size() > §", "ys.filter(i, i != §)",
    "ms.filter(i, i.a == §).all(j, j.b == §)", "xs.map(i, § < i, i * §)", "m.all(i, m[i] == §)",
    "xs.exists(i, xs.exists(j, i == j + §))", "xs.all(i, 6 / i == § || i > §)",
)  # fmt: skip
"""`§` stands for another expression."""


@st.composite
def expressions(draw: st.DrawFn, depth: int = 4) -> str:
    """Texts that follow the grammar."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(LEAVES))
    head, *rest = draw(st.sampled_from(FORMS)).split("§")
    for part in rest:
        inner = draw(expressions(depth=depth - 1))
        head += (inner if inner.isalnum() else f"({inner})") + part
    return head


_SMALL = st.integers(-3, 8)
_WORDS = st.sampled_from(["", "a", "ab", "b", "é", "1"])
_MAPS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(_SMALL, _WORDS, st.booleans(), st.floats(-2, 2), st.none()),
    max_size=3,
)


@st.composite
def activations(draw: st.DrawFn) -> dict[str, Any]:
    """Values for the variables; some are left out."""
    values: dict[str, Any] = {
        "n": draw(_SMALL),
        "k": draw(st.integers(-(2**63), 2**63 - 1)),
        "f": draw(st.floats(allow_nan=True, allow_infinity=True)),
        "s": draw(_WORDS),
        "t": draw(_WORDS),
        "p": draw(st.booleans()),
        "xs": draw(st.lists(_SMALL, max_size=4)),
        "ys": draw(st.lists(_WORDS, max_size=3)),
        "ms": draw(st.lists(_MAPS, max_size=3)),
        "m": draw(_MAPS),
    }
    for name in draw(st.sets(st.sampled_from(sorted(values)), max_size=2)):
        del values[name]
    return values
