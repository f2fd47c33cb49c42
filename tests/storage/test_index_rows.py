# SPDX-License-Identifier: Apache-2.0
"""Index rows of one append: written together, read back one by one, and never lost when altered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import SchemaError, StorageError
from governance.storage.index_rows import REST_LENGTH_MAX, index_rows, runs, spread, spread_below

INDEXES = st.sets(st.integers(0, 2**53), min_size=1, max_size=40).map(sorted)


@given(st.dictionaries(st.tuples(st.integers(), st.text()), INDEXES, max_size=6))
def test_what_is_written_is_read_back(gathered: dict[tuple[int, str], list[int]]) -> None:
    rows = list(index_rows(iter(gathered.items())))
    assert list(spread(rows, None, None)) == [(*key, at) for key, all_ in gathered.items() for at in all_]


@given(INDEXES, st.integers(0, 2**53), st.integers(0, 2**53))
def test_a_range_takes_what_lies_in_it(indexes: list[int], start: int, end: int) -> None:
    """A row of one index was chosen by the database already."""
    rows = [row for row in index_rows([(("a",), indexes)]) if row[-1] is not None]
    assert list(spread(rows, start, end)) == [("a", at) for at in indexes if rows and start <= at < end]


def test_a_long_list_is_cut_into_rows() -> None:
    indexes = list(range(2 * REST_LENGTH_MAX + 5))
    rows = list(index_rows([(("a",), indexes)]))
    assert [row[1] for row in rows] == [0, REST_LENGTH_MAX + 1, 2 * REST_LENGTH_MAX + 2]
    assert [at for _, at in spread(rows, None, None)] == indexes


def test_an_index_does_not_stand_twice() -> None:
    with pytest.raises(StorageError, match="stands twice"):
        list(index_rows([(("a",), [3, 3])]))


@pytest.mark.parametrize("rest", ["", "[7", "[7, 8]", '"7"', "7", "null", "[7,8]\n", b"\xff", 5, "[" * 5000])
def test_what_was_altered_comes_out_as_no_index(rest: object) -> None:
    assert list(spread([("a", 3, rest)], 0, 10)) == [("a", 3), ("a", rest)]


@pytest.mark.parametrize("inside", ['["7"]', "[7.0]", "[null]", "[true]", "[[7]]"])
def test_what_is_no_index_inside_the_list_is_given_as_it_stands(inside: str) -> None:
    (_, first), (_, odd) = spread([("a", 3, inside)], 0, 10)
    assert first == 3
    assert type(odd) is not int


@pytest.mark.parametrize(
    ("first", "rest"), [(3, "-1"), (3, '["7"]'), (3.5, None), ("3", None), (b"3", "[7]")]
)
def test_what_is_no_index_does_not_reach_those_who_go_on_from_here(first: object, rest: object) -> None:
    with pytest.raises(SchemaError, match="an index table is corrupt: a stands at"):
        list(spread_below([("a", first, rest)], 10))


def test_indexes_below_an_end_are_given() -> None:
    assert list(spread_below([("a", 3, "[7,12]"), ("b", 4, None)], 10)) == [("a", 3), ("a", 7), ("b", 4)]


@given(
    st.lists(
        st.one_of(
            INDEXES.map(lambda indexes: next(index_rows([(("a",), indexes)]))),
            st.sampled_from(
                [("a", 3, "[7"), ("a", 3, '["7"]'), ("a", 3, "[true]"), ("a", "x", "[1]"), ("a", 2.5, None)]
            ),
        ),
        max_size=4,
    ),
    st.integers(0, 60) | st.none(),
    st.integers(0, 2**53) | st.none(),
)
def test_runs_say_together_what_is_spread(
    rows: list[tuple[Any, ...]], start: int | None, end: int | None
) -> None:
    found = list(runs(rows, start, end))
    assert all(indexes for _, indexes in found)
    assert [(key, at) for key, indexes in found for at in indexes] == list(spread(rows, start, end))
