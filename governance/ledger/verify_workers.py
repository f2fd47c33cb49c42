# SPDX-License-Identifier: Apache-2.0
"""Verification over several processes: each takes a range of entries and everything derived from them.

    python -m governance.ledger.verify_workers START END LAST < task.json > report

    task.json    {"url": "sqlite:///audit.db", "checkpoint_sizes": [3, 8]}

Rules: a worker is a process of its own that opens the ledger by its URL; nothing is shared but the database. The URL
may hold a password, so it comes through stdin: a command line can be read by every user of the machine. A worker writes
a line `p COUNT` for each chunk and at its end `r REPORT`, JSON. A worker that does not finish costs time, never truth:
its task is then done here. One more worker, verify_structure.py, looks at the tables as a whole, so that nobody waits
for it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

from governance.errors import GovernanceError
from governance.forking import module_environment
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.verify_range import check_range
from governance.ledger.verify_report import CHUNK_LEVEL, RangeReport
from governance.ledger.verify_structure import Structure, look_at_structure
from governance.storage.interface import Reader
from governance.storage.opening import open_storage

STRUCTURE = "governance.ledger.verify_structure"
"""The module of the worker that looks at the tables as a whole."""
ENTRIES_EACH_MIN = 20_000
"""Starting a process costs as much as verifying some ten thousand entries."""

Progress = Callable[[int], None]
"""Is told how many entries were checked since the last call."""


def check_ranges(
    reader: Reader,
    size: int,
    *,
    checkpoint_sizes: Sequence[int],
    progress: Progress,
    url: str | None = None,
    processes: int = 1,
) -> tuple[list[RangeReport], Structure]:
    """Check all entries and the structure of the tables, in as many processes as are worth it.

    Args:
        reader: The ledger's tables.
        size: The tree size.
        checkpoint_sizes: Tree sizes of the checkpoints.
        progress: Is told how many entries were checked since the last call.
        url: Where other processes find the ledger, secrets included; None when they cannot.
        processes: At most so many at work on entries.

    Returns:
        One report a range, in order, and what was found of the structure.
    """
    bounds = split_size(size, min(processes, size // ENTRIES_EACH_MIN) if url else 1)
    tasks = [[STRUCTURE], *([__name__, str(start), str(end), str(int(end == size))] for start, end in bounds)]
    workers = [_start(url if len(bounds) > 1 else None, task, checkpoint_sizes) for task in tasks]
    try:
        structure, *reports = _finish_all(workers, progress)
    finally:
        for worker in workers:
            _stop(worker)
    for at, (start, end) in enumerate(bounds):
        reports[at] = reports[at] or check_range(
            reader,
            start,
            end,
            is_last=end == size,
            checkpoint_sizes=checkpoint_sizes,
            salt=secrets.token_hex(16),
            progress=progress,
        )
    return reports, structure or look_at_structure(reader)


def split_size(size: int, parts: int) -> list[tuple[int, int]]:
    """Ranges of about equal length that begin at whole chunks and cover [0, size)."""
    chunks = (size >> CHUNK_LEVEL) + 1
    parts = max(1, min(parts, chunks))
    starts = [(chunks * part // parts) << CHUNK_LEVEL for part in range(parts)]
    return [
        (start, end)
        for start, end in zip(starts, [*starts[1:], size], strict=True)
        if start < end or start == 0
    ]


def _start(url: str | None, task: Sequence[str], sizes: Sequence[int]) -> subprocess.Popen[str] | None:
    if not url or not sys.executable:
        return None
    command = [sys.executable, "-m", *task]
    try:
        worker = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=module_environment()
        )
    except OSError:
        return None
    with contextlib.suppress(OSError), cast("IO[str]", worker.stdin) as stream:
        json.dump({"url": url, "checkpoint_sizes": list(sizes)}, stream)
    return worker


def _finish_all(workers: Sequence[subprocess.Popen[str] | None], progress: Progress) -> list[Any]:
    """What each worker reports, None where there is no report; their progress is told as it comes."""
    lock = threading.Lock()

    def tell(count: int) -> None:
        with lock:
            progress(count)

    with ThreadPoolExecutor(len(workers)) as waiting:
        try:
            return list(waiting.map(lambda worker: _finish(worker, tell), workers))
        except BaseException:
            for worker in filter(None, workers):
                worker.kill()  # those who wait for it would wait to its end
            raise


def _finish(worker: subprocess.Popen[str] | None, progress: Progress) -> RangeReport | Structure | None:
    """The worker's report, None when there is none."""
    if worker is None:
        return None
    try:
        for line in cast("IO[str]", worker.stdout):
            if line.startswith("r "):
                told = json.loads(line[2:])
                return Structure(**told) if "problems" in told else _parse_report(told)
            progress(int(line[2:]))
    except (ValueError, KeyError, TypeError):
        return None  # it was stopped in the middle of a line
    return None


def _stop(worker: subprocess.Popen[str] | None) -> None:
    if worker is not None:
        worker.kill()
        worker.wait()
        cast("IO[str]", worker.stdout).close()


def _format_report(report: RangeReport) -> dict[str, Any]:
    return {
        **report.__dict__,
        "chunk_roots": [each.hex() for each in report.chunk_roots],
        "frontiers": {
            str(size): [each.hex() for each in hashes] for size, hashes in report.frontiers.items()
        },
        "high_nodes": [[level, index, value.hex()] for level, index, value in report.high_nodes],
        "discrepancies": [list(each) for each in report.discrepancies],
    }


def _parse_report(told: dict[str, Any]) -> RangeReport:
    """`_parse_report(_format_report(r)) == r`."""
    return RangeReport(
        **{
            **told,
            "chunk_roots": [bytes.fromhex(each) for each in told["chunk_roots"]],
            "frontiers": {
                int(size): [bytes.fromhex(each) for each in hashes]
                for size, hashes in told["frontiers"].items()
            },
            "high_nodes": [
                (level, index, bytes.fromhex(value)) for level, index, value in told["high_nodes"]
            ],
            "discrepancies": [Discrepancy(*each) for each in told["discrepancies"]],
        }
    )


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Do one task in this process and write the report to stdout."""
    task = json.load(sys.stdin)
    try:
        with contextlib.closing(open_storage(task["url"])) as storage:
            report = _report(storage, arguments, task["checkpoint_sizes"])
    except GovernanceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    _tell(f"r {json.dumps(report)}")
    return 0


def _report(reader: Reader, arguments: Sequence[str], sizes: Sequence[int]) -> dict[str, Any]:
    start, end, is_last = arguments
    report = check_range(
        reader,
        int(start),
        int(end),
        is_last=is_last == "1",
        checkpoint_sizes=sizes,
        salt=secrets.token_hex(16),
        progress=lambda count: _tell(f"p {count}"),
    )
    return _format_report(report)


if __name__ == "__main__":  # pragma: no cover  # only ever in a process of its own
    gc.disable()  # nothing here makes circles, and looking for some costs as much as hashing
    sys.exit(main(sys.argv[1:]))
