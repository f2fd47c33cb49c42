# SPDX-License-Identifier: Apache-2.0
"""The last hand on a PDF before it is written: what PDF/A-3a and its readers ask for and WeasyPrint 70 leaves open.

Rules: nothing visible changes. What is drawn and bears no meaning (a glyph beside its word, the running head and foot,
a watermark) becomes an artifact, so that every figure left has alternative text and every marked content its place in
the structure tree. Attachments are named once, each with its media type, whatever the machine knows of types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "txt": "text/plain",
    "yaml": "application/yaml",
}


def finish_pdf(_document: Any, pdf: Any, *, part: str = "") -> None:
    """A finisher for `weasyprint.HTML.write_pdf`.

    Args:
        pdf: A `pydyf.PDF`, complete but not yet written.
        part: What sets this file's heads of tables apart from those of files that it is merged with.
    """
    elements = list(_elements(pdf, _referenced(pdf, pdf.catalog["StructTreeRoot"])))
    if part:
        _name_heads_apart(elements, part)
    _name_attachments_once(pdf)
    _set_media_types(pdf)
    _make_artifacts(pdf, elements)


def _name_attachments_once(pdf: Any) -> None:
    """WeasyPrint lists each attachment twice among the associated files."""
    if "AF" in pdf.catalog:
        pdf.catalog["AF"][:] = list(dict.fromkeys(pdf.catalog["AF"]))


def _name_heads_apart(elements: Sequence[Any], part: str) -> None:
    """Cells name the heads that they stand under; the names are numbers that begin anew in each file."""
    for element in elements:
        if "ID" in element:
            element["ID"] = type(element["ID"])(f"{part}-{element['ID'].string}")
        heads = element.get("A", {}).get("Headers")
        if heads:
            heads[:] = [type(head)(f"{part}-{head.string}") for head in heads]


def _set_media_types(pdf: Any) -> None:
    for each in _dictionaries(pdf, "/Filespec"):
        suffix = str(each["UF"].string).rpartition(".")[2]
        media_type = MEDIA_TYPES.get(suffix, "application/octet-stream")
        _referenced(pdf, each["EF"]["F"]).extra["Subtype"] = f"/{media_type.replace('/', '#2f')}"


def _make_artifacts(pdf: Any, elements: Sequence[Any]) -> None:
    nums = _referenced(pdf, _referenced(pdf, pdf.catalog["StructTreeRoot"])["ParentTree"])["Nums"]
    pages = dict(zip(nums[0::2], nums[1::2], strict=True))
    held = {each.reference for each in elements}
    for figure in _take_bare_figures(pdf, elements):
        held.difference_update(each.reference for each in _elements(pdf, _referenced(pdf, figure)))
    for number, reference in enumerate(pdf.page_references):
        owners = pages[number]
        marks = {at for at, owner in enumerate(owners) if owner not in held}
        contents = _referenced(pdf, _referenced(pdf, reference)["Contents"])
        for at in _unmark(contents.stream, marks):
            owners[at] = "null"


def _take_bare_figures(pdf: Any, elements: Sequence[Any]) -> set[Any]:
    """Take figures without alternative text out of the structure tree; gives their references."""
    bare: set[Any] = set()
    for parent in elements:
        kids = parent.get("K", [])
        found = {kid for kid in kids if isinstance(kid, bytes) and _is_bare_figure(_referenced(pdf, kid))}
        if found:
            kids[:] = [kid for kid in kids if kid not in found]
            bare |= found
    return bare


def _is_bare_figure(element: Any) -> bool:
    return bool(element.get("S") == "/Figure" and "Alt" not in element)


def _unmark(stream: list[Any], marks: set[int]) -> Iterator[int]:
    """Make artifacts of the marked contents with these numbers; gives the numbers that were found."""
    for at, part in enumerate(stream):
        if isinstance(part, dict) and part.get("MCID") in marks and stream[at + 1] == b"BDC":
            yield part["MCID"]
            stream[at - 1 : at + 2] = ["/Artifact", b"", b"BMC"]


def _elements(pdf: Any, root: Any) -> Iterator[Any]:
    """Every structure element under the root, parents first."""
    ahead = [root]
    while ahead:
        element = ahead.pop()
        if element.get("Type") == "/StructElem":
            yield element
        kids = [kid for kid in element.get("K", []) if isinstance(kid, bytes)]
        ahead.extend(each for each in (_referenced(pdf, kid) for kid in kids) if "K" in each)


def _dictionaries(pdf: Any, kind: str) -> Iterator[Any]:
    return (each for each in pdf.objects if isinstance(each, dict) and each.get("Type") == kind)


def _referenced(pdf: Any, reference: Any) -> Any:
    """The object that a reference such as `12 0 R` names."""
    return pdf.objects[int(reference.split()[0])]
