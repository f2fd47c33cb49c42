# SPDX-License-Identifier: Apache-2.0
"""Windows and samples: the range of a window shows its borders; a draw can be made again by anybody."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import InputError
from governance.events.envelope import Entry
from governance.report.sampling import draw, rank
from governance.report.window import (
    SAMPLE_DEFAULT,
    PeriodOptions,
    WindowRange,
    find_range,
    read_period_options,
)
from tests.report.periods import OPTIONS, period_workspace

LEAVES = st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=60)
FORMATS = Path(__file__).parents[2] / "docs" / "formats.md"
EMPTY = {"from": "2026-10-01T20:15:00Z", "to": "2026-10-01T20:45:00Z"}


def entries() -> list[Entry]:
    return list(period_workspace().entries())


def range_of(known: Sequence[Entry], options: dict[str, Any] | None = None, *, size: int = 47) -> WindowRange:
    return find_range(known, read_period_options(options or OPTIONS), tree_size=size)


@given(population=LEAVES, count=st.integers(1, 80), seed=st.text(max_size=20))
def test_a_larger_sample_holds_every_smaller_one_whatever_the_order(
    population: list[bytes], count: int, seed: str
) -> None:
    drawn = draw(seed, population, count)
    assert drawn == draw(seed, reversed(population), count)
    assert drawn == draw(seed, population, count + 1)[:count]
    assert len(drawn) == len(set(drawn)) == min(count, len(population))


def test_a_rank_is_the_hash_over_seed_and_leaf() -> None:
    assert rank("é", bytes(32)) == hashlib.sha256(b"\xc3\xa9" + bytes(32)).digest()


def test_another_seed_draws_another_sample() -> None:
    population = [hashlib.sha256(bytes([number])).digest() for number in range(100)]
    assert draw("a", population, 10) != draw("b", population, 10)


def test_the_lines_of_the_documentation_draw_the_same(tmp_path: Path) -> None:
    (program,) = re.findall(r"## Sample of a period.*?```python\n(.*?)```", FORMATS.read_text(), re.DOTALL)
    export = tmp_path / "entries.jsonl"
    export.write_bytes(b"".join(entry.body + b"\n" for entry in entries()))
    within = [entry for entry in range_of(entries()).entries if entry.event.type == "deployment.started"]
    by_leaf = {entry.leaf_hash: entry.index for entry in within}
    expected = [by_leaf[leaf_hash] for leaf_hash in draw("seed 7", by_leaf, 2)]
    bounds = (str(OPTIONS["from"])[:19] + ".000000Z", str(OPTIONS["to"])[:19] + ".000000Z")
    arguments = [str(export), *bounds, "deployment.started", "seed 7", "2"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=True)
    assert json.loads(done.stdout) == expected
    assert len(program.splitlines()) <= 12


def test_a_window_is_one_range_between_its_neighbours() -> None:
    found = range_of(entries())
    assert (found.start, found.end, found.count) == (11, 46, 35)
    assert found.before is not None
    assert found.before.index == 10
    assert found.after is not None
    assert found.after.index == 46
    assert found.is_whole


@pytest.mark.parametrize("gone", [10, 20, 46])
def test_a_window_from_which_anything_was_left_out_is_not_whole(gone: int) -> None:
    found = range_of([entry for entry in entries() if entry.index != gone])
    assert not found.is_whole
    assert (found.begins_shown, found.ends_shown) == (gone != 10, gone != 46)


@pytest.mark.parametrize("gone", [11, 45])
def test_who_leaves_out_the_first_or_the_last_has_no_neighbour_to_show(gone: int) -> None:
    assert not range_of([entry for entry in entries() if entry.index != gone]).is_whole


def test_a_window_may_reach_from_before_the_ledger_to_beyond_it() -> None:
    whole = {"from": "2020-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}
    found = range_of(entries(), whole)
    assert (found.start, found.end, found.before, found.after) == (0, 47, None, None)
    assert found.is_whole


def test_an_empty_window_lies_between_two_neighbours() -> None:
    found = range_of(entries(), EMPTY)
    assert (found.start, found.end, found.count) == (12, 12, 0)
    assert found.is_whole
    assert not range_of([entry for entry in entries() if entry.index != 12], EMPTY).is_whole


@pytest.mark.parametrize(
    ("window", "index"),
    [
        ({"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}, 0),
        ({"from": "2029-01-01T00:00:00Z", "to": "2029-02-01T00:00:00Z"}, 47),
    ],
)
def test_a_window_before_or_after_everything_is_empty(window: dict[str, Any], index: int) -> None:
    found = range_of(entries(), window)
    assert (found.start, found.end) == (index, index)
    assert found.is_whole
    assert range_of([], window).count == 0


def test_options_are_read_as_they_are_written() -> None:
    read = read_period_options(OPTIONS)
    assert read.sample == SAMPLE_DEFAULT
    assert read_period_options(read.to_dict()) == read
    seeded = PeriodOptions(read.begins_at, read.ends_at, sample=3, seed="x")
    assert read_period_options(seeded.to_dict()) == seeded


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"to": OPTIONS["from"]}, "the window is empty"),
        ({"to": "2026-10-01"}, "not an RFC 3339"),
        ({"sample": 0}, "cannot draw a sample of 0"),
        ({"sample": 1001}, "cannot draw a sample of 1001"),
        ({"sample": True}, "cannot draw a sample of True"),
        ({"seed": "x" * 201}, "the seed is not a text"),
        ({"seed": 7}, "the seed is not a text"),
        ({"colour": "red"}, "needs its window"),
    ],
)
def test_options_that_are_none_are_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_period_options(OPTIONS | change)


def test_a_window_has_two_ends() -> None:
    with pytest.raises(InputError, match="needs its window"):
        read_period_options({"from": OPTIONS["from"]})
