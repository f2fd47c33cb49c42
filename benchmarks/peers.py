# SPDX-License-Identifier: Apache-2.0
"""The ledger beside other Python libraries that keep tamper-evident records, in one run on one disk.

    python benchmarks/peers.py [ENTRIES]        20,000 by default

pymerkle (SqliteTree) and decision-provenance are installed in an environment of their own, made anew in a temporary
folder: nothing of theirs comes near ours (pymerkle is under the GPL). What each does for an append differs:

  governance            validates, chains, hashes, stores, indexes for lineage; durable when it returns
  pymerkle              hashes and stores bytes; durable when it returns; no chain, no checkpoints
  decision-provenance   hashes and stores a decision; not durable when it returns (synchronous=NORMAL); one at a time

aics-tlog needs Python 3.12 or newer and is tried only there.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from ledger import KEY, make_ledger, monitor_report

from governance.ledger.verify import verify

BATCH = 1000
SINGLES = 300
PROOFS = 300
ROUNDS = 3

PEERS = r"""
import json, sys, time
from pathlib import Path

library, folder, count, singles, proofs = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
bodies = [line.encode() for line in Path(folder, "bodies.jsonl").read_text().splitlines()]

def rate(number, work):
    start = time.perf_counter()
    work()
    return number / (time.perf_counter() - start)

told = {}
if library == "pymerkle":
    from pymerkle import SqliteTree
    tree = SqliteTree(str(folder / "pymerkle-single.db"))
    told["durable append"] = rate(singles, lambda: [tree.append_entry(body) for body in bodies[:singles]])
    tree = SqliteTree(str(folder / "pymerkle.db"))
    told["batch append"] = rate(
        count, lambda: [tree.append_entries(bodies[at : at + 1000]) for at in range(0, count, 1000)]
    )
    told["inclusion proof"] = rate(
        proofs, lambda: [tree.prove_inclusion(1 + at * 7919 % count, count) for at in range(proofs)]
    )
else:
    from decision_provenance import ProvenanceLogger
    logger = ProvenanceLogger(model_id="m", model_version="1", db_path=folder / "decision.db")
    if hasattr(logger, "init_chain"):
        logger.init_chain(changed_by="b", reason="benchmark")
    logger.set_config(threshold=0.5, above_label="a", below_label="b", changed_by="b", change_reason="benchmark")
    events = [json.loads(body) for body in bodies]
    told["single append, not durable"] = rate(
        count,
        lambda: [logger.record(input_features=event, output={"score": 0.7}, score=0.7) for event in events],
    )
    told["verify"] = rate(count, lambda: logger.verify())
print(json.dumps(told))
"""


def rate(number: int, work: Callable[[], object]) -> float:
    """How many a second."""
    start = time.perf_counter()
    work()
    return number / (time.perf_counter() - start)


def ours(folder: Path, events: list[dict[str, Any]]) -> dict[str, float]:
    """The same of ours."""
    told = {}
    storage, ledger = make_ledger(folder / "single.db")
    told["durable append"] = rate(SINGLES, lambda: [ledger.append([event]) for event in events[:SINGLES]])
    storage.close()
    storage, ledger = make_ledger(folder / "batch.db")
    batches = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
    told["batch append"] = rate(len(events), lambda: [ledger.append(batch) for batch in batches])
    ledger.checkpoint()
    indexes = [1 + at * 7919 % len(events) for at in range(PROOFS)]
    told["inclusion proof"] = rate(PROOFS, lambda: [ledger.prove(index) for index in indexes])
    told["verify"] = rate(len(events), lambda: verify(storage, keys=[KEY.verifier_key]))
    told["single append, not durable"] = told["durable append"]
    storage.close()
    return told


def peer(python: Path, library: str, folder: Path, count: int) -> dict[str, float]:
    """What a peer does in its own environment."""
    arguments = [python, "-c", PEERS, library, folder, count, SINGLES, PROOFS]
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def environment(folder: Path) -> Path:
    """An environment with the peers; its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = ["pymerkle", "decision-provenance"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    shown = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    print(*(line for line in shown.stdout.splitlines() if line.split("==")[0] in wanted), sep=", ")
    return python


def main(count: int) -> None:
    """Rounds in turn; medians and ratios."""
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        python = environment(Path(name, "peers"))
        events = [monitor_report(number) for number in range(1, count + 1)]
        for number in range(ROUNDS):
            folder = Path(name, str(number))
            folder.mkdir()
            (folder / "bodies.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
            told = {"governance": ours(folder, events)}
            told |= {each: peer(python, each, folder, count) for each in ("pymerkle", "decision-provenance")}
            for library, rates in told.items():
                for what, value in rates.items():
                    found.setdefault(library, {}).setdefault(what, []).append(value)
    print(f"{count:,} entries; medians of {ROUNDS} rounds")
    for library in ("pymerkle", "decision-provenance"):
        for what, values in found[library].items():
            mine, theirs = statistics.median(found["governance"][what]), statistics.median(values)
            print(
                f"{library:20} {what:27} {theirs:>12,.0f}/s  governance {mine:>12,.0f}/s  ratio {mine / theirs:.2f}"
            )
    print(f"aics-tlog            {'not tried here' if sys.version_info < (3, 12) else 'no benchmark yet'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
