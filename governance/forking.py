# SPDX-License-Identifier: Apache-2.0
"""Further processes of ours, to share work: forks, which need not load again what this one has loaded, and new ones.

Whatever a fork must not share with the process that it was forked off says so (`watch`), and is told of every fork,
ours and anybody's: it is closed before and opened anew after, in both.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

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


class Watched(Protocol):
    """What is told when this process is forked with `os.fork`, as `multiprocessing` and servers of many workers do."""

    def before_fork(self) -> None:
        """Close what must not be shared, and let nobody use it until it is over."""

    def after_fork(self) -> None:
        """It is over: go on in the process that was forked, in the thread that forked."""

    def begin_in_fork(self) -> None:
        """Begin anew in the fork.

        It may come without the others: a server written in C may tell Python only then. No lock of before is worth
        anything there, since its holder may be a thread that was not forked.
        """


_watched: WeakSet[Watched] = WeakSet()
_forking = threading.local()
"""What a thread that forks has told, in `told`."""


def watch(each: Watched) -> None:
    """Tell something of every fork from now on, as long as anybody uses it."""
    _watched.add(each)


def _before() -> None:
    _forking.told = []
    for each in list(_watched):
        each.before_fork()
        _forking.told.append(each)


def _after_in_parent() -> None:
    while _forking.told:
        _forking.told.pop().after_fork()


def _after_in_child() -> None:
    for each in list(_watched):
        each.begin_in_fork()


if hasattr(os, "register_at_fork"):  # Windows forks nothing
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
