# SPDX-License-Identifier: Apache-2.0
"""The mapping file: which account is which person, and which commit is which artifact.

    source: github
    host: github.com
    accounts:
      rita-b: {person: person:rita, role: model-approver, id: 583231}
    subjects:
      - repository: acme/scorer
        commit: 6dcb09b5b57875f334f61aebed695e2e4193db5e
        subject: model:scorer@2
        digest: sha256:…
        purpose: production

Rules: nothing is guessed. An account that is not named is nobody, a commit that is not named is nothing. Where an
account names its number, another account under the same name is refused: names can be given up and taken by somebody
else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from governance.errors import InputError
from governance.events.refs import parse_ref
from governance.events.vocabulary.decisions import APPROVABLE
from governance.policy.documents import Marked, parse_document
from governance.policy.rule_files import read_limited

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@~+-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Account:
    """Whom an account belongs to.

    Attributes:
        person: A ref.
        role: The role in which they decide there.
        id: The account's number at the source, which no other account ever has.
    """

    person: str
    role: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Approvable:
    """What a commit stands for.

    Attributes:
        subject: A ref.
        digest: The artifact made from that commit.
        purpose: What whoever approves the commit approves the artifact for.
    """

    repository: str
    commit: str
    subject: str
    digest: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The mapping file as read.

    Attributes:
        source: The kind of system, "github" or "gitlab".
        host: Where it runs, as in "github.com".
        accounts: By name, in lower case: neither system tells names apart by case.
    """

    source: str
    host: str
    accounts: Mapping[str, Account]
    subjects: tuple[Approvable, ...]

    def subjects_of(self, repository: str, commit: str) -> tuple[Approvable, ...]:
        """What a commit of a repository stands for; nothing where it is not named."""
        return tuple(each for each in self.subjects_in(repository) if each.commit == commit)

    def subjects_in(self, repository: str) -> tuple[Approvable, ...]:
        """What any commit of a repository stands for."""
        return tuple(each for each in self.subjects if each.repository.lower() == repository.lower())


def load_mapping(file: Path, *, source: str) -> Accounts:
    """Read a mapping file.

    Args:
        file: YAML.
        source: The system that it must be for.

    Raises:
        NotFoundError: It cannot be read.
        InputError: It does not load; says where.
    """
    return parse_mapping(read_limited(file), file=str(file), source=source)


def parse_mapping(content: bytes, *, file: str, source: str) -> Accounts:
    """As `load_mapping`, for bytes; `file` is named in errors."""
    document = parse_document(content, file=file)
    document.name = "mapping"
    keys = ("source", "host", "accounts", "subjects")
    fields = document.fields(keys, required=keys)
    if fields["source"].text() != source:
        fields["source"].refuse(f"this mapping is for {fields['source'].text()!r}, wanted is {source!r}")
    accounts: dict[str, Account] = {}
    for name, node in fields["accounts"].mapping().items():
        if name.lower() in accounts:
            (node.key or node).refuse(f"the account {name!r} stands twice, case apart")
        accounts[name.lower()] = _account(name, node)
    return Accounts(
        source=source,
        host=_matching(fields["host"], _IDENTIFIER, "a host, as in github.com").lower(),
        accounts=accounts,
        subjects=tuple(map(_subject, fields["subjects"].elements())),
    )


def _account(name: str, node: Marked) -> Account:
    node.name = f"account {name}"
    fields = node.fields(("person", "role", "id"), required=("person",))
    number = fields["id"].value() if "id" in fields else None
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
        fields["id"].refuse("an account's id is a whole number")
    return Account(
        person=_ref(fields["person"], ("person",)),
        role=_matching(fields["role"], _IDENTIFIER, "a role's name") if "role" in fields else None,
        id=number,
    )


def _subject(node: Marked) -> Approvable:
    node.name = "subject"
    keys = ("repository", "commit", "subject", "digest", "purpose")
    fields = node.fields(keys, required=keys)
    return Approvable(
        repository=fields["repository"].text(),
        commit=_matching(fields["commit"], _COMMIT, "a whole commit id, 40 or 64 hex digits"),
        subject=_ref(fields["subject"], APPROVABLE),
        digest=_matching(fields["digest"], _DIGEST, "a digest, sha256: and 64 hex digits"),
        purpose=_matching(fields["purpose"], _IDENTIFIER, "a purpose, as in production"),
    )


def _matching(node: Marked, pattern: re.Pattern[str], form: str) -> str:
    text = node.text()
    if pattern.fullmatch(text) is None:
        node.refuse(f"{node.name} {text[:80]!r} is not {form}")
    return text


def _ref(node: Marked, kinds: tuple[str, ...]) -> str:
    try:
        ref = parse_ref(node.text())
    except InputError as error:
        node.refuse(error.message, hint=error.hint)
    if ref.kind not in kinds:
        node.refuse(f"{ref} is no {' or '.join(kinds)}")
    return node.text()
