# SPDX-License-Identifier: Apache-2.0
"""What a workspace says of subjects under rule sets: what is found, why it does not pass, and what will fall due.

Rules: read only, unless an assessment is to be recorded. The dossier is read as for a check, every entry proven before
it is used; the moment is the clock's unless it is given.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.errors import InputError, NotFoundError
from governance.workspace.proving import Proving

if TYPE_CHECKING:
    from governance.ledger.checked import CheckedReader
    from governance.lineage.dossier import Dossier
    from governance.policy.explaining import Explanation
    from governance.policy.forecasting import Due
    from governance.policy.model import Assessment, Finding, RuleSet
    from governance.workspace.assessing_beside import Beside
    from governance.workspace.checking import Checked

DAYS_MAX = 3_660
"""How far ahead can be looked, in days."""


class Assessing(Proving):
    """The part of a workspace that assesses, explains and looks ahead."""

    _clock: Callable[[], datetime]
    origin: str

    @property
    @abc.abstractmethod
    def verifier_key(self) -> str:
        """The key that checkpoints verify with."""

    @property
    @abc.abstractmethod
    def _reader(self) -> CheckedReader: ...

    @abc.abstractmethod
    def _size(self, size: int | None) -> int: ...

    @abc.abstractmethod
    def _record_assessment(self, assessment: Assessment) -> None: ...

    def dossier(self, ref: str, *, size: int | None = None) -> Dossier:
        """All that is known of a subject and what it rests on.

        Raises:
            NotFoundError: No entry mentions it.
            IntegrityError: An entry that it rests on was altered.
        """
        from governance.lineage.fold import build_dossier
        from governance.lineage.reading import read_dossier_entries

        tree_size = self._size(size)
        entries = read_dossier_entries(self._reader, ref, size=tree_size)
        return build_dossier(ref, entries, tree_size=tree_size)

    def rule_set(self, name: str) -> RuleSet:
        """Load a rule set by its id, or by the path of its folder.

        Raises:
            NotFoundError: There is none of that name.
            RuleSetError: It does not load.
        """
        from governance.workspace.rule_sets import load_named_rule_set

        return load_named_rule_set(name)

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
        return self._storage.subjects_like(f"{kind}:", size=self._size(size))

    def check(
        self,
        ref: str,
        rule_sets: Sequence[str],
        *,
        at: datetime | None = None,
        size: int | None = None,
        severity_min: str = "low",
        parameters: Mapping[str, Any] | None = None,
        in_force_only: bool = False,
        fail_vacuous: bool = False,
        record: bool = False,
    ) -> Assessment:
        """Hold rule sets against a subject.

        Args:
            ref: The system, model, dataset or deployment.
            rule_sets: Ids or folders.
            at: The moment that the rules take as now; the present by default.
            size: The tree size to look at; all entries by default.
            severity_min: The least severity that decides the verdict.
            parameters: Values for the rule sets' parameters, within their bounds.
            in_force_only: Leave rules out of the verdict that do not apply yet at that moment.
            fail_vacuous: What passes only because there is nothing to look at counts as unknown.
            record: Append the assessment to the ledger.

        Raises:
            NotFoundError: Unknown subject or rule set.
            RuleSetError: A rule set does not load.
            IntegrityError: An entry that the verdict would rest on was altered.
        """
        return self.check_to_explain(
            ref,
            rule_sets,
            at=at,
            size=size,
            severity_min=severity_min,
            parameters=parameters,
            in_force_only=in_force_only,
            fail_vacuous=fail_vacuous,
            record=record,
        )[0]

    def check_to_explain(
        self,
        ref: str,
        rule_sets: Sequence[str],
        *,
        at: datetime | None = None,
        size: int | None = None,
        severity_min: str = "low",
        parameters: Mapping[str, Any] | None = None,
        in_force_only: bool = False,
        fail_vacuous: bool = False,
        record: bool = False,
    ) -> tuple[Assessment, Callable[[], list[Explanation | None]]]:
        """As `check`, and what tells why each finding does not pass, from the same reading of ledger and rule sets."""
        from governance.policy.assess import assess_to_explain
        from governance.policy.vacuous import without_vacuous

        if not rule_sets:
            raise InputError(
                "no rule set named", hint="name one with --rule-set; governance policy list shows them"
            )
        loaded = [self.rule_set(name) for name in rule_sets]
        dossier = self.dossier(ref, size=size)
        assessment, held = assess_to_explain(
            dossier,
            loaded,
            at=at if at is not None else self._clock(),
            severity_min=severity_min,
            parameters=parameters,
            in_force_only=in_force_only,
        )
        if fail_vacuous:
            assessment = without_vacuous(assessment, loaded, in_force_only=in_force_only)
        if record:
            self._record_assessment(assessment)

        def explanations() -> list[Explanation | None]:
            from governance.policy.explaining import explain_held  # for what does not pass alone

            return [explanation for _, explanation in explain_held(dossier, held)]

        return assessment, explanations

    def check_many(
        self,
        refs: Sequence[str],
        rule_sets: Sequence[str],
        *,
        at: datetime | None = None,
        size: int | None = None,
        severity_min: str = "low",
        parameters: Mapping[str, Any] | None = None,
        in_force_only: bool = False,
        fail_vacuous: bool = False,
        keep_in: Path | None = None,
        other: Beside | None = None,
    ) -> Checked:
        """Hold rule sets against many subjects; what comes of each is what comes of it alone.

        Args:
            refs: Systems, models, datasets or deployments.
            rule_sets: Ids or folders.
            at: The moment that the rules take as now; the present by default.
            size: The tree size to look at; all entries by default.
            severity_min: The least severity that decides a verdict.
            parameters: Values for the rule sets' parameters, within their bounds.
            in_force_only: Leave rules out of the verdict that do not apply yet at that moment.
            fail_vacuous: What passes only because there is nothing to look at counts as unknown.
            keep_in: A folder in which what was found is kept, and taken from while it holds; None to do without.
            other: A fork that got ready to assess with these rule sets, as a command has one that does nothing else.

        Raises:
            NotFoundError: Unknown subject or rule set.
            RuleSetError: A rule set does not load.
            IntegrityError: An entry that a verdict would rest on was altered.
        """
        from governance.workspace.asked import asked_of
        from governance.workspace.checking import check_many

        return check_many(
            self._storage,
            self._reader,
            refs,
            asked_of(
                rule_sets,
                size=self._size(size),
                at=at if at is not None else self._clock(),
                severity_min=severity_min,
                parameters=parameters,
                in_force_only=in_force_only,
                fail_vacuous=fail_vacuous,
            ),
            origin=self.origin,
            key=self.verifier_key,
            keep_in=keep_in,
            other=other,
        )

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
                raise _no_rule(rule, loaded)
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


def _no_rule(rule: str, rule_sets: Sequence[RuleSet]) -> NotFoundError:
    import difflib  # only on the way to an error

    close = difflib.get_close_matches(rule, [each.id for rules in rule_sets for each in rules.rules], n=2)
    return NotFoundError(
        f"no rule {rule!r} in {', '.join(each.id for each in rule_sets)}",
        hint=f"did you mean {' or '.join(close)}?"
        if close
        else "governance policy show lists the rules of a rule set",
    )
