# SPDX-License-Identifier: Apache-2.0
"""A long register as PDF: laid out in chunks by several processes, and put in the place that the report kept for it.

Rules: the same chunks whatever the number of processes, so the same bytes; who makes them differs alone. The report
itself is laid out with empty pages where the register goes: so contents, bookmarks and page numbers are right before
the register is made. A process that does not finish costs time, never pages: its chunks are then made here. Merging
keeps the structure tree whole: each page's elements stand where those of the empty page stood, and the parent tree
finds them.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Protocol, cast

from governance.forking import module_environment

PAGES_EACH = 24
"""Pages to a chunk: few enough to keep memory low, enough to be worth their fonts."""

WORKER = "governance.report.register_worker"

Make = Callable[[str, datetime], Iterable[bytes]]
"""Makes a chunk of its HTML and the report's date: its pieces, each when it is ready, the PDF last."""

Places = Mapping[tuple[int, int], int]
"""Where pages stand, from 0, by the number of their object."""


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
class Following:
    """A chunk that cannot be begun before the first piece of the one before it is there.

    Attributes:
        weight: How much there is to make, about, in letters of HTML.
        html: Its HTML, of that piece.
    """

    weight: int
    html: Callable[[bytes], str]


@dataclass
class Chunks:
    """Chunks that are being made by this process and others.

    Attributes:
        tasks: Each chunk's HTML, or what tells it.
        issued_at: The report's date.
        pieces: What each is made of (`Make`).
        besides: What this process does besides, as letters of HTML that it could lay out meanwhile.
    """

    tasks: Sequence[str | Following]
    issued_at: datetime
    pieces: int = 1
    besides: int = 0
    _ahead: list[deque[int]] = field(default_factory=list)
    _made: dict[int, list[bytes]] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _working: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, workers: Sequence[Worker]) -> None:
        """Have processes make some of them, while this one does something else.

        Args:
            workers: The processes.
        """
        self._ahead = _shares(
            [_weight(each) for each in self.tasks],
            [self.besides, *(0 for _ in workers)],
            following=[at for at, each in enumerate(self.tasks) if isinstance(each, Following)],
        )
        self._working = len(workers)
        self._threads = [
            threading.Thread(target=self._feed, args=(each, number), daemon=True)
            for number, each in enumerate(workers, start=1)
        ]
        for thread in self._threads:
            thread.start()

    def first_pieces(self, make: Make) -> list[bytes]:
        """The first piece of each, in order, once they are begun: others may still be at work on what follows it.

        Args:
            make: Makes one here.
        """
        self._make_here(make)
        with self._changed:
            self._changed.wait_for(lambda: len(self._made) == len(self.tasks) or not self._working)
        self._make_missing(make, pieces=1)
        return [self._made[at][0] for at in range(len(self.tasks))]

    def finish(self, make: Make) -> list[bytes]:
        """The last piece of each, in order, once they are begun.

        Args:
            make: Makes one here.
        """
        self._make_here(make)
        for thread in self._threads:
            thread.join()
        self._make_missing(make, pieces=self.pieces)
        return [self._made[at][-1] for at in range(len(self.tasks))]

    def _make_here(self, make: Make) -> None:
        while (at := self._take(0)) is not None:
            try:
                for piece in make(self._html(at), self.issued_at):
                    self._put(at, piece)
            except BaseException:
                with self._changed:
                    for share in self._ahead:  # who waits for this one has nothing to wait for
                        share.clear()
                self._give_up(at)
                raise

    def _make_missing(self, make: Make, *, pieces: int) -> None:
        """Make what a process has taken and not given."""
        for at in range(len(self.tasks)):
            if len(self._made.get(at, ())) < pieces:
                self._made[at] = list(make(self._html(at), self.issued_at))

    def _html(self, at: int) -> str:
        task = self.tasks[at]
        return task if isinstance(task, str) else task.html(self._made[at - 1][0])

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
                    *filter(self._is_ready, own),
                    *(at for share in others for at in reversed(share) if self._is_ready(at)),
                ]
                if ready:
                    next(share for share in self._ahead if ready[0] in share).remove(ready[0])
                    self._begun.add(ready[0])
                    return ready[0]
                if not any(self._ahead) or not self._begun:
                    return None
                self._changed.wait()

    def _is_ready(self, at: int) -> bool:
        return isinstance(self.tasks[at], str) or bool(self._made.get(at - 1))

    def _feed(self, worker: Worker, who: int) -> None:
        """Have a process make chunks until there are none, or it stops."""
        try:
            with contextlib.suppress(OSError, EOFError, ValueError):
                self._fetch(cast("IO[bytes]", worker.stdin), cast("IO[bytes]", worker.stdout), who)
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _fetch(self, given: IO[bytes], got: IO[bytes], who: int) -> None:
        while (at := self._take(who)) is not None:
            try:
                task = {"html": self._html(at), "issued_at": self.issued_at.isoformat()}
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


