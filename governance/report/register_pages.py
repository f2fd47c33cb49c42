# SPDX-License-Identifier: Apache-2.0
"""Pages that were made apart, a register's or a report's parts, put in the place that the report kept for them.

Rules: the report itself is laid out with empty pages where they go: so contents, bookmarks and page numbers are right
before they are made. Merging keeps the structure tree whole: each page's elements stand where those of the empty page
stood, and the parent tree finds them.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PAGES_EACH = 24
"""Pages to a chunk: few enough to keep memory low, enough to be worth their fonts."""

Places = Mapping[tuple[int, int], int]
"""Where pages stand, from 0, by the number of their object."""


def put_in_place(
    report: bytes,
    chunks: Sequence[bytes],
    *,
    first: int | None = None,
    take: Callable[[Any, Any, int], list[Any]] | None = None,
    lead: Callable[[Any, Places], None] | None = None,
) -> bytes:
    """A report with other pages where it has empty ones.

    Args:
        report: The PDF.
        chunks: PDFs whose pages go in, in order.
        first: The first empty page, from 0; without it, the last are empty.
        take: Puts a chunk's pages in place, and gives its structure elements; a register's, unless told otherwise.
        lead: Leads to the new pages what led to the empty ones.
    """
    import pikepdf

    with contextlib.ExitStack() as held:
        pdf = held.enter_context(pikepdf.open(io.BytesIO(report)))
        parts = [held.enter_context(pikepdf.open(io.BytesIO(each))) for each in chunks]
        count = sum(len(part.pages) for part in parts)
        if first is None:
            first = len(pdf.pages) - count
        root: Any = pdf.Root.StructTreeRoot
        empty = {page.obj.objgen: at for at, page in enumerate(pdf.pages) if first <= at < first + count}
        before, after = _around(root.K[0], empty)
        elements: list[Any] = []
        at = first
        for part in parts:
            elements += (take or _take_pages)(pdf, part, at)
            at += len(part.pages)
        for element in elements:
            element.P = root.K[0]
        root.K[0].K = pikepdf.Array([*before, *elements, *after])
        if lead is not None:
            lead(pdf, empty)
        written = io.BytesIO()
        pdf.save(
            written,
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return written.getvalue()


def _around(document: Any, empty: Places) -> tuple[list[Any], list[Any]]:
    """The elements before and after those of the empty pages."""
    elements = list(document.K)
    inside = [at for at, each in enumerate(elements) if each.Pg.objgen in empty]
    return elements[: inside[0]], elements[inside[-1] + 1 :]


def _take_pages(pdf: Any, part: Any, first: int) -> list[Any]:
    """Put a chunk's pages in place; gives its structure elements, which do not yet name their parent."""
    for number, page in enumerate(part.pages):
        pdf.pages[first + number] = page
    root = pdf.copy_foreign(part.Root.StructTreeRoot)
    owners, own = pdf.Root.StructTreeRoot.ParentTree.Nums, root.ParentTree.Nums
    for number in range(len(part.pages)):
        pdf.pages[first + number].obj.StructParents = first + number
        owners[2 * (first + number) + 1] = own[2 * number + 1]
    return list(root.K[0].K)
