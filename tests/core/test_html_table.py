# SPDX-License-Identifier: Apache-2.0
"""Tables for notebooks: everything is escaped, and what is left out is said."""

from __future__ import annotations

from governance.core.html_table import ROWS_MAX, format_html_table


def test_everything_is_escaped() -> None:
    evil = "<script>&\"'"
    made = format_html_table(evil, [evil], [evil], [[evil]])
    assert "<script>" not in made
    assert made.count("&lt;script&gt;&amp;&quot;&#x27;") == 4


def test_what_is_absent_is_shown_as_nothing() -> None:
    assert ">0</td>" in format_html_table("t", [], ["a"], [[0]])
    assert "></td>" in format_html_table("t", [], ["a"], [[None]])


def test_a_long_table_says_how_much_it_leaves_out() -> None:
    made = format_html_table("t", [], ["a"], ([number] for number in range(ROWS_MAX + 2)))
    assert made.count("<tr>") == ROWS_MAX + 1
    assert "… and 2 more" in made
    assert "more" not in format_html_table("t", [], ["a"], [[1]])


def test_without_heads_there_is_no_table() -> None:
    assert format_html_table("t", ["f"], [], []) == "<div><b>t</b><div>f</div></div>"
