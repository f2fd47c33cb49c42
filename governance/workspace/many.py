# SPDX-License-Identifier: Apache-2.0
"""Assessing many subjects: each entry read, proven and made ready once, in as many processes as there are cores.

    python -m governance.workspace.many < task.json > results

Rules: what comes of a subject is what comes of it alone. A worker is a process of its own that opens the ledger by its
URL, which may hold a password and so comes through stdin. It writes one line of JSON a subject; what it does not finish
is assessed here. Subjects are taken in order of text, since those whose names are near share most of what they rest on.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, Any, NamedTuple, cast

from governance.core.instants import format_instant, parse_instant
from governance.core.note import parse_verifier_key
from governance.ledger.checked import CheckedReader
from governance.lineage.fold import build_dossier
from governance.lineage.footprint import FootprintReader
from governance.lineage.reading import read_dossier_entries
from governance.lineage.remembering import RememberingReader
from governance.lineage.shelf import Shelf
from governance.policy.assess import assess_briefly
from governance.policy.model import RuleSet
from governance.policy.summary import Summary, format_summary, parse_summary, summary_of
from governance.policy.vacuous import without_vacuous
from governance.storage.interface import Reader
from governance.storage.opening import open_storage
from governance.workspace.rule_sets import load_named_rule_set
from governance.workspace.starting import start_quickly

SUBJECTS_EACH_MIN = 100
"""Starting a process costs as much as assessing some hundred subjects."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every subject.

    Attributes:
        rule_sets: Ids or folders.
        size: The tree size to look at.
        at: The moment that the rules take as now, as text.
        severity_min: The least severity that decides a verdict.
        parameters: Values for the rule sets' parameters.
        in_force_only: Leave rules out of the verdict that do not apply yet at that moment.
        fail_vacuous: What passes only because there is nothing to look at counts as unknown.
    """

    rule_sets: tuple[str, ...]
    size: int
    at: str
    severity_min: str
    parameters: Mapping[str, Any]
    in_force_only: bool
    fail_vacuous: bool


class Found(NamedTuple):
    """What came of a subject, and what would change it."""

    summary: Summary
    footprint: bytes


def assess_many(
    reader: Reader,
    refs: Sequence[str],
    asked: Asked,
    loaded: Sequence[RuleSet],
    *,
    key: str,
    url: str | None = None,
    processes: int = 1,
) -> dict[str, Found]:
    """Assess subjects.

    Args:
        reader: The ledger's tables; it checks what it hands out.
        refs: Systems, models, datasets or deployments.
        asked: What is asked of each.
        loaded: Its rule sets.
        key: The ledger's verifier key, text form.
        url: Where other processes find the ledger, secrets included; None when they cannot.
        processes: At most so many, this one included.

    Raises:
        NotFoundError, RuleSetError, IntegrityError, InputError: As of one subject.
    """
    if not refs:
        return {}
    ordered = sorted(set(refs))
    parts = max(1, min(processes, len(ordered) // SUBJECTS_EACH_MIN)) if url else 1
    bounds = [len(ordered) * part // parts for part in range(parts + 1)]
    shares = [ordered[start:end] for start, end in itertools.pairwise(bounds)]
    workers = [
        _start({"url": url, "key": key, "refs": share, "asked": asdict(asked)}) for share in shares[1:]
    ]
    try:
        found = {each.summary.subject: each for each in assessed(reader, shares[0], loaded, asked)}
        for worker in workers:
            found |= {each.summary.subject: each for each in _results(worker)}
        missing = [ref for ref in ordered if ref not in found]
        found |= {each.summary.subject: each for each in assessed(reader, missing, loaded, asked)}
        return found
    finally:
        for worker in workers:
            _stop(worker)


def assessed(
    reader: Reader, refs: Sequence[str], rule_sets: Sequence[RuleSet], asked: Asked
) -> Iterator[Found]:
    """Assess subjects one after another, each entry read once."""
    noting, shelf = FootprintReader(RememberingReader(reader)), Shelf()
    told: dict[str, dict[str, Any]] = {}
    moment = parse_instant(asked.at)
    for ref in refs:
        entries = read_dossier_entries(noting, ref, size=asked.size, shelf=shelf)
        assessment = assess_briefly(
            build_dossier(ref, entries, tree_size=asked.size, shelf=shelf),
            rule_sets,
            at=moment,
            severity_min=asked.severity_min,
            parameters=asked.parameters,
            in_force_only=asked.in_force_only,
            told=told,
        )
        if asked.fail_vacuous:
            assessment = without_vacuous(assessment, rule_sets, in_force_only=asked.in_force_only)
        yield Found(summary_of(assessment), noting.take())


def asked_of(
    rule_sets: Sequence[str],
    *,
    size: int,
    at: datetime,
    severity_min: str,
    parameters: Mapping[str, Any] | None,
    in_force_only: bool,
    fail_vacuous: bool = False,
) -> Asked:
    """What is asked, in a form that can be sent to another process."""
    return Asked(
        tuple(rule_sets),
        size,
        format_instant(at),
        severity_min,
        parameters or {},
        in_force_only,
        fail_vacuous,
    )


class _Worker(NamedTuple):
    """A process and the file that it writes into: a pipe would make it wait for whoever reads."""

    process: subprocess.Popen[str]
    output: IO[str]


def _start(task: Mapping[str, Any]) -> _Worker | None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # It is closed by `_stop`, when what it holds was read.
    output = cast("IO[str]", tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115
    try:
        process = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
    except OSError:
        output.close()
        return None
    with contextlib.suppress(OSError), cast("IO[str]", process.stdin) as stream:
        json.dump(task, stream)
    return _Worker(process, output)


def _results(worker: _Worker | None) -> Iterator[Found]:
    """What a worker found; a line that is cut short, and all after it, is left out."""
    if worker is None:
        return
    worker.process.wait()
    worker.output.seek(0)
    for line in worker.output:
        try:
            footprint, _, summary = line.partition(" ")
            found = Found(parse_summary(summary), bytes.fromhex(footprint))
        except (ValueError, KeyError, TypeError):
            return
        yield found


def _stop(worker: _Worker | None) -> None:
    if worker is not None:
        worker.process.kill()
        worker.process.wait()
        worker.output.close()


def work(task: Mapping[str, Any], write: Any) -> None:
    """Assess one share and write a line for each subject.

    Args:
        task: The ledger's URL and key, the subjects, what is asked.
        write: Takes text.
    """
    asked = Asked(**{**task["asked"], "rule_sets": tuple(task["asked"]["rule_sets"])})
    with contextlib.closing(open_storage(task["url"])) as storage:
        reader = CheckedReader(storage, parse_verifier_key(task["key"]))
        loaded = [load_named_rule_set(name) for name in asked.rule_sets]
        for each in assessed(reader, task["refs"], loaded, asked):
            write(f"{each.footprint.hex()} {format_summary(each.summary)}\n")


if __name__ == "__main__":
    start_quickly()
    work(json.load(sys.stdin), sys.stdout.write)
