# SPDX-License-Identifier: Apache-2.0
"""A summary: what is told of one subject where many are assessed.

Rules: nothing of the engine is loaded for it, since thousands are told again where nothing is assessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from governance.policy.model import Verdict


class Summary(NamedTuple):
    """What came of one subject.

    Attributes:
        errors: Findings whose rule could not be evaluated.
        horizon: When a finding first flips if nothing new is recorded, in microseconds since 1970.
        steady_until: Until when every evaluation comes out the same, likewise.
        line: A JSON object on one line, as it is told: subject, verdict, tally, horizon, and the findings that do not
            pass, waived ones among them, as `Finding.to_dict` gives them. Where thousands are told again, few are
            looked into.
    """

    subject: str
    verdict: Verdict
    errors: int
    horizon: int | None
    steady_until: int | None
    line: bytes

    @property
    def tally(self) -> Mapping[str, int]:
        """Findings by outcome, and `waived` among them."""
        return dict(orjson.loads(self.line)["tally"])

    @property
    def findings(self) -> tuple[Mapping[str, Any], ...]:
        """Those that do not pass."""
        return tuple(orjson.loads(self.line)["findings"])
