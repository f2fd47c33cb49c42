# SPDX-License-Identifier: Apache-2.0
"""Encoders: base64.encode(bytes) and base64.decode(text), with and without padding.

Source: github.com/google/cel-go ext/README.md, "Encoders"; RFC 4648 section 4.
"""

from __future__ import annotations

import base64
import binascii

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.overloads import function
from governance.policy.cel.types import BYTES, STRING


def _encode(budget: Budget, value: bytes) -> str:
    budget.spend_lengths(value)
    return base64.b64encode(value).decode()


def _decode(budget: Budget, text: str) -> bytes:
    budget.spend_lengths(text)
    try:
        return base64.b64decode(
            text.rstrip("=").ljust(-(-len(text.rstrip("=")) // 4) * 4, "="), validate=True
        )
    except (binascii.Error, ValueError) as error:
        raise EvaluationError("argument", "text is not base64") from error


OVERLOADS = (
    function("base64.encode", (BYTES,), STRING, _encode),
    function("base64.decode", (STRING,), BYTES, _decode),
)
