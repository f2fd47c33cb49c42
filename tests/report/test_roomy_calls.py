# SPDX-License-Identifier: Apache-2.0
"""Loops at any depth, without asking the system for memory in every round."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from governance.report.roomy_calls import with_room

ROUNDS, DEPTHS = 500, 400


def called() -> None:
    """What is called in every round: larger than a step of depth, so that some depth leaves no room for it."""


called.__code__ = called.__code__.replace(co_stacksize=64)


def faults_at(depth: int) -> int:
    """Pages that the system gave while something was called so often at this depth."""
    if depth:
        return faults_at(depth - 1)
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(ROUNDS):
        called()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def most_faults(calling: Callable[[int], int]) -> int:
    return max(calling(depth) for depth in range(DEPTHS))


@pytest.mark.skipif(sys.platform != "linux", reason="pages are counted so on Linux")
def test_no_depth_is_slow() -> None:
    """At some depth every call asks for memory, unless there is room."""
    if most_faults(faults_at) < ROUNDS:
        pytest.skip("this Python keeps the memory of its calls")
    assert most_faults(with_room(faults_at)) < ROUNDS / 10


def test_it_is_the_same_work() -> None:
    def told(name: str, *, aloud: bool = False) -> str:
        """Tells a name."""
        return name.upper() if aloud else name

    roomy = with_room(told)
    assert (roomy("ada"), roomy("ada", aloud=True)) == ("ada", "ADA")
    assert (roomy.__name__, roomy.__doc__) == ("told", "Tells a name.")
    with pytest.raises(TypeError, match="loud"):
        roomy("ada", loud=True)  # type: ignore[call-arg]


def test_it_goes_as_deep_as_python_lets_it() -> None:
    @with_room
    def deep(count: int) -> int:
        return 1 + deeper(count - 1)

    def deeper(count: int) -> int:
        return 1 + deeper(count - 1) if count else 0

    assert deep(500) == 500
    with pytest.raises(RecursionError):
        deep(sys.getrecursionlimit())
