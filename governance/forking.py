# SPDX-License-Identifier: Apache-2.0
"""Further processes of ours, to share work: forks, which need not load again what this one has loaded, and new ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

_THREADS = Path("/proc/self/task")


def can_fork() -> bool:
    """Whether a fork of this process could go on: the system is made for it, and no other thread runs.

    Another thread's locks would stay locked in the fork for ever. Threads are counted as the system counts them: those
    of libraries are none of Python's.
    """
    return sys.platform == "linux" and _THREADS.is_dir() and len(list(_THREADS.iterdir())) == 1


def fork(work: Callable[[], object]) -> int:
    """This process once more, doing one thing; then it leaves without a word.

    Args:
        work: What it does. It must use nothing that is open here, nor close it: no database.

    Returns:
        The number of the fork.

    Raises:
        OSError: There can be no further process.
    """
    number = os.fork()
    if number == 0:
        try:
            work()
        finally:
            os._exit(0)
    return number


def module_environment() -> dict[str, str]:
    """The environment in which a new process finds our modules where this one does."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
