# SPDX-License-Identifier: Apache-2.0
"""Conversions between types: int(), uint(), double(), string(), bytes(), bool().

Rules: a conversion that would lose the value is an error, cutting the fraction of a double excepted. A double reads
as its shortest digits that give it back, with an exponent from 10⁶ on and below 10⁻⁴.
"""

from __future__ import annotations

import math
import re
from typing import Any

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.library.times import format_duration, format_timestamp
from governance.policy.cel.operators import ranged
from governance.policy.cel.overloads import function
from governance.policy.cel.types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT
from governance.policy.cel.values import SECOND, Timestamp, Uint

_INTEGER = re.compile(r"[+-]?[0-9]{1,24}", re.ASCII)
_UNSIGNED = re.compile(r"\+?[0-9]{1,24}", re.ASCII)
_DOUBLE = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE
)
_TRUTHS = {
    "1": True, "t": True, "true": True, "TRUE": True, "True": True,
    "0": False, "f": False, "false": False, "FALSE": False, "False": False,
}  # fmt: skip


def format_double(value: float) -> str:
    """A double as text: `1`, `0.5`, `1e+20`, `1e-05`, `inf`, `-inf`, `nan`."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    sign = "-" if math.copysign(1, value) < 0 else ""
    digits, exponent = _shortest(abs(value))
    if not -4 <= exponent < 6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits of a double that is not negative, and the exponent of the first."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole) - 1 + int(power or 0) - (len(whole + fraction) - len(digits))
    return (digits.rstrip("0") or "0", exponent if digits else 0)


def _int(kind: type) -> Any:
    low, high = (-1.0, 2.0**64) if kind is Uint else (-(2.0**63), 2.0**63)

    def from_double(budget: Budget, value: float) -> Any:
        if not low < value < high or (kind is Uint and value < 0):
            raise EvaluationError("overflow", f"double {format_double(value)} is beyond 64 bits")
        return kind(int(value))

    return from_double


def _from_text(kind: type, form: re.Pattern[str]) -> Any:
    def run(budget: Budget, text: str) -> Any:
        if len(text) > 400 or form.fullmatch(text) is None:
            raise EvaluationError("conversion", f"text is no {'double' if kind is float else 'integer'}")
        try:
            return ranged(kind, kind(text))
        except EvaluationError as error:
            raise EvaluationError("conversion", error.message) from error

    return run


def _ranged(kind: type) -> Any:
    return lambda budget, value: ranged(kind, value)


def _bool(budget: Budget, text: str) -> bool:
    if text not in _TRUTHS:
        raise EvaluationError("conversion", "text is neither true nor false")
    return _TRUTHS[text]


def _decode(budget: Budget, value: bytes) -> str:
    budget.spend_lengths(value)
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise EvaluationError("conversion", "bytes are not UTF-8") from error


def _encode(budget: Budget, text: str) -> bytes:
    budget.spend_lengths(text)
    return text.encode("utf-8", "surrogatepass")


def _seconds(budget: Budget, moment: Timestamp) -> int:
    return moment.nanoseconds // SECOND


def _same(budget: Budget, value: Any) -> Any:
    return value


OVERLOADS = (
    *(
        function(name, (kind,), kind, _same)
        for name, kind in (
            ("int", INT), ("uint", UINT), ("double", DOUBLE), ("string", STRING), ("bytes", BYTES), ("bool", BOOL)
        )
    ),
    function("int", (UINT,), INT, _ranged(int)),
    function("int", (DOUBLE,), INT, _int(int)),
    function("int", (STRING,), INT, _from_text(int, _INTEGER)),
    function("int", (TIMESTAMP,), INT, _seconds),
    function("uint", (INT,), UINT, _ranged(Uint)),
    function("uint", (DOUBLE,), UINT, _int(Uint)),
    function("uint", (STRING,), UINT, _from_text(Uint, _UNSIGNED)),
    function("double", (INT,), DOUBLE, _ranged(float)),
    function("double", (UINT,), DOUBLE, _ranged(float)),
    function("double", (STRING,), DOUBLE, _from_text(float, _DOUBLE)),
    function("string", (BOOL,), STRING, lambda budget, value: "true" if value else "false"),
    function("string", (INT,), STRING, lambda budget, value: str(value)),
    function("string", (UINT,), STRING, lambda budget, value: str(int(value))),
    function("string", (DOUBLE,), STRING, lambda budget, value: format_double(value)),
    function("string", (BYTES,), STRING, _decode),
    function("string", (TIMESTAMP,), STRING, lambda budget, value: format_timestamp(value)),
    function("string", (DURATION,), STRING, lambda budget, value: format_duration(value)),
    function("bytes", (STRING,), BYTES, _encode),
    function("bool", (STRING,), BOOL, _bool),
)  # fmt: skip
