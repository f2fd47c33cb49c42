# SPDX-License-Identifier: Apache-2.0
"""Variables: a dossier as the plain maps that rules see.

    a view          → a map of its fields, the fields of the statement that it is about spread into it, and `registered`
    a statement     → its payload's fields, and index, occurred_at, appended_at, actor, on_behalf_of, subject
    a moment        → microseconds since 1970 UTC, also in payload fields that end in _at, _until, _start or _end
    None            → left out, so that has() says whether a thing was recorded

Rules: pure; the same dossier gives the same maps. What a view says of itself wins over what its statement says.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel

from governance.core.instants import microseconds, parse_instant
from governance.errors import GovernanceError
from governance.lineage.dossier import SPREADS, Dossier, names_of
from governance.lineage.statement import EntryLine, Statement
from governance.lineage.views import DatasetView, DeploymentView, ModelView, SystemView
from governance.policy.expressions import INSTANT_ENDINGS
from governance.policy.lineage_functions import graph_of
from governance.policy.model import Scope

NAMES: tuple[str, ...] = (
    "system",
    "model",
    "dataset",
    "deployment",
    "systems",
    "models",
    "datasets",
    "deployments",
    "organisation",
    "waivers",
    "ledger",
    "entries",
    "lineage",
    "params",
    "now",
)
"""Every variable there is; which are set depends on the scope."""

TOLD_MAX = 20_000
"""Statements of which the maps are kept."""

STATEMENT_FIELDS = ("index", "occurred_at", "appended_at", "actor", "on_behalf_of", "subject")


class Thing(NamedTuple):
    """One thing that a rule is held against, with the variables for it.

    Attributes:
        ref: The thing's ref.
        digest: Its current digest, for waivers that are bound to one.
        values: Variables but `params`.
        entries: The entries that speak of it.
    """

    ref: str
    digest: str | None
    values: Mapping[str, Any]
    entries: tuple[EntryLine, ...]


class Variables:
    """The variables of one dossier at one moment; every view is turned into a map once.

    Args:
        dossier: What is known.
        now: The moment that rules take as now.
        told: Maps of statements by leaf hash, for the dossiers of many subjects; what is made here is put there.
    """

    def __init__(
        self, dossier: Dossier, now: datetime, told: dict[str, dict[str, Any]] | None = None
    ) -> None:
        made = _Plain({} if told is None else told)
        plain = made.plain
        self._dossier = dossier
        self._lines = {line.index: line for line in dossier.entries}
        self._entry_maps = {line.index: made.line(line) for line in dossier.entries}
        views: list[SystemView | ModelView | DatasetView | DeploymentView] = [
            *dossier.systems,
            *dossier.models,
            *dossier.datasets,
            *dossier.deployments,
        ]
        self._maps = {view.ref: plain(view) for view in views}
        self._things: dict[Scope, tuple[Thing, ...]] = {}
        self._shared: dict[str, Any] = {
            "systems": [self._maps[view.ref] for view in dossier.systems],
            "models": [self._maps[view.ref] for view in dossier.models],
            "datasets": [self._maps[view.ref] for view in dossier.datasets],
            "deployments": [self._maps[view.ref] for view in dossier.deployments],
            "waivers": [plain(view) for view in dossier.waivers],
            "organisation": plain(dossier.organisation),
            "ledger": plain(dossier.ledger),
            "lineage": graph_of(dossier),
            "now": microseconds(now),
        }

    def things(self, scope: Scope) -> tuple[Thing, ...]:
        """Every thing of a scope, in the dossier's order."""
        if scope not in self._things:
            self._things[scope] = tuple(self._things_of(scope))
        return self._things[scope]

    def moved(self, now: datetime) -> Variables:
        """The same at another moment."""
        moved = copy.copy(self)
        moved._things = {}
        moved._shared = {**self._shared, "now": microseconds(now)}
        return moved

    def _things_of(self, scope: Scope) -> Iterator[Thing]:
        dossier = self._dossier
        if scope == "organisation":
            refs = dossier.organisation.refs
            own = {"system": self._only("systems"), "model": self._only("models")}
            yield self._thing(refs[0] if refs else dossier.subject, None, own, dossier.entries)
            return
        views: tuple[SystemView | ModelView | DatasetView | DeploymentView, ...] = getattr(
            dossier, f"{scope}s"
        )
        for view in views:
            entries = tuple(self._lines[index] for index in view.indexes if index in self._lines)
            yield self._thing(view.ref, _digest(view), self._around(view), entries)

    def _thing(
        self, ref: str, digest: str | None, own: Mapping[str, Any], entries: tuple[EntryLine, ...]
    ) -> Thing:
        named = {name: value for name, value in own.items() if value is not None}
        told = {"entries": [self._entry_maps[line.index] for line in entries]}
        return Thing(ref, digest, self._shared | named | told, entries)

    def _around(self, view: SystemView | ModelView | DatasetView | DeploymentView) -> dict[str, Any]:
        own = self._maps[view.ref]
        if isinstance(view, SystemView):
            return {"system": own, "model": self._only("models")}
        if isinstance(view, ModelView):
            return {"model": own, "system": self._system_of(view.ref)}
        if isinstance(view, DatasetView):
            return {"dataset": own, "model": self._only("models"), "system": self._only("systems")}
        model = view.registration.data.model if view.registration else ""
        return {"deployment": own, "model": self._maps.get(model), "system": self._system_of(model)}

    def _system_of(self, model: str) -> Any:
        owners = [view.ref for view in self._dossier.systems if model in view.models]
        return self._maps[owners[0]] if owners else self._only("systems")

    def _only(self, name: str) -> Any:
        found = self._shared.get(name, ())
        return found[0] if len(found) == 1 else None


