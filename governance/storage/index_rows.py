# SPDX-License-Identifier: Apache-2.0
"""Rows of `mention` and `relation` as databases keep them: one row says it for all entries of one append.

    (ref, role) → [5, 8, 9]      (ref_id, role, first = 5, rest = "[8,9]")
    (ref, role) → [5]            (ref_id, role, first = 5, rest = NULL)

Rules: what is written here is read back here. What was altered in between is never lost: it comes out as one thing that
is no index, so that `verify` sees and names it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from governance.errors import SchemaError, StorageError

REST_LENGTH_MAX = 999
"""How many further indexes one row names at most."""


def index_rows(
    gathered: Iterable[tuple[tuple[Any, ...], Sequence[int]]],
) -> Iterator[tuple[Any, ...]]:
    """The rows to write: a key, the first index, and the rest, at most `REST_LENGTH_MAX` of them.

    Raises:
        StorageError: An index stands twice.
    """
    for key, indexes in gathered:
        if len(indexes) > 1 and len(set(indexes)) < len(indexes):
            raise StorageError("a row stands twice in one batch")
        for start in range(0, len(indexes), REST_LENGTH_MAX + 1):
            part = indexes[start : start + REST_LENGTH_MAX + 1]
            yield (*key, part[0], _format_rest(part))


def spread(rows: Iterable[tuple[Any, ...]], start: int | None, end: int | None) -> Iterator[tuple[Any, ...]]:
    """Rows that were read, one for each index in [start, end); what is no index is given as it stands."""
    low, high = -math.inf if start is None else start, math.inf if end is None else end
    for *key, first, rest in rows:
        if rest is None:
            yield (*key, first)
            continue
        for index in (first, *_parse_rest(rest)):
            if type(index) is not int or low <= index < high:
                yield (*key, index)


def runs(rows: Iterable[tuple[Any, ...]], start: int | None, end: int | None) -> Iterator[tuple[Any, ...]]:
    """The same as `spread`, with the indexes of one row in one list that holds at least one."""
    low, high = -math.inf if start is None else start, math.inf if end is None else end
    for *key, first, rest in rows:
        indexes = [first] if rest is None else [first, *_parse_rest(rest)]
        try:
            is_within = low <= min(indexes) and max(indexes) < high
        except TypeError:
            is_within = False
        if rest is not None and not is_within:
            indexes = [each for each in indexes if type(each) is not int or low <= each < high]
        if indexes:
            yield (*key, indexes)


def spread_below(rows: Iterable[tuple[Any, ...]], end: int) -> Iterator[tuple[Any, ...]]:
    """The same below `end` for those who go on from here, whom what is no index must not reach.

    Raises:
        SchemaError: An index is no whole number.
    """
    for row in spread(rows, None, end):
        if type(row[-1]) is not int:
            raise SchemaError(
                f"an index table is corrupt: {row[0]} stands at {row[-1]!r:.40}, which is no index",
                hint="governance verify names every discrepancy; restore the ledger from a copy",
            )
        yield row


def _format_rest(indexes: Sequence[int]) -> str | None:
    """Write the column `rest`: all indexes but the first as a JSON list, None when there are no more."""
    return orjson.dumps(indexes[1:]).decode() if len(indexes) > 1 else None


def _parse_rest(rest: object) -> list[Any]:
    """Read the column `rest`; what was not written by `_format_rest` is one thing that is no index."""
    try:
        indexes = orjson.loads(rest)  # type: ignore[arg-type]  # a column may hold anything
    except (ValueError, TypeError):
        return [rest]
    if not isinstance(indexes, list) or orjson.dumps(indexes).decode() != rest:
        return [rest]
    return indexes
