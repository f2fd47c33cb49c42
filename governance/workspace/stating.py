# SPDX-License-Identifier: Apache-2.0
"""How the workspace puts what it is told into events: actors, ids, moments, assessments."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from governance.core.instants import format_instant
from governance.errors import EventError
from governance.events.refs import kind_of

if TYPE_CHECKING:
    from governance.policy.model import Assessment, RuleSetLine

TOOL = "tool:governance"


def told_event(
    type: str,  # the envelope's own word
    subject: str,
    *,
    actor: str,
    data: Mapping[str, Any],
    on_behalf_of: str | None,
    occurred_at: str | datetime | None,
    id: str | None,  # the envelope's own word
    now: datetime,
) -> dict[str, Any]:
    """An event's envelope as plain values, not yet validated; what was left out is made from the present moment."""
    moment = occurred_at if occurred_at is not None else now
    return {
        "id": id or new_id(now),
        "type": type,
        "schema_version": 1,
        "occurred_at": format_instant(moment) if isinstance(moment, datetime) else moment,
        "actor": actor_of(actor, on_behalf_of),
        "subject": subject,
        "data": dict(data),
    }


def told_assessment(assessment: Assessment, line: RuleSetLine) -> dict[str, Any]:
    """The payload of `assessment.recorded` for one of an assessment's rule sets."""
    return {
        "rule_set": f"rule_set:{line.id}@{line.version}",
        "rule_set_digest": line.digest,
        "verdict": assessment.verdict,
        "tree_size": assessment.tree_size,
        "assessed_at": format_instant(assessment.assessed_at),
        "findings_digest": assessment.findings_digest(line.id),
        "tally": {name: count for name, count in assessment.tally.items() if count},
    }


def actor_of(text: str, on_behalf_of: str | None) -> dict[str, str]:
    """The envelope's actor out of `person:…`, `service:…` or `tool:…`.

    Raises:
        EventError: Not of that form.
    """
    kind = kind_of(text)
    if kind not in ("person", "service", "tool") or ":" not in text:
        raise EventError(
            f"not an actor: {text[:80]!r}",
            hint="write person:…, service:… or tool:…, as in person:risk-officer-7",
        )
    actor = {"id": text.partition(":")[2], "kind": kind}
    return actor if on_behalf_of is None else actor | {"on_behalf_of": on_behalf_of}


def new_id(now: datetime) -> str:
    """A UUIDv7, RFC 9562 section 5.7: 48 bits of milliseconds, then chance."""
    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    chance = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | chance
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))
