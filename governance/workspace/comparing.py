# SPDX-License-Identifier: Apache-2.0
"""Two rule sets held against the same things of a ledger: what each says, and what comes out otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from governance.errors import InputError

if TYPE_CHECKING:
    from governance.policy.comparison import FindingChange, TextChanges
    from governance.policy.model import RuleSet
    from governance.workspace.opened import Workspace


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing.

    Attributes:
        subjects: What both were held against.
        assessed_at: The moment that both took as now.
        texts: What changed in their words.
        findings: What comes out otherwise, each once.
        compared: How many findings were compared.
    """

    old: RuleSet
    new: RuleSet
    subjects: tuple[str, ...]
    tree_size: int
    assessed_at: datetime
    texts: TextChanges
    findings: tuple[FindingChange, ...]
    compared: int


def compare_rule_sets(
    workspace: Workspace,
    old: RuleSet,
    new: RuleSet,
    subjects: Sequence[str] | None,
    *,
    at: datetime,
    size: int | None = None,
) -> Comparison:
    """Hold two rule sets against the same subjects at the same moment.

    Args:
        workspace: The ledger.
        old: The rule set before.
        new: The rule set afterwards.
        subjects: Refs; everything that the ledger is about when None.
        at: The moment that rules take as now.
        size: The tree size to look at; all entries by default.

    Raises:
        InputError: There is nothing to hold them against.
        NotFoundError: A subject that no entry mentions.
        IntegrityError: An entry was altered.
    """
    from governance.lineage.reading import SUBJECT_KINDS
    from governance.policy.assess import assess
    from governance.policy.comparison import compare_findings, compare_texts

    everything = (ref for kind in SUBJECT_KINDS for ref in workspace.subjects(kind, size=size))
    named = tuple(everything if subjects is None else subjects)
    if not named:
        raise InputError(
            "there is nothing to hold the rule sets against", hint="register a model, or name --subjects"
        )
    changes: dict[FindingChange, None] = {}
    compared: set[tuple[str, str, str | None]] = set()
    tree_size = 0
    for ref in named:
        dossier = workspace.dossier(ref, size=size)
        tree_size = dossier.tree_size
        before = assess(dossier, [old], at=at).findings
        after = assess(dossier, [new], at=at).findings
        compared.update((each.rule, each.subject, each.element) for each in (*before, *after))
        changes.update(dict.fromkeys(compare_findings(old, new, before, after)))
    found = sorted(changes, key=lambda each: (not each.is_worse, each.rule, each.subject, each.element or ""))
    texts = compare_texts(old, new)
    return Comparison(old, new, named, tree_size, at, texts, tuple(found), len(compared))
