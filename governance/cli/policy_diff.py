# SPDX-License-Identifier: Apache-2.0
"""The command policy diff: what comes out otherwise when one rule set takes the place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_json, write_line
from governance.errors import InputError

if TYPE_CHECKING:
    from governance.policy.comparison import FindingChange
    from governance.workspace.comparing import Comparison

DIFFERENT = 1


def policy_diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A rule set's id or folder.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What takes its place: an id or folder.")],
    subjects: Annotated[
        list[str] | None, typer.Option("--subjects", metavar="REF", help="What to look at; may be repeated.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Look at every system, model, dataset and deployment.")
    ] = False,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Compare two rule sets by effect: every finding of the ledger's things that comes out otherwise, and why.

    As with diff: exit code 0 when every outcome is the same, 1 when one differs, for the better or for the worse.
    """
    from governance.workspace.comparing import compare_rule_sets
    from governance.workspace.opening import now

    if bool(subjects) is everything:
        raise InputError("say what to look at", hint="either --subjects REF, or --all")
    with options.opened(context, ledger) as workspace:
        comparison = compare_rule_sets(
            workspace,
            workspace.rule_set(old),
            workspace.rule_set(new),
            subjects or None,
            at=options.instant(at) or now(),
            size=size,
        )
    if output is Format.json:
        write_json(_told(comparison))
    else:
        _write(comparison)
    if comparison.findings:
        raise typer.Exit(DIFFERENT)


def _write(comparison: Comparison) -> None:
    for parameter in comparison.texts.parameters:
        write_line(f"parameter {parameter.parameter}: {parameter.change}")
        _write_sides(parameter.before, parameter.after)
    for rule in comparison.texts.rules:
        keys = f": {', '.join(rule.keys)}" if rule.keys else ""
        write_line(f"rule {rule.rule}: {rule.change}{keys}")
    if comparison.texts.parameters or comparison.texts.rules:
        write_line()
    for change in comparison.findings:
        _write_change(change)
    worse = sum(each.is_worse for each in comparison.findings)
    better = sum(each.is_better for each in comparison.findings)
    write_line(
        f"{comparison.old.id} {comparison.old.version} → {comparison.new.id} {comparison.new.version}: "
        f"{len(comparison.findings)} of {comparison.compared} outcomes differ, {worse} worse, {better} better"
    )
    say(f"{len(comparison.subjects)} subjects, tree size {comparison.tree_size}")


def _write_sides(before: str, after: str) -> None:
    for sign, text in (("-", before), ("+", after)):
        if text:
            write_line(f"    {sign} {text}")


def _write_change(change: FindingChange) -> None:
    way = "worse" if change.is_worse else "better" if change.is_better else "other"
    element = f" [{change.element}]" if change.element else ""
    write_line(f"{way}  {change.severity}  {change.rule}")
    write_line(f"    {change.subject}{element}: {_outcome(change.before)} → {_outcome(change.after)}")
    write_line(f"    because: {change.why}")
    if change.is_worse:
        write_line(f"    {change.message}")
    write_line()


def _outcome(outcome: str | None) -> str:
    return "no finding" if outcome is None else outcome.replace("_", " ")


def _told(comparison: Comparison) -> dict[str, Any]:
    return {
        "old": _set(comparison.old),
        "new": _set(comparison.new),
        "subjects": list(comparison.subjects),
        "tree_size": comparison.tree_size,
        "assessed_at": comparison.assessed_at,
        "rules": comparison.texts.rules,
        "parameters": comparison.texts.parameters,
        "compared": comparison.compared,
        "worse": sum(each.is_worse for each in comparison.findings),
        "better": sum(each.is_better for each in comparison.findings),
        "findings": [
            {
                "rule": each.rule,
                "subject": each.subject,
                "element": each.element,
                "before": each.before,
                "after": each.after,
                "worse": each.is_worse,
                "severity": each.severity,
                "why": each.why,
                "message": each.message,
            }
            for each in comparison.findings
        ],
    }


def _set(rule_set: Any) -> dict[str, str]:
    return {"id": rule_set.id, "version": rule_set.version, "digest": rule_set.digest}
