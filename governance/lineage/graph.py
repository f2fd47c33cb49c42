# SPDX-License-Identifier: Apache-2.0
"""The lineage graph, read from the relation table: upstream, downstream, path, diff, impact, as of any tree size.

Rules: a relation reads effect → cause; upstream follows it, downstream goes against it. Agents are shown beside what
they did but never walked through: two models are not related because one person trained both. Every relation knows the
entry that asserted it, so `size` cuts the graph to what was known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from governance.errors import InputError, NotFoundError
from governance.events.refs import kind_of, parse_ref
from governance.storage.interface import Reader, RelationRow

Direction = Literal["upstream", "downstream", "both"]

WALKED = ("used", "generated", "derived", "informed")
NODES_MAX = 100_000
"""A closure larger than this is refused rather than held in memory."""


class Node(NamedTuple):
    """A thing in the graph.

    Attributes:
        distance: Steps from the root; negative upstream, positive downstream.
        index: The first entry that mentions it, None when it was never the subject of one.
    """

    ref: str
    kind: str
    distance: int
    index: int | None  # type: ignore[assignment]  # hides tuple.index, which nobody asks of it


class Lineage(NamedTuple):
    """What a ref rests on and what rests on it, as of a tree size."""

    root: str
    direction: Direction
    tree_size: int
    nodes: tuple[Node, ...]
    relations: tuple[RelationRow, ...]


class LineageDiff(NamedTuple):
    """What two things rest on: only the first, only the second, both. Refs, sorted."""

    first: str
    second: str
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    both: tuple[str, ...]


def read_lineage(reader: Reader, ref: str, *, direction: Direction, size: int) -> Lineage:
    """Walk the graph from one ref.

    Raises:
        RefError: Not a ref.
        NotFoundError: No entry below `size` mentions it.
    """
    require_known(reader, ref, size)
    up = closure(reader, [ref], side="effect", size=size) if direction != "downstream" else {}
    down = closure(reader, [ref], side="cause", size=size) if direction != "upstream" else {}
    distances = {ref: 0, **down}
    distances |= {each: -steps for each, steps in up.items()}
    relations = _relations_among(reader, distances, size)
    agents = {each.cause for each in relations} - set(distances)
    first = _first_entries(reader, [*distances, *agents], size)
    nodes = [Node(each, kind_of(each), steps, first.get(each)) for each, steps in distances.items()]
    nodes += [Node(each, kind_of(each), 0, first.get(each)) for each in agents]
    return Lineage(
        root=ref,
        direction=direction,
        tree_size=size,
        nodes=tuple(sorted(nodes, key=lambda node: (node.distance, node.ref))),
        relations=tuple(relations),
    )


def closure(reader: Reader, refs: Sequence[str], *, side: str, size: int) -> dict[str, int]:
    """Everything reached from the refs, with the least number of steps; the refs themselves are left out.

    Args:
        reader: Where relations are read.
        refs: Where to begin.
        side: "effect" to walk upstream (the refs are effects), "cause" to walk downstream.
        size: Only relations asserted below this index.
    """
    reached: dict[str, int] = dict.fromkeys(refs, 0)
    open_ends = list(refs)
    steps = 0
    while open_ends:
        steps += 1
        kinds = (*WALKED, "member") if side == "cause" else WALKED
        rows = [row for row in reader.relations_of(open_ends, side=side, size=size) if row.kind in kinds]
        found = {row.effect if side == "cause" else row.cause for row in rows}
        open_ends = sorted(found - reached.keys())
        reached.update(dict.fromkeys(open_ends, steps))
        if len(reached) > NODES_MAX:
            raise InputError(
                f"the lineage of {refs[0]} has more than {NODES_MAX} things",
                hint="ask upstream, or a smaller thing",
            )
    return {ref: at for ref, at in reached.items() if at}


def path_between(reader: Reader, start: str, end: str, *, size: int) -> tuple[RelationRow, ...]:
    """The shortest way upstream from `start` to `end`, as relations in walking order; empty when there is none."""
    require_known(reader, start, size)
    require_known(reader, end, size)
    came: dict[str, RelationRow] = {}
    open_ends = [start]
    while open_ends and end not in came:
        fresh: list[str] = []
        for row in sorted(reader.relations_of(open_ends, side="effect", size=size)):
            if row.kind in WALKED and row.cause not in came and row.cause != start:
                came[row.cause] = row
                fresh.append(row.cause)
        open_ends = fresh
    steps: list[RelationRow] = []
    at = end
    while at != start and at in came:
        steps.append(came[at])
        at = came[at].effect
    return tuple(reversed(steps))


def diff_lineage(reader: Reader, first: str, second: str, *, size: int) -> LineageDiff:
    """Compare what two things rest on, as two versions of a model."""
    require_known(reader, first, size)
    require_known(reader, second, size)
    one = set(closure(reader, [first], side="effect", size=size))
    two = set(closure(reader, [second], side="effect", size=size))
    return LineageDiff(
        first, second, tuple(sorted(one - two)), tuple(sorted(two - one)), tuple(sorted(one & two))
    )


def require_known(reader: Reader, ref: str, size: int) -> None:
    """Refuse a ref that no entry below `size` mentions, naming near ones.

    Raises:
        RefError: Not a ref.
        NotFoundError: Unknown.
    """
    parsed = parse_ref(ref)
    if reader.mentions([ref], size=size):
        return
    near = reader.refs_like(f"{parsed.kind}:{parsed.name}", 5) or reader.refs_like(f"{parsed.kind}:", 5)
    raise NotFoundError(
        f"no entry below tree size {size} mentions {ref}",
        hint=f"the ledger knows {', '.join(near)}" if near else f"the ledger knows no {parsed.kind}",
    )


def _relations_among(reader: Reader, refs: Iterable[str], size: int) -> list[RelationRow]:
    inside = set(refs)
    rows = reader.relations_of(sorted(inside), side="effect", size=size)
    return sorted(
        {row for row in rows if row.cause in inside or row.kind in ("associated", "attributed")},
        key=lambda row: (row.index, row.effect, row.cause, row.kind),
    )


def _first_entries(reader: Reader, refs: Sequence[str], size: int) -> dict[str, int]:
    first: dict[str, int] = {}
    for row in reader.mentions(refs, role="subject", size=size):
        first[row.ref] = min(row.index, first.get(row.ref, row.index))
    return first
