# SPDX-License-Identifier: Apache-2.0
"""Group commit: callers at the same time share a transaction; order, outcomes and bounds are each caller's own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from governance.errors import ConflictError, EventError, GovernanceError, StorageError
from governance.ledger import group_commit
from governance.ledger.appending import prepare_all
from governance.ledger.group_commit import GroupCommit, _let_go_on
from governance.ledger.log import Ledger, _bounded
from governance.ledger.verify import verify
from governance.storage.interface import Storage
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage
from tests.ledger.callers import Disk, Outcomes, held, slow, started, wait_until
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

KEY = signing_key()


def test_a_single_caller_commits_at_once() -> None:
    disk = Disk()
    disk.go.set()
    assert GroupCommit(disk).run([1, 2]) == "done [1, 2]"
    assert disk.groups == [[[1, 2]]]


def test_who_waits_is_committed_together_in_the_order_of_coming() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    threads = [held(disk, line)]
    told: dict[int, str] = {}
    for number in range(1, 6):
        threads.append(started(lambda number=number: told.update({number: line.run([number])})))  # type: ignore[misc]
        wait_until(lambda number=number: len(line._line) == number)  # type: ignore[misc]
    disk.go.set()
    for thread in threads:
        thread.join(10)
    assert disk.groups == [[[0]], [[1], [2], [3], [4], [5]]]
    assert told == {number: f"done [{number}]" for number in range(1, 6)}
    assert not line._is_led


def test_one_caller_s_failure_is_theirs_alone() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)
    first = held(disk, line)
    with ThreadPoolExecutor(3) as pool:
        good, bad = pool.submit(line.run, [1]), pool.submit(line.run, [-1])
        disk.go.set()
        assert good.result(10) == "done [1]"
        with pytest.raises(ConflictError, match="-1"):
            bad.result(10)
    first.join(10)


def test_a_group_is_bounded_and_the_next_caller_leads_the_rest() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, group_max=4)
    threads = [held(disk, line)]
    for number in range(3):
        threads.append(started(lambda number=number: line.run([number] * 2)))  # type: ignore[misc]
        wait_until(lambda number=number: len(line._line) == number + 1)  # type: ignore[misc]
    disk.go.set()
    for thread in threads:
        thread.join(10)
    assert disk.groups == [[[0]], [[0, 0], [1, 1]], [[2, 2]]]


def test_a_caller_with_more_than_a_group_goes_alone() -> None:
    disk = Disk()
    disk.go.set()
    assert GroupCommit(disk, group_max=2).run([1, 2, 3, 4]) == "done [1, 2, 3, 4]"


def test_a_full_line_makes_callers_wait_for_room() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, waiting_max=2)
    threads = [held(disk, line), started(lambda: line.run([1, 1]))]
    wait_until(lambda: len(line._line) == 1)
    told: list[str] = []
    threads.append(started(lambda: told.append(line.run([2]))))
    assert not told
    assert line._waiting == 2
    disk.go.set()
    for thread in threads:
        thread.join(10)
    assert told == ["done [2]"]


def test_who_finds_no_room_for_long_gives_up_and_nothing_of_theirs_is_written() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, waiting_max=1, patience_seconds=0.01)
    threads = [held(disk, line), started(lambda: line.run([1]))]
    wait_until(lambda: len(line._line) == 1)
    with pytest.raises(StorageError, match="no room was made"):
        line.run([2])
    with pytest.raises(StorageError, match="no room was made"):
        asyncio.run(line.run_async([3]))
    disk.go.set()
    for thread in threads:
        thread.join(10)
    assert disk.groups == [[[0]], [[1]]]


def test_an_interrupted_leader_is_interrupted_alone() -> None:
    """Control-C in the middle of a commit: the others stand in line again, in their order, and theirs is done."""
    began, go = threading.Event(), threading.Event()
    calls: list[int] = []

    def commit(groups: Sequence[Sequence[int]]) -> Outcomes:
        calls.append(len(groups))
        if len(calls) == 1:
            began.set()
            assert go.wait(10)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return ["done"] * len(groups)

    line = GroupCommit[Sequence[int], str](commit)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(line.run, [1])
        assert began.wait(10)
        second = pool.submit(line.run, [2])
        wait_until(lambda: len(line._line) == 1)
        third = pool.submit(line.run, [3])
        wait_until(lambda: len(line._line) == 2)
        go.set()
        assert first.result(10) == "done"
        assert isinstance(second.exception(10), KeyboardInterrupt)
        assert third.result(10) == "done"
    assert calls == [1, 2, 1]
    assert line.run([4]) == "done"


def expecting(line: GroupCommit[Sequence[int], str], callers: int, *, seconds: float) -> None:
    """As after a group of so many callers, whose commit took so long that a leader waits for this time."""
    line._expected = callers
    line._commit_seconds = seconds / group_commit.GATHERING_PART


def test_a_leader_waits_for_those_who_were_served_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GATHERING_SECONDS_MAX", 10)
    disk = Disk()
    disk.go.set()
    line = GroupCommit[Sequence[int], str](disk)
    expecting(line, 3, seconds=10)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(line.run, [1])
        wait_until(lambda: line._gathered is not None)
        others = [pool.submit(line.run, [number]) for number in (2, 3)]
        assert [each.result(5) for each in (first, *others)] == ["done [1]", "done [2]", "done [3]"]
    assert [len(group) for group in disk.groups] == [3]
    assert line._gathered is None


def test_a_leader_waits_no_longer_than_a_part_of_a_commit_and_then_for_nobody() -> None:
    disk = Disk()
    disk.go.set()
    line = GroupCommit[Sequence[int], str](disk)
    expecting(line, 3, seconds=0.001)
    assert line.run([1]) == "done [1]"
    assert line._expected == 1
    assert line.run([2]) == "done [2]"
    assert disk.groups == [[[1]], [[2]]]


def test_a_leader_waits_for_nobody_while_callers_wait_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GATHERING_SECONDS_MAX", 10)
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, waiting_max=1)
    threads = [held(disk, line), started(lambda: line.run([1]))]
    wait_until(lambda: len(line._line) == 1)
    threads.append(started(lambda: line.run([2])))
    wait_until(lambda: line._wanting_room == 1)
    expecting(line, 9, seconds=10)
    assert line._is_complete()
    disk.go.set()
    for thread in threads:
        thread.join(10)
    assert disk.groups[0] == [[0]]
    assert sorted(each for group in disk.groups for each in group) == [[0], [1], [2]]


def test_an_interrupted_wait_writes_nothing_and_the_line_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    disk.go.set()
    line = GroupCommit[Sequence[int], str](disk)

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(line, "_gather", interrupt)
    with pytest.raises(KeyboardInterrupt):
        line.run([1])
    monkeypatch.undo()
    assert line.run([2]) == "done [2]"
    assert disk.groups == [[[2]]]


def threads_that_lead(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that are started to lead for tasks from now on."""
    kept: list[threading.Thread] = []

    class Kept(threading.Thread):
        def start(self) -> None:
            if self.name == "governance-commit":
                kept.append(self)
            super().start()

    monkeypatch.setattr(threading, "Thread", Kept)
    return kept


