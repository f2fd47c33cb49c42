# SPDX-License-Identifier: Apache-2.0
"""Calls that go deep, in a loop, without asking the system for memory in every round.

CPython keeps what is called in chunks of 16 KiB. A call at the end of one is given a new chunk, which is returned when
the call returns: a loop at that depth asks the system each time, and a fifth of the time of laying out a page is that.
A call that is itself large is given a chunk that has room for all that it calls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_WORDS = 1 << 16
"""Of a call's own, half a MiB: chunks double until a call fits, so as much is left. Unused, it takes no memory."""


def with_room(work: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """The same work, called with room for a thousand calls inside it."""

    def roomy(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        return work(*args, **kwargs)

    roomy.__code__ = roomy.__code__.replace(co_stacksize=_WORDS)
    return functools.wraps(work)(roomy)
