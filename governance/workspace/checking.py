# SPDX-License-Identifier: Apache-2.0
"""Checking many subjects: what is kept and still holds is told again, the rest is assessed and kept.

Rules: kept or not makes no difference but in time. Only what was found over the whole ledger is kept, and only of rule
sets that look at nothing but the dossier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from governance.core.instants import format_instant, moment_of, parse_instant
from governance.errors import InputError
from governance.ledger.checked import CheckedReader
from governance.ledger.tree import read_root
from governance.policy.summary import Summary
from governance.storage.interface import Storage
from governance.workspace.asked import Asked, Found
from governance.workspace.assessing_beside import Answer, Beside
from governance.workspace.kept import Kept, question_of
from governance.workspace.places import state_file
from governance.workspace.rule_sets import rule_set_digest

if TYPE_CHECKING:
    from governance.policy.model import Verdict

SUBJECTS_JOINED = 500
"""Lines that are written at once."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of many subjects.

    Attributes:
        verdict: `pass` when every subject passes.
        horizon: When a finding of any of them first flips if nothing new is recorded.
        subjects: In order of text.
        kept: How many of them were told from what was kept.
    """

    verdict: Verdict
    tree_size: int
    assessed_at: datetime
    severity_min: str
    horizon: datetime | None
    subjects: tuple[Summary, ...]
    kept: int

    def to_json(self) -> Iterator[bytes]:
        """As JSON, in pieces, each subject on one line: there may be a hundred megabytes of them."""
        head = orjson.dumps(self._told([]), option=orjson.OPT_INDENT_2)
        yield head.removesuffix(b"]\n}")
        for start in range(0, len(self.subjects), SUBJECTS_JOINED):
            yield b",\n    " if start else b"\n    "
            yield b",\n    ".join(each.line for each in self.subjects[start : start + SUBJECTS_JOINED])
        yield b"\n  ]\n}\n" if self.subjects else b"]\n}\n"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return self._told([orjson.loads(each.line) for each in self.subjects])

    def _told(self, subjects: list[Any]) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "tree_size": self.tree_size,
            "assessed_at": format_instant(self.assessed_at),
            "severity_min": self.severity_min,
            "horizon": None if self.horizon is None else format_instant(self.horizon),
            "kept": self.kept,
            "subjects": subjects,
        }


def check_many(
    storage: Storage,
    reader: CheckedReader,
    refs: Sequence[str],
    asked: Asked,
    *,
    origin: str,
    key: str,
    keep_in: Path | None,
    other: Beside | None = None,
) -> Checked:
    """Check subjects; see `Workspace.check_many`.

    Raises:
        InputError: No rule set, an unknown severity or parameter.
        NotFoundError: An unknown rule set.
    """
    if not asked.rule_sets:
        raise InputError(
            "no rule set named", hint="name one with --rule-set; governance policy list shows them"
        )
    moment = parse_instant(asked.at)
    rule_sets = [rule_set_digest(name) for name in asked.rule_sets]
    kept: Kept | None = None
    if keep_in is not None and asked.size == storage.head().size:
        question = question_of(asked, rule_sets, origin=origin, key=key)
        kept = Kept(state_file(keep_in, origin, storage.url), question)
    url = storage.reopening_url
    if other is not None and refs and url is not None:
        other.begin(asked, key=key, url=url, sample=refs[-1])
    told = {} if kept is None else kept.read(reader, refs, size=asked.size, at=moment)
    missing = [ref for ref in dict.fromkeys(refs) if ref not in told]
    fresh: dict[str, Found] = {}
    # What was told once was asked rightly.
    if missing or not told:
        answer = other.assess(missing) if other is not None else None
        # Who loaded rules that were changed meanwhile answers another question.
        if answer is None or answer.rule_sets != rule_sets:
            answer = _assessed_here(storage, reader, missing, asked, key=key)
        fresh = answer.found
        if kept is not None and fresh and answer.is_keepable and answer.rule_sets == rule_sets:
            kept.write(fresh, size=asked.size, root=read_root(reader, asked.size), at=moment)
    subjects = {**told, **{ref: each.summary for ref, each in fresh.items()}}
    horizons = [each.horizon for each in subjects.values() if each.horizon is not None]
    return Checked(
        verdict="fail" if any(each.verdict == "fail" for each in subjects.values()) else "pass",
        tree_size=asked.size,
        assessed_at=moment,
        severity_min=asked.severity_min,
        horizon=moment_of(min(horizons)) if horizons else None,
        subjects=tuple(subjects[ref] for ref in sorted(subjects)),
        kept=len(told),
    )


def _assessed_here(
    storage: Storage, reader: CheckedReader, refs: Sequence[str], asked: Asked, *, key: str
) -> Answer:
    """Load what is asked for and assess, with what other processes there may be.

    Raises:
        InputError, NotFoundError, RuleSetError, IntegrityError: See `check_many`.
    """
    from governance.policy.summarising import is_keepable
    from governance.workspace.many import assess_many, require_askable
    from governance.workspace.rule_sets import load_named_rule_set

    loaded = [load_named_rule_set(name) for name in asked.rule_sets]
    require_askable(asked, loaded)
    found = assess_many(reader, refs, asked, loaded, key=key, url=storage.reopening_url)
    return Answer(found, [each.digest for each in loaded], is_keepable(loaded))
