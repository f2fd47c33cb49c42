# SPDX-License-Identifier: Apache-2.0
"""Tokens: the text of an expression cut into words, each with its place.

Rules: the lexical grammar of the language definition, section "Syntax". White space and `//` comments separate words
and are dropped. A character that begins nothing is refused where it stands.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from governance.policy.cel.errors import CompileError

TokenKind = Literal["int", "uint", "double", "text", "name", "quoted", "sign", "end"]

_PREFIX = r"(?:[rR][bB]?|[bB][rR]?)?"
_TOKEN = re.compile(
    rf"""(?P<skip>[ \t\n\f\r]+|//[^\n]*)
    |(?P<text>(?:[rR][bB]?|[bB][rR])(?:\"{{3}}.*?\"{{3}}|'{{3}}.*?'{{3}}|"[^"\n\r]*"|'[^'\n\r]*')
        |[bB]?(?:\"{{3}}(?:\\.|[^\\])*?\"{{3}}|'{{3}}(?:\\.|[^\\])*?'{{3}}
                |"(?:\\[^\n\r]|[^"\\\n\r])*"|'(?:\\[^\n\r]|[^'\\\n\r])*'))
    |(?P<unclosed>{_PREFIX}["'])
    |(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<uint>0x[0-9a-fA-F]+[uU]|[0-9]+[uU])
    |(?P<int>0x[0-9a-fA-F]+|[0-9]+)
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    |`(?P<quoted>[_a-zA-Z0-9.\-/ ]+)`
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{{}}])""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A word; `text` is as written, without the backticks of a quoted name."""

    kind: TokenKind
    text: str
    start: int
    end: int


def read_tokens(text: str) -> list[Token]:
    """Cut a text into words; the last one is of kind `end`.

    Raises:
        CompileError: A character that begins no word.
    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup == "unclosed":
            what = "text is not closed" if match else f"unexpected character {text[at]!r}"
            raise CompileError(what, at)
        if match.lastgroup != "skip":
            kind: TokenKind = match.lastgroup  # type: ignore[assignment]  # the other groups are named after the kinds
            found.append(Token(kind, match[kind], match.start(), match.end()))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found
