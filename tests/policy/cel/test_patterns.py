# SPDX-License-Identifier: Apache-2.0
"""Regular expressions: found where Python's `re` finds them, refused where RE2 refuses them, and never run away with."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import BudgetError, EvaluationError
from governance.policy.cel.patterns import compile_pattern
from tests.policy.cel import oracle


def found(pattern: str, text: str) -> bool:
    return compile_pattern(pattern).is_found(Budget(), text)


CASES = [
    ("", "", True), ("a", "", False), ("a", "bab", True), ("^a", "ba", False), ("a$", "ab", False), ("a$", "a\n", False),
    ("(?m)a$", "a\nb", True), ("(?m)^b", "a\nb", True), (".", "\n", False), ("(?s).", "\n", True), ("\\Aa\\z", "a", True),
    ("a|b", "cb", True), ("(?:ab)+c", "ababc", True), ("a{2}", "aba", False), ("a{2,}", "aaa", True), ("^a{1,2}$", "aaa", False),
    ("a{,2}", "a{,2}", True), ("a{", "a{", True), ("x*", "", True), ("x+?y", "xxy", True), ("[a-c]+", "zzb", True),
    ("[^a-c]", "abc", False), ("[]a]", "]", True), ("[^]a]", "]a", False), ("[a-]", "-", True), ("[\\d-]", "-", True),
    ("[\\]]", "]", True), ("\\d\\D\\s\\S\\w\\W", "1a bc-", True), ("[[:alpha:]]", "1", False), ("[[:^alpha:]]", "1", True),
    ("\\pL", "é", True), ("\\p{Lu}", "é", False), ("\\PL", "1", True), ("\\p{^L}", "a", False), ("\\p{Any}", "a", True),
    ("\\P{Any}", "a", False), ("\\bfoo\\b", "a foo b", True), ("\\bfoo\\b", "afoo", False), ("\\Boo", "foo", True),
    ("(?i)FOO", "foo", True), ("(?i:F)OO", "fOO", True), ("(?i:f)oo", "FOO", False), ("(?i)[A-C]", "b", True),
    ("(?i)a(?-i)b", "AB", False), ("(?i)ß", "ẞ", True), ("(?P<name>a)(?<other>b)", "ab", True), ("\\x41\\x{42}\\103", "ABC", True),
    ("\\01", "\1", True), ("\\Qa.b\\Ec", "a.bc", True), ("\\Qa.b", "a.b", True), ("\\a\\f\\t\\n\\r\\v", "\a\f\t\n\r\v", True),
    ("\\.\\*", ".*", True), ("[\\x41-\\x43]", "B", True), ("🐱+", "a🐱", True), ("(a|b)*c|d", "ababd", True), ("()", "", True),
    ("a||b", "", True), ("(?U)a*", "", True), ("[\\pL]", "é", True), ("[.]", "a", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text", "wanted"), CASES)
def test_what_is_looked_for_is_found(pattern: str, text: str, wanted: bool) -> None:
    assert found(pattern, text) is wanted


@pytest.mark.parametrize(("pattern", "text", "wanted"), CASES)
def test_the_oracle_agrees(pattern: str, text: str, wanted: bool) -> None:
    if "ß" not in pattern:  # RE2 folds case without pairs of unlike lengths
        assert oracle.ask("s.matches(t)", ("s", "t"), {"s": text, "t": pattern}) == (
            "value",
            ("bool", wanted),
        )


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "a)", "(a", "[", "[a", "[]", "*", "+a", "a**", "a+*", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "\\1", "(?P=n)", "(?P<>a)",
        "\\q", "\\", "[z-a]", "a{1001}", "a{2,1}", "\\p{Greek2}", "\\pX", "\\p{", "[[:foo:]]", "\\x{110000}", "\\8", "(?z)", "[a-", "[\\",
        "[a-\\d]", "a{1}{2}", "(?", "(?i", "(*)", "|*", "[[:alpha:]-z", "\\xg", "(?>a)", "a{999999999999}b{2",
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    if pattern == "a{999999999999}b{2":
        assert found(pattern, pattern)  # beyond nine digits it is no repetition
        return
    with pytest.raises(EvaluationError, match="invalid regular expression") as raised:
        compile_pattern(pattern)
    assert raised.value.kind == "pattern"
    assert oracle.ask("'a'.matches(t)", ("t",), {"t": pattern}) == ("error", "pattern")


@pytest.mark.parametrize(
    "pattern",
    ["a" * 1001, "(" * 50 + ")" * 50, "((a{100}){100}){100}", "(a{1000}){1000}", "(((a?){30}){30}){30}"],
)
def test_what_would_be_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(EvaluationError, match=r"at most|deeper|states"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "^(a|a)*$", "(a*)*b", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*x", "(a?){25}a{25}$"],
)
def test_patterns_that_ruin_others_cost_no_more_than_their_length(pattern: str) -> None:
    """Python's `re` takes time that doubles with each further character of such a text."""
    cost = []
    for length in (1_000, 2_000):
        budget = Budget()
        assert compile_pattern(pattern).is_found(budget, "a" * length + "!") is False
        cost.append(Budget().left - budget.left)
    assert cost[1] <= 2 * cost[0]


def test_a_search_that_costs_too_much_is_given_up() -> None:
    with pytest.raises(BudgetError):
        compile_pattern("(ab?){500}").is_found(Budget(), "a" * 100_000)


_ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "\\d", "^", "$", "\\b", "(?:a)", "1"])
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("({}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?"])),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=300)
@given(_PATTERNS, st.text(alphabet="abc1 ", max_size=8))
def test_what_python_finds_is_found(pattern: str, text: str) -> None:
    """Over patterns whose meaning both share; `$` is the end of the text and nothing before it."""
    assert found(pattern, text) is (re.search(pattern.replace("$", "\\Z"), text, re.ASCII) is not None)
