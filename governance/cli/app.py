# SPDX-License-Identifier: Apache-2.0
"""The commands by name: the one list of what the command line can do."""

from __future__ import annotations

from typing import Annotated

import typer

from governance.cli import (
    assess,
    demo,
    explain,
    forecast,
    imports,
    keys,
    lint,
    migrate,
    options,
    people,
    personal,
    policy_backtest,
    policy_diff,
    prove,
    read,
    remembered,
    report,
    statements,
    tables,
    timestamp,
    witness,
    write,
)
from governance.cli.options import Shared

EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    name="governance",
    help="One provable record of how machine-learning systems were made, approved and run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
policy = typer.Typer(help="Rule sets: list them, read them, run their cases.", no_args_is_help=True)
anchor = typer.Typer(help="The checkpoint that is kept outside the ledger.", no_args_is_help=True)
seen = typer.Typer(help="What this user saw of each ledger.", no_args_is_help=True)
export = typer.Typer(help="Write the ledger's content in open formats.", no_args_is_help=True)

outside = typer.Typer(
    help="Take decisions that were made elsewhere, marked with who asserts them.", no_args_is_help=True
)

witnesses = typer.Typer(
    help="Watch the ledgers of others: cosign their checkpoints, once each, in order.", no_args_is_help=True
)

persons = typer.Typer(help="People under pseudonyms, and the keys that speak for them.", no_args_is_help=True)
roles = typer.Typer(help="What a person may decide, from when to when.", no_args_is_help=True)

timestamps = typer.Typer(help="Have checkpoints stamped by an authority (RFC 3161).", no_args_is_help=True)

sealing = typer.Typer(
    help="The side store of personal values: make it, look at it, change its key.", no_args_is_help=True
)


@app.callback(invoke_without_command=True)
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


app.command("init")(write.init)
app.command("append")(write.append)
app.command("record", context_settings=EXTRA)(write.record)
app.command("approve")(statements.approve)
app.command("sign")(statements.sign)
app.command("log")(read.log)
app.command("show")(read.show)
app.command("verify")(prove.verify)
app.command("key")(read.key)
app.command("rotate-key")(keys.rotate_key)
app.command("revoke-key")(keys.revoke_key)
app.command("checkpoint")(write.checkpoint)
app.command("prove")(prove.prove)
app.command("migrate")(migrate.migrate)
app.command("disclose")(personal.disclose)
app.command("erase")(personal.erase)
app.command("data-subject")(personal.data_subject)
app.command("lineage")(read.lineage)
app.command("query")(read.query)
app.command("check")(assess.check)
app.command("explain")(explain.explain)
app.command("forecast")(forecast.forecast)
app.command("report")(report.report)
app.command("demo")(demo.demo)
policy.command("list")(assess.policy_list)
policy.command("show")(assess.policy_show)
policy.command("test")(assess.policy_test)
policy.command("lint")(lint.policy_lint)
policy.command("diff")(policy_diff.policy_diff)
policy.command("backtest")(policy_backtest.policy_backtest)
export.command("entries")(write.export_entries)
outside.command("github-reviews")(imports.github_reviews)
outside.command("gitlab-approvals")(imports.gitlab_approvals)
export.command("statement")(statements.export_statement)
persons.command("enrol")(people.enrol)
persons.command("list")(people.list_people)
persons.command("bind-key")(people.bind_key)
persons.command("revoke-key")(people.revoke_key)
persons.command("import-keys")(people.import_keys)
roles.command("grant")(people.grant_role)
roles.command("revoke")(people.revoke_role)
witnesses.command("init")(witness.init)
witnesses.command("serve")(witness.serve)
witnesses.command("cosign")(witness.cosign)
witnesses.command("request")(witness.request)
timestamps.command("request")(timestamp.request)
timestamps.command("fetch")(timestamp.fetch)
export.command("tiles")(write.export_tiles)
export.command("tables")(tables.export_tables)
app.command("prune")(write.prune)
anchor.command("show")(remembered.anchor_show)
anchor.command("accept")(remembered.anchor_accept)
seen.command("list")(remembered.seen_list)
seen.command("forget")(remembered.seen_forget)
app.add_typer(anchor, name="anchor")
app.add_typer(seen, name="seen")
app.add_typer(persons, name="person")
app.add_typer(roles, name="role")
app.add_typer(policy, name="policy")
app.add_typer(export, name="export")
app.add_typer(outside, name="import")
app.add_typer(witnesses, name="witness")
app.add_typer(timestamps, name="timestamp")
sealing.command("init")(personal.init)
sealing.command("show")(personal.show)
sealing.command("verify")(personal.verify)
sealing.command("rotate-key")(personal.rotate_key)
sealing.command("readmit")(personal.readmit)
app.add_typer(sealing, name="sealing")
