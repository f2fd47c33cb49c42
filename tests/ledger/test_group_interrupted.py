# SPDX-License-Identifier: Apache-2.0
"""A caller that is interrupted, wherever it stands, leaves nobody behind waiting; nor does a fork."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from governance.ledger import group_commit
from governance.ledger.group_commit import GroupCommit
from tests.ledger.callers import Disk, Outcomes, held, standing, started, wait_until


class Interrupted(Exception):  # noqa: N818  # it is no error: it stands for Control-C
    """What the main thread is interrupted with."""


@pytest.fixture
def interrupted_main(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Interrupts what the main thread does, a wait for a lock too."""

    def raise_it(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, raise_it)
    main = threading.main_thread().ident
    assert main is not None
    yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def run_in_main(line: GroupCommit[Sequence[int], str], number: int, then: Callable[[], object]) -> None:
    """Let the main thread stand in line until it is interrupted; `then` is done beside it when it stands there."""
    assert threading.current_thread() is threading.main_thread()
    standing = len(line._line) + 1

    def beside_it() -> None:
        wait_until(lambda: len(line._line) == standing)
        then()

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(beside_it)
        with pytest.raises(Interrupted):
            line.run([number])
        beside.result(10)


def test_who_is_interrupted_in_the_line_is_not_written(interrupted_main: Callable[[], None]) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, waiting_max=2)
    first = held(disk, line)
    run_in_main(line, 1, interrupted_main)
    assert (len(line._line), line._waiting) == (0, 0)
    disk.go.set()
    first.join(10)
    assert line.run([2]) == "done [2]"
    assert disk.groups == [[[0]], [[2]]]


def test_who_is_interrupted_before_its_lead_begins_hands_it_on(
    interrupted_main: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, group_max=1)
    first = held(disk, line)
    told: list[str] = []
    behind: list[threading.Thread] = []

    def lead(own: object) -> None:
        assert threading.current_thread() is threading.main_thread()
        monkeypatch.undo()
        interrupted_main()
        assert threading.Event().wait(10)  # never: the signal comes first

    def then() -> None:
        behind.append(started(lambda: told.append(line.run([2]))))
        wait_until(lambda: len(line._line) == 2)
        monkeypatch.setattr(line, "_lead", lead)
        disk.go.set()

    run_in_main(line, 1, then)
    for thread in (first, *behind):
        thread.join(10)
    assert told == ["done [2]"]
    assert disk.groups == [[[0]], [[2]]]
    assert line.run([3]) == "done [3]"


def test_a_task_leads_on_after_who_is_interrupted(
    interrupted_main: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, group_max=1)
    first = held(disk, line)

    def lead(own: object) -> None:
        monkeypatch.undo()
        raise Interrupted

    with ThreadPoolExecutor(1) as pool:
        tasks = []

        def then() -> None:
            tasks.append(pool.submit(lambda: asyncio.run(line.run_async([2]))))
            wait_until(lambda: len(line._line) == 2)
            monkeypatch.setattr(line, "_lead", lead)
            disk.go.set()

        run_in_main(line, 1, then)
        assert tasks[0].result(10) == "done [2]"
    first.join(10)


