# SPDX-License-Identifier: Apache-2.0
"""Where rule sets are found: by id among those that come with the package, or by the path of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import NotFoundError
from governance.resources import policies_directory

if TYPE_CHECKING:
    from governance.policy.model import RuleSet


def load_named_rule_set(name: str) -> RuleSet:
    """Load a rule set by its id among those that come with the package, or by the path of its folder."""
    from governance.policy.loader import load_rule_set

    return load_rule_set(rule_set_directory(name))


def rule_set_directory(name: str) -> Path:
    """The folder of a rule set.

    Raises:
        NotFoundError: Neither an id nor a folder with a rule_set.yaml.
    """
    if name in rule_set_names():
        return policies_directory() / name
    if (Path(name) / "rule_set.yaml").is_file():
        return Path(name)
    known = ", ".join(rule_set_names())
    raise NotFoundError(
        f"no rule set {name!r}", hint=f"there are {known}; or name a folder with a rule_set.yaml"
    )


def rule_set_names() -> tuple[str, ...]:
    """Ids of the rule sets that come with the package, in order of text."""
    return tuple(sorted(each.parent.name for each in policies_directory().glob("*/rule_set.yaml")))
