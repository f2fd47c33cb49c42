# SPDX-License-Identifier: Apache-2.0
"""Commands of judgement: check, policy list, policy show, policy test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from governance.cli import options
from governance.cli.check_many import Question, check_many
from governance.cli.options import Format
from governance.cli.output import say, write_json, write_line, write_table
from governance.cli.policy import mutate
from governance.errors import InputError

if TYPE_CHECKING:
    from governance.policy.explaining import Explanation
    from governance.policy.model import Assessment, Finding

NOT_SATISFIED = 1
NOT_EVALUATED = 4
PASSING = ("satisfied", "not_applicable")


def check(
    context: typer.Context,
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REF]...", help="Things' names, kind:name@version, as in model:credit-risk@3."
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Every system, model, dataset or deployment, besides those named."),
    ] = None,
    rule_sets: options.RuleSets = None,
    severity: Annotated[
        str,
        typer.Option("--severity-min", help="The least severity that decides: low, medium, high, critical."),
    ] = "low",
    parameter: options.Parameters = None,
    in_force_only: Annotated[
        bool, typer.Option("--in-force-only", help="Rules that do not apply yet do not decide.")
    ] = False,
    fail_vacuous: Annotated[
        bool,
        typer.Option("--fail-vacuous", help="What passes only because there is nothing to look at fails."),
    ] = False,
    record: Annotated[bool, typer.Option("--record", help="Append the assessment to the ledger.")] = False,
    all_findings: Annotated[bool, typer.Option("--all", help="Show the findings that pass as well.")] = False,
    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", help="Of several things: neither use nor keep what was found before."),
    ] = False,
    at: options.At = None,
    size: options.Size = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Hold rule sets against a system, model, dataset or deployment: the gate for CI.

    Exit code 0 when the verdict is pass, 1 when it is fail, 4 when a rule could not be evaluated. Of several things, or
    of every one of a kind, what was found is kept beside your other state until something of it changes.
    """
    if every is not None or len(refs or ()) > 1:
        if record:
            raise InputError("several assessments are not recorded at once", hint="record them one by one")
        check_many(
            context,
            Question(
                refs or [],
                every,
                rule_sets or ["baseline"],
                severity,
                options.parameters(parameter),
                in_force_only,
                fail_vacuous,
                options.instant(at),
                size,
            ),
            ledger=ledger,
            use_cache=not no_cache,
            output=output,
        )
        return
    if not refs:
        raise InputError(
            "nothing named to check", hint="name a thing, as model:credit-risk@3, or --every model"
        )
    (ref,) = refs
    options.compare_seen(ledger or options.shared_of(context).ledger)
    with options.opened(context, ledger, key_file) as workspace:
        assessment, explanations = workspace.check_to_explain(
            ref,
            rule_sets or ["baseline"],
            at=options.instant(at),
            size=size,
            severity_min=severity,
            parameters=options.parameters(parameter),
            in_force_only=in_force_only,
            fail_vacuous=fail_vacuous,
            record=record,
        )
        explained = explanations() if output is Format.json and any(map(_fails, assessment.findings)) else []
    if output is Format.json:
        write_json(_with_explanations(assessment, explained))
    else:
        _write(assessment, all_findings=all_findings)
    if any(finding.outcome == "error" for finding in assessment.findings):
        raise typer.Exit(NOT_EVALUATED)
    if assessment.verdict != "pass":
        raise typer.Exit(NOT_SATISFIED)


def policy_list(output: options.Output = Format.text) -> None:
    """List the rule sets that come with the package."""
    from governance.workspace.rule_sets import load_named_rule_set, rule_set_names

    loaded = [load_named_rule_set(name) for name in rule_set_names()]
    if output is Format.json:
        write_json([_described(each) for each in loaded])
        return
    rows = [(each.id, each.version, len(each.rules), each.title) for each in loaded]
    write_table(("rule set", "version", "rules", "title"), rows)


def policy_show(
    name: Annotated[str, typer.Argument(metavar="ID", help="A rule set's id or folder, or a rule's id.")],
    output: options.Output = Format.text,
) -> None:
    """Show a rule set with its requirements and rules, or one rule."""
    from governance.workspace.rule_sets import load_named_rule_set, rule_set_names

    prefix, _, rest = name.partition("/")
    is_rule = bool(rest) and prefix in rule_set_names()
    rule_set = load_named_rule_set(prefix if is_rule else name)
    rules = [rule for rule in rule_set.rules if not is_rule or rule.id == name]
    if not rules:
        raise InputError(f"no rule {name!r}", hint=f"governance policy show {prefix} lists its rules")
    if output is Format.json:
        write_json({**_described(rule_set), "rules": rules})
        return
    if not is_rule:
        write_line(f"{rule_set.title} ({rule_set.id} {rule_set.version}, {rule_set.digest})")
        write_line(rule_set.summary)
        write_line()
    for rule in rules:
        write_line(rule.id)
        write_line(f"    {rule.title}")
        in_force = f", applies from {rule.applies_from}" if rule.applies_from else ""
        write_line(
            f"    {', '.join(rule.requirements)}; {rule.severity}; one finding per {rule.scope}{in_force}"
        )
        for label, text in (("when", rule.when), ("satisfied if", rule.satisfied_if)):
            if text is not None and is_rule:
                write_line(f"    {label}: {' '.join(str(text).split())}")


