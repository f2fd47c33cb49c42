# SPDX-License-Identifier: Apache-2.0
"""Which entries a value of a rule's variables came from.

    ("model", "approvals", 2, "digest")      → the entry that granted the third approval
    ("alert", "acknowledged_at")             → the entry that acknowledged the alert
    ("deployment", "live")                   → the entries that started, rolled back and ended it

Rules: pure, over the plain maps that rules see. What a statement says comes from its entry; what a view says of itself
comes from the statements that it was folded from. What nothing is known of is cited to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]

CITED_MAX = 20
"""Entries that are cited for one value."""

_FOLDED_FROM: Mapping[str, tuple[str, ...]] = {
    "live": ("registration", "rollbacks", "ended"),
    "traffic_share_now": ("registration", "shifts", "rollbacks", "ended"),
    "strategies": ("registration", "shifts"),
    "is_serious": ("opened", "updates"),
    "first_reported_at": ("reports",),
    "void_reason": ("voided_index",),
    "training_datasets": ("run",),
    "contributors": ("run", "registration"),
    "trainers": ("run", "registration"),
    "actors": ("started", "completed", "failed"),
    "seed": ("started", "completed"),
}
"""What a view says of itself, and the fields of the view that say it."""


def path_text(path: Path) -> str:
    """A path as a rule would write it: `model.approvals[2].digest`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def entries_of(path: Path, values: Mapping[str, Any]) -> tuple[int, ...]:
    """Indexes of the entries that a value came from, ascending, at most `CITED_MAX`.

    Args:
        path: Where it was read; what is not there is cited to what holds it.
        values: The variables.
    """
    at: Any = values
    around: tuple[int, ...] = ()
    for number, part in enumerate(path):
        if isinstance(at, Mapping) and number:
            around = _own(at) or around
        found = _part(at, part)
        if found is None:
            return around
        if isinstance(at, Mapping) and number and isinstance(part, str):
            around = _field(at, part) or around
        at = found
    inside = sorted(set(_inside(at)))
    return tuple(inside[:CITED_MAX]) or around


def stated_by(path: Path, values: Mapping[str, Any]) -> int | None:
    """The entry of the statement that would hold what stands at a path, where there is one."""
    at: Any = values
    for part in path[:-1]:
        at = _part(at, part)
    own = _own(at) if isinstance(at, Mapping) and path[-1] not in at else ()
    return own[0] if own else None


def is_recorded(path: Path, values: Mapping[str, Any]) -> bool:
    """Whether anything stands at a path: a value, or a list that is not empty."""
    at: Any = values
    for part in path:
        at = _part(at, part)
        if at is None:
            return False
    return bool(at != [])


def _part(at: Any, part: str | int) -> Any:
    if isinstance(at, Mapping):
        return at.get(part)
    if isinstance(at, Sequence) and not isinstance(at, str) and isinstance(part, int) and part < len(at):
        return at[part]
    return None


def _own(value: Mapping[str, Any]) -> tuple[int, ...]:
    """The entry that a map states."""
    index = value.get("index")
    return (index,) if type(index) is int else ()


def _field(view: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """The entries that one field of a view came from, where they are others than the view's own."""
    if name in _FOLDED_FROM:
        sources = [view.get(each) for each in _FOLDED_FROM[name]]
        found = {index for each in sources for index in ([each] if type(each) is int else _inside(each))}
        return tuple(sorted(found)[:CITED_MAX])
    stem = name.removesuffix("_at")
    if stem == name:
        return ()
    index = view.get(f"{stem}_index")
    return (index,) if type(index) is int else tuple(_inside(view.get(stem)))


def _inside(value: Any) -> Iterator[int]:
    """The entries that a statement, a view or a list of them states; of a view with several, all of them."""
    if isinstance(value, Mapping):
        own = _own(value)
        yield from own
        if not own:
            for each in value.values():
                if isinstance(each, Mapping):
                    yield from _own(each)
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, Mapping):
                yield from _inside(each)
