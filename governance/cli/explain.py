# SPDX-License-Identifier: Apache-2.0
"""The command `explain`: why a finding does not pass, as a tree that a person can read.

Rules: what would have to change stands on the left, nearest to passing first; below each comparison both values and the
entries that they came from. Colours only where somebody looks at a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import options
from governance.cli.assess import PASSING
from governance.cli.options import Format
from governance.cli.output import plain, write_json, write_line

if TYPE_CHECKING:
    from governance.policy.explaining import Cited, Explanation, Reason
    from governance.policy.model import Finding

SHOWN_MAX = 3
"""Alternatives that are shown when nobody asks for all; JSON has up to 20."""

ALL_MAX = 1_000_000

HASH_SHOWN = 16
"""Hex digits of a leaf hash in text; JSON has all 64."""


def explain(
    context: typer.Context,
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule's id, as in baseline/approved, or a rule set's id.")
    ],
    ref: options.RefArgument,
    rule_sets: options.RuleSets = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show every alternative, not the nearest three.")
    ] = False,
    parameter: options.Parameters = None,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Say why a rule is not satisfied: what was compared, with which values of which entries, and what is missing.

    Exit code 0 when every finding passes, 1 when one does not.
    """
    named, _, rest = rule.partition("/")
    with options.opened(context, ledger) as workspace:
        found = workspace.explain(
            ref,
            rule_sets or [named],
            rules=[rule] if rest else None,
            at=options.instant(at),
            size=size,
            parameters=options.parameters(parameter),
        )
    if output is Format.json:
        write_json(
            [{**each.to_dict(), "explanation": plain_explanation(explanation)} for each, explanation in found]
        )
    else:
        for finding, explanation in found:
            for line in _finding_lines(
                finding, explanation, is_whole_set=not rest, shown_max=ALL_MAX if show_all else SHOWN_MAX
            ):
                write_line(line)
    if any(finding.outcome not in PASSING for finding, _ in found):
        raise typer.Exit(1)


def plain_explanation(explanation: Explanation | None) -> Any:
    """An explanation as JSON has it, None where a finding passes."""
    return None if explanation is None else plain(explanation)


def _finding_lines(
    finding: Finding, explanation: Explanation | None, *, is_whole_set: bool, shown_max: int
) -> Iterator[str]:
    element = f" [{finding.element}]" if finding.element else ""
    if explanation is None:
        if not is_whole_set:
            yield f"{_strong(finding.outcome.replace('_', ' '))}  {finding.rule}  {finding.subject}{element}"
            yield f"    {finding.message}"
        return
    waived = "waived, " if finding.waiver else ""
    outcome = _strong(f"{waived}{finding.outcome.replace('_', ' ')}")
    yield f"{outcome}  {finding.severity}  {finding.rule}  {finding.subject}{element}"
    yield f"    {finding.message}"
    yield ""
    if explanation.reason is not None:
        yield f"    {_asked(explanation)}"
        yield from (f"    {line}" for line in reason_lines(explanation.reason, shown_max=shown_max))
    elif explanation.says is not None:
        yield f"    {explanation.says}"
    from governance.policy.recording import NEXT_VERSION

    for missing in explanation.missing:
        types = f", would be told by {' or '.join(missing.event_types)}" if missing.event_types else ""
        yield f"    missing: {missing.path or 'evidence'}{types}"
        yield from (
            f"    {'record the next version' if NEXT_VERSION in command else 'record'}: {command}"
            for event_type, command in zip(missing.event_types, missing.commands, strict=False)
            if f"governance record {event_type} " not in explanation.remediation
        )
    if explanation.evidence:
        yield f"    looked at: {_cited(explanation.evidence)}"
    yield f"    mend: {' '.join(explanation.remediation.split())}"
    yield ""


def _asked(explanation: Explanation) -> str:
    if explanation.asked == "when":
        return "whether the rule applies cannot be told:"
    if explanation.asked == "for_each":
        return "what the rule is asked of cannot be told:"
    return "why:"


def reason_lines(reason: Reason, *, shown_max: int = SHOWN_MAX) -> Iterator[str]:
    """A reason as an indented tree; each part under what it is part of.

    Args:
        reason: What has to change.
        shown_max: Of several alternatives only so many, the nearest to passing.
    """
    place = f"{reason.at}: " if reason.at else ""
    if not reason.parts:
        yield from _leaf_lines(reason, place)
    elif len(reason.parts) + reason.left_out == 1:
        first, *rest = reason_lines(reason.parts[0], shown_max=shown_max)
        # What is said of an element that is itself inside another one keeps both places.
        yield place + first
        yield from rest
    else:
        needed = "each of these" if reason.needs == "all" else "any one of these, the nearest first"
        yield place + needed
        yield from _branches(reason, shown_max)


def _branches(reason: Reason, shown_max: int) -> Iterator[str]:
    shown = reason.parts if reason.needs == "all" else reason.parts[:shown_max]
    left_out = len(reason.parts) - len(shown) + reason.left_out
    for number, part in enumerate(shown):
        is_last = number == len(shown) - 1 and not left_out
        for at, line in enumerate(reason_lines(part, shown_max=shown_max)):
            mark = ("└─ " if is_last else "├─ ") if at == 0 else ("   " if is_last else "│  ")
            yield mark + line
    if left_out:
        yield f"└─ and {left_out} more"


def _leaf_lines(reason: Reason, place: str) -> Iterator[str]:
    yield f"{place}{_strong(reason.text)} has to be {'true' if reason.wanted else 'false'}"
    if reason.failure is not None:
        yield f"      {reason.failure}"
    elif reason.right is not None:
        yield f"      left   {reason.left}"
        yield f"      right  {reason.right}"
    elif reason.left is not None:
        yield f"      it is {reason.left}"
    else:
        yield "      there is nothing that it could be true of"
    for read in reason.reads:
        if not read.recorded:
            yield f"      {read.path} is not recorded{f', as of {_cited(read.entries)}' if read.entries else ''}"
        elif read.entries:
            yield f"      {read.path}  {_cited(read.entries)}"


def _cited(entries: tuple[Cited, ...]) -> str:
    return ", ".join(f"entry {each.index} ({each.leaf_hash[:HASH_SHOWN]}…)" for each in entries)


def _strong(text: str) -> str:
    return typer.style(text, bold=True) if sys.stdout.isatty() else text
