# SPDX-License-Identifier: Apache-2.0
"""The figure of requirements by outcome: in the catalogue's order, whole where there is room, and said where not."""

from __future__ import annotations

import pytest

from governance.report.figure_matrix import WORDS, Tile, draw_matrix, head_of, summarised
from governance.report.figure_parts import State
from tests.report.drawings import labels_of, require_legible, size_of
from tests.report.hostile import ARABIC

STATES: tuple[State, ...] = ("met", "fail", "warn", "none", "out", "waived")


def tiles(count: int, prefix: str = "Art. ") -> list[Tile]:
    return [
        Tile(f"{prefix}{at // 5}({at % 5})", STATES[at % 6], 12 if at % 6 == 1 else 0, 345)
        for at in range(count)
    ]


def shown(svg: str) -> list[str]:
    return [label.words for label in labels_of(svg)]


def test_every_requirement_stands_in_its_order_with_its_tally() -> None:
    figure = draw_matrix([("Act", tiles(40))], entries=(3, 5))
    require_legible(figure.svg)
    assert [words for words in shown(figure.svg) if words.startswith("Art.")] == [
        each.label for each in tiles(40)
    ]
    assert {
        f"{WORDS[state]} {count}" for state, count in zip(STATES, (7, 7, 7, 7, 6, 6), strict=True)
    } <= set(shown(figure.svg))
    assert "12/345" in shown(figure.svg)
    assert figure.entries == (3, 5)


def test_several_rule_sets_stand_under_their_titles() -> None:
    figure = draw_matrix([("Act", tiles(7)), ("Standard", tiles(3)), ("Nothing", [])])
    assert [words for words in shown(figure.svg) if words in ("Act", "Standard", "Nothing")] == [
        "Act",
        "Standard",
    ]


def test_where_there_is_no_room_those_that_begin_alike_are_one_tile_with_the_gravest_outcome() -> None:
    figure = draw_matrix([("Act", tiles(120))], rows_max=8)
    require_legible(figure.svg)
    assert "120 requirements" in figure.note
    assert "drawn as 24" in figure.note
    assert size_of(figure.svg)[1] < size_of(draw_matrix([("Act", tiles(120))]).svg)[1]
    grave = sum(each.state == "fail" for each in summarised(tiles(120)))
    assert f"Open {grave}" in shown(figure.svg)


def test_where_that_is_too_much_a_tile_stands_for_a_rule_set() -> None:
    figure = draw_matrix([(f"Rule set of number {at}", tiles(120)) for at in range(8)], rows_max=9)
    require_legible(figure.svg)
    assert "drawn as 8" in figure.note


def test_the_gravest_of_a_group_is_told_and_its_findings_are_added() -> None:
    own = [
        Tile("B1.1", "met", 0, 3),
        Tile("B1.2", "fail", 2, 4),
        Tile("B2.1", "none"),
        Tile("B2.2", "waived", 0, 1),
    ]
    assert summarised(own) == [Tile("B1", "fail", 2, 7), Tile("B2", "waived", 0, 1)]


@pytest.mark.parametrize(
    ("requirement", "head"),
    [
        ("Art. 10(2)(f)", "Art. 10"),
        ("CC6.3", "CC6"),
        ("A.7.4", "A.7"),
        ("MEASURE 2.11", "MEASURE 2"),
        ("Annex IV", "Annex IV"),
    ],
)
def test_requirements_belong_together_by_the_beginning_of_their_id(requirement: str, head: str) -> None:
    assert head_of(requirement) == head


def test_a_title_that_cannot_be_drawn_has_a_stand_in() -> None:
    figure = draw_matrix([(ARABIC, tiles(2)), ("Act", tiles(2))])
    assert "Rule set 1" in shown(figure.svg)


def test_without_requirements_there_is_no_figure() -> None:
    assert draw_matrix([]).svg == draw_matrix([("Act", [])]).svg == ""
