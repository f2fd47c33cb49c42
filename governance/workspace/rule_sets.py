# SPDX-License-Identifier: Apache-2.0
"""Where rule sets are found: by id among those that come with the package, or by the path of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from governance.core.hashing import digest_bytes
from governance.errors import NotFoundError
from governance.policy.rule_files import FILE, read_limited
from governance.resources import policies_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from governance.policy.lint import LintResult
    from governance.policy.model import RuleSet


def load_named_rule_set(name: str) -> RuleSet:
    """Load a rule set by its id among those that come with the package, or by the path of its folder."""
    from governance.policy.loader import load_rule_set

    return load_rule_set(rule_set_directory(name))


def rule_set_digest(name: str) -> str:
    """The digest of a rule set, without loading it.

    Raises:
        NotFoundError: There is none of that name.
    """
    return digest_bytes(read_limited(rule_set_directory(name) / FILE))


def lint_named_rule_sets(names: Sequence[str], *, commands: Mapping[str, frozenset[str]]) -> list[LintResult]:
    """Lint rule sets, and hold what their rules are mapped to against the catalogues that come with the package.

    Args:
        names: Ids or folders.
        commands: Our own commands with their options, which remediations may name.

    Raises:
        NotFoundError: No such rule set.
    """
    from governance.errors import GovernanceError
    from governance.policy.lint import lint_directory

    catalogues: dict[str, frozenset[str]] = {}
    for name in rule_set_names():
        try:
            shipped = load_named_rule_set(name)
        except GovernanceError:
            continue  # its own lint says so
        catalogues[name] = frozenset(each.id for each in shipped.requirements)
    return [
        lint_directory(rule_set_directory(name), commands=commands, catalogues=catalogues) for name in names
    ]


def rule_set_directory(name: str) -> Path:
    """The folder of a rule set.

    Raises:
        NotFoundError: Neither an id nor a folder with a rule_set.yaml.
    """
    if name in rule_set_names():
        return policies_directory() / name
    if (Path(name) / FILE).is_file():
        return Path(name)
    known = ", ".join(rule_set_names())
    raise NotFoundError(
        f"no rule set {name!r}", hint=f"there are {known}; or name a folder with a rule_set.yaml"
    )


def rule_set_names() -> tuple[str, ...]:
    """Ids of the rule sets that come with the package, in order of text."""
    return tuple(sorted(each.parent.name for each in policies_directory().glob(f"*/{FILE}")))
