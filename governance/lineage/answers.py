# SPDX-License-Identifier: Apache-2.0
"""How each regulator's question is answered: one function a question, rows out of dossiers and index tables.

Rules: as of the tree size and the moment that were asked; every row ends with the entry that it rests on, where one
says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.core.canonical import parse_canonical
from governance.core.instants import parse_instant
from governance.errors import InputError
from governance.events.envelope import Entry, read_entry
from governance.events.refs import kind_of
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.lineage.graph import closure, diff_lineage, require_known
from governance.lineage.in_force import why_not_in_force
from governance.lineage.reading import SUBJECT_KINDS, read_dossier_entries
from governance.lineage.views import ApprovalView, DeploymentView, ModelView
from governance.storage.interface import Reader

LATE = timedelta(days=3)
"""From when on evidence counts as recorded late, where the question does not say."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is asked of.

    Attributes:
        reader: The ledger's tables.
        arguments: As many as the query names.
        size: The tree size.
        at: The moment that counts as now.
    """

    reader: Reader
    arguments: Sequence[str]
    size: int
    at: datetime

    def dossier(self, ref: str) -> Dossier:
        """All that is known of a subject."""
        return build_dossier(ref, read_dossier_entries(self.reader, ref, size=self.size), tree_size=self.size)

    def entries(self, indexes: Iterable[int]) -> list[Entry]:
        """Entries at these indexes, in order."""
        return [read_entry(row.body) for row in self.reader.entries_at(sorted(set(indexes)))]


def who_acted(asked: Asked) -> Iterator[Row]:
    """Who trained, evaluated, approved, deployed it, when, and what they had seen."""
    dossier = asked.dossier(_of_kind(asked.arguments[0], SUBJECT_KINDS))
    wanted = ("run.", "model.", "approval.", "deployment.", "waiver.", "oversight.", "dataset.", "code.")
    entries = {entry.index: entry for entry in asked.entries(line.index for line in dossier.entries)}
    for line in dossier.entries:
        if line.type.startswith(wanted):
            entry = entries[line.index]
            seen = getattr(entry.event.data, "tree_size", None)
            yield (
                line.occurred_at,
                line.type,
                line.subject,
                line.actor,
                entry.event.actor.on_behalf_of,
                line.index if seen is None else seen,
                line.index,
            )


def approver_independent(asked: Asked) -> Iterator[Row]:
    """Who approved a model, and whether they had a part in making it."""
    model = asked.dossier(_of_kind(asked.arguments[0], ("model",))).models[0]
    for view in model.approvals:
        granted = view.granted
        yield (
            granted.actor,
            granted.data.role,
            view.role_held,
            granted.actor in model.trainers,
            view.independent,
            granted.data.digest == (model.registration.data.digest if model.registration else None),
            _approval_state(view, asked.at),
            granted.index,
        )


def in_force(asked: Asked) -> Iterator[Row]:
    """Deployments that served at a moment."""
    at = parse_instant(asked.arguments[0]) if asked.arguments else asked.at
    for model, deployment in _deployments(asked):
        started = deployment.registration
        if started is None or started.occurred_at > at:
            continue
        ends = [each.occurred_at for each in deployment.rollbacks]
        if deployment.ended is not None:
            ends.append(deployment.ended.occurred_at)
        if ends and min(ends) <= at:
            continue
        shifts = [each for each in deployment.shifts if each.occurred_at <= at]
        now = shifts[-1].data if shifts else started.data
        yield (
            deployment.ref,
            started.data.model,
            started.data.environment,
            now.strategy,
            now.traffic_share,
            _valid_approval(model, started.data.digest, at),
            started.index,
        )


def changes(asked: Asked) -> Iterator[Row]:
    """What differs between two versions: statements, measurements, what they rest on."""
    first, second = (_of_kind(each, ("model",)) for each in asked.arguments)
    one, two = asked.dossier(first).models[0], asked.dossier(second).models[0]
    for aspect, before, after in _aspects(one, two):
        if before != after:
            yield (aspect, before, after)
    lineage = diff_lineage(asked.reader, first, second, size=asked.size)
    for ref in lineage.only_first:
        yield ("rests on", ref, None)
    for ref in lineage.only_second:
        yield ("rests on", None, ref)


def _aspects(one: ModelView, two: ModelView) -> Iterator[tuple[str, Any, Any]]:
    left, right = _stated(one), _stated(two)
    for name in dict.fromkeys([*left, *right]):
        yield name, left.get(name), right.get(name)


def _stated(model: ModelView) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if model.registration:
        data = model.registration.data
        told |= {
            name: getattr(data, name) for name in ("digest", "framework", "format", "licence", "architecture")
        }
    if model.run:
        told["code"] = model.run.code.data.commit if model.run.code else None
        told["code dirty"] = model.run.code.data.dirty if model.run.code else None
        told["environment"] = model.run.environment.data.digest if model.run.environment else None
        told["seed"] = model.run.seed
        for stated in (model.run.started, model.run.completed):
            told |= {
                f"parameter {name}": value
                for name, value in (stated.data.parameters if stated else {}).items()
            }
    for view in model.evaluations:
        for each in view.evaluated.data.measurements:
            told[" ".join(filter(None, [view.evaluated.data.aspect, each.name, each.slice]))] = each.value
    return told


def decisions_from(asked: Asked) -> Iterator[Row]:
    """Segments of predictions made by models that rest on a dataset."""
    dataset = _of_kind(asked.arguments[0], ("dataset",))
    require_known(asked.reader, dataset, asked.size)
    reached = closure(asked.reader, [dataset], side="cause", size=asked.size)
    for entry in _about(asked, [ref for ref in reached if kind_of(ref) == "segment"], "predictions.sealed"):
        data: Any = entry.event.data
        yield (
            entry.event.subject,
            data.deployment,
            data.count,
            parse_instant(data.period_start),
            parse_instant(data.period_end),
            data.root,
            entry.index,
        )


def affected_by(asked: Asked) -> Iterator[Row]:
    """What rests on a thing, the nearest first."""
    ref = asked.arguments[0]
    require_known(asked.reader, ref, asked.size)
    reached = closure(asked.reader, [ref], side="cause", size=asked.size)
    first = {
        row.ref: row.index
        for row in reversed(asked.reader.mentions(sorted(reached), role="subject", size=asked.size))
    }
    for other, steps in sorted(reached.items(), key=lambda each: (each[1], each[0])):
        yield (other, kind_of(other), steps, first.get(other))


def unapproved_deployments(asked: Asked) -> Iterator[Row]:
    """Live deployments whose digest no approval covers now."""
    for model, deployment in _deployments(asked):
        started = deployment.registration
        if started is None or not deployment.live:
            continue
        if _valid_approval(model, started.data.digest, asked.at) is None:
            reasons = [_approval_state(view, asked.at) for view in (model.approvals if model else ())]
            why = "; ".join(reasons) or "never approved"
            yield (
                deployment.ref,
                started.data.model,
                started.data.environment,
                deployment.traffic_share_now,
                why,
                started.index,
            )


def late_evidence(asked: Asked) -> Iterator[Row]:
    """Entries recorded long after what they state, the latest first; all of them are read."""
    limit = timedelta(days=_days(asked.arguments[0])) if asked.arguments else LATE
    found: list[Row] = []
    for row in asked.reader.entries(0, asked.size):
        stated = parse_canonical(row.body)
        occurred, appended = (
            parse_instant(each) for each in (stated["event"]["occurred_at"], stated["appended_at"])
        )
        if appended - occurred > limit:
            event = read_entry(row.body).event
            days = round((appended - occurred) / timedelta(days=1), 1)
            found.append((days, event.type, event.subject, event.actor.ref, occurred, appended, row.index))
    yield from sorted(found, key=lambda each: (-each[0], each[-1]))


def known_at(asked: Asked) -> Iterator[Row]:
    """What the ledger said of a thing when it had that many entries."""
    ref, text = asked.arguments
    if not text.isascii() or not text.isdigit():
        raise InputError(
            f"not a tree size: {text!r}", hint="a tree size is a number of entries, as a checkpoint states it"
        )
    size = min(int(text), asked.size)
    require_known(asked.reader, ref, size)
    indexes = {row.index for row in asked.reader.mentions([ref], size=size)}
    for entry in asked.entries(indexes):
        yield (
            parse_instant(entry.appended_at),
            entry.event.type,
            entry.event.subject,
            entry.event.actor.ref,
            entry.index,
        )


def waivers_due(asked: Asked) -> Iterator[Row]:
    """Waivers that hold now, the next to run out first."""
    granted = [
        entry
        for entry in asked.entries(asked.reader.indexes_of_types(["waiver.granted"], size=asked.size))
        if parse_instant(_field(entry, "expires_at")) > asked.at
    ]
    revoked = asked.entries(asked.reader.indexes_of_types(["waiver.revoked"], size=asked.size))
    taken_back = {(each.event.subject, _field(each, "rule")): each.index for each in revoked}
    for entry in sorted(granted, key=lambda each: _field(each, "expires_at")):
        key = (entry.event.subject, _field(entry, "rule"))
        if taken_back.get(key, -1) < entry.index:
            until = parse_instant(_field(entry, "expires_at"))
            yield (until, (until - asked.at).days, key[1], key[0], entry.event.actor.ref, entry.index)


def _deployments(asked: Asked) -> Iterator[tuple[ModelView | None, DeploymentView]]:
    """Every deployment with its model, in order of entry."""
    started = asked.entries(asked.reader.indexes_of_types(["deployment.started"], size=asked.size))
    for ref in dict.fromkeys(entry.event.subject for entry in started):
        dossier = asked.dossier(ref)
        yield (dossier.models[0] if dossier.models else None), dossier.deployments[0]


def _valid_approval(model: ModelView | None, digest: str, at: datetime) -> int | None:
    """The entry of an approval of this digest that held at a moment."""
    for view in model.approvals if model else ():
        if view.granted.data.digest == digest and why_not_in_force(view, at) is None:
            return view.granted.index
    return None


def _approval_state(view: ApprovalView, at: datetime) -> str:
    return why_not_in_force(view, at) or "holds"


def _about(asked: Asked, refs: Sequence[str], event_type: str) -> list[Entry]:
    rows = asked.reader.mentions(sorted(refs), role="subject", size=asked.size)
    return [entry for entry in asked.entries(row.index for row in rows) if entry.event.type == event_type]


def _of_kind(ref: str, kinds: Sequence[str]) -> str:
    if kind_of(ref) not in kinds:
        raise InputError(
            f"{ref} is no {' or '.join(kinds)}", hint=f"name a {kinds[0]}, as in {kinds[0]}:name@1"
        )
    return ref


def _days(text: str) -> float:
    try:
        return float(text.removesuffix("d"))
    except ValueError as error:
        raise InputError(f"not a number of days: {text!r}", hint="write 3 or 0.5") from error


def _field(entry: Entry, name: str) -> str:
    return str(getattr(entry.event.data, name))
