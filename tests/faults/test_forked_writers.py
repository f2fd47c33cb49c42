# SPDX-License-Identifier: Apache-2.0
"""A process that has a ledger open and is forked, as servers of many workers and `multiprocessing` do it.

SQLite's locks belong to a process and are not inherited: a fork that goes on with what it inherited would write where
nobody looks any more. Here everything is written by forks, and held against what they said was acknowledged. The
process that forks is one of its own, so that nothing of the test's own is forked.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from governance.errors import StorageError
from governance.ledger.log import Ledger
from governance.storage.interface import Storage
from governance.storage.opening import open_storage
from tests.faults.appending import batch_of, make_ledger, open_ledger, require_whole, run_together

EACH = 40


def fork(work: Callable[[], object], by: Callable[[], int] = os.fork) -> int:
    """Do something in a fork, which ends with 0 if it could be done; its number."""
    number = by()
    if number:
        return number
    try:
        work()
    except BaseException:
        os._exit(1)
        raise
    os._exit(0)


def require_done(number: int) -> None:
    """Wait for a fork that could do its work."""
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0


def append_some(ledger: Ledger, name: str) -> None:
    """Append events one by one."""
    for number in range(EACH):
        ledger.append(batch_of(name, number, 1))


def append_in_a_fork_after_closing(url: str) -> None:
    """The first process closes the ledger, and takes itself for the last one, before its fork appends."""
    storage = open_storage(url)
    ledger = open_ledger(storage)
    append_some(ledger, "first")
    closed, close = os.pipe()

    def go_on() -> None:
        os.close(close)
        os.read(closed, 1)
        append_some(ledger, "fork")

    number = fork(go_on)
    storage.close()
    os.close(close)
    require_done(number)


def append_in_forks_at_the_same_time(url: str) -> None:
    """Three forks and the process that they were forked off, all with the ledger that was opened once."""
    with closing(open_storage(url)) as storage:
        ledger = open_ledger(storage)
        append_some(ledger, "first")
        forks = [fork(lambda name=f"fork{at}": append_some(ledger, name)) for at in range(3)]  # type: ignore[misc]
        append_some(ledger, "again")
        for number in forks:
            require_done(number)
        append_some(ledger, "last")
        assert storage.head().size == 1 + 6 * EACH


def refuse(storage: Storage, url: str) -> None:
    """In a fork: neither what was inherited nor the same file opened anew is used, and it is said why.

    Raises:
        AssertionError: It is.
    """
    for use in (
        storage.head,
        lambda: open_storage(url),
        lambda: append_some(open_ledger(storage), "refused"),
    ):
        with pytest.raises(
            StorageError, match="was in use in the process that this one was forked off"
        ) as caught:
            use()
        assert caught.value.hint is not None
        assert "spawn" in caught.value.hint


def fork_in_the_middle_of_a_question(url: str) -> None:
    """An answer that comes row by row is not cut off; the fork is refused the file."""
    with closing(open_storage(url)) as storage:
        append_some(open_ledger(storage), "first")
        rows = storage.entries(0, 1 + EACH)
        first = next(rows)
        require_done(fork(lambda: refuse(storage, url)))
        assert [row.index for row in (first, *rows)] == list(range(1 + EACH))
        append_some(open_ledger(storage), "last")
        require_done(fork(lambda: append_some(open_ledger(storage), "fork")))


def fork_beside_a_thread_that_reads(url: str) -> None:
    """Another thread's connection cannot be closed under its hands."""
    with closing(open_storage(url)) as storage:
        reads, ends = threading.Event(), threading.Event()

        def read() -> None:
            assert storage.head().size == 1
            reads.set()
            assert ends.wait(60)
            assert storage.head().size == 1

        thread = threading.Thread(target=read)
        thread.start()
        assert reads.wait(60)
        require_done(fork(lambda: refuse(storage, url)))
        ends.set()
        thread.join()
        require_done(fork(lambda: append_some(open_ledger(storage), "fork")))


def fork_by_a_server_written_in_c(url: str) -> None:
    """As uWSGI does it: Python is told only when it is over, and only in the fork."""
    with closing(open_storage(url)) as storage:
        append_some(open_ledger(storage), "first")

        def told_late() -> None:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            refuse(storage, url)

        require_done(fork(told_late, by=ctypes.PyDLL(None).fork))
        append_some(open_ledger(storage), "last")


def test_what_a_fork_acknowledged_is_there_though_the_first_process_closed(store_url: str) -> None:
    make_ledger(store_url)
    run_together([(append_in_a_fork_after_closing, (store_url,))])
    assert require_whole(store_url).tree_size == 1 + 2 * EACH


def test_forks_append_at_the_same_time(store_url: str) -> None:
    make_ledger(store_url)
    run_together([(append_in_forks_at_the_same_time, (store_url,))])
    assert require_whole(store_url).tree_size == 1 + 6 * EACH


@pytest.mark.parametrize(
    ("forking", "shares"),
    [
        (fork_in_the_middle_of_a_question, 3),
        (fork_beside_a_thread_that_reads, 1),
        (fork_by_a_server_written_in_c, 2),
    ],
)
def test_a_file_that_could_not_be_closed_is_refused_to_the_fork(
    forking: Callable[[str], None], shares: int, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    make_ledger(url)
    run_together([(forking, (url,))])
    assert require_whole(url).tree_size == 1 + shares * EACH
