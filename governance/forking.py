# SPDX-License-Identifier: Apache-2.0
"""Whether this process can be forked, so that what it has loaded need not be loaded again to share work."""

from __future__ import annotations

import sys
from pathlib import Path

_THREADS = Path("/proc/self/task")


def can_fork() -> bool:
    """Whether a fork of this process could go on: the system is made for it, and no other thread runs.

    Another thread's locks would stay locked in the fork for ever. Threads are counted as the system counts them: those
    of libraries are none of Python's.
    """
    return sys.platform == "linux" and _THREADS.is_dir() and len(list(_THREADS.iterdir())) == 1
