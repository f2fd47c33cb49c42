# SPDX-License-Identifier: Apache-2.0
"""Parts of a report as one PDF: their pages take the place of the empty pages that the front keeps for them.

Rules: what was drawn on the empty page, its number and the mark of a draft, is drawn over the page that takes its
place. Structure elements follow in the order of pages, and the parent tree finds them by page and by link. Names and
bookmarks were given to the empty pages before they were written: they only learn which page is there now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from governance.report.register_pages import Places, put_in_place


def put_parts(front: bytes, parts: Sequence[bytes]) -> bytes:
    """The whole report.

    Args:
        front: The PDF whose last pages are empty ones, with names and bookmarks.
        parts: PDFs whose pages go there, in order.
    """
    return put_in_place(front, parts, take=_take_part, lead=_lead_all)


def _lead_all(pdf: Any, places: Places) -> None:
    _lead_names(pdf, places)
    _lead_bookmarks(pdf, pdf.Root.get("/Outlines"), places)


def _take_part(pdf: Any, part: Any, first: int) -> list[Any]:
    """Put a part's pages in place; gives its structure elements, which do not yet name their parent."""
    overlays = [_overlay(pdf, pdf.pages[first + number].obj) for number in range(len(part.pages))]
    # What WeasyPrint draws begins with a matrix of its own, which must not reach what is drawn over it.
    kept_apart = pdf.make_stream(b"q\n")
    for number, page in enumerate(part.pages):
        pdf.pages[first + number] = page
    root = pdf.copy_foreign(part.Root.StructTreeRoot)
    own = root.ParentTree.Nums
    owners = {int(own[at]): own[at + 1] for at in range(0, len(own), 2)}
    nums = pdf.Root.StructTreeRoot.ParentTree.Nums
    number_next = int(nums[-2]) + 1
    for number, overlay in enumerate(overlays):
        page = pdf.pages[first + number].obj
        page.StructParents = first + number
        nums[2 * (first + number) + 1] = owners[number]
        for link in page.get("/Annots", []):
            owner = owners[int(link.StructParent)]
            link.StructParent = number_next
            nums.append(number_next)
            nums.append(owner)
            number_next += 1
        _draw_over(pdf, page, overlay, f"/Kept{first + number}", kept_apart)
    return list(root.K[0].K)


def _overlay(pdf: Any, page: Any) -> Any:
    """What is drawn on a page, as a form."""
    import pikepdf

    return pdf.make_stream(
        page.Contents.read_bytes(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Form,
        BBox=page.MediaBox,
        Resources=page.Resources,
    )


def _draw_over(pdf: Any, page: Any, form: Any, name: str, kept_apart: Any) -> None:
    import pikepdf

    if "/XObject" not in page.Resources:
        page.Resources.XObject = pikepdf.Dictionary()
    page.Resources.XObject[name] = form
    over = pdf.make_stream(f"Q\n/Artifact BMC {name} Do EMC\n".encode())
    page.Contents = pikepdf.Array([kept_apart, page.Contents, over])


def _lead_names(pdf: Any, places: Places) -> None:
    names = pdf.Root.get("/Names", {}).get("/Dests", {}).get("/Names", [])
    for at in range(1, len(names), 2):
        _lead(pdf, names[at], places)


def _lead_bookmarks(pdf: Any, bookmark: Any, places: Places) -> None:
    while bookmark is not None:
        if "/Dest" in bookmark:
            _lead(pdf, bookmark.Dest, places)
        _lead_bookmarks(pdf, bookmark.get("/First"), places)
        bookmark = bookmark.get("/Next")


def _lead(pdf: Any, destination: Any, places: Places) -> None:
    if destination[0].objgen in places:
        destination[0] = pdf.pages[places[destination[0].objgen]].obj
