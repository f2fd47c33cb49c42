# SPDX-License-Identifier: Apache-2.0
"""Every write and every sync of an operation made to fail, or to be the last thing that the process does.

strace puts itself between the process and the kernel and answers a chosen system call with an error, or sends SIGKILL
when it is reached. Each run ends in success, in one of our errors or in the kill; afterwards the ledger opens, verifies
and holds all or nothing of the operation, and the operation can be done again.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from governance.storage.opening import open_storage
from tests.faults.appending import fork_server, make_ledger, open_ledger, require_whole
from tests.faults.conftest import Tell
from tests.faults.operating import BATCH, LONG_BATCH, OPERATIONS, next_ledger, operate, rotate_key
from tests.ledger.histories import ORIGIN

STRACE = shutil.which("strace")
SYNCS = ("fsync", "fdatasync", "msync")
WRITES = ("write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate", "unlink", "rename")
ANSWER = "sendto"
"""With it the child acknowledges."""
RUNS_MAX = 40
"""For one operation."""
WAIT_SECONDS_MAX = 120


def cannot_trace() -> str | None:
    """Why system calls cannot be made to fail here, None when they can."""
    if STRACE is None:
        return "strace is not installed"
    ran = subprocess.run(
        [STRACE, "-qq", "-e", "trace=none", "-e", "inject=fsync:error=EIO", "true"],
        capture_output=True, text=True, check=False, timeout=WAIT_SECONDS_MAX,
    )  # fmt: skip
    return None if ran.returncode == 0 else f"strace may not trace here: {ran.stderr.strip()[:200]}"


REASON = cannot_trace()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


class Run:
    """One operation in a child under strace.

    Attributes:
        told: What the child answered; empty when it was killed.
        killed: Whether it was.
        calls: How often each of the system calls that can be made to fail was made.
        steps: The same in order, each with its file, and with the answer as `sendto`.
    """

    def __init__(
        self,
        operation: str,
        url: str,
        log: Path,
        fault: str | None = None,
        *,
        child_does: Callable[[str, str, socket.socket], None] = operate,
    ) -> None:
        self.told: dict[str, Any] = {}
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile("rb") as stream:
            child = fork_server().Process(target=child_does, args=(operation, url, theirs))
            child.start()
            theirs.close()
            process = json.loads(stream.readline())["ready"]
            tracer = _attach(process, log, fault)
            try:
                ours.send(b"go\n")
                answer = stream.readline()
                if answer:
                    self.told = json.loads(answer)
                child.join(WAIT_SECONDS_MAX)
                tracer.communicate(timeout=WAIT_SECONDS_MAX)
            finally:
                child.kill()
                tracer.kill()
                tracer.wait()
            self.killed = child.exitcode == -signal.SIGKILL
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [re.match(r"(?:\d+ +)?([a-z0-9]+)\((?:\d+<([^>]*)>)?", line) for line in lines]
        self.steps = [(match[1], match[2]) for match in found if match]
        self.calls = Counter(name for name, _ in self.steps if name != ANSWER)
        self.injected = any("(INJECTED)" in line or "killed by SIGKILL" in line for line in lines)


def _attach(process: int, log: Path, fault: str | None) -> subprocess.Popen[str]:
    """A tracer on a process, in place when this returns."""
    command = [str(STRACE), "-f", "-y", "-o", str(log), "-e", f"trace={','.join((*SYNCS, *WRITES, ANSWER))}"]
    command += ["-e", f"inject={fault}"] if fault else []
    tracer = subprocess.Popen([*command, "-p", str(process)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    line = tracer.stderr.readline()
    assert "attached" in line, line
    return tracer


@pytest.fixture
def made(sqlite_url: str) -> str:
    """A ledger with an opening, and an entry that no checkpoint covers yet."""
    make_ledger(sqlite_url)
    with closing(open_storage(sqlite_url)) as storage:
        open_ledger(storage).append([BATCH[0] | {"id": "before"}])
    return sqlite_url


def faults_for(calls: Counter[str], limit: int) -> list[str]:
    """What to inject: an error that stays (`N+`, as on a dead disk) and SIGKILL at every call, then ENOSPC and EINTR.

    Spread evenly over the calls where they are too many for the limit. EINTR comes once, since a program is right to
    try again for ever.
    """
    places = [(name, at) for name, count in sorted(calls.items()) for at in range(1, count + 1)]
    first = [
        f"{name}:{what}"
        for name, at in places
        for what in (f"error=EIO:when={at}+", f"signal=SIGKILL:when={at}")
    ]
    then = [f"{name}:error=ENOSPC:when={at}" for name, at in places if name in WRITES]
    then += [f"{name}:error=EINTR:when={at}" for name, at in places]
    first = _spread(first, limit * 3 // 4)
    return first + _spread(then, limit - len(first))


def _spread(values: list[str], limit: int) -> list[str]:
    """At most so many of them, at equal distances."""
    if len(values) <= limit:
        return values
    step = len(values) / limit
    return [values[int(at * step)] for at in range(limit)]


def test_a_failing_sync_is_told_and_nothing_is_lost(made: str, tmp_path: Path) -> None:
    """The same as below, for one call."""
    run = Run("append", made, tmp_path / "strace.log", "fdatasync:error=EIO:when=1")
    assert run.told.get("error") == "StorageError", run.told
    assert run.told["exit_code"] == 5
    assert run.told["hint"]
    require_all_or_nothing("append", made, run)


@pytest.mark.parametrize("operation", ["append", "append_long", "checkpoint"])
def test_what_is_acknowledged_was_synced_before(made: str, tmp_path: Path, operation: str) -> None:
    """Between the last write to the write-ahead log and the answer stands a sync of it: power may fail from then on."""
    steps = Run(operation, made, tmp_path / "strace.log").steps
    answered = max(at for at, (name, _) in enumerate(steps) if name == ANSWER)
    log = f"{made.removeprefix('sqlite:///')}-wal"
    written = max(at for at, (name, file) in enumerate(steps) if name in WRITES and file == log)
    synced = max((at for at, (name, file) in enumerate(steps) if name in SYNCS and file == log), default=-1)
    assert written < synced < answered


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_write_and_sync_may_fail(made: str, tmp_path: Path, operation: str, tell: Tell) -> None:
    """EIO, ENOSPC, EINTR and SIGKILL at each of them, one in each run."""
    template = tmp_path / "template"
    template.mkdir()
    path = Path(made.removeprefix("sqlite:///"))
    shutil.copy(path, template / path.name)
    clean = Run(operation, made, tmp_path / "strace.log")
    assert "done" in clean.told, clean.told
    assert set(clean.calls) & set(SYNCS), "an operation that syncs nothing promises nothing"
    outcomes: Counter[str] = Counter()
    faults = faults_for(clean.calls, RUNS_MAX - 1)
    for fault in faults:
        for suffix in ("", "-wal", "-shm", ".lock"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(template / path.name, path)
        run = Run(operation, made, tmp_path / "strace.log", fault)
        assert run.injected, f"{fault} was never reached"
        outcomes[f"{fault.split(':')[1]}: {require_all_or_nothing(operation, made, run)}"] += 1
    tell("calls", dict(clean.calls))
    tell("outcomes", dict(outcomes))
    assert sum(outcomes.values()) == len(faults) < RUNS_MAX


def require_all_or_nothing(operation: str, url: str, run: Run) -> str:
    """Hold the ledger against what became of the run; how it ended."""
    if run.killed:
        ended = "killed"
    elif "done" in run.told:
        ended = "done"
    else:
        assert "error" in run.told, run.told
        assert (run.told["error"], run.told["exit_code"]) == ("StorageError", 5), run.told
        assert run.told["hint"], run.told
        ended = "refused"
    require_whole(url)
    with closing(open_storage(url)) as storage:
        size = storage.head().size
        latest = storage.latest_checkpoint()
        assert latest is not None
        covered = latest.tree_size
        ledger = open_ledger(storage)
        if operation == "rotate_key":
            assert size in ((3,) if ended == "done" else (2, 3))
            assert covered in ((3,) if ended == "done" else (1, 2, 3))
            assert rotate_key(ledger, storage) == [3]
            ledger = next_ledger(storage)
        elif operation == "checkpoint":
            assert covered in ((2,) if ended == "done" else (1, 2))
        else:
            batch = LONG_BATCH if operation == "append_long" else BATCH
            assert size in ((2 + len(batch),) if ended == "done" else (2, 2 + len(batch)))
            again = ledger.append(batch)
            assert [entry.index for entry in again] == list(range(2, 2 + len(batch)))
        assert ledger.checkpoint().tree_size == storage.head().size
        assert ledger.append([BATCH[0] | {"id": "after"}])[0].index == storage.head().size - 1
    found = require_whole(url)
    assert found.origin == ORIGIN
    return ended
