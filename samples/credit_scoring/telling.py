# SPDX-License-Identifier: Apache-2.0
"""How the story is told: one event after the other, each with the next id, at the story's present moment.

Rules: figures come in as computed and are written with six decimals. Nothing here knows what the story is
about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from governance.core.hashing import digest_bytes
from governance.core.instants import format_instant

from .clock import StoryClock
from .experiment import Experiment

FIGURE_DECIMALS = 6

Figures = list[dict[str, Any]]
"""Measurements as events hold them."""


class Recorder(Protocol):
    """What the story needs of a workspace."""

    def record(
        self,
        type: str,
        subject: str,
        *,
        actor: str,
        on_behalf_of: str | None = None,
        occurred_at: str | datetime | None = None,
        id: str | None = None,
        **data: Any,
    ) -> Any:
        """Append one event and give its entry, which has an `index`."""
        ...

    def checkpoint(self) -> bytes:
        """Sign a checkpoint over all entries so far and give its note."""
        ...


@dataclass(slots=True)
class Teller:
    """Whoever tells the story.

    Attributes:
        workspace: Where events go.
        clock: The story's clock.
        directory: Where documents are written, below `documents/`.
        say: Takes one line of progress.
        experiment: All figures.
        count: Events told so far.
        indexes: The index of the last entry of each event type.
    """

    workspace: Recorder
    clock: StoryClock
    directory: Path
    say: Callable[[str], None]
    experiment: Experiment
    count: int = 0
    indexes: dict[str, int] = field(default_factory=dict)

    def tell(
        self, type_: str, subject: str, *, actor: str, on_behalf_of: str | None = None, **data: Any
    ) -> int:
        """Record one event now and give the index of its entry."""
        self.count += 1
        entry = self.workspace.record(
            type_,
            subject,
            actor=actor,
            on_behalf_of=on_behalf_of,
            occurred_at=self.clock.now(),
            id=f"credit-{self.count:03d}",
            **data,
        )
        self.indexes[type_] = entry.index
        self.clock.advance(minutes=2)
        return int(entry.index)

    def on(self, month: int, day: int, hour: int = 9, minute: int = 0) -> None:
        """Move the story to a moment of 2026, UTC."""
        self.clock.at(datetime(2026, month, day, hour, minute, tzinfo=UTC))

    def ago(self, **span: float) -> str:
        """An instant before the present one."""
        return format_instant(self.clock.now() - timedelta(**span))

    def attach(self, subject: str, kind: str, title: str, text: str, *, actor: str, **data: Any) -> str:
        """Write a document as Markdown and record it with its digest; gives the digest.

        The file is named after its kind and version, as in `documents/oversight_plan-2.md`.
        """
        content = text.encode()
        folder = self.directory / "documents"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{kind}-{data.setdefault('version', '1')}.md"
        (folder / name).write_bytes(content)
        digest = digest_bytes(content)
        location = f"documents/{name}"
        self.tell(
            "document.attached",
            subject,
            actor=actor,
            kind=kind,
            digest=digest,
            title=title,
            location=location,
            **data,
        )
        return digest


def figure(
    name: str,
    value: float,
    *,
    of: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    size: int | None = None,
    unit: str = "1",
) -> dict[str, Any]:
    """A measurement as an event holds it; `of` names the slice, `size` the sample."""
    bounds = {"minimum": minimum, "maximum": maximum}
    threshold = {bound: value for bound, value in bounds.items() if value is not None}
    found = {
        "name": name,
        "value": round(float(value), FIGURE_DECIMALS),
        "unit": unit,
        "slice": of,
        "threshold": threshold or None,
        "sample_size": size,
    }
    return {key: value for key, value in found.items() if value is not None}


def keeps(figures: Figures) -> bool:
    """Whether every measurement keeps its threshold, bounds included."""
    for each in figures:
        threshold = each.get("threshold", {})
        if each["value"] < threshold.get("minimum", each["value"]):
            return False
        if each["value"] > threshold.get("maximum", each["value"]):
            return False
    return True
