# SPDX-License-Identifier: Apache-2.0
"""A table as HTML for a notebook: everything escaped, styled in place, no script and no picture.

Rules: pure. No more than `ROWS_MAX` rows are shown, and how many are left out is said: a page with a million rows helps
nobody. Colours and fonts are left to the notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

ROWS_MAX = 60

_LEFT = ' style="text-align:left;vertical-align:top"'


def format_html_table(
    title: str, facts: Sequence[str], heads: Sequence[str], rows: Iterable[Sequence[object]]
) -> str:
    """A titled table.

    Args:
        title: What it is, plain text.
        facts: What is to be said beneath the title, one line each.
        heads: Of the columns; without any there is no table.
        rows: Cells as plain values; None is shown as nothing.
    """
    listed = list(rows)
    told = "".join(f"<div>{escape(fact)}</div>" for fact in facts)
    if not heads:
        return f"<div><b>{escape(title)}</b>{told}</div>"
    head = "".join(f'<th scope="col"{_LEFT}>{escape(each)}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in listed[:ROWS_MAX])
    more = f"<div>… and {len(listed) - ROWS_MAX} more</div>" if len(listed) > ROWS_MAX else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div><b>{escape(title)}</b>{told}{table}{more}</div>"


def _cell(value: object) -> str:
    return f"<td{_LEFT}>{'' if value is None else escape(str(value))}</td>"