def put_in_place(
    report: bytes,
    chunks: Sequence[bytes],
    *,
    first: int,
    take: Callable[[Any, Any, int], list[Any]] | None = None,
    lead: Callable[[Any, Places], None] | None = None,
) -> bytes:
    """A report with other pages where it has empty ones.

    Args:
        report: The PDF.
        chunks: PDFs whose pages go in, in order.
        first: The first empty page, from 0.
        take: Puts a chunk's pages in place, and gives its structure elements; a register's, unless told otherwise.
        lead: Leads to the new pages what led to the empty ones.
    """
    import pikepdf

    with contextlib.ExitStack() as held:
        pdf = held.enter_context(pikepdf.open(io.BytesIO(report)))
        parts = [held.enter_context(pikepdf.open(io.BytesIO(each))) for each in chunks]
        count = sum(len(part.pages) for part in parts)
        root: Any = pdf.Root.StructTreeRoot
        empty = {page.obj.objgen: at for at, page in enumerate(pdf.pages) if first <= at < first + count}
        before, after = _around(root.K[0], empty)
        elements: list[Any] = []
        at = first
        for part in parts:
            elements += (take or _take_pages)(pdf, part, at)
            at += len(part.pages)
        for element in elements:
            element.P = root.K[0]
        root.K[0].K = pikepdf.Array([*before, *elements, *after])
        if lead is not None:
            lead(pdf, empty)
        written = io.BytesIO()
        pdf.save(
            written,
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return written.getvalue()


def serve(tasks: IO[bytes], chunks: IO[bytes], make: Make) -> None:
    """Make chunks for another process, until it has no more."""
    while (task := _read(tasks)) is not None:
        told = json.loads(task)
        for piece in make(told["html"], datetime.fromisoformat(told["issued_at"])):
            _write(chunks, piece)


def _shares(
    weights: Sequence[int], loads: Sequence[int], following: Collection[int] = ()
) -> list[deque[int]]:
    """Who makes what, so that all end at about the same time: the heaviest first, each to who has least to do.

    What another waits for comes first, the first of it here, and what waits comes last.

    Args:
        weights: Of each chunk.
        loads: Of each process, what it does anyway; this one is the first.
        following: The chunks that wait for the one before them.

    Returns:
        For each process the places of its chunks.
    """
    shares: list[deque[int]] = [deque() for _ in loads]
    sums = list(loads)
    order = sorted(
        range(len(weights)), key=lambda at: (at in following, at + 1 not in following, -weights[at])
    )
    for at in order:
        who = 0 if at == order[0] and at + 1 in following else sums.index(min(sums))
        shares[who].append(at)
        sums[who] += weights[at]
    return shares


def _weight(task: str | Following) -> int:
    """What it takes to lay out a page: its letters without those of the fonts in its head."""
    return len(task) - task.find("<body") if isinstance(task, str) else task.weight


def _around(document: Any, empty: Places) -> tuple[list[Any], list[Any]]:
    """The elements before and after those of the empty pages."""
    elements = list(document.K)
    inside = [at for at, each in enumerate(elements) if each.Pg.objgen in empty]
    return elements[: inside[0]], elements[inside[-1] + 1 :]


def _take_pages(pdf: Any, part: Any, first: int) -> list[Any]:
    """Put a chunk's pages in place; gives its structure elements, which do not yet name their parent."""
    for number, page in enumerate(part.pages):
        pdf.pages[first + number] = page
    root = pdf.copy_foreign(part.Root.StructTreeRoot)
    owners, own = pdf.Root.StructTreeRoot.ParentTree.Nums, root.ParentTree.Nums
    for number in range(len(part.pages)):
        pdf.pages[first + number].obj.StructParents = first + number
        owners[2 * (first + number) + 1] = own[2 * number + 1]
    return list(root.K[0].K)


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
