# SPDX-License-Identifier: Apache-2.0
"""An export of tiles shared among processes: each writes ranges of entries, whichever is next.

    python -m governance.ledger.tile_workers < tasks > done

    tasks    {"url": "sqlite:///audit.db", "folder": "log"}, then the number of a range on each line
    done     for each range a line: the root over its entries, how many files were written

Rules: a worker is a process of its own that opens the ledger by its URL, which may hold a password and so comes through
stdin. It takes ranges from the end while this process takes them from the start. What it tells of is durable but for
the names, which are made so here. A worker that does not finish costs time, never truth: its range is then written
here, and what stood in its way is met again and told.
"""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from governance.core.hashing import HASH_SIZE_BYTES
from governance.errors import GovernanceError
from governance.forking import module_environment
from governance.ledger.tile_files import TileFiles
from governance.ledger.tile_ranges import folders_of_range, range_width, write_range
from governance.storage.interface import Reader
from governance.storage.opening import open_storage

RANGES_EACH_MIN = 2
"""Starting a process costs about as much as writing one range."""

Worker = subprocess.Popen[str]


def write_ranges(
    reader: Reader,
    files: TileFiles,
    numbers: Sequence[int],
    *,
    progress: Callable[[int], None],
    url: str | None = None,
    processes: int = 1,
) -> list[bytes]:
    """Write the tiles of ranges of entries, in as many processes as are worth it.

    Args:
        reader: The ledger's tables.
        files: Where they go.
        numbers: Of the ranges.
        progress: Is told how many entries were written since the last call.
        url: Where other processes find the ledger, secrets included; None when they cannot.
        processes: At most so many at work.

    Returns:
        The root over the entries of each range, in order.

    Raises:
        IntegrityError: An entry is missing, or its body is not bytes.
        ProofError: A body is too large for a bundle.
        OSError: A file cannot be written.
    """
    shared = _Shared(deque(numbers), progress)
    with _working(url, files.folder, min(processes, len(numbers) // RANGES_EACH_MIN) - 1) as workers:
        feeding = [threading.Thread(target=shared.feed, args=(worker,)) for worker in workers]
        for thread in feeding:
            thread.start()
        try:
            shared.write_here(reader, files)
        except BaseException:
            for worker in workers:
                worker.kill()  # who feeds it would wait to the end of its range
            raise
        finally:
            for thread in feeding:
                thread.join()
    shared.write_here(reader, files)  # what was given back
    for number, count in shared.elsewhere.items():
        files.add_written(folders_of_range(number), count)
    return [shared.roots[number] for number in numbers]


class _Shared:
    """Ranges that wait, and what came of those that are written.

    Attributes:
        roots: By range, the root over its entries.
        elsewhere: By range that another process wrote, how many files.
    """

    def __init__(self, waiting: deque[int], progress: Callable[[int], None]) -> None:
        self._waiting = waiting
        self._progress = progress
        self._guard = threading.Lock()
        """Owns what came of them, and the telling of progress."""
        self.roots: dict[int, bytes] = {}
        self.elsewhere: dict[int, int] = {}

    def write_here(self, reader: Reader, files: TileFiles) -> None:
        """Write ranges from the start, until none waits."""
        with contextlib.suppress(IndexError):
            while True:
                number = self._waiting.popleft()
                self._keep(number, write_range(reader, files, number))

    def feed(self, worker: Worker) -> None:
        """Have a worker write ranges from the end, until none waits or it ends, which gives its range back."""
        tasks, done = cast("IO[str]", worker.stdin), cast("IO[str]", worker.stdout)
        with contextlib.suppress(IndexError):
            while True:
                number = self._waiting.pop()
                try:
                    tasks.write(f"{number}\n")
                    tasks.flush()
                    root, count = done.readline().split()
                    self._keep(number, _parse_root(root), files=int(count))
                except (OSError, ValueError):
                    self._waiting.append(number)
                    return

    def _keep(self, number: int, root: bytes, *, files: int | None = None) -> None:
        with self._guard:
            self.roots[number] = root
            if files is not None:
                self.elsewhere[number] = files
            self._progress(range_width())


def _parse_root(told: str) -> bytes:
    """A hash out of its hex digits.

    Raises:
        ValueError: It is none: the worker was stopped in the middle of a line.
    """
    root = bytes.fromhex(told)
    if len(root) != HASH_SIZE_BYTES:
        raise ValueError(told)
    return root


@contextlib.contextmanager
def _working(url: str | None, folder: Path, count: int) -> Iterator[list[Worker]]:
    """So many workers, fewer where none can be started; they are gone when the block is left."""
    workers: list[Worker] = []
    try:
        with contextlib.suppress(OSError):
            workers.extend(_start(url, folder) for _ in range(count) if url and sys.executable)
        yield workers
    finally:
        for worker in workers:
            _stop(worker)


def _start(url: str | None, folder: Path) -> Worker:
    worker = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=module_environment(),
    )
    with contextlib.suppress(OSError):  # it has ended already, as its feeding finds out
        json.dump({"url": url, "folder": str(folder)}, cast("IO[str]", worker.stdin))
        cast("IO[str]", worker.stdin).write("\n")
    return worker


def _stop(worker: Worker) -> None:
    worker.kill()
    worker.wait()
    with contextlib.suppress(OSError):  # a task that it did not take
        cast("IO[str]", worker.stdin).close()
    cast("IO[str]", worker.stdout).close()


def serve(tasks: IO[str], done: IO[str]) -> int:
    """Write the ranges that it is told of; the exit status."""
    task = json.loads(tasks.readline())
    files = TileFiles(Path(task["folder"]))
    try:
        with contextlib.closing(open_storage(task["url"])) as storage:
            for line in tasks:
                before = files.count
                root = write_range(storage, files, int(line))
                files.flush()
                done.write(f"{root.hex()} {files.count - before}\n")
                done.flush()
    except (GovernanceError, OSError):
        return 1  # met again, and told, by the process that waits
    return 0


if __name__ == "__main__":  # pragma: no cover  # only ever in a process of its own
    gc.disable()  # nothing here makes circles, and looking for some costs as much as hashing
    with contextlib.suppress(KeyboardInterrupt):  # whoever waits is interrupted too, and tells it
        sys.exit(serve(sys.stdin, sys.stdout))
