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
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any

from governance.core.instants import parse_instant
from governance.core.note import parse_verifier_key
from governance.forking import can_fork
from governance.ledger.checked import CheckedReader
from governance.lineage.fold import build_dossier
from governance.lineage.footprint import FootprintReader
from governance.lineage.reading import read_dossier_entries
from governance.lineage.remembering import RememberingReader
from governance.lineage.shelf import Shelf
from governance.policy.assess import assess_briefly, severity_named
from governance.policy.model import RuleSet
from governance.policy.parameters import parameter_values
from governance.policy.summarising import summary_of
from governance.policy.vacuous import without_vacuous
from governance.storage.interface import Reader
from governance.storage.opening import open_storage
from governance.workspace.asked import Asked, Found, found_in, line_of
from governance.workspace.assessing_processes import Process, forked, started
from governance.workspace.rule_sets import load_named_rule_set
from governance.workspace.starting import start_quickly

SUBJECTS_EACH_MIN = 100
"""Starting a process costs as much as assessing some hundred subjects."""

SUBJECTS_EACH_MIN_FORKED = 5
"""A fork has to open the ledger, which costs as much as assessing some of them."""


def require_askable(asked: Asked, loaded: Sequence[RuleSet]) -> None:
    """Whether rule sets can be asked this.

    Raises:
        InputError: An unknown severity or parameter.
    """
    severity_named(asked.severity_min)
    parameter_values(loaded, asked.parameters)


def assess_many(
    reader: Reader,
    refs: Sequence[str],
    asked: Asked,
    loaded: Sequence[RuleSet],
    *,
    key: str,
    url: str | None = None,
    may_fork: bool = False,
    shared: Shared | None = None,
) -> dict[str, Found]:
    """Assess subjects.

    Args:
        reader: The ledger's tables; it checks what it hands out.
        refs: Systems, models, datasets or deployments.
        asked: What is asked of each.
        loaded: Its rule sets.
        key: The ledger's verifier key, text form.
        url: Where other processes find the ledger, secrets included; None when they cannot.
        may_fork: Whether others may be forked off this one, if it has one thread alone.
        shared: What is known of the ledger's entries already.

    Raises:
        NotFoundError, RuleSetError, IntegrityError, InputError: As of one subject.
    """
    if not refs:
        return {}
    ordered = sorted(set(refs))
    forks = may_fork and can_fork()
    each_min = SUBJECTS_EACH_MIN_FORKED if forks else SUBJECTS_EACH_MIN
    parts = max(1, min(os.cpu_count() or 1, len(ordered) // each_min)) if url else 1
    bounds = [len(ordered) * part // parts for part in range(parts + 1)]
    shares = [ordered[start:end] for start, end in itertools.pairwise(bounds)]
    known = Shared() if shared is None else shared
    found: dict[str, Found] = {}

    with contextlib.ExitStack() as running:

        def start(share: list[str]) -> Process | None:
            task = {"url": url, "key": key, "refs": share[::-1], "asked": asdict(asked)}
            with contextlib.suppress(OSError):
                return running.enter_context(
                    forked(lambda output: work(task, output, loaded, known))
                    if forks
                    else started(__name__, task)
                )
            return None

        for each in assessed(reader, _left(shares, start, found), loaded, asked, known):
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


def _results(process: Process) -> Iterator[Found]:
    """What a process found since this was last asked."""
    for each in process.new_lines():
        with contextlib.suppress(ValueError, TypeError):
            yield found_in(each)


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
