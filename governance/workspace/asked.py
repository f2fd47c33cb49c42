# SPDX-License-Identifier: Apache-2.0
"""What is asked of many subjects, and what comes of each: what one process tells another.

Rules: nothing of the engine is loaded for it, since thousands are told again where nothing is assessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from governance.core.instants import format_instant
from governance.policy.summary import Summary


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every subject.

    Attributes:
        rule_sets: Ids or folders.
        size: The tree size to look at.
        at: The moment that the rules take as now, as text.
        severity_min: The least severity that decides a verdict.
        parameters: Values for the rule sets' parameters.
        in_force_only: Leave rules out of the verdict that do not apply yet at that moment.
        fail_vacuous: What passes only because there is nothing to look at counts as unknown.
    """

    rule_sets: tuple[str, ...]
    size: int
    at: str
    severity_min: str
    parameters: Mapping[str, Any]
    in_force_only: bool
    fail_vacuous: bool


class Found(NamedTuple):
    """What came of a subject, and what would change it."""

    summary: Summary
    footprint: bytes


def asked_of(
    rule_sets: Sequence[str],
    *,
    size: int,
    at: datetime,
    severity_min: str,
    parameters: Mapping[str, Any] | None,
    in_force_only: bool,
    fail_vacuous: bool = False,
) -> Asked:
    """What is asked, in a form that can be sent to another process."""
    return Asked(
        tuple(rule_sets),
        size,
        format_instant(at),
        severity_min,
        parameters or {},
        in_force_only,
        fail_vacuous,
    )


def line_of(found: Found) -> bytes:
    """What came of a subject, as one process tells another."""
    head = orjson.dumps(found.summary[:-1])
    return b"\t".join((head, found.footprint.hex().encode(), found.summary.line)) + b"\n"


def found_in(line: bytes) -> Found:
    """What another process told; `found_in(line_of(found).rstrip()) == found`.

    Raises:
        ValueError, TypeError: It is nothing that a process of ours tells.
    """
    head, footprint, told = line.split(b"\t", 2)
    summary = Summary._make([*orjson.loads(head), told])
    return Found(summary, bytes.fromhex(footprint.decode()))
