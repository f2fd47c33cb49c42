# SPDX-License-Identifier: Apache-2.0
"""Commands about rule sets themselves: policy test --mutate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from governance.cli.lint import near
from governance.cli.options import Format
from governance.cli.output import say, write_json, write_line

if TYPE_CHECKING:
    from governance.policy.mutation import MutationResult, Survivor

NOT_SATISFIED = 1


def mutate(names: Sequence[str], *, minimum: float, output: Format) -> None:
    """Try mutants of every rule and tell which no case noticed; exit code 1 where too few were killed."""
    from governance.workspace.mutating import mutate_rule_set

    results = []
    for name in names:
        say(f"trying the mutants of {name} …")
        results.append(mutate_rule_set(name))
    passed = all(each.score >= minimum for each in results)
    if output is Format.json:
        told = [_told(each, minimum) for each in results]
        write_json({"passed": passed, "minimum": minimum, "results": told})
    else:
        for result in results:
            for survivor in result.survivors:
                _write_survivor(survivor)
        for result in results:
            write_line(
                f"{result.rule_set}: {result.killed} of {result.made} mutants killed "
                f"({_percent(result.score)}, at least {_percent(minimum)})"
            )
    if not passed:
        raise typer.Exit(NOT_SATISFIED)


def _write_survivor(survivor: Survivor) -> None:
    from governance.policy.mutants import OPERATORS

    write_line(f"survived {survivor.operator}: {OPERATORS[survivor.operator]}")
    place = survivor.place
    write_line(f"    {survivor.rule}, {survivor.key}, at {near(place.file)}:{place.line}:{place.column}")
    write_line(f"    - {' '.join(survivor.before.split())}")
    write_line(f"    + {' '.join(survivor.after.split()) or '(nothing: the rule applies always)'}")
    write_line()


def _told(result: MutationResult, minimum: float) -> dict[str, object]:
    return {
        "rule_set": result.rule_set,
        "made": result.made,
        "killed": result.killed,
        "score": round(result.score, 4),
        "passed": result.score >= minimum,
        "survivors": [
            {
                "rule": each.rule,
                "key": each.key,
                "operator": each.operator,
                "file": each.place.file,
                "line": each.place.line,
                "column": each.place.column,
                "before": each.before,
                "after": each.after,
            }
            for each in result.survivors
        ],
    }


def _percent(share: float) -> str:
    """A share in percent, rounded down, so that what is too little never looks enough."""
    return f"{int(share * 1000) / 10:g} %"