def test_one_thread_leads_for_tasks_that_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "GATHERING_SECONDS_MAX", 10)
    leading = threads_that_lead(monkeypatch)
    disk = Disk()
    disk.go.set()
    line = GroupCommit[Sequence[int], str](slow(disk))
    expecting(line, 3, seconds=10)

    async def caller(number: int) -> None:
        for _ in range(5):
            await line.run_async([number])

    async def main() -> None:
        await asyncio.gather(*(caller(number) for number in range(3)))

    asyncio.run(main())
    assert len(leading) == 1
    assert [sorted(group) for group in disk.groups] == [[[0], [1], [2]]] * 5
    leading[0].join(10)
    assert not line._is_led


def test_a_thread_that_comes_while_the_leader_of_tasks_waits_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "GATHERING_SECONDS_MAX", 0.2)
    leading = threads_that_lead(monkeypatch)
    disk = Disk()
    disk.go.set()
    line = GroupCommit[Sequence[int], str](disk)
    expecting(line, 2, seconds=10)

    async def both() -> None:
        await asyncio.gather(line.run_async([1]), line.run_async([2]))

    monkeypatch.setattr(line, "_commit", slow(disk))
    asyncio.run(both())
    assert line.run([3]) == "done [3]"
    leading[0].join(10)
    assert not line._is_led
    assert line.run([4]) == "done [4]"
    assert len(leading) == 1
    assert [len(group) for group in disk.groups] == [2, 1, 1]


def test_a_wait_for_tasks_that_fails_leaves_nobody_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    leading = threads_that_lead(monkeypatch)
    disk = Disk()
    disk.go.set()
    line = GroupCommit[Sequence[int], str](disk)
    gather, calls = line._gather, [0]

    def fail() -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("no lock can be made")
        gather()

    monkeypatch.setattr(line, "_gather", fail)
    assert asyncio.run(line.run_async([1])) == "done [1]"
    leading[0].join(10)
    assert calls[0] == 2
    assert not line._is_led


def test_tasks_share_commits_and_a_task_s_loop_is_never_held_up() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)

    async def main() -> list[str]:
        tasks = [asyncio.create_task(line.run_async([number])) for number in range(64)]
        await asyncio.sleep(0)
        await asyncio.to_thread(disk.began.wait, 10)
        disk.go.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [f"done [{number}]" for number in range(64)]
    assert [each for group in disk.groups for each in group] == [[number] for number in range(64)]
    assert len(disk.groups) <= 3