def policy_test(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Rule sets; all by default.")
    ] = None,
    mutants: Annotated[
        bool, typer.Option("--mutate", help="Change each rule in every way, and tell what no case notices.")
    ] = False,
    minimum: Annotated[
        float, typer.Option(min=0, max=1, help="The share of mutants that cases have to notice.")
    ] = 0.9,
    output: options.Output = Format.text,
) -> None:
    """Run the cases of rule sets: each history against the outcome that it must give."""
    from governance.policy.cases import load_cases, run_cases
    from governance.workspace.rule_sets import (
        load_named_rule_set,
        rule_set_directory,
        rule_set_names,
    )

    if mutants:
        mutate(names or rule_set_names(), minimum=minimum, output=output)
        return
    results = []
    for name in names or rule_set_names():
        directory = rule_set_directory(name)
        ran = run_cases(load_named_rule_set(name), load_cases(directory))
        results.append((name, ran))
    failed = [(name, case) for name, ran in results for case in ran if not case.passed]
    if output is Format.json:
        write_json(
            {"passed": not failed, "results": [{"rule_set": name, "cases": ran} for name, ran in results]}
        )
    else:
        for _, case in failed:
            write_line(
                f"FAILED {case.rule}: {case.name}: expected {case.expected}, got {case.obtained}: {case.detail}"
            )
        for name, ran in results:
            write_line(f"{name}: {sum(case.passed for case in ran)} of {len(ran)} cases passed")
    if failed:
        raise typer.Exit(NOT_SATISFIED)


def _with_explanations(assessment: Assessment, explanations: Sequence[Explanation | None]) -> dict[str, Any]:
    """An assessment as JSON, each finding that does not pass with why."""
    told = assessment.to_dict()
    for finding, explanation in zip(told["findings"], explanations, strict=False):
        if explanation is not None:
            finding["explanation"] = explanation
    return told


def _write(assessment: Assessment, *, all_findings: bool) -> None:
    shown = [each for each in assessment.findings if all_findings or _fails(each)]
    for finding in sorted(shown, key=_gravity):
        _write_finding(finding)
    tally = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in assessment.tally.items() if count
    )
    write_line(f"{assessment.subject} at tree size {assessment.tree_size}: {tally}")
    sets = ", ".join(f"{line.id} {line.version}" for line in assessment.rule_sets)
    write_line(f"verdict: {assessment.verdict} ({sets}; severity {assessment.severity_min} and above)")
    write_line(f"holds {_until(assessment)} if nothing new is recorded")
    if not all_findings and len(shown) < len(assessment.findings):
        say(f"{len(assessment.findings) - len(shown)} findings that pass are not shown; --all shows them")


def _until(assessment: Assessment) -> str:
    if assessment.horizon is None:
        return "for ever"
    return f"until {assessment.horizon:%Y-%m-%d %H:%M:%S} UTC"


def _write_finding(finding: Finding) -> None:
    element = f" [{finding.element}]" if finding.element else ""
    waived = "waived, " if finding.waiver else ""
    write_line(f"{waived}{finding.outcome.replace('_', ' ')}  {finding.severity}  {finding.rule}")
    write_line(f"    {finding.subject}{element}: {finding.message if _fails(finding) else finding.title}")
    if finding.applies_from and not finding.in_force:
        write_line(f"    applies from {finding.applies_from}")
    if finding.remediation and _fails(finding):
        write_line(f"    mend: {' '.join(finding.remediation.split())}")
    if finding.evidence:
        noun = "entry" if len(finding.evidence) == 1 else "entries"
        write_line(f"    evidence: {noun} {', '.join(map(str, finding.evidence))}")
    if finding.waiver:
        write_line(
            f"    waived until {finding.waiver.expires_at} by {finding.waiver.granted_by}: {finding.waiver.reason}"
        )
    write_line()


def _fails(finding: Finding) -> bool:
    return finding.outcome not in PASSING


def _gravity(finding: Finding) -> tuple[int, int, str, str]:
    severities = ("critical", "high", "medium", "low")
    return (
        int(finding.waiver is not None),
        severities.index(finding.severity),
        finding.rule,
        finding.subject,
    )


def _described(rule_set: Any) -> dict[str, Any]:
    return {
        "id": rule_set.id,
        "title": rule_set.title,
        "version": rule_set.version,
        "digest": rule_set.digest,
        "summary": rule_set.summary,
        "rule_count": len(rule_set.rules),
        "requirements": rule_set.requirements,
    }
