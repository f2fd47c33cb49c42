# SPDX-License-Identifier: Apache-2.0
"""Who had a part in making a thing, and which: what an approver must not have had.

    makers_of("model:scorer@2", facts) == {"person:ada": ("trained it", "wrote its code"), "person:tom": (…,)}

Rules: persons only, each under everything that they state or that is stated for them, on the thing itself and all the
way up: runs, data, features, code with its committers, environments, models that it was made from. Measuring,
validating and reviewing are no making.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.events.payload import Payload
from governance.events.refs import kind_of
from governance.events.vocabulary import data, design, features, model, operation, training
from governance.lineage.facts import Facts
from governance.lineage.statement import Statement, people_of

RunStatement = (
    Statement[training.RunStarted] | Statement[training.RunCompleted] | Statement[training.RunFailed]
)


def makers_of(ref: str, facts: Facts) -> dict[str, tuple[str, ...]]:
    """The persons who had a part in making a thing, with the parts that they had, in order of discovery."""
    found: dict[str, dict[str, None]] = {}
    for persons, part in _parts(ref, facts):
        for person in persons:
            found.setdefault(person, {})[part] = None
    return {person: tuple(parts) for person, parts in found.items()}


def run_statements(run: str, facts: Facts) -> list[RunStatement]:
    """What was stated of a run's course."""
    return [
        *facts.about(run, training.RunStarted),
        *facts.about(run, training.RunCompleted),
        *facts.about(run, training.RunFailed),
    ]


def _parts(ref: str, facts: Facts) -> Iterable[tuple[tuple[str, ...], str]]:
    yield people_of(_own_statements(ref, facts)), _OWN_PARTS.get(kind_of(ref), "registered it")
    direct = facts.causes(ref, "generated")
    for above in sorted(facts.upstream(ref)):
        ran = "trained it" if above in direct else "ran a job that it rests on"
        kind = kind_of(above)
        if kind == "run":
            yield people_of(run_statements(above, facts)), ran
        elif kind == "code":
            for pinned in facts.about(above, features.CodePinned):
                yield people_of((pinned,)), "pinned its code"
                yield pinned.data.committers, "wrote its code"
        elif kind in _MAKINGS:
            payload, part = _MAKINGS[kind]
            yield people_of(facts.about(above, payload)), part


_MAKINGS: Mapping[str, tuple[type[Payload], str]] = {
    "dataset": (data.DatasetRegistered, "prepared its data"),
    "feature_set": (features.FeatureSetDefined, "defined its features"),
    "environment": (features.EnvironmentCaptured, "captured its environment"),
    "model": (model.ModelRegistered, "registered a model that it rests on"),
}
"""By the kind of what a thing rests on: the statement that makes one, and the part of who stated it."""

_OWN_PARTS = {"deployment": "deployed it", "dataset": "prepared it", "system": "shaped it"}


def _own_statements(ref: str, facts: Facts) -> tuple[Statement[Any], ...]:
    """The statements by which a thing itself came to be."""
    return (
        *facts.about(ref, model.ModelRegistered),
        *facts.about(ref, data.DatasetRegistered),
        *facts.about(ref, operation.DeploymentStarted),
        *facts.about(ref, design.SystemRegistered),
        *facts.about(ref, design.SystemModified),
    )
