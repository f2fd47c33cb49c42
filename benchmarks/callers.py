# SPDX-License-Identifier: Apache-2.0
"""Callers that append at the same time against one that appends alone, in one run. Prints the ratio of their rates.

    python benchmarks/callers.py [CALLERS]        64 by default

Every caller waits for its event to be durable before it appends the next.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from governance.ledger.log import Ledger

sys.path.insert(0, str(Path(__file__).parent))
from ledger import make_ledger, monitor_report

ROUNDS = 5
EACH = 40
GOAL = 8


def alone(ledger: Ledger, first: int) -> float:
    """Events a second of one caller."""
    start = time.perf_counter()
    for number in range(first, first + 10 * EACH):
        ledger.append([monitor_report(number)])
    return 10 * EACH / (time.perf_counter() - start)


def by_threads(ledger: Ledger, first: int, callers: int) -> float:
    """Events a second of as many threads."""

    def caller(number: int) -> None:
        for at in range(EACH):
            ledger.append([monitor_report(first + number * EACH + at)])

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(lambda _: None, range(callers)))  # the threads are started now
        start = time.perf_counter()
        list(pool.map(caller, range(callers)))
        return callers * EACH / (time.perf_counter() - start)


def by_tasks(ledger: Ledger, first: int, callers: int) -> float:
    """Events a second of as many asyncio tasks."""

    async def caller(number: int) -> None:
        for at in range(EACH):
            await ledger.append_async([monitor_report(first + number * EACH + at)])

    async def main() -> float:
        start = time.perf_counter()
        await asyncio.gather(*(caller(number) for number in range(callers)))
        return callers * EACH / (time.perf_counter() - start)

    return asyncio.run(main())


def main() -> None:
    """Take turns, and compare medians."""
    callers = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    rates: dict[str, list[float]] = {"alone": [], "threads": [], "tasks": []}
    with tempfile.TemporaryDirectory() as name:
        storage, ledger = make_ledger(Path(name) / "ledger.db")
        number = 1
        for _ in range(ROUNDS):
            rates["alone"].append(alone(ledger, number))
            number += 10 * EACH
            rates["threads"].append(by_threads(ledger, number, callers))
            number += callers * EACH
            rates["tasks"].append(by_tasks(ledger, number, callers))
            number += callers * EACH
        storage.close()
    floor = statistics.median(rates["alone"])
    print(f"alone            {floor:>12,.0f}/s")
    for kind in ("threads", "tasks"):
        rate = statistics.median(rates[kind])
        told = "met" if rate / floor >= GOAL else "MISSED"
        print(f"{callers} {kind:13} {rate:>12,.0f}/s  ratio {rate / floor:.1f}  goal {GOAL}  {told}")


if __name__ == "__main__":
    main()
