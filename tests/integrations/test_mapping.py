# SPDX-License-Identifier: Apache-2.0
"""The mapping file: what it says holds, and what it says wrongly is told with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.errors import InputError, NotFoundError
from governance.integrations.mapping import Account, Approvable, load_mapping, parse_mapping
from tests.integrations.importing import COMMIT, DIGEST, GITHUB, MODEL, OTHER_COMMIT, github


def refused(text: str) -> str:
    with pytest.raises(InputError) as raised:
        parse_mapping(text.encode(), file="mapping.yaml", source="github")
    return raised.value.message


def test_a_mapping_says_who_and_what() -> None:
    mapping = github()
    assert mapping.accounts["rita-b"] == Account("person:rita", "model-approver", 902)
    assert mapping.accounts["otto-k"] == Account("person:otto")
    assert mapping.subjects_of("Acme/Scorer", COMMIT) == (
        Approvable("acme/scorer", COMMIT, MODEL, DIGEST, "production"),
    )
    assert mapping.subjects_of("acme/scorer", OTHER_COMMIT) == ()
    assert mapping.subjects_of("acme/other", COMMIT) == ()


def test_one_commit_may_stand_for_several_artifacts() -> None:
    more = GITHUB + (
        f"  - {{repository: acme/scorer, commit: {COMMIT}, subject: 'dataset:loans@1', "
        f"digest: '{DIGEST}', purpose: training}}\n"
    )
    mapping = parse_mapping(more.encode(), file="m", source="github")
    assert [each.subject for each in mapping.subjects_of("acme/scorer", COMMIT)] == [MODEL, "dataset:loans@1"]


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(GITHUB)
    assert load_mapping(file, source="github") == github()
    with pytest.raises(NotFoundError, match="cannot read"):
        load_mapping(tmp_path / "none.yaml", source="github")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "source: github",
            "source: gitlab",
            "mapping.yaml:1:9: this mapping is for 'gitlab', wanted is 'github'",
        ),
        ("host: github.com", "host: 'git hub'", "'git hub' is not a host"),
        ("host: github.com\n", "", "mapping has no 'host'"),
        ("accounts:", "acounts:", "unknown key 'acounts' in mapping"),
        ("person:rita,", "person:rita, rôle: x,", "unknown key 'rôle' in account Rita-B"),
        ("person:rita,", "service:ci,", "service:ci is no person"),
        ("person:rita,", "rita,", "not a ref: 'rita'"),
        ("role: model-approver", "role: 'model approver'", "'model approver' is not a role's name"),
        ("id: 902", "id: nine", "an account's id is a whole number"),
        ("id: 902", "id: -1", "an account's id is a whole number"),
        ("id: 902", "id: true", "an account's id is a whole number"),
        ("otto-k:", "RITA-B:", "the account 'RITA-B' stands twice, case apart"),
        (COMMIT, COMMIT[:7], "is not a whole commit id"),
        (COMMIT, COMMIT.upper(), "is not a whole commit id"),
        (MODEL, "person:rita", "person:rita is no model or deployment or dataset or system or rule_set"),
        (DIGEST, "sha256:12", "is not a digest"),
        ("purpose: production", "purpose: 'for us'", "'for us' is not a purpose"),
        ("    purpose: production\n", "", "subject has no 'purpose'"),
        ("subjects:", "subjects: 7\nothers:", "unknown key 'others'"),
    ],
)
def test_what_a_mapping_says_wrongly_is_told(before: str, after: str, told: str) -> None:
    assert before in GITHUB
    assert told in refused(GITHUB.replace(before, after))
