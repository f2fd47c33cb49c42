# SPDX-License-Identifier: Apache-2.0
"""Import of decisions made elsewhere: read the file and the mapping, then append what the ledger can hold.

Rules: everything is read before anything is written.
"""

from __future__ import annotations

from pathlib import Path

from governance.integrations.github import SOURCE as GITHUB
from governance.integrations.github import read_reviews
from governance.integrations.gitlab import SOURCE as GITLAB
from governance.integrations.gitlab import MergeRequest, read_approvals
from governance.integrations.mapping import load_mapping
from governance.workspace import Workspace
from governance.workspace.importing import Imported, append_decisions


def import_github_reviews(workspace: Workspace, content: bytes, mapping: Path, *, file: str) -> Imported:
    """Append reviews of GitHub pull requests; see `governance.integrations.github`.

    Args:
        workspace: The ledger, with its key.
        content: A webhook's payload, or what the REST API lists.
        mapping: The mapping file.
        file: Where the content comes from, for errors.

    Raises:
        NotFoundError: The mapping file cannot be read.
        InputError: The content or the mapping is not of its form; names the place.
        ConflictError: The ledger holds the same decision with other content, as when the mapping has changed.
    """
    kept, left = read_reviews(content, load_mapping(mapping, source=GITHUB), file=file)
    return append_decisions(workspace, kept, left_out=left)


def import_gitlab_approvals(
    workspace: Workspace, content: bytes, mapping: Path, *, file: str, merge_request: MergeRequest
) -> Imported:
    """Append approvals of GitLab merge requests; see `governance.integrations.gitlab`.

    Args:
        workspace: The ledger, with its key.
        content: A webhook's payload, or an answer of the API.
        mapping: The mapping file.
        file: Where the content comes from, for errors.
        merge_request: What an answer of the API does not say.

    Raises:
        NotFoundError: The mapping file cannot be read.
        InputError: The content or the mapping is not of its form, or something is not said; names the place.
        ConflictError: The ledger holds the same decision with other content, as when the mapping has changed.
    """
    accounts = load_mapping(mapping, source=GITLAB)
    kept, left, listing = read_approvals(content, accounts, file=file, merge_request=merge_request)
    return append_decisions(workspace, kept, left_out=left, listing=listing)
