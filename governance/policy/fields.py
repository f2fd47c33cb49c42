# SPDX-License-Identifier: Apache-2.0
"""Fields: whether the fields that an expression names are there at all, told when a rule set loads.

    model.approvals.exists(a, !has(a.voided_att))      → a has no field 'voided_att'

A misspelt field is never recorded, so `!has()` of it is true for ever: a rule that can only pass. Hence this walk.

Rules: variables, quantifiers, filters and indexes are followed through the classes of the views and payloads. What the
walk cannot follow it does not judge: it never refuses a field that is there.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from governance.lineage.dossier import LedgerView, OrganisationView
from governance.lineage.statement import EntryLine, Statement
from governance.lineage.views import DatasetView, DeploymentView, ModelView, SystemView, WaiverView
from governance.policy.variables import STATEMENT_FIELDS

Shape = Any
"""The class of a map, `tuple[class, ...]` of a list, a mapping of names to shapes; None where it is not known."""

VARIABLES: Mapping[str, Shape] = {
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

_QUANTIFIERS = ("exists", "exists_one", "all", "filter", "map")
_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |(?P<text>[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    |(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\w*)
    |(?P<name>[A-Za-z_]\w*)
    |`(?P<quoted>[^`]*)`
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Misnomer:
    """A field that is not there.

    Attributes:
        owner: What was asked for it, as written.
        field: The field.
        known: The fields that there are.
        offset: Where the field stands in the text.
    """

    owner: str
    field: str
    known: tuple[str, ...]
    offset: int


def misnomers(text: str, variables: Mapping[str, Shape]) -> list[Misnomer]:
    """Every field that an expression names and that its owner cannot have.

    Args:
        text: CEL that compiles: its brackets are closed, and a dot stands before a name.
        variables: The shapes of the variables, as `VARIABLES` and what a rule set adds.
    """
    walk = _Walk(text)
    walk.span(0, len(walk.tokens), variables)
    return walk.found


def element_shape(text: str, variables: Mapping[str, Shape]) -> Shape:
    """The shape of the elements of a list that an expression gives, None where it is not known."""
    walk = _Walk(text)
    after, shape = walk.chain(0, variables)
    return _element(shape) if after == len(walk.tokens) else None


def fields_of(shape: Shape) -> Mapping[str, Shape] | None:
    """The fields that a map of that shape can have, with their own shapes; None where that is not known."""
    shape = _bare(shape)
    if isinstance(shape, Mapping):
        return shape
    origin: Any = get_origin(shape)
    if origin is Statement:
        return _statement_fields(get_args(shape)[0])
    if not isinstance(shape, type) or origin is not None:
        return None
    if issubclass(shape, BaseModel):
        return {name: each.annotation for name, each in shape.model_fields.items()}
    return _view_fields(shape) if dataclasses.is_dataclass(shape) else None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


class _Walk:
    """Follows the chains of names, calls and indexes in one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.tokens = tuple(_tokens(text))
        self._closing = _closing(self.tokens)
        self.found: list[Misnomer] = []

    def span(self, at: int, end: int, scope: Mapping[str, Shape]) -> None:
        """Walk over the tokens from `at` up to `end`."""
        while at < end:
            at, _ = self.chain(at, scope)

    def chain(self, at: int, scope: Mapping[str, Shape]) -> tuple[int, Shape]:
        """Walk over a chain that begins at a token, or over the token; where it ends and what it gives."""
        first, shape = self.tokens[at], None
        if first.kind == "name" and self._sign(at + 1) != "(":
            shape = scope.get(first.text)
            after = at + 1
        elif first.kind == "name" or first.text in _PAIRS:
            opening = at + (first.kind == "name")
            self.span(opening + 1, self._closing[opening], scope)
            after = self._closing[opening] + 1
        elif first.kind == "sign" and first.text != ".":
            return at + 1, None
        else:
            after = at + (first.text != ".")
        while self._sign(after) in (".", "["):
            if self._sign(after) == "[":
                self.span(after + 1, self._closing[after], scope)
                after, shape = self._closing[after] + 1, _element(shape)
            else:
                after, shape = self._member(first.offset, after + 1, shape, scope)
        return after, shape

    def _member(self, start: int, at: int, shape: Shape, scope: Mapping[str, Shape]) -> tuple[int, Shape]:
        """A name after a dot: a call, or a field."""
        name = self.tokens[at]
        if self._sign(at + 1) != "(":
            return at + 1, self._field(start, name, shape)
        end = self._closing[at + 1]
        if name.text in _QUANTIFIERS and self._sign(at + 3) == ",":
            inner = {**scope, self.tokens[at + 2].text: _element(shape)}
            self.span(at + 4, end, inner)
            return end + 1, shape if name.text == "filter" else None
        self.span(at + 2, end, scope)
        return end + 1, None

    def _field(self, start: int, name: _Token, shape: Shape) -> Shape:
        known = fields_of(shape)
        if known is None:
            return None
        if name.text not in known:
            owner = self._text[start : name.offset].rstrip("` \n\t.")
            self.found.append(Misnomer(owner, name.text, tuple(sorted(known)), name.offset))
        return known.get(name.text)

    def _sign(self, at: int) -> str:
        within = at < len(self.tokens) and self.tokens[at].kind == "sign"
        return self.tokens[at].text if within else ""


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == "quoted":
            yield _Token("name", match["quoted"], match.start("quoted"))
        elif kind != "skip":
            yield _Token(kind, match[0], match.start())


def _closing(tokens: Collection[_Token]) -> dict[int, int]:
    """Where each opening bracket is closed; a text that compiles closes them all."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token.kind == "sign" and token.text in _PAIRS:
            opened.append(at)
        elif token.kind == "sign" and token.text in _PAIRS.values():
            closing[opened.pop()] = at
    return closing


def _bare(shape: Shape) -> Shape:
    """A shape without `Annotated` and without `| None`; of two classes neither is known."""
    origin: Any = get_origin(shape)
    if origin is Annotated:
        return _bare(get_args(shape)[0])
    if origin in (Union, types.UnionType):
        kept = [each for each in get_args(shape) if each is not type(None)]
        return _bare(kept[0]) if len(kept) == 1 else None
    return shape


def _element(shape: Shape) -> Shape:
    """The shape of a list's elements."""
    bare = _bare(shape)
    origin: Any = get_origin(bare)
    arguments = get_args(bare)
    return arguments[0] if origin is tuple and arguments[1:] == (...,) else None


@lru_cache(maxsize=64)
def _view_fields(view: type) -> Mapping[str, Shape]:
    hints = get_type_hints(view)
    own = {each.name: hints[each.name] for each in dataclasses.fields(view)}
    spread = getattr(view, "spread", None)
    if spread is None:
        return own
    return {**(fields_of(own[spread]) or {}), **own, "registered": None}


def _statement_fields(payload: type[BaseModel]) -> Mapping[str, Shape]:
    return {**(fields_of(payload) or {}), **dict.fromkeys(STATEMENT_FIELDS)}
