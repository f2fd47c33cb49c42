# SPDX-License-Identifier: Apache-2.0
"""Verification over several processes: each takes a range of entries and everything derived from them.

    python -m governance.ledger.verify_workers START END LAST < task.json > report

    task.json    {"url": "sqlite:///audit.db", "checkpoint_sizes": [3, 8]}

Rules: a worker is a process of its own that opens the ledger by its URL; nothing is shared but the database. The URL
may hold a password, so it comes through stdin: a command line can be read by every user of the machine. A worker writes
a line `p COUNT` for each chunk and at its end `r REPORT`, JSON. A worker that does not finish costs time, never truth:
its range is then checked here.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any, cast

from governance.errors import GovernanceError
from governance.ledger.discrepancies import Discrepancy
from governance.ledger.verify_range import (
    CHUNK_LEVEL,
    RangeReport,
    check_range,
)
from governance.storage.interface import Reader
from governance.storage.opening import open_storage

ENTRIES_EACH_MIN = 20_000
"""Starting a process costs as much as verifying some ten thousand entries."""


def check_ranges(
    reader: Reader,
    size: int,
    *,
    checkpoint_sizes: Sequence[int],
    progress: Callable[[int], None],
    url: str | None = None,
    processes: int = 1,
) -> list[RangeReport]:
    """Check all entries, in as many processes as are worth it.

    Args:
        reader: The ledger's tables.
        size: The tree size.
        checkpoint_sizes: Tree sizes of the checkpoints.
        progress: Is told how many entries were checked since the last call.
        url: Where other processes find the ledger, secrets included; None when they cannot.
        processes: At most so many, this one included.

    Returns:
        One report a range, in order.
    """
    bounds = split_size(size, min(processes, size // ENTRIES_EACH_MIN) if url else 1)
    workers = [_start(url, start, end, end == size, checkpoint_sizes) for start, end in bounds[1:]]

    def check(start: int, end: int) -> RangeReport:
        return check_range(
            reader,
            start,
            end,
            is_last=end == size,
            checkpoint_sizes=checkpoint_sizes,
            salt=secrets.token_hex(16),
            progress=progress,
        )

    try:
        reports = [check(*bounds[0])]
        for worker, (start, end) in zip(workers, bounds[1:], strict=True):
            reports.append(_finish(worker, progress) or check(start, end))
        return reports
    finally:
        for worker in workers:
            _stop(worker)


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


def _start(
    url: str | None, start: int, end: int, is_last: bool, sizes: Sequence[int]
) -> subprocess.Popen[str] | None:
    if not url or not sys.executable:
        return None
    command = [sys.executable, "-m", __name__, str(start), str(end), str(int(is_last))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        worker = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
    except OSError:
        return None
    with contextlib.suppress(OSError), cast("IO[str]", worker.stdin) as stream:
        json.dump({"url": url, "checkpoint_sizes": list(sizes)}, stream)
    return worker


def _finish(worker: subprocess.Popen[str] | None, progress: Callable[[int], None]) -> RangeReport | None:
    """The worker's report, None when there is none."""
    if worker is None:
        return None
    try:
        for line in cast("IO[str]", worker.stdout):
            if line.startswith("r "):
                return _parse_report(json.loads(line[2:]))
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
    """Check one range in this process and write the report to stdout."""
    start, end, is_last = arguments
    task = json.load(sys.stdin)
    try:
        with contextlib.closing(open_storage(task["url"])) as storage:
            report = check_range(
                storage,
                int(start),
                int(end),
                is_last=is_last == "1",
                checkpoint_sizes=task["checkpoint_sizes"],
                salt=secrets.token_hex(16),
                progress=lambda count: _tell(f"p {count}"),
            )
    except GovernanceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    _tell(f"r {json.dumps(_format_report(report))}")
    return 0


if __name__ == "__main__":  # pragma: no cover  # only ever in a process of its own
    sys.exit(main(sys.argv[1:]))
