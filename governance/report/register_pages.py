# SPDX-License-Identifier: Apache-2.0
"""A long register as PDF: laid out in chunks by several processes, and put in the place that the report kept for it.

Rules: the same chunks whatever the number of processes, so the same bytes. The report itself is laid out with empty
pages where the register goes: so contents, bookmarks and page numbers are right before the register is made. A process
that does not finish costs time, never pages: its chunks are then made here. Merging keeps the structure tree whole:
each page's elements stand where those of the empty page stood, and the parent tree finds them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Protocol, cast

PAGES_EACH = 24
"""Pages to a chunk: few enough to keep memory low, enough to be worth their fonts."""

WORKER = "governance.report.register_worker"

Make = Callable[[str, datetime], bytes]

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


@dataclass
class Chunks:
    """Chunks that are being made by this process and others.

    Attributes:
        tasks: Each chunk's HTML.
        issued_at: The report's date.
    """

    tasks: Sequence[str]
    issued_at: datetime
    _ahead: deque[int] = field(default_factory=deque)
    _made: dict[int, bytes] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, workers: Sequence[Worker]) -> None:
        """Have processes make some of them, while this one does something else.

        Args:
            workers: The processes.
        """
        # The longest first, so that all end at about the same time.
        self._ahead.extend(sorted(range(len(self.tasks)), key=lambda at: -len(self.tasks[at])))
        self._threads = [threading.Thread(target=self._feed, args=(each,), daemon=True) for each in workers]
        for thread in self._threads:
            thread.start()

    def finish(self, make: Make) -> list[bytes]:
        """All of them, in order, once they are begun.

        Args:
            make: Makes one here.
        """
        self._make_here(make)
        for thread in self._threads:
            thread.join()
        self._ahead.extend(at for at in range(len(self.tasks)) if at not in self._made)
        self._make_here(make)
        return [self._made[at] for at in range(len(self.tasks))]

    def _make_here(self, make: Make) -> None:
        for at in self._taken():
            self._made[at] = make(self.tasks[at], self.issued_at)

    def _taken(self) -> Iterator[int]:
        while True:
            try:
                yield self._ahead.popleft()
            except IndexError:
                return

    def _feed(self, worker: Worker) -> None:
        """Have a process make chunks until there are none, or it stops."""
        given, got = cast("IO[bytes]", worker.stdin), cast("IO[bytes]", worker.stdout)
        with contextlib.suppress(OSError, EOFError, ValueError):
            for at in self._taken():
                task = {"html": self.tasks[at], "issued_at": self.issued_at.isoformat()}
                _write(given, json.dumps(task).encode())
                made = _read(got)
                if made is None:
                    return
                self._made[at] = made
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
        _write(chunks, make(told["html"], datetime.fromisoformat(told["issued_at"])))


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
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        return subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            [sys.executable, "-W", "ignore", "-m", WORKER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
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
