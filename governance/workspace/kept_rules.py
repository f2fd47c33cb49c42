# SPDX-License-Identifier: Apache-2.0
"""Rule sets that loaded, kept in the user's state folder beside the assessments that they gave.

    load_rules("baseline", state)      # as `load_named_rule_set`, without reading YAML if it was loaded before

Rules: what is kept is told again only for the same bytes of `rule_set.yaml` and of our own code, and bears a digest of
itself. What is damaged, or cannot be read, is loaded again; what cannot be kept is loaded each time.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from governance.policy.loaded_rules import read_loaded, write_loaded
from governance.storage.small_file import replace_file
from governance.workspace.kept import code_digest
from governance.workspace.rule_sets import load_named_rule_set, rule_set_digest

if TYPE_CHECKING:
    from governance.policy.model import RuleSet

FOLDER = "rule_sets"
FILES_MAX = 64
"""So many are kept; then all are removed, and made anew as they are asked for."""

_DIGEST_LENGTH = 32


def load_rules(name: str, state: Path | None) -> RuleSet:
    """Load a rule set by its id or folder, from what is kept if that is of the same bytes.

    Args:
        name: Its id, or the path of its folder.
        state: The user's state folder; None where nothing is kept.

    Raises:
        NotFoundError: There is none of that name.
        RuleSetError: It does not load.
    """
    if state is None:
        return load_named_rule_set(name)
    digest = rule_set_digest(name)
    asked = hashlib.sha256(f"{code_digest()}\n{digest}".encode()).hexdigest()
    path = state / FOLDER / asked
    found = _read(path)
    if found is None or found.digest != digest:
        found = load_named_rule_set(name)
        if found.digest == digest:  # else it was changed meanwhile
            _keep(path, found)
    return found


def _read(path: Path) -> RuleSet | None:
    try:
        sealed = path.read_bytes()
        digest, content = sealed[:_DIGEST_LENGTH], sealed[_DIGEST_LENGTH:]
        return read_loaded(content) if hashlib.sha256(content).digest() == digest else None
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _keep(path: Path, rule_set: RuleSet) -> None:
    """Put a rule set where it is looked for; one that would not come back as it is is not kept."""
    with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
        content = write_loaded(rule_set)
        if read_loaded(content) != rule_set:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        others = list(path.parent.iterdir())
        for each in others if len(others) >= FILES_MAX else ():
            each.unlink(missing_ok=True)
        replace_file(path, hashlib.sha256(content).digest() + content)
