# SPDX-License-Identifier: Apache-2.0
"""The command policy lint: what is suspicious in rule sets, with its place and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli.output import say, write_json, write_line

if TYPE_CHECKING:
    from governance.policy.lint import LintResult
    from governance.policy.lint_model import LintFinding

NOT_CLEAN = 1


class LintFormat(StrEnum):
    """How what was found is written."""

    text = "text"
    json = "json"
    sarif = "sarif"


def policy_lint(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID|FOLDER]...", help="Rule sets; all that are shipped by default."),
    ] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="Show what lint_ok accepts as well.")] = False,
    output: Annotated[LintFormat, typer.Option("--format", help="How data are written.")] = LintFormat.text,
) -> None:
    """Look for what is suspicious in rule sets: empty quantifiers, dead conditions, gaps, commands that are none.

    Exit code 1 when an error or a warning is open; notes do not decide. docs/lint.md explains each lint.
    """
    from governance.workspace.rule_sets import lint_named_rule_sets, rule_set_names

    commands = commands_of(context.find_root().command)
    results = lint_named_rule_sets(names or rule_set_names(), commands=commands)
    if output is LintFormat.json:
        write_json([_told(each) for each in results])
    elif output is LintFormat.sarif:
        _write_sarif(results)
    else:
        _write(results, accepted=accepted)
    if not all(each.is_clean for each in results):
        raise typer.Exit(NOT_CLEAN)


def commands_of(root: Any) -> dict[str, frozenset[str]]:
    """Every command with its options, by name as it is typed: `check`, `policy test`."""
    found: dict[str, frozenset[str]] = {}

    def walk(command: Any, name: str) -> None:
        subcommands: Mapping[str, Any] = getattr(command, "commands", {})
        if subcommands:
            for each, inner in subcommands.items():
                walk(inner, f"{name} {each}".strip())
            return
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        found[name] = frozenset(each for each in options if each.startswith("--"))

    walk(root, "")
    return found


def _write(results: list[LintResult], *, accepted: bool) -> None:
    for result in results:
        for finding in result.findings if accepted else result.open:
            _write_finding(finding)
    for result in results:
        counts = dict.fromkeys(("error", "warning", "note"), 0)
        for finding in result.open:
            counts[finding.lint.severity] += 1
        told = ", ".join(f"{count} {level}{'s' * (count != 1)}" for level, count in counts.items() if count)
        write_line(f"{result.rule_set}: {told or 'nothing found'}")
        hidden = len(result.findings) - len(result.open)
        if hidden and not accepted:
            say(f"{result.rule_set}: {hidden} accepted by lint_ok; --accepted shows them")


def _write_finding(finding: LintFinding) -> None:
    state = f" (accepted: {finding.accepted})" if finding.accepted else ""
    write_line(f"{finding.lint.severity}[{finding.lint.id}]: {finding.message}{state}")
    about = f"  {finding.rule}" if finding.rule else ""
    write_line(f"  --> {near(finding.place.file)}:{finding.place.line}:{finding.place.column}{about}")
    source = _source_line(finding)
    if source is not None:
        number = str(finding.place.line)
        write_line(f"{' ' * len(number)}  |")
        write_line(f"{number}  | {source}")
        write_line(f"{' ' * len(number)}  | {' ' * (finding.place.column - 1)}^")
    if finding.hint:
        write_line(f"  hint: {finding.hint}")
    write_line()


def _source_line(finding: LintFinding) -> str | None:
    """The line that a finding is about, cut where it would fill the screen; None where it cannot be read."""
    try:
        lines = Path(finding.place.file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    if finding.place.line > len(lines):
        return None
    line = lines[finding.place.line - 1]
    end = finding.place.column + 100
    return line if len(line) <= end else f"{line[:end]}…"


def near(file: str) -> str:
    """A file as it is found from here, where it lies below."""
    found = os.path.relpath(file)
    return file if found.startswith("..") else found


def _write_sarif(results: list[LintResult]) -> None:
    import governance
    from governance.policy.lint_sarif import to_sarif

    version = governance.__version__
    write_json(to_sarif(results, version=version, uri_of=lambda file: near(file).replace(os.sep, "/")))


def _told(result: LintResult) -> dict[str, Any]:
    return {
        "rule_set": result.rule_set,
        "file": result.file,
        "clean": result.is_clean,
        "findings": [
            {
                "lint": each.lint.id,
                "severity": each.lint.severity,
                "file": each.place.file,
                "line": each.place.line,
                "column": each.place.column,
                "rule": each.rule,
                "message": each.message,
                "hint": each.hint,
                "accepted": each.accepted,
            }
            for each in result.findings
        ],
    }
