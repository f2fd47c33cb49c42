# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of rule sets over several processes, each with some of the rules.

    python -m governance.workspace.mutating FOLDER < rules.json > result.json

Rules: a worker is a process of its own that loads the rule set for itself; nothing is shared. One that does not finish
costs time, never truth: its rules are then tried here. The result is the same with one process as with many.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from governance.policy.cases import load_cases
from governance.policy.loader import load_rule_set
from governance.policy.mutation import MutationResult, Survivor, joined, try_mutants
from governance.policy.sources import Place, read_sources
from governance.workspace.rule_sets import rule_set_directory

RULES_EACH_MIN = 8
"""Starting a process costs as much as trying the mutants of some rules."""


def mutate_rule_set(name: str, *, processes: int | None = None) -> MutationResult:
    """Try the mutants of every rule of a rule set on its cases.

    Args:
        name: A rule set's id, or its folder.
        processes: At most so many, this one included; one for each core by default.

    Raises:
        NotFoundError: No such rule set, or it has no cases.
        RuleSetError: It does not load.
        InputError: A case does not pass as the rules stand.
    """
    directory = rule_set_directory(name)
    rules = [rule.id for rule in load_rule_set(directory).rules]
    wanted = max(1, min(processes or os.cpu_count() or 1, len(rules) // RULES_EACH_MIN))
    own, *others = [rules[at::wanted] for at in range(wanted)]
    workers = [_start(directory, part) for part in others]
    try:
        results = [mutate_rules(directory, own)]
        for worker, part in zip(workers, others, strict=True):
            results.append(_finish(worker) or mutate_rules(directory, part))
        return joined(results)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def mutate_rules(directory: Path, rules: Sequence[str]) -> MutationResult:
    """Try the mutants of some rules, by id, of the rule set in a folder; what one process does."""
    return try_mutants(load_rule_set(directory), load_cases(directory), read_sources(directory), rules=rules)


def format_result(result: MutationResult) -> str:
    """A result as one line of JSON; `parse_result(format_result(r)) == r`."""
    return json.dumps(dataclasses.asdict(result))


def parse_result(text: str) -> MutationResult:
    """A result out of JSON.

    Raises:
        ValueError: It is none.
    """
    told = json.loads(text)
    survivors = (Survivor(**{**each, "place": Place(**each["place"])}) for each in told["survivors"])
    return MutationResult(told["rule_set"], told["made"], tuple(survivors))


def _start(directory: Path, rules: Sequence[str]) -> subprocess.Popen[str]:
    worker = subprocess.Popen(  # noqa: S603  # our own module, by the interpreter that runs us
        [sys.executable, "-m", "governance.workspace.mutating", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdin is not None  # it is a pipe
    worker.stdin.write(json.dumps(list(rules)))
    worker.stdin.close()
    return worker


def _finish(worker: subprocess.Popen[str]) -> MutationResult | None:
    assert worker.stdout is not None  # it is a pipe
    with worker.stdout as stream:
        text = stream.read()
    if worker.wait() != 0:
        return None
    return parse_result(text)


if __name__ == "__main__":
    sys.stdout.write(format_result(mutate_rules(Path(sys.argv[1]), json.loads(sys.stdin.read()))))
