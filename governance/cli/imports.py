# SPDX-License-Identifier: Apache-2.0
"""Commands that take decisions made elsewhere: import github-reviews, import gitlab-approvals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_json, write_line, write_table

if TYPE_CHECKING:
    from governance.workspace.importing import Imported

File = Annotated[
    str, typer.Argument(metavar="FILE|-", help="What the source delivered or lists, JSON; - reads stdin.")
]
Mapping = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="Which account is which person, and which commit which artifact; docs/approvals.md.",
    ),
]


def github_reviews(
    context: typer.Context,
    file: File,
    mapping: Mapping,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Append reviews of GitHub pull requests as approvals and refusals, asserted by GitHub, not signed.

    FILE is the payload of a pull_request_review webhook, or what GET /repos/OWNER/REPO/pulls/NUMBER/reviews lists.
    Importing it again adds nothing; what is left out is told with its reason.
    """
    from governance.integrations.importing import import_github_reviews

    with options.opened(context, ledger, key_file) as workspace:
        imported = import_github_reviews(workspace, _content(file), mapping, file=_name(file))
    _write(imported, output)


def gitlab_approvals(
    context: typer.Context,
    file: File,
    mapping: Mapping,
    project: Annotated[
        str | None, typer.Option(metavar="PATH", help="The project, for an export that does not name it.")
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option(
            metavar="SHA", help="The merge request's head when the export was made; an export never says."
        ),
    ] = None,
    merge_request: Annotated[
        int | None,
        typer.Option(metavar="IID", help="The merge request, for an export that does not name it."),
    ] = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Append approvals of GitLab merge requests, asserted by GitLab, not signed.

    FILE is the payload of a merge request webhook, or what GET /projects/ID/merge_requests/IID/approvals or
    …/approval_state gives. Importing it again adds nothing; what is left out is told with its reason.
    """
    from governance.integrations.gitlab import MergeRequest
    from governance.integrations.importing import import_gitlab_approvals

    with options.opened(context, ledger, key_file) as workspace:
        imported = import_gitlab_approvals(
            workspace,
            _content(file),
            mapping,
            file=_name(file),
            merge_request=MergeRequest(project, commit, merge_request),
        )
    _write(imported, output)


def _content(file: str) -> bytes:
    from governance.cli.reading import read_whole

    return read_whole(file)


def _name(file: str) -> str:
    return "stdin" if file == "-" else file


def _write(imported: Imported, output: Format) -> None:
    if output is Format.json:
        write_json(
            {
                "appended": [
                    {
                        "index": each.index,
                        "type": each.event.type,
                        "subject": each.event.subject,
                        "id": each.event.id,
                    }
                    for each in imported.entries
                ],
                "already_there": imported.already_there,
                "left_out": imported.left_out,
            }
        )
        return
    write_line(f"{len(imported.entries)} appended, {imported.already_there} were there already")
    rows: Sequence[Sequence[object]] = [
        (each.index, each.event.type, each.event.subject, each.event.actor.ref) for each in imported.entries
    ]
    if rows:
        write_table(("entry", "type", "subject", "actor"), rows)
    for left in imported.left_out:
        say(f"left out: {left.place} ({left.name}): {left.why}")
