# SPDX-License-Identifier: Apache-2.0
"""Canonical JSON (RFC 8785): the one text that a value has, so that its hash means something.

    format_canonical({"b": 1.0, "a": "é"}) == '{"a":"é","b":1}'.encode()
    format_canonical(parse_canonical(text)) == text

Rules: orjson writes the same bytes many times faster wherever the value holds only what both write alike; a walk over
the values says whether it does. Otherwise whole floats below 2^53 become integers, and only what is doubtful even then
goes to `rfc8785`; a property test holds all ways equal to it. Parsing refuses duplicate keys, too much depth and too
many bytes.
"""

from __future__ import annotations

import json
import math
from typing import Any, Never

import orjson
import rfc8785

from governance.errors import CanonicalError

SIZE_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 64

_FAST = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_FAST |= orjson.OPT_PASSTHROUGH_SUBCLASS

_EXACT = 2**53
"""Below it, every integer is a double of its own."""


def format_canonical(value: Any) -> bytes:
    """Write a value as canonical JSON.

    Args:
        value: Dicts with text keys, lists, tuples, text, numbers, booleans, None; finite, integers within ±(2^53-1).

    Raises:
        CanonicalError: The value is outside that domain.
    """
    try:
        text = orjson.dumps(value, option=_FAST)
    except (TypeError, ValueError, RecursionError) as error:
        raise CanonicalError(f"no canonical JSON for this value: {error}") from error
    if text.isascii() and is_plain(value):
        return text
    try:
        return orjson.dumps(_plain(value), option=_FAST)
    except _DoubtError:
        return _format_slowly(value)


def format_plain(value: Any) -> bytes | None:
    """Write a value whose numbers are known to be plain (`is_plain`) and its keys ASCII; None when that cannot be."""
    try:
        # A copy: orjson writes into a large buffer and shrinks it where it lies, so that many texts that are kept are
        # strewn over fresh pages of memory, which cost three times the writing.
        return b"".join((orjson.dumps(value, option=_FAST), b""))
    except (TypeError, ValueError, RecursionError):
        return None


def parse_canonical(text: bytes) -> Any:
    """Read canonical JSON; a whole number beyond ±(2^53-1) is read as the float that it stands for.

    Raises:
        CanonicalError: Not JSON, or not its canonical form.
    """
    if len(text) > SIZE_BYTES_MAX:
        raise CanonicalError(f"JSON of {len(text)} bytes, at most {SIZE_BYTES_MAX}")
    try:
        value = orjson.loads(text)
        if text.isascii() and is_plain(value):
            written = orjson.dumps(value, option=_FAST)
        else:
            value = _parse_long_numbers(text)
            written = format_canonical(value)
    except (ValueError, RecursionError) as error:
        raise CanonicalError(f"not JSON: {error}") from error
    if written != text:
        raise CanonicalError("JSON is not in canonical form (RFC 8785)")
    return value


def parse_json(text: bytes | str) -> Any:
    """Read JSON that a stranger wrote, in any form, within limits.

    Raises:
        CanonicalError: Not JSON, a key twice in one object, NaN or infinity, deeper than `DEPTH_MAX`, or longer than
            `SIZE_BYTES_MAX`.
    """
    if len(text) > SIZE_BYTES_MAX:
        raise CanonicalError(f"JSON of {len(text)} bytes, at most {SIZE_BYTES_MAX}")
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise CanonicalError(f"not JSON: {error}") from error
    if _depth(value) > DEPTH_MAX:
        raise CanonicalError(f"JSON is nested deeper than {DEPTH_MAX} levels")
    return value


def is_plain(value: Any) -> bool:
    """Whether orjson writes the value as RFC 8785 asks, given that all its text is ASCII."""
    open_ends = [value]
    for each in open_ends:  # grows while it is walked
        kind = type(each)
        if kind is str:
            continue
        if kind is dict:
            open_ends.extend(each.values())
        elif kind is list or kind is tuple:
            open_ends.extend(each)
        elif kind is float:
            if not 1e-4 <= abs(each) < 1e15 or each.is_integer():
                return False
        elif kind is int:
            if not -_EXACT < each < _EXACT:
                return False
        elif kind is not bool and each is not None:
            return False
    return True


class _DoubtError(Exception):
    """A value that orjson may write otherwise than RFC 8785 asks."""


def _plain(value: Any) -> Any:
    """The same value in what orjson writes as RFC 8785 asks.

    Raises:
        _DoubtError: There may be no such value.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        if not all(key.isascii() or max(key) < "\ud800" for key in value):
            raise _DoubtError  # beyond the BMP, UTF-16 and code points sort differently
        return {key: _plain(each) for key, each in value.items()}
    if kind is list or kind is tuple:
        return [_plain(each) for each in value]
    if kind is int and -_EXACT < value < _EXACT:
        return value
    if kind is float and -_EXACT < value < _EXACT:
        whole = int(value)
        if whole == value:
            return whole
        if 1e-4 <= abs(value) < 1e15:
            return value  # written without exponent by both, with the fewest digits that read back
    raise _DoubtError


def _format_slowly(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise CanonicalError(f"no canonical JSON for this value: {error}") from error


def _parse_long_numbers(text: bytes) -> Any:
    # Every number is an IEEE 754 double (RFC 8785 section 3.2.2.3), so 1e16 is written without fraction or exponent.
    return json.loads(text, parse_int=_integer_or_float, parse_constant=_refuse_constant)


def _integer_or_float(digits: str) -> int | float:
    number = int(digits)
    return number if -_EXACT < number < _EXACT else float(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise CanonicalError(f"the key {key[:80]!r} stands twice in one object", hint="keep one of them")
        found[key] = value
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise CanonicalError(f"{digits[:80]} is beyond the largest number", hint="write it as text")
    return number


def _refuse_constant(name: str) -> Never:
    raise CanonicalError(f"{name} is not a number in JSON", hint="leave the value out")


def _depth(value: Any) -> int:
    deepest = 0
    open_ends = [(value, 1)]
    while open_ends:
        at, level = open_ends.pop()
        deepest = max(deepest, level)
        if isinstance(at, (dict, list)) and level <= DEPTH_MAX:
            children = at.values() if isinstance(at, dict) else at
            open_ends.extend((child, level + 1) for child in children)
    return deepest