class Watched(Mapping[str, Any]):
    """Variables that tell when some of them are looked at.

    Args:
        values: By name.
        watches: What is called when the variable of a name is looked at.
    """

    def __init__(self, values: Mapping[str, Any], watches: Mapping[str, Callable[[], None]]) -> None:
        self._values = values
        self._watches = watches

    def __getitem__(self, name: str) -> Any:
        if name in self._watches:
            self._watches[name]()
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def plain(value: Any) -> Any:
    """A view, statement, payload or list of them as plain values; see the module's table."""
    return _Plain({}).plain(value)


def instants_in(value: Any, name: str = "") -> Iterator[int]:
    """Every moment in plain values, by the names of their fields."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from instants_in(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from instants_in(each, name)
    elif type(value) is int and name.endswith(INSTANT_ENDINGS):
        yield value


class _Plain:
    """Makes plain values, of each statement once."""

    def __init__(self, told: dict[str, dict[str, Any]]) -> None:
        self._told = told

    def plain(self, value: Any) -> Any:
        """A view, statement, payload or list of them."""
        if type(value) in _ATOMS:
            return value
        if isinstance(value, Statement):
            return self._statement(value)
        if isinstance(value, datetime):
            return microseconds(value)
        shape: Any = type(value)
        if shape in (tuple, list):
            return [self.plain(each) for each in value]
        return self._view(value) if names_of(shape) else value

    def _view(self, value: Any) -> dict[str, Any]:
        view: Any = type(value)
        own = {name: self.plain(getattr(value, name)) for name in names_of(view)}
        kept = {name: each for name, each in own.items() if each is not None}
        spread = SPREADS.get(view)
        if spread is None:
            return kept
        return {**kept.get(spread, {}), **kept, "registered": spread in kept}

    def line(self, line: EntryLine) -> dict[str, Any]:
        """An entry in a line."""
        known = self._told.get(f"line {line.leaf_hash}")
        return known if known is not None else self._keep(f"line {line.leaf_hash}", self._view(line))

    def _statement(self, statement: Statement[Any]) -> dict[str, Any]:
        known = self._told.get(statement.leaf_hash)
        if known is not None:
            return known
        told = {name: self.plain(getattr(statement, name)) for name in STATEMENT_FIELDS}
        kept = {name: value for name, value in told.items() if value is not None}
        return self._keep(statement.leaf_hash, _payload(statement.data) | kept)

    def _keep(self, name: str, made: dict[str, Any]) -> dict[str, Any]:
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told[name] = made
        return made


_ATOMS = frozenset((str, int, bool, float, type(None)))


def _payload(data: BaseModel) -> dict[str, Any]:
    dumped = data.model_dump(exclude_none=True)
    return {name: _field(name, value) for name, value in dumped.items()}


def _field(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith(INSTANT_ENDINGS):
        try:
            return microseconds(parse_instant(value))
        except GovernanceError:
            return value
    if isinstance(value, dict):
        return {key: _field(key, each) for key, each in value.items() if each is not None}
    if isinstance(value, (tuple, list)):
        return [_field(name, each) if isinstance(each, dict) else each for each in value]
    return value


def _digest(view: Any) -> str | None:
    registration = getattr(view, "registration", None)
    return getattr(registration.data, "digest", None) if registration else None