def test_tasks_and_threads_stand_in_one_line() -> None:
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk, group_max=1)
    first = held(disk, line)

    async def main() -> list[str]:
        tasks = [asyncio.create_task(line.run_async([number])) for number in (1, 2)]
        while len(line._line) < 2:
            await asyncio.sleep(0)
        thread = started(lambda: line.run([3]))
        await asyncio.to_thread(wait_until, lambda: len(line._line) == 3)
        disk.go.set()
        told = await asyncio.gather(*tasks)
        await asyncio.to_thread(thread.join, 10)
        return told

    assert asyncio.run(main()) == ["done [1]", "done [2]"]
    first.join(10)
    assert disk.groups == [[[0]], [[1]], [[2]], [[3]]]


def test_a_loop_that_is_gone_is_no_reason_to_stop() -> None:
    """A task that was cancelled with its loop is committed all the same, and the line goes on."""
    disk = Disk()
    line = GroupCommit[Sequence[int], str](disk)

    async def main() -> None:
        asyncio.ensure_future(line.run_async([1]))  # noqa: RUF006  # it is dropped on purpose
        await asyncio.sleep(0)

    asyncio.run(main())
    disk.go.set()
    wait_until(lambda: not line._is_led)
    assert line.run([2]) == "done [2]"
    assert disk.groups == [[[1]], [[2]]]


# The same through a ledger.


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return MemoryStorage() if request.param == "memory" else SqliteStorage.create(tmp_path / "ledger.db")


@pytest.fixture
def ledger(storage: Storage) -> Ledger:
    made = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    made.append([opening(KEY)])
    return made


def test_many_threads_and_tasks_append_without_gap_in_their_own_order(
    ledger: Ledger, storage: Storage
) -> None:
    def caller(name: int) -> list[int]:
        return [
            ledger.append([event(1000 * (name + 1) + at, subject=f"run:r{name}")])[0].index
            for at in range(25)
        ]

    async def task(name: int) -> list[int]:
        return [
            (await ledger.append_async([event(1000 * (name + 1) + at, subject=f"run:r{name}")]))[0].index
            for at in range(25)
        ]

    async def tasks() -> list[list[int]]:
        return await asyncio.gather(*(task(name) for name in range(8, 16)))

    with ThreadPoolExecutor(9) as pool:
        rest = pool.submit(lambda: asyncio.run(tasks()))
        orders = [*pool.map(caller, range(8)), *rest.result()]
    assert all(order == sorted(order) for order in orders)
    assert sorted(index for order in orders for index in order) == list(range(1, 401))
    ledger.checkpoint()
    assert verify(storage, keys=[KEY.verifier_key]).holds


def test_callers_of_one_group_keep_their_own_outcomes(ledger: Ledger, storage: Storage) -> None:
    """Twins, a conflict and an entry that is too large, each with honest callers in the same transaction."""
    ledger.append([event(1)])
    too_large = event(6, reason="x" * 4000) | {"id": "i" * 128}
    groups = [
        [event(2)],
        [event(1)],
        [event(1, reason="another")],
        [event(3), event(4)],
        [too_large],
        [event(2)],
    ]
    prepared = [[_prepared(each) for each in group] for group in groups]
    prepared[4] = [prepared[4][0]._replace(canonical=b'"' + b"x" * 70_000 + b'"')]
    new, again, conflict, two, large, twin = ledger._appender.append_all(prepared)
    assert isinstance(conflict, ConflictError)
    assert isinstance(large, EventError)
    assert not isinstance(new, GovernanceError)
    assert not isinstance(again, GovernanceError)
    assert not isinstance(two, GovernanceError)
    assert not isinstance(twin, GovernanceError)
    assert [each.index for each in (*new, *again, *two, *twin)] == [2, 1, 3, 4, 2]
    assert storage.head().size == 5


def test_events_that_are_refused_are_their_caller_s_alone(ledger: Ledger, storage: Storage) -> None:
    """Threads leave it to whoever leads to look at their events; a message speaks of the caller's own append."""
    groups: list[Any] = [
        _bounded([event(1)]),
        _bounded([event(2), {"id": "no event"}]),
        prepare_all([event(3)]),
        _bounded([cast("dict[str, Any]", 5)]),
        _bounded([event(4)]),
    ]
    good, bad, ready, odd, last = ledger._commit(groups)
    assert isinstance(bad, EventError)
    assert "event 2" in str(bad)
    assert isinstance(odd, EventError)
    assert "event 1 is of type int" in str(odd)
    assert not isinstance(good, Exception)
    assert not isinstance(ready, Exception)
    assert not isinstance(last, Exception)
    assert [each.index for each in (*good, *ready, *last)] == [1, 2, 3]
    assert storage.head().size == 4


def _prepared(stated: dict[str, object]):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from governance.ledger.appending import prepare

    return prepare(stated)


def test_appending_nothing_in_a_task_writes_nothing(ledger: Ledger, storage: Storage) -> None:
    assert list(asyncio.run(ledger.append_async([]))) == []
    assert storage.head().size == 1


def test_a_task_that_was_called_off_meanwhile_is_not_woken() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        gone, waiting = loop.create_future(), loop.create_future()
        gone.cancel()
        _let_go_on([gone, waiting])
        assert gone.cancelled()
        assert waiting.result() is None

    asyncio.run(main())
