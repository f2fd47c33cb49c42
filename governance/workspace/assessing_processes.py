# SPDX-License-Identifier: Apache-2.0
"""Other processes that write lines while this one does something else: started anew, or forked off this one.

Rules: a process writes into a file, since a pipe would make it wait for whoever reads. It is ended when the block is in
which it was started, whether it is done or not.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any, Self, cast

from governance.forking import fork, module_environment


class Process:
    """A process, and the file that it writes into.

    Args:
        pid: Its number.
        output: The file.
    """

    def __init__(self, pid: int, output: IO[bytes]) -> None:
        self._pid = pid
        self._output = output
        self._read = 0
        self._has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if not self._has_ended:  # its number may be another's by then
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self.wait()
        self._output.close()

    def wait(self) -> None:
        """Wait until it has ended."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._has_ended = True

    def new_lines(self) -> list[bytes]:
        """Whole lines that it wrote since this was last asked; it is not waited for."""
        there = os.fstat(self._output.fileno()).st_size - self._read
        # The place in the file that a seek would move is the writer's.
        whole, end, _ = os.pread(self._output.fileno(), there, self._read).rpartition(b"\n")
        self._read += len(whole) + len(end)
        return whole.split(b"\n") if end else []


def forked(work: Callable[[IO[bytes]], object]) -> Process:
    """This process once more, doing one thing.

    Args:
        work: What it does, with the file that it writes into and flushes. It must use nothing that is open here.

    Raises:
        OSError: There can be no further process.
    """
    # It is closed when the process is ended.
    output = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115
    try:
        return Process(fork(lambda: work(output)), output)
    except OSError:
        output.close()
        raise


def started(module: str, task: Mapping[str, Any]) -> Process:
    """A module of ours, run by the interpreter that runs us.

    Args:
        module: Its name.
        task: What it reads from its standard input, as JSON.

    Raises:
        OSError: It cannot be started.
    """
    # It is closed when the process is ended.
    output = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115
    try:
        process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=module_environment(),
        )
    except OSError:
        output.close()
        raise
    process.returncode = 0  # it is waited for by its number
    with contextlib.suppress(OSError), cast("IO[str]", process.stdin) as stream:
        json.dump(task, stream)
    return Process(process.pid, output)
