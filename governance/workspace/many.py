# SPDX-License-Identifier: Apache-2.0
"""Assessing many subjects: each entry read, proven and made ready once, in as many processes as there are cores.

    python -m governance.workspace.many < share.json > results

Rules: what comes of a subject is what comes of it alone. Another process opens the ledger by its URL, which may hold a
password and so comes through stdin. It writes a line for each subject, from the last of its share to the first; this
process takes what is left of it from the first on. Subjects are in order of text, since those whose names are near
share most of what they rest on. A process that is forked off this one has all that is loaded here, and the entries that
the first subject rests on.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, Any, NamedTuple

import orjson

from governance.core.instants import format_instant, parse_instant
from governance.core.note import parse_verifier_key
from governance.forking import can_fork
from governance.ledger.checked import CheckedReader
from governance.lineage.fold import build_dossier
from governance.lineage.footprint import FootprintReader
from governance.lineage.reading import read_dossier_entries
from governance.lineage.remembering import RememberingReader
from governance.lineage.shelf import Shelf
from governance.policy.assess import assess_briefly
from governance.policy.model import RuleSet
from governance.policy.summary import Summary, summary_of
from governance.policy.vacuous import without_vacuous
from governance.storage.interface import Reader
from governance.storage.opening import open_storage
from governance.workspace.assessing_processes import Process, forked, started
from governance.workspace.rule_sets import load_named_rule_set
from governance.workspace.starting import start_quickly

SUBJECTS_EACH_MIN = 100
"""Starting a process costs as much as assessing some hundred subjects."""

SUBJECTS_EACH_MIN_FORKED = 5
"""A fork has to open the ledger, which costs as much as assessing some of them."""


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
    may_fork: bool = False,
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
        may_fork: Whether others may be forked off this one, if it has one thread alone.

    Raises:
        NotFoundError, RuleSetError, IntegrityError, InputError: As of one subject.
    """
    if not refs:
        return {}
    ordered = sorted(set(refs))
    forks = may_fork and can_fork()
    each_min = SUBJECTS_EACH_MIN_FORKED if forks else SUBJECTS_EACH_MIN
    parts = max(1, min(processes, len(ordered) // each_min)) if url else 1
    bounds = [len(ordered) * part // parts for part in range(parts + 1)]
    shares = [ordered[start:end] for start, end in itertools.pairwise(bounds)]
    shared = Shared()
    found: dict[str, Found] = {}

    with contextlib.ExitStack() as running:

        def start(share: list[str]) -> Process | None:
            task = {"url": url, "key": key, "refs": share[::-1], "asked": asdict(asked)}
            with contextlib.suppress(OSError):
                return running.enter_context(
                    forked(lambda output: work(task, output, loaded, shared))
                    if forks
                    else started(__name__, task)
                )
            return None

        for each in assessed(reader, _left(shares, start, found), loaded, asked, shared):
            found[each.summary.subject] = each
    return found


def _left(
    shares: Sequence[list[str]], start: Callable[[list[str]], Process | None], found: dict[str, Found]
) -> Iterator[str]:
    """What is to be assessed here: the first share, and of each other one what its process has not done.

    It goes through a share from its end, so that it is done where both meet. What it did is put to what was found; what
    it told in words that nobody understands is assessed here as well.
    """
    mine, *theirs = shares
    yield mine[0]
    others = [start(share) for share in theirs]
    yield from mine[1:]
    for share, other in zip(theirs, others, strict=True):
        for ref in share:
            if other is not None:
                found.update((each.summary.subject, each) for each in _results(other))
            if ref in found:
                break
            yield ref
    yield from (ref for share in shares for ref in share if ref not in found)


class Shared:
    """What subjects of one ledger share: entries that were proven and made ready, and statements as rules see them."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.told: dict[str, dict[str, Any]] = {}


def assessed(
    reader: Reader, refs: Iterable[str], rule_sets: Sequence[RuleSet], asked: Asked, shared: Shared
) -> Iterator[Found]:
    """Assess subjects one after another, each entry read once."""
    noting = FootprintReader(RememberingReader(reader))
    moment = parse_instant(asked.at)
    for ref in refs:
        entries = read_dossier_entries(noting, ref, size=asked.size, shelf=shared.shelf)
        assessment = assess_briefly(
            build_dossier(ref, entries, tree_size=asked.size, shelf=shared.shelf),
            rule_sets,
            at=moment,
            severity_min=asked.severity_min,
            parameters=asked.parameters,
            in_force_only=asked.in_force_only,
            told=shared.told,
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


def _results(process: Process) -> Iterator[Found]:
    """What a process found since this was last asked."""
    for each in process.new_lines():
        with contextlib.suppress(ValueError, TypeError):
            head, footprint, line = each.split(b"\t", 2)
            summary = Summary._make([*orjson.loads(head), line])
            yield Found(summary, bytes.fromhex(footprint.decode()))


def work(task: Mapping[str, Any], output: IO[bytes], loaded: Sequence[RuleSet], shared: Shared) -> None:
    """Assess one share and write a line for each subject.

    Args:
        task: The ledger's URL and key, the subjects, what is asked.
        output: Takes the lines.
        loaded: The rule sets.
        shared: What is known of the ledger's entries already.
    """
    asked = Asked(**task["asked"])
    with contextlib.closing(open_storage(task["url"])) as storage:
        reader = CheckedReader(storage, parse_verifier_key(task["key"]))
        for each in assessed(reader, task["refs"], loaded, asked, shared):
            output.write(line_of(each))
            output.flush()


def line_of(found: Found) -> bytes:
    """What came of a subject, as one process tells another."""
    head = orjson.dumps(found.summary[:-1])
    return b"\t".join((head, found.footprint.hex().encode(), found.summary.line)) + b"\n"


def main() -> None:
    """Assess the share that stands in the standard input."""
    start_quickly()
    task = json.load(sys.stdin)
    work(
        task,
        sys.stdout.buffer,
        [load_named_rule_set(name) for name in task["asked"]["rule_sets"]],
        Shared(),
    )


if __name__ == "__main__":
    main()
