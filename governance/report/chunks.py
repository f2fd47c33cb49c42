# SPDX-License-Identifier: Apache-2.0
"""Chunks of a report that this process and others make: who makes what, and what is made of what.

    this process   part 2 laid out | part 2 drawn
    another        part 1 laid out | part 1 drawn  | the last, once all are laid out: whoever is free makes it

Rules: the same chunks whatever the number of processes, so the same bytes; who makes them differs alone. A process that
does not finish costs time, never pages: its chunks are then made here.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Protocol, cast

from governance.forking import module_environment

WORKER = "governance.report.register_worker"

Make = Callable[[str, datetime], Iterable[bytes]]
"""Makes a chunk of what is told of it and the report's date: its pieces, each when it is ready, the PDF last."""


class Worker(Protocol):
    """A process that makes chunks: it takes tasks and gives PDFs."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """Takes tasks."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """Gives what was made."""

    def kill(self) -> None:
        """End it at once."""

    def wait(self) -> object:
        """Until it has ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk that is to be made.

    Attributes:
        weight: How much there is to make, about, compared with others.
        text: Its HTML, or what tells it, of the first pieces of what it waits for: none, the one before, or all.
        follows: Whether it waits for the first piece of the one before.
        is_own: Whether this process alone can make it.
    """

    weight: int
    text: Callable[[Sequence[bytes]], str]
    follows: bool = False
    is_own: bool = False


@dataclass
class Chunks:
    """Chunks that are being made by this process and others.

    Attributes:
        tasks: What is to be made.
        issued_at: The report's date.
        pieces: What each is made of (`Make`).
        last: Waits for the first piece of each; made by who is free then, this process unless another is before it.
    """

    tasks: Sequence[Task]
    issued_at: datetime
    pieces: int = 1
    last: Task | None = None
    _ahead: list[deque[int]] = field(default_factory=list)
    _made: dict[int, list[bytes]] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, workers: Sequence[Worker]) -> None:
        """Have processes make some of them, while this one does something else.

        Args:
            workers: The processes.
        """
        self._ahead = shares(self.tasks, [self.last.weight if self.last else 0, *(0 for _ in workers)])
        if self.last is not None:
            self._ahead[0].append(len(self.tasks))
        self._threads = [
            threading.Thread(target=self._feed, args=(each, number), daemon=True)
            for number, each in enumerate(workers, start=1)
        ]
        for thread in self._threads:
            thread.start()

    def finish(self, make: Make) -> list[bytes]:
        """The last piece of each, in order, once they are begun; at the end that of the last.

        Args:
            make: Makes one here.
        """
        self._make_here(make)
        for thread in self._threads:
            thread.join()
        for at in range(len(self.tasks) + (self.last is not None)):
            if len(self._made.get(at, ())) < self.pieces:  # a process has taken it and not given it
                self._made[at] = list(make(self._text(at), self.issued_at))
        return [self._made[at][-1] for at in sorted(self._made)]

    def _make_here(self, make: Make) -> None:
        while (at := self._take(0)) is not None:
            try:
                for piece in make(self._text(at), self.issued_at):
                    self._put(at, piece)
            except BaseException:
                with self._changed:
                    for share in self._ahead:  # who waits for this one has nothing to wait for
                        share.clear()
                self._give_up(at)
                raise

    def _task(self, at: int) -> Task:
        return self.tasks[at] if at < len(self.tasks) else cast("Task", self.last)

    def _awaited(self, at: int) -> Sequence[int]:
        """The chunks whose first pieces one is made of."""
        if at == len(self.tasks):
            return range(at)
        return (at - 1,) if self.tasks[at].follows else ()

    def _text(self, at: int) -> str:
        return self._task(at).text([self._made[each][0] for each in self._awaited(at)])

    def _put(self, at: int, piece: bytes) -> None:
        with self._changed:
            self._made.setdefault(at, []).append(piece)
            self._begun.discard(at)
            self._changed.notify_all()

    def _give_up(self, at: int) -> None:
        with self._changed:
            self._begun.discard(at)
            self._changed.notify_all()

    def _take(self, who: int) -> int | None:
        """What a process makes next: of its share, then what another has not begun; None when there is nothing.

        Waits while others lay out what must be there before anything that is left.
        """
        with self._changed:
            while True:
                own, *others = [self._ahead[who], *sorted(self._ahead, key=len, reverse=True)]
                ready = [
                    at
                    for at in (*own, *(at for share in others for at in reversed(share)))
                    if self._may(who, at)
                ]
                if ready:
                    next(share for share in self._ahead if ready[0] in share).remove(ready[0])
                    self._begun.add(ready[0])
                    return ready[0]
                if not any(self._ahead) or not self._begun:
                    return None
                self._changed.wait()

    def _may(self, who: int, at: int) -> bool:
        """Whether a process can make one now."""
        if self._task(at).is_own and who:
            return False
        return all(self._made.get(each) for each in self._awaited(at))

    def _feed(self, worker: Worker, who: int) -> None:
        """Have a process make chunks until there are none, or it stops."""
        with contextlib.suppress(OSError, EOFError, ValueError):
            self._fetch(cast("IO[bytes]", worker.stdin), cast("IO[bytes]", worker.stdout), who)

    def _fetch(self, given: IO[bytes], got: IO[bytes], who: int) -> None:
        while (at := self._take(who)) is not None:
            try:
                task = {"text": self._text(at), "issued_at": self.issued_at.isoformat()}
                _write(given, json.dumps(task).encode())
                for _ in range(self.pieces):
                    piece = _read(got)
                    if piece is None:
                        return
                    self._put(at, piece)
            finally:
                self._give_up(at)
        given.close()


@contextlib.contextmanager
def started(count: int, *arguments: str) -> Iterator[Sequence[Worker]]:
    """So many processes that make chunks, ended when the block is.

    Args:
        count: How many.
        arguments: Given to each.
    """
    with ended([each for each in (_start(arguments) for _ in range(count)) if each is not None]) as workers:
        yield workers


@contextlib.contextmanager
def ended(workers: Sequence[Worker]) -> Iterator[Sequence[Worker]]:
    """Processes that are ended when the block is, whether they are done or not."""
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                with contextlib.suppress(OSError):
                    cast("IO[bytes]", stream).close()


def serve(tasks: IO[bytes], chunks: IO[bytes], make: Make) -> None:
    """Make chunks for another process, until it has no more."""
    while (task := _read(tasks)) is not None:
        told = json.loads(task)
        for piece in make(told["text"], datetime.fromisoformat(told["issued_at"])):
            _write(chunks, piece)


def shares(tasks: Sequence[Task], loads: Sequence[int]) -> list[deque[int]]:
    """Who makes what, so that all end at about the same time: the heaviest first, each to who has least to do.

    What another waits for comes first, the first of it here, and what waits comes last.

    Args:
        tasks: What is to be made.
        loads: Of each process, what it does anyway, in the weights of tasks; this one is the first.

    Returns:
        For each process the places of its chunks.
    """
    shared: list[deque[int]] = [deque() for _ in loads]
    sums = list(loads)
    awaited = {at - 1 for at, each in enumerate(tasks) if each.follows}
    order = sorted(
        range(len(tasks)), key=lambda at: (tasks[at].follows, at not in awaited, -tasks[at].weight)
    )
    for at in order:
        who = 0 if at == order[0] and at in awaited else sums.index(min(sums))
        shared[who].append(at)
        sums[who] += tasks[at].weight
    return shared


def _start(arguments: Sequence[str]) -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            [sys.executable, "-W", "ignore", "-m", WORKER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=module_environment(),
        )
    except OSError:
        return None


def _write(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(8, "big") + content)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """The next content; None when there is no whole one."""
    size = stream.read(8)
    if len(size) < 8:
        return None
    content = stream.read(int.from_bytes(size, "big"))
    return content if len(content) == int.from_bytes(size, "big") else None
