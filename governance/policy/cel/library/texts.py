# SPDX-License-Identifier: Apache-2.0
"""Texts: the extension library "strings".

    charAt indexOf lastIndexOf join lowerAscii upperAscii replace reverse split substring trim strings.quote

Rules: places count code points. A place outside the text is an error, never clipped. Case is changed in ASCII only.
Source: github.com/google/cel-go ext/README.md, "Strings".
"""

from __future__ import annotations

import string
from typing import Any

from governance.policy.cel.budget import Budget, require_size
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.overloads import function, method
from governance.policy.cel.types import INT, STRING, list_of

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


def _within(text: str, at: int) -> int:
    if not 0 <= at <= len(text):
        raise EvaluationError("argument", f"place {at} is outside a text of {len(text)}")
    return at


def _char_at(budget: Budget, text: str, at: int) -> str:
    return text[_within(text, at) : at + 1]


def _index_of(budget: Budget, text: str, part: str, start: int = 0) -> int:
    budget.spend_lengths(text)
    return text.find(part, _within(text, start))


def _last_index_of(budget: Budget, text: str, part: str) -> int:
    budget.spend_lengths(text)
    return text.rfind(part)


def _last_index_before(budget: Budget, text: str, part: str, last: int) -> int:
    budget.spend_lengths(text)
    return text.rfind(part, 0, _within(text, last) + len(part))


def _substring(budget: Budget, text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else _within(text, end)
    if _within(text, start) > last:
        raise EvaluationError("argument", f"a part of a text ends before it starts: {start}, {last}")
    return text[start:last]


def _replace(budget: Budget, text: str, old: str, new: str, count: int = -1) -> str:
    found = text.count(old) if count < 0 else min(text.count(old), count)
    require_size(len(text) + max(0, found * (len(new) - len(old))))
    budget.spend_lengths(text, new * min(found, 1))
    return text.replace(old, new, found)


def _split(budget: Budget, text: str, separator: str, count: int = -1) -> list[str]:
    budget.spend(len(text))
    if count == 0:
        return []
    if not text:
        return [""]
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    return list(text) if count < 0 or count >= len(text) else [*text[: count - 1], text[count - 1 :]]


def _join(budget: Budget, texts: list[Any], separator: str = "") -> str:
    budget.spend(len(texts))
    for each in texts:
        if type(each) is not str:
            raise EvaluationError("overload", "only texts can be joined")
    require_size(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _quote(budget: Budget, text: str) -> str:
    budget.spend_lengths(text)
    return f'"{text.translate(_QUOTED)}"'


def _mapped(change: Any) -> Any:
    def run(budget: Budget, text: str) -> str:
        budget.spend_lengths(text)
        return str(change(text))

    return run


OVERLOADS = (
    method("charAt", (STRING, INT), STRING, _char_at),
    method("indexOf", (STRING, STRING), INT, _index_of),
    method("indexOf", (STRING, STRING, INT), INT, _index_of),
    method("lastIndexOf", (STRING, STRING), INT, _last_index_of),
    method("lastIndexOf", (STRING, STRING, INT), INT, _last_index_before),
    method("join", (list_of(STRING),), STRING, _join),
    method("join", (list_of(STRING), STRING), STRING, _join),
    method("lowerAscii", (STRING,), STRING, _mapped(lambda text: text.translate(_LOWER))),
    method("upperAscii", (STRING,), STRING, _mapped(lambda text: text.translate(_UPPER))),
    method("replace", (STRING, STRING, STRING), STRING, _replace),
    method("replace", (STRING, STRING, STRING, INT), STRING, _replace),
    method("reverse", (STRING,), STRING, _mapped(lambda text: text[::-1])),
    method("split", (STRING, STRING), list_of(STRING), _split),
    method("split", (STRING, STRING, INT), list_of(STRING), _split),
    method("substring", (STRING, INT), STRING, _substring),
    method("substring", (STRING, INT, INT), STRING, _substring),
    method("trim", (STRING,), STRING, _mapped(lambda text: text.strip(_SPACES))),
    function("strings.quote", (STRING,), STRING, _quote),
)
