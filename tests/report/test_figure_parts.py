# SPDX-License-Identifier: Apache-2.0
"""What figures are drawn with: texts that fit, shapes that do not need colour."""

from __future__ import annotations

import pytest

from governance.report.figure_parts import BACKGROUNDS, cut, glyph, is_drawable, text, text_width
from tests.report.hostile import ARABIC, CJK, HEBREW


@pytest.mark.parametrize(
    ("words", "room", "shown"),
    [
        ("short", 90, "short"),
        ("a-very-long-name-indeed", 40, "a-ve…deed"),
        ("abcdefgh", 1, "ab…gh"),
        ("", 0, ""),
    ],
)
def test_a_long_name_loses_its_middle(words: str, room: float, shown: str) -> None:
    assert cut(words, room, 7) == shown


def test_what_is_cut_fits_whatever_the_script() -> None:
    for words in ("m" * 200, "i" * 200, CJK * 9, "é" * 99, "e\u0301" * 99):
        assert text_width(cut(words, 60, 7), 7) <= 60


def test_ideographs_are_wider_than_letters_and_marks_take_no_room() -> None:
    assert text_width("信用", 10) == 20
    assert text_width("e\u0301", 10) == text_width("e", 10)
    assert text_width("ab", 10, bold=True) > text_width("ab", 10)


def test_what_is_joined_or_runs_to_the_left_is_not_drawn_letter_by_letter() -> None:
    assert is_drawable("sex=female, Größe, 信用评分")
    assert not any(map(is_drawable, (ARABIC, HEBREW, "e\u0301", "हिन्दी", "\u202eevil")))


def test_foreign_text_is_escaped() -> None:
    assert "<script>" not in text(0, 0, "<script>\"'&")


def test_each_outcome_has_a_shape_of_its_own() -> None:
    shapes = {glyph(state, 0, 0, 12) for state in BACKGROUNDS}
    colourless = {"".join(part for part in each.split('"') if not part.startswith("#")) for each in shapes}
    assert len(colourless) == len(BACKGROUNDS)
