# SPDX-License-Identifier: Apache-2.0
"""The commands by name: the one list of what the command line can do.

    made(["check"])         # an app that knows `check` and nothing else
    app                     # all of them

Rules: a command's module is loaded when the command is made ready, since loading all of them takes longer than most
commands run.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import import_module
from typing import Annotated

import typer

from governance.cli import options
from governance.cli.options import Shared

GROUPS = {
    "anchor": "The checkpoint that is kept outside the ledger.",
    "seen": "What this user saw of each ledger.",
    "person": "People under pseudonyms, and the keys that speak for them.",
    "role": "What a person may decide, from when to when.",
    "policy": "Rule sets: list them, read them, run their cases.",
    "export": "Write the ledger's content in open formats.",
    "import": "Take decisions that were made elsewhere, marked with who asserts them.",
    "witness": "Watch the ledgers of others: cosign their checkpoints, once each, in order.",
    "timestamp": "Have checkpoints stamped by an authority (RFC 3161).",
    "sealing": "The side store of personal values: make it, look at it, change its key.",
}
"""What the commands of a group are about, by its name."""

COMMANDS = {
    "init": "write.init",
    "append": "write.append",
    "record": "write.record",
    "approve": "statements.approve",
    "sign": "statements.sign",
    "log": "read.log",
    "show": "read.show",
    "verify": "prove.verify",
    "key": "read.key",
    "rotate-key": "keys.rotate_key",
    "revoke-key": "keys.revoke_key",
    "checkpoint": "write.checkpoint",
    "prove": "prove.prove",
    "migrate": "migrate.migrate",
    "disclose": "personal.disclose",
    "erase": "personal.erase",
    "data-subject": "personal.data_subject",
    "lineage": "read.lineage",
    "query": "read.query",
    "check": "assess.check",
    "explain": "explain.explain",
    "forecast": "forecast.forecast",
    "report": "report.report",
    "demo": "demo.demo",
    "prune": "write.prune",
    "anchor show": "remembered.anchor_show",
    "anchor accept": "remembered.anchor_accept",
    "seen list": "remembered.seen_list",
    "seen forget": "remembered.seen_forget",
    "person enrol": "people.enrol",
    "person list": "people.list_people",
    "person bind-key": "people.bind_key",
    "person revoke-key": "people.revoke_key",
    "person import-keys": "people.import_keys",
    "role grant": "people.grant_role",
    "role revoke": "people.revoke_role",
    "policy list": "assess.policy_list",
    "policy show": "assess.policy_show",
    "policy test": "assess.policy_test",
    "policy lint": "lint.policy_lint",
    "policy diff": "policy_diff.policy_diff",
    "policy backtest": "policy_backtest.policy_backtest",
    "export entries": "write.export_entries",
    "export statement": "statements.export_statement",
    "export tiles": "write.export_tiles",
    "export tables": "tables.export_tables",
    "import github-reviews": "imports.github_reviews",
    "import gitlab-approvals": "imports.gitlab_approvals",
    "witness init": "witness.init",
    "witness serve": "witness.serve",
    "witness cosign": "witness.cosign",
    "witness request": "witness.request",
    "timestamp request": "timestamp.request",
    "timestamp fetch": "timestamp.fetch",
    "sealing init": "personal.init",
    "sealing show": "personal.show",
    "sealing verify": "personal.verify",
    "sealing rotate-key": "personal.rotate_key",
    "sealing readmit": "personal.readmit",
}
"""The module and the function of each command, by its name as it is typed."""

SETTINGS = {"record": {"allow_extra_args": True, "ignore_unknown_options": True}}
"""What is special to a command."""

NAMES = tuple(dict.fromkeys(name.split()[0] for name in COMMANDS))
"""What can be typed first: commands and groups."""


def made(names: Collection[str]) -> typer.Typer:
    """An app of these commands and groups, in the order of the list."""
    app = typer.Typer(
        name="governance",
        help="One provable record of how machine-learning systems were made, approved and run.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(_shared)
    groups = {
        name: typer.Typer(help=about, no_args_is_help=True) for name, about in GROUPS.items() if name in names
    }
    for name, target in COMMANDS.items():
        first, _, second = name.partition(" ")
        if first in names:
            module, function = target.split(".")
            owner = groups[first] if second else app
            settings = SETTINGS.get(name)
            owner.command(second or first, context_settings=settings)(
                getattr(import_module(f"governance.cli.{module}"), function)
            )
    for name, group in groups.items():
        app.add_typer(group, name=name)
    return app


@cache
def whole() -> typer.Typer:
    """An app of all commands."""
    return made(NAMES)


def __getattr__(name: str) -> typer.Typer:
    """`app`, made when it is first asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return whole()


def _shared(
    context: typer.Context,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    signer: options.Signer = None,
    anchor_place: options.AnchorPlace = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """One provable record of how machine-learning systems were made, approved and run."""
    context.obj = Shared(ledger, key_file, signer, anchor_place)
    if version:
        import governance

        typer.echo(f"governance {governance.__version__}")
        raise typer.Exit