def test_who_is_interrupted_in_a_group_leaves_the_others_to_be_woken(
    interrupted_main: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is in the middle of those who wake one another; what it wanted is being written already."""
    monkeypatch.setattr(group_commit, "GATHERING_SECONDS_MAX", 0)
    began, go = threading.Event(), threading.Event()
    groups: list[list[list[int]]] = []

    def commit(some: Sequence[Sequence[int]]) -> Outcomes:
        groups.append([list(each) for each in some])
        if len(groups) <= 2:
            began.set()
            assert go.wait(10)
            go.clear()
        return [f"done {list(each)}" for each in some]

    line = GroupCommit[Sequence[int], str](commit)
    told: list[str] = []
    threads = [started(lambda: told.append(line.run([0])))]
    assert began.wait(10)

    def come(number: int) -> None:
        before = len(line._line)
        threads.append(started(lambda: told.append(line.run([number]))))
        wait_until(lambda: len(line._line) == before + 1)

    def then() -> None:
        for number in (4, 5):
            come(number)
        go.set()
        wait_until(lambda: len(groups) == 2)  # all of them are being written now
        interrupted_main()

    for number in (1, 2):
        come(number)
    run_in_main(line, 3, then)
    go.set()
    for thread in threads:
        thread.join(10)
    assert groups == [[[0]], [[1], [2], [3], [4], [5]]]
    assert sorted(told) == [f"done [{number}]" for number in (0, 1, 2, 4, 5)]


def test_who_is_woken_and_interrupted_wakes_the_next_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)
    wake, calls = line._wake_following, []

    def interrupted_once(request: Any) -> None:
        calls.append(request)
        if not request.leads and len(calls) == 2:
            raise Interrupted
        wake(request)

    monkeypatch.setattr(line, "_wake_following", interrupted_once)
    with ThreadPoolExecutor(4) as pool:
        waiting = standing(pool, line, 1, 2, 3, 4)
        disk.go.set()
        outcomes = [each.exception(10) for each in waiting]
    first.join(10)
    assert [type(each) for each in outcomes].count(Interrupted) == 1
    assert disk.groups == [[[0]], [[1], [2], [3], [4]]]


def test_a_leader_that_is_interrupted_while_it_wakes_leaves_nobody_asleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)
    wake, calls = line._wake, []

    def interrupted_once(waiting: Any) -> None:
        calls.append(len(waiting))
        if len(calls) == 2:
            raise Interrupted
        wake(waiting)

    monkeypatch.setattr(line, "_wake", interrupted_once)
    with ThreadPoolExecutor(4) as pool:
        waiting = standing(pool, line, 1, 2)
        waiting.append(pool.submit(lambda: asyncio.run(line.run_async([3]))))
        wait_until(lambda: len(line._line) == 3)
        disk.go.set()
        with pytest.raises(Interrupted):
            waiting[0].result(10)
        assert [each.result(10) for each in waiting[1:]] == ["done [2]", "done [3]"]
    first.join(10)
    assert line.run([4]) == "done [4]"


def test_those_whom_an_interrupted_leader_led_stand_in_line_again_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)

    def cut_short(own: Any, *, stays: bool = False) -> Any:
        monkeypatch.undo()
        own.led = [own]
        line._join(own.led)
        own.led[1].outcome = "done before"
        raise Interrupted

    with ThreadPoolExecutor(4) as pool:
        waiting = standing(pool, line, 1, 2, 3, 4)
        monkeypatch.setattr(line, "_lead_group", cut_short)
        disk.go.set()
        assert isinstance(waiting[0].exception(10), Interrupted)
        assert [each.result(10) for each in waiting[1:]] == ["done before", "done [3]", "done [4]"]
    first.join(10)
    assert disk.groups == [[[0]], [[3], [4]]]
    assert (line._waiting, line._is_led) == (0, False)


def test_who_was_interrupted_in_the_group_of_an_interrupted_leader_stands_in_line_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)

    def cut_short(own: Any, *, stays: bool = False) -> Any:
        monkeypatch.undo()
        own.led = [own]
        line._join(own.led)
        line._leave(own.led[1])
        raise Interrupted

    with ThreadPoolExecutor(3) as pool:
        waiting = standing(pool, line, 1, 2, 3)
        gone = line._line[1]
        monkeypatch.setattr(line, "_lead_group", cut_short)
        disk.go.set()
        assert waiting[2].result(10) == "done [3]"
        gone.outcome = "left"
        assert gone.woken is not None
        gone.woken.release()  # its thread is still there, since only its leaving was played
        assert waiting[1].result(10) == "left"
    first.join(10)
    assert disk.groups == [[[0]], [[3]]]


def test_a_fork_begins_with_an_empty_line() -> None:
    """Whoever leads or waits is a thread of the process that was forked; there the line goes on as it stood."""
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)
    second = started(lambda: line.run([1]))
    wait_until(lambda: len(line._line) == 1)
    line.before_fork()
    assert line._guard.locked()
    line.after_fork()
    assert (len(line._line), line._is_led, line._guard.locked()) == (1, True, False)
    disk.go.set()
    for thread in (first, second):
        thread.join(10)
    assert disk.groups == [[[0]], [[1]]]

    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)
    line.before_fork()
    line.begin_in_fork()
    disk.go.set()
    first.join(10)
    assert line.run([2]) == "done [2]"
