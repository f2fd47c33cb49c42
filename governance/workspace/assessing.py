# SPDX-License-Identifier: Apache-2.0
"""What a workspace says of assessments beyond their findings: why one does not pass, and what will fall due.

Rules: read only. The dossier is read as for a check, every entry proven before it is used; the moment is the clock's
unless it is given.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from governance.errors import InputError, NotFoundError
from governance.workspace.proving import Proving

if TYPE_CHECKING:
    from governance.lineage.dossier import Dossier
    from governance.policy.explaining import Explanation
    from governance.policy.forecasting import Due
    from governance.policy.model import Finding, RuleSet

DAYS_MAX = 3_660
"""How far ahead can be looked, in days."""

REFS_MAX = 1_000_000
"""Things of one kind that can be asked about at once."""


class Assessing(Proving):
    """The part of a workspace that explains and looks ahead."""

    _clock: Callable[[], datetime]

    @abc.abstractmethod
    def dossier(self, ref: str, *, size: int | None = None) -> Dossier:
        """All that is known of a subject and what it rests on."""

    @abc.abstractmethod
    def rule_set(self, name: str) -> RuleSet:
        """Load a rule set by its id, or by the path of its folder."""

    @abc.abstractmethod
    def _size(self, size: int | None) -> int: ...

    def subjects(self, kind: str, *, size: int | None = None) -> list[str]:
        """Every thing of a kind that an entry is about, in order of text.

        Args:
            kind: system, model, dataset or deployment.
            size: The tree size to look at; all entries by default.

        Raises:
            InputError: Another kind.
        """
        from governance.lineage.reading import SUBJECT_KINDS

        if kind not in SUBJECT_KINDS:
            raise InputError(f"no subjects of kind {kind!r}", hint=f"kinds are {', '.join(SUBJECT_KINDS)}")
        refs = self._storage.refs_like(f"{kind}:", REFS_MAX)
        rows = self._storage.mentions(refs, role="subject", size=self._size(size))
        return sorted({row.ref for row in rows})

    def explain(
        self,
        ref: str,
        rule_sets: Sequence[str],
        *,
        rules: Sequence[str] | None = None,
        at: datetime | None = None,
        size: int | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[tuple[Finding, Explanation | None]]:
        """Every finding in order, those that do not pass with why.

        Args:
            ref: The system, model, dataset or deployment.
            rule_sets: Ids or folders.
            rules: Only these rules, by id.
            at: The moment that the rules take as now; the present by default.
            size: The tree size to look at; all entries by default.
            parameters: Values for the rule sets' parameters.

        Raises:
            NotFoundError: Unknown subject, rule set or rule.
            RuleSetError: A rule set does not load.
            IntegrityError: An entry was altered.
        """
        from governance.policy.explaining import explain

        loaded = [self.rule_set(name) for name in rule_sets]
        for rule in rules or ():
            if all(each.rule(rule) is None for each in loaded):
                raise NotFoundError(
                    f"no rule {rule!r} in {', '.join(each.id for each in loaded)}",
                    hint="governance policy show lists the rules of a rule set",
                )
        moment = at if at is not None else self._clock()
        return explain(self.dossier(ref, size=size), loaded, at=moment, parameters=parameters, rules=rules)

    def forecast(
        self,
        refs: Sequence[str],
        rule_sets: Sequence[str],
        *,
        days: float = 30,
        at: datetime | None = None,
        size: int | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[Due]:
        """What falls due within so many days if nothing new is recorded, in order of time.

        Args:
            refs: Subjects; every model version by default.
            rule_sets: Ids or folders.
            days: How far to look ahead, at most `DAYS_MAX`.
            at: Where to begin; the present by default.
            size: The tree size to look at; all entries by default.
            parameters: Values for the rule sets' parameters.

        Raises:
            InputError: Days out of bounds.
            NotFoundError, RuleSetError, IntegrityError: As `explain`.
        """
        from governance.policy.forecasting import forecast_of, merged

        if not 0 < days <= DAYS_MAX:
            raise InputError(f"cannot look {days:g} days ahead", hint=f"more than 0, at most {DAYS_MAX}")
        loaded = [self.rule_set(name) for name in rule_sets]
        moment = at if at is not None else self._clock()
        until = moment + timedelta(days=days)
        found = [
            due
            for ref in refs or self.subjects("model", size=size)
            for due in forecast_of(
                self.dossier(ref, size=size), loaded, at=moment, until=until, parameters=parameters
            )
        ]
        return merged(found)
