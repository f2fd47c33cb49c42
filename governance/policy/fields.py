# SPDX-License-Identifier: Apache-2.0
"""Fields: the types of the variables that rules see, read off the classes of views and payloads.

    model.approvals.exists(a, !has(a.voided_att))      → a has no field 'voided_att'
    dataset.purpose == 'training'                      → it is never 'training'; did you mean …

A misspelt field is never recorded, so `!has()` of it is true for ever: a rule that can only pass. Hence these types.

Rules: what stands here is what `variables` makes of a view, no more and no less: a moment is an int, None is left
out, a view has the fields of the statement that it is about. What cannot be told has the type DYN, which is never
judged.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from governance.lineage.dossier import SPREADS, LedgerView, OrganisationView, names_of
from governance.lineage.statement import EntryLine, Statement
from governance.lineage.views import DatasetView, DeploymentView, ModelView, SystemView, WaiverView
from governance.policy.cel.types import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    STRING,
    Type,
    choice,
    list_of,
    map_of,
    record,
)
from governance.policy.expressions import INSTANT_ENDINGS
from governance.policy.lineage_functions import LINEAGE
from governance.policy.variables import STATEMENT_FIELDS

Shape = Any
"""The class of a map, `tuple[class, ...]` of a list, an annotation of a field."""

SHAPES: Mapping[str, Shape] = {
    "system": SystemView,
    "model": ModelView,
    "dataset": DatasetView,
    "deployment": DeploymentView,
    "systems": tuple[SystemView, ...],
    "models": tuple[ModelView, ...],
    "datasets": tuple[DatasetView, ...],
    "deployments": tuple[DeploymentView, ...],
    "organisation": OrganisationView,
    "waivers": tuple[WaiverView, ...],
    "ledger": LedgerView,
    "entries": tuple[EntryLine, ...],
}
"""What the variables are made from."""

_SIMPLE: Mapping[Shape, Type] = {str: STRING, int: INT, float: DOUBLE, bool: BOOL, datetime: INT}


def fields_of(kind: Type) -> Mapping[str, Type] | None:
    """The fields that a map of that type can have; None where that is not known."""
    return None if kind.fields is None else kind.fields()


@lru_cache(maxsize=1024)
def type_of(shape: Shape) -> Type:
    """What a value of a class or annotation is to a rule."""
    origin: Any = get_origin(shape)
    arguments = get_args(shape)
    if shape in _SIMPLE:
        return _SIMPLE[shape]
    if origin is Annotated:
        return type_of(arguments[0])
    if origin in (Union, types.UnionType):
        kept = {type_of(each): None for each in arguments if each is not type(None)}
        return next(iter(kept)) if len(kept) == 1 else DYN
    if origin is Literal:
        return _literal(arguments)
    if origin is tuple and arguments[1:] == (...,):
        return list_of(type_of(arguments[0]))
    if origin is dict:
        return map_of(type_of(arguments[0]), type_of(arguments[1]))
    return _record(shape)


def _literal(values: tuple[Any, ...]) -> Type:
    """One of a few values: a choice where they are texts, else their type if they have one in common."""
    if all(type(each) is str for each in values):
        return choice(*values)
    kinds = {type(each) for each in values}
    return _SIMPLE.get(kinds.pop(), DYN) if len(kinds) == 1 else DYN


def _record(shape: Shape) -> Type:
    origin: Any = get_origin(shape)
    if origin is Statement:
        (payload,) = get_args(shape)
        return record(f"statement of {payload.__name__}", lambda: _statement_fields(payload))
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return record(shape.__name__, lambda: _payload_fields(shape))
    if names_of(shape):
        return record(shape.__name__, lambda: _view_fields(shape))
    return DYN


@lru_cache(maxsize=256)
def _view_fields(view: type) -> Mapping[str, Type]:
    hints = get_type_hints(view)
    own = {name: type_of(hints[name]) for name in names_of(view)}
    spread = SPREADS.get(view)
    if spread is None:
        return own
    return {**(fields_of(own[spread]) or {}), **own, "registered": BOOL}


@lru_cache(maxsize=256)
def _payload_fields(payload: type[BaseModel]) -> Mapping[str, Type]:
    return {name: _field(name, _annotated(each.annotation)) for name, each in payload.model_fields.items()}


@lru_cache(maxsize=256)
def _statement_fields(payload: type[BaseModel]) -> Mapping[str, Type]:
    hints = get_type_hints(Statement)
    told = {name: type_of(hints[name]) for name in STATEMENT_FIELDS}
    return {**_payload_fields(payload), **told}


def _annotated(annotation: Any) -> Type:
    return type_of(annotation)


def _field(name: str, kind: Type) -> Type:
    """Moments in payloads are texts; a rule sees numbers."""
    return INT if kind == STRING and name.endswith(INSTANT_ENDINGS) else kind


VARIABLES: Mapping[str, Type] = {
    **{name: type_of(shape) for name, shape in SHAPES.items()},
    "lineage": LINEAGE,
    "now": INT,
}
"""The variables that every rule set has, `params` apart, with their types."""
