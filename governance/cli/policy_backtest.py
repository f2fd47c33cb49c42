# SPDX-License-Identifier: Apache-2.0
"""The command policy backtest: for how long a subject failed rule sets within a window of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import write_json, write_line, write_table

if TYPE_CHECKING:
    from governance.policy.backtest import Backtest

FAILED = 1
DAY = 86_400


def policy_backtest(
    context: typer.Context,
    ref: options.RefArgument,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="The window's beginning, as in 2026-01-01T00:00:00Z.")
    ],
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Its end; now by default.")] = None,
    rule_sets: options.RuleSets = None,
    severity: Annotated[
        str,
        typer.Option("--severity-min", help="The least severity that decides: low, medium, high, critical."),
    ] = "low",
    parameter: options.Parameters = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Hold rule sets against a subject as it was known at every moment of a window, and count the days that failed.

    Exit code 0 when the verdict was never fail, 1 when it was.
    """
    from governance.core.instants import parse_instant
    from governance.workspace.backtesting import backtest_rule_sets
    from governance.workspace.opening import now

    with options.opened(context, ledger) as workspace:
        result = backtest_rule_sets(
            workspace,
            ref,
            rule_sets or ["baseline"],
            since=parse_instant(since),
            until=options.instant(until) or now(),
            severity_min=severity,
            parameters=options.parameters(parameter),
        )
    if output is Format.json:
        write_json(
            {
                "subject": result.subject,
                "seconds": result.seconds,
                "seconds_failing": result.seconds_failing,
                "rules": result.seconds_of_rules(),
                "periods": result.periods,
            }
        )
    else:
        _write(result)
    if result.seconds_failing:
        raise typer.Exit(FAILED)


def _write(result: Backtest) -> None:
    rows = [
        (each.begins_at, each.ends_at, _days(each.seconds), each.tree_size, each.verdict, len(each.failing))
        for each in result.periods
    ]
    write_table(("from", "until", "days", "tree size", "verdict", "rules failing"), rows)
    write_line()
    rules = [(_days(seconds), rule) for rule, seconds in result.seconds_of_rules().items()]
    if rules:
        write_table(("days failing", "rule"), rules)
        write_line()
    write_line(
        f"{result.subject}: {_days(result.seconds_failing)} of {_days(result.seconds)} days on record failed"
    )


def _days(seconds: float) -> str:
    return f"{seconds / DAY:.2f}"
