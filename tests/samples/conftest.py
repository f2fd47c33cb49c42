# SPDX-License-Identifier: Apache-2.0
"""The sample told once for all tests of this folder, to a workspace of plain lists.

Rules: the fake reads every event with `parse_event` and writes real entry bodies, as the ledger does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from governance.core.instants import format_instant
from governance.events.envelope import NO_PREVIOUS, Entry, format_body, parse_event, read_entry
from governance.events.refs import kind_of
from governance.resources import samples_directory
from governance.workspace.opened import Workspace
from governance.workspace.opening import init_workspace

sys.path.insert(0, str(samples_directory().parent))

ORIGIN = "example.com/credit-scoring"

if TYPE_CHECKING:
    from samples.credit_scoring.story import Story


@dataclass
class ListWorkspace:
    """A workspace that keeps entries in a list and signs nothing."""

    now: Callable[[], datetime]
    entries: list[Entry] = field(default_factory=list)

    def record(
        self,
        type: str,  # the envelope's own word
        subject: str,
        *,
        actor: str,
        on_behalf_of: str | None = None,
        occurred_at: str | datetime | None = None,
        id: str | None = None,  # the envelope's own word
        **data: Any,
    ) -> Entry:
        """Read the event and keep its entry."""
        moment = occurred_at or self.now()
        stated_by = {"kind": kind_of(actor), "id": actor.partition(":")[2]}
        event = parse_event(
            {
                "id": id,
                "type": type,
                "occurred_at": format_instant(moment) if isinstance(moment, datetime) else moment,
                "actor": stated_by | ({"on_behalf_of": on_behalf_of} if on_behalf_of else {}),
                "subject": subject,
                "data": data,
            }
        )
        body = format_body(
            event=event.to_canonical(),
            index=len(self.entries),
            appended_at=format_instant(self.now()),
            previous=self.entries[-1].leaf_hash.hex() if self.entries else NO_PREVIOUS,
        )
        self.entries.append(read_entry(body))
        return self.entries[-1]

    def checkpoint(self) -> bytes:
        """Give a note that nobody signed."""
        return f"unsigned\n{len(self.entries)}\n".encode()


@dataclass(frozen=True)
class Telling:
    """One telling of the story."""

    story: Story
    entries: tuple[Entry, ...]
    directory: Path
    said: tuple[str, ...]


@pytest.fixture(scope="session")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Telling:
    """The story, told once to the list; entry 0 opens the ledger, as in a real one."""
    pytest.importorskip("sklearn", reason="the sample trains with scikit-learn")
    from samples.credit_scoring.clock import StoryClock
    from samples.credit_scoring.story import run

    directory = tmp_path_factory.mktemp("telling")
    clock = StoryClock()
    workspace = ListWorkspace(clock.now)
    workspace.record(
        "ledger.opened",
        f"ledger:{ORIGIN}",
        actor="tool:governance",
        id="opened",
        origin=ORIGIN,
        verifier_key=f"{ORIGIN}+00000000+AAAA",
        format_version=1,
    )
    said: list[str] = []
    story = run(workspace, clock, directory, said.append)
    return Telling(story, tuple(workspace.entries), directory, tuple(said))


@pytest.fixture(scope="session")
def told_to_ledger(tmp_path_factory: pytest.TempPathFactory, telling: Telling) -> Iterator[Workspace]:
    """The story told a second time, to a real ledger in another folder."""
    from samples.credit_scoring.clock import StoryClock
    from samples.credit_scoring.story import run

    del telling
    directory = tmp_path_factory.mktemp("told_to_ledger")
    clock = StoryClock()
    url = f"sqlite:///{directory / 'governance.db'}"
    with init_workspace(url, origin=ORIGIN, retention_days=3650, clock=clock.now) as workspace:
        run(workspace, clock, directory, lambda line: None)
        yield workspace
