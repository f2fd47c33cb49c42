# SPDX-License-Identifier: Apache-2.0
"""Single operations on a ledger, each done in a child that waits for the word to begin.

Rules: a child says `ready` when everything that the operation does not need to do itself is done, and begins when it
is told, so that a tracer can be put on it in between and counts the system calls of the operation alone. It talks
through a socket (`send`, never `write`) because `write` is what is made to fail. What it answers is `done` and the
result, or the error that left our surface. To try another operation under faults, add it to `OPERATIONS`.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

from governance.errors import GovernanceError
from governance.ledger.key_chain import read_key_chain
from governance.ledger.log import Ledger
from governance.ledger.rotation import state_rotation
from governance.storage.interface import Storage
from governance.storage.opening import open_storage
from tests.faults.appending import KEY, batch_of, clock, open_ledger
from tests.ledger.histories import ORIGIN, event, signing_key

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)

NEXT = signing_key(7)
BATCH = batch_of("operation", 1, 1)
LONG_BATCH = batch_of("operation", 2, 900)
"""More pages than SQLite keeps in its write-ahead log before it moves them into the file."""


def append(ledger: Ledger, _: Storage) -> list[int]:
    """Append one event; its index."""
    return [entry.index for entry in ledger.append(BATCH)]


def append_long(ledger: Ledger, _: Storage) -> list[int]:
    """Append so many events that the write-ahead log is moved into the file."""
    return [entry.index for entry in ledger.append(LONG_BATCH)]


def append_and_close(ledger: Ledger, storage: Storage) -> list[int]:
    """Append and close, which moves the write-ahead log into the file and takes it away."""
    indexes = append(ledger, storage)
    storage.close()
    return indexes


def checkpoint(ledger: Ledger, _: Storage) -> list[int]:
    """Sign a checkpoint; the tree size that it covers."""
    return [ledger.checkpoint().tree_size]


def rotate_key(ledger: Ledger, storage: Storage) -> list[int]:
    """Record a new key and have both sign, or go on from where that stopped; the tree size that both signed."""
    chain = read_key_chain(storage)
    if NEXT.verifier_key not in chain.keys:
        data = state_rotation(chain, storage, old=KEY, new=NEXT, reason="planned")
        ledger.append([event(0, "key.rotated", chain.subject, **data) | {"id": "rotation"}])
    return [next_ledger(storage).checkpoint(also=[KEY]).tree_size]


def next_ledger(storage: Storage) -> Ledger:
    """The ledger with the key that follows."""
    return Ledger(storage, clock=clock, origin=ORIGIN, signing_key=NEXT)


OPERATIONS: dict[str, Callable[[Ledger, Storage], list[int]]] = {
    "append": append,
    "append_long": append_long,
    "append_and_close": append_and_close,
    "checkpoint": checkpoint,
    "rotate_key": rotate_key,
}


def operate(name: str, url: str, link: socket.socket) -> None:
    """Get ready, wait for a line, do the operation, answer."""
    # Where the kernel lets only ancestors trace (Yama), this lets everyone.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        storage.head()
        with storage.writing():
            pass  # the writer's connection and the lock's file are opened now
        _say(link, {"ready": os.getpid()})
        link.recv(16)
        try:
            told: dict[str, Any] = {"done": OPERATIONS[name](ledger, storage)}
        except GovernanceError as error:
            told = {
                "error": type(error).__name__,
                "exit_code": error.exit_code,
                "message": error.message,
                "hint": error.hint,
            }
        except BaseException as error:  # noqa: BLE001  # told, so that the test can fail with it
            told = {"foreign": repr(error)}
        _say(link, told)
        os._exit(0)  # what closing would do is not part of the operation


def _say(link: socket.socket, told: dict[str, Any]) -> None:
    link.sendall(json.dumps(told).encode() + b"\n")
