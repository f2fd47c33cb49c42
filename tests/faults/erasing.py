# SPDX-License-Identifier: Apache-2.0
"""Children that seal or erase and end themselves, as `kill -9` would, at a chosen step.

Rules: the steps are every statement that reaches the side store and every append to the ledger; a child ends before or
after the step that it is set for. Everything else is the real thing: the real store, the real ledger, real files.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.errors import GovernanceError
from governance.events.envelope import Event
from governance.ledger.appending import Entries
from governance.storage.sealed_sqlite import SqliteSealedStore
from governance.workspace import Workspace, init_workspace, open_workspace
from tests.faults.operating import PR_SET_PTRACER, PR_SET_PTRACER_ANY

ORIGIN = "example.com/audit"
ANA = "person:ana"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def make_ledger(folder: Path) -> str:
    """A ledger with a side store in which two persons have sealed values; its URL."""
    url = f"sqlite:///{folder / 'governance.db'}"
    with init_workspace(url, origin=ORIGIN) as workspace:
        workspace.init_sealing()
        workspace.append([enrolment("e1", "ana"), enrolment("e2", "ben")])
    return url


def enrolment(event_id: str, who: str) -> dict[str, Any]:
    """Somebody enrolled, with name and address in the clear."""
    return {
        "id": event_id,
        "type": "person.enrolled",
        "occurred_at": "2026-11-21T08:00:00Z",
        "actor": {"id": "hr", "kind": "service"},
        "subject": f"person:{who}",
        "data": {"name": f"{who} Martín of the night shift", "email": f"{who}@sealed.example.org"},
    }


def erase_ana(url: str) -> int:
    """Erase her, as whoever repeats the command would; the entry that says so."""
    with open_workspace(url) as workspace:
        return workspace.erase(ANA, reason="asked for it", actor="person:dpo").index


def seal_cleo(url: str) -> int:
    """Append one more person, as whoever repeats the command would; the entry."""
    with open_workspace(url) as workspace:
        return workspace.append([enrolment("e3", "cleo")])[0].index


def killed_at(url: str, deed: Callable[[str], int], step: int, is_before: bool, results: Any) -> None:
    """Do a deed, and be killed at a step; what is put into `results` was reached."""
    remaining = step

    def count(is_done: bool) -> None:
        nonlocal remaining
        if is_done == is_before:
            return
        remaining -= 1
        if remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    run, append = SqliteSealedStore._all, Workspace.append

    def counted_run(self: SqliteSealedStore, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        count(is_done=False)
        rows = run(self, sql, values)
        count(is_done=True)
        return rows

    def counted_append(self: Workspace, events: Iterable[Event | Mapping[str, Any]]) -> Entries:
        count(is_done=False)
        entries = append(self, events)
        count(is_done=True)
        return entries

    SqliteSealedStore._all = counted_run  # type: ignore[method-assign]  # in this child, which is about to end
    Workspace.append = counted_append  # type: ignore[method-assign]  # likewise
    results.put(deed(url))


def deed_when_told(name: str, url: str, link: socket.socket) -> None:
    """Open the ledger and its side store, wait for a line, do the deed, answer; for a tracer that is put on it."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
    with open_workspace(url) as workspace:
        workspace.sealing_state()
        link.sendall(json.dumps({"ready": os.getpid()}).encode() + b"\n")
        link.recv(16)
        told: dict[str, Any]
        try:
            if name == "erase":
                told = {"done": workspace.erase(ANA, reason="asked for it", actor="person:dpo").index}
            else:
                told = {"done": workspace.append([enrolment("e3", "cleo")])[0].index}
        except GovernanceError as error:
            told = {"error": type(error).__name__, "exit_code": error.exit_code, "hint": error.hint}
        except BaseException as error:  # noqa: BLE001  # told, so that the test can fail with it
            told = {"foreign": repr(error)}
        link.sendall(json.dumps(told).encode() + b"\n")
        os._exit(0)  # what closing would do is not part of the deed
