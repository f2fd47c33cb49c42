# SPDX-License-Identifier: Apache-2.0
r"""Literals: the values of numbers, texts and bytes as they are written.

    0x1F → 31        7u → Uint(7)        'caf\u00e9' → 'café'        b'\xff' → b'\xff'        r'\d' → '\\d'

Rules: escapes are those of the language definition: \a \b \f \n \r \t \v, \\ \? \' \" \`, \xHH, \OOO,
and in texts \uHHHH and \UHHHHHHHH. In bytes \x and octal escapes are bytes, all else is UTF-8. A code point that
is a surrogate or beyond U+10FFFF is refused.
"""

from __future__ import annotations

import re

from governance.policy.cel.errors import CompileError
from governance.policy.cel.tokens import Token
from governance.policy.cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint

_ESCAPE = re.compile(
    r"\\(?:(?P<sign>[abfnrtv\\?'\"`])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})|(?P<bad>))"
)
_SIGNS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_int(token: Token, *, is_negative: bool) -> int:
    """The value of an integer; its minus sign, where one stands before it, is part of it.

    Raises:
        CompileError: Beyond 64 bits.
    """
    value = _digits(token, token.text) * (-1 if is_negative else 1)
    if not INT_MIN <= value <= INT_MAX:
        raise CompileError("integer is beyond 64 bits", token.start)
    return value


def read_uint(token: Token) -> Uint:
    """The value of an unsigned integer.

    Raises:
        CompileError: Beyond 64 bits.
    """
    value = _digits(token, token.text[:-1])
    if value > UINT_MAX:
        raise CompileError("unsigned integer is beyond 64 bits", token.start)
    return Uint(value)


def read_text(token: Token) -> str | bytes:
    """The value of a text or of bytes.

    Raises:
        CompileError: An escape that is none, or that says no code point.
    """
    quote = re.search(r"[\"']", token.text)
    assert quote is not None  # the tokens' own form
    prefix = token.text[: quote.start()].lower()
    width = 3 if token.text[quote.start() :].startswith(quote[0] * 3) and len(token.text) >= 6 else 1
    body = token.text[quote.start() + width : -width]
    offset = token.start + quote.start() + width
    if "b" in prefix:
        return _bytes(body, offset, is_raw="r" in prefix)
    return body if "r" in prefix else _ESCAPE.sub(lambda match: _text_escape(match, offset), body)


def _digits(token: Token, text: str) -> int:
    if len(text) > 40:
        raise CompileError("number is too long", token.start)
    return int(text, 16) if text[:2] == "0x" else int(text)


def _text_escape(match: re.Match[str], offset: int) -> str:
    if match["sign"]:
        return _SIGNS.get(match["sign"], match["sign"])
    digits, radix = (
        (match["octal"], 8) if match["octal"] else (match["hex"] or match["four"] or match["eight"], 16)
    )
    if digits is None:
        raise CompileError("unknown escape", offset + match.start())
    point = int(digits, radix)
    if 0xD800 <= point <= 0xDFFF or point > 0x10FFFF:
        raise CompileError("escape says no code point", offset + match.start())
    return chr(point)


def _bytes(body: str, offset: int, *, is_raw: bool) -> bytes:
    made = bytearray()
    at = 0
    while at < len(body):
        match = None if is_raw else _ESCAPE.match(body, at)
        if match is None:
            made += body[at].encode("utf-8", "surrogatepass")
            at += 1
            continue
        if match["four"] or match["eight"]:
            raise CompileError("code points have no place in bytes", offset + at)
        if match["hex"] or match["octal"]:
            made.append(int(match["hex"], 16) if match["hex"] else int(match["octal"], 8))
        else:
            made += _text_escape(match, offset).encode()
        at = match.end()
    return bytes(made)
