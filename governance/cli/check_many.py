# SPDX-License-Identifier: Apache-2.0
"""`check` of several things: a line for each that does not pass, and what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_line, write_pieces

if TYPE_CHECKING:
    from governance.policy.summary import Summary
    from governance.workspace.checking import Checked

SHOWN_MAX = 5
"""Findings that are shown of one thing; JSON has all that do not pass."""

NOT_SATISFIED = 1
NOT_EVALUATED = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of several things."""

    refs: list[str]
    every: str | None
    rule_sets: list[str]
    severity: str
    parameters: Mapping[str, Any]
    in_force_only: bool
    fail_vacuous: bool
    at: datetime | None
    size: int | None


def check_many(
    context: typer.Context, question: Question, *, ledger: str | None, use_cache: bool, output: Format
) -> None:
    """Check several things and tell what came of them."""
    import governance.workspace.checking
    import governance.workspace.opening  # both are loaded before there are two processes  # noqa: F401
    from governance.workspace.assessing_beside import beside
    from governance.workspace.places import state_directory

    state = state_directory() if use_cache else None
    with beside(question.rule_sets, state) as other:
        options.compare_seen(ledger or options.shared_of(context).ledger)
        with options.opened(context, ledger) as workspace:
            refs = list(question.refs)
            if question.every is not None:
                refs += workspace.subjects(question.every, size=question.size)
            checked = workspace.check_many(
                refs,
                question.rule_sets,
                at=question.at,
                size=question.size,
                severity_min=question.severity,
                parameters=question.parameters,
                in_force_only=question.in_force_only,
                fail_vacuous=question.fail_vacuous,
                keep_in=state / "assessments" if state is not None else None,
                other=other,
            )
    if output is Format.json:
        write_pieces(checked.to_json())
    else:
        _write(checked)
    if any(each.errors for each in checked.subjects):
        raise typer.Exit(NOT_EVALUATED)
    if checked.verdict != "pass":
        raise typer.Exit(NOT_SATISFIED)


def _write(checked: Checked) -> None:
    failing = [each for each in checked.subjects if each.verdict != "pass"]
    for each in failing:
        _write_subject(each)
    count = len(checked.subjects)
    write_line(f"{count - len(failing):,} of {count:,} pass at tree size {checked.tree_size}")
    until = "for ever" if checked.horizon is None else f"until {checked.horizon:%Y-%m-%d %H:%M:%S} UTC"
    write_line(f"verdict: {checked.verdict} (severity {checked.severity_min} and above)")
    write_line(f"holds {until} if nothing new is recorded")
    if checked.kept:
        say(
            f"{checked.kept:,} of them had not changed since they were assessed; --no-cache assesses all anew"
        )


def _write_subject(each: Summary) -> None:
    counts = ", ".join(
        f"{count} {name.replace('_', ' ')}"
        for name, count in each.tally.items()
        if count and name not in ("satisfied", "not_applicable")
    )
    write_line(f"{each.verdict}  {each.subject}: {counts}")
    standing = [finding for finding in each.findings if finding["waiver"] is None]
    for finding in standing[:SHOWN_MAX]:
        write_line(f"    {finding['severity']}  {finding['rule']}: {finding['message']}")
    if len(standing) > SHOWN_MAX:
        write_line(f"    and {len(standing) - SHOWN_MAX} more: governance check {each.subject}")
    write_line()
