# SPDX-License-Identifier: Apache-2.0
"""What of PDF/A-3a (ISO 19005-3) and tagging can be checked with pikepdf: a list of faults, each with its clause.

Rules: this is no validator. It looks at what docs/reports.md says that it looks at; a file without faults here has not
been validated by veraPDF or PAC.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pikepdf

FORBIDDEN_ANNOTATIONS = {"/Sound", "/Movie", "/Screen", "/3D", "/RichMedia", "/FileAttachment"}
DRAWING = {"Tj", "TJ", "'", '"', "Do", "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh"}
STRUCTURE_TYPES = {
    "/Document", "/Part", "/Art", "/Sect", "/Div", "/BlockQuote", "/Caption", "/TOC", "/TOCI", "/NonStruct", "/P",
    "/H1", "/H2", "/H3", "/H4", "/H5", "/H6", "/L", "/LI", "/Lbl", "/LBody", "/Table", "/TR", "/TH", "/TD", "/THead",
    "/TBody", "/TFoot", "/Span", "/Link", "/Figure", "/Form", "/Note",
}  # fmt: skip


def faults(content: bytes) -> list[str]:
    """Everything that was looked at and is wrong."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [
            *_file(content, pdf),
            *_metadata(pdf),
            *_colours(pdf),
            *_fonts(pdf),
            *_actions(pdf),
            *_attachments(pdf),
            *_structure(pdf),
            *_marked_content(pdf),
        ]


def _file(content: bytes, pdf: Any) -> Iterator[str]:
    if re.match(rb"%PDF-1\.[0-7]\n%[\x80-\xff]{4}", content) is None:
        yield "6.1.2: no header with four bytes above 127"
    if not re.search(rb"%%EOF\r?\n?\Z", content):
        yield "6.1.3: something follows the last %%EOF"
    if pdf.is_encrypted:
        yield "6.1.3: encrypted"
    if "/ID" not in pdf.trailer:
        yield "6.1.3: no file identifier"
    if "/Version" in pdf.Root:
        yield "6.1.2: another version than the header's"


def _metadata(pdf: Any) -> Iterator[str]:
    text = bytes(pdf.Root.Metadata.read_bytes()).decode()
    if 'pdfaid:part="3"' not in text or 'pdfaid:conformance="A"' not in text:
        yield "6.6.4: not identified as PDF/A-3a"
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        pairs = {
            "dc:title": "/Title",
            "pdf:Producer": "/Producer",
            "xmp:CreatorTool": "/Creator",
            "dc:description": "/Subject",
        }
        for name, key in pairs.items():
            if str(metadata.get(name)) != str(pdf.docinfo.get(key)):
                yield f"6.6.3: {name} differs from {key}"
        for name, key in (("xmp:CreateDate", "/CreationDate"), ("xmp:ModifyDate", "/ModDate")):
            digits = re.sub(r"[^0-9]", "", str(metadata.get(name)))
            if digits != re.sub(r"[^0-9]", "", str(pdf.docinfo.get(key))):
                yield f"6.6.3: {name} differs from {key}"


def drawn(page: Any) -> bytes:
    """What a page draws, in one piece or several."""
    streams = page.Contents if isinstance(page.Contents, pikepdf.Array) else [page.Contents]
    return b"\n".join(stream.read_bytes() for stream in streams)


def _colours(pdf: Any) -> Iterator[str]:
    intents = [each for each in pdf.Root.get("/OutputIntents", []) if each.S == "/GTS_PDFA1"]
    if len(intents) != 1 or int(intents[0].DestOutputProfile.N) != 3:
        yield "6.2.3: no RGB output intent"
    for number, page in enumerate(pdf.pages, start=1):
        if re.search(rb"\s[kK]\s", drawn(page)):
            yield f"6.2.4.3: page {number} uses DeviceCMYK under an RGB output intent"


def _fonts(pdf: Any) -> Iterator[str]:
    for page in pdf.pages:
        for name, font in page.Resources.get("/Font", {}).items():
            told = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(told.get("/FontDescriptor", {}).keys()):
                yield f"6.2.11.4: font {name} is not embedded"
            if "/ToUnicode" not in font:
                yield f"6.2.11.7: font {name} has no way to Unicode"


def _actions(pdf: Any) -> Iterator[str]:
    for key in ("/AA", "/OpenAction"):
        if key in pdf.Root:
            yield f"6.6.1: the catalog has {key}"
    if "/JavaScript" in pdf.Root.get("/Names", {}):
        yield "6.6.1: scripts"
    form = pdf.Root.get("/AcroForm", {})
    if "/XFA" in form or bool(form.get("/NeedAppearances", False)):
        yield "6.4.1: a form that is made when it is opened"
    for number, page in enumerate(pdf.pages, start=1):
        for each in page.get("/Annots", []):
            if str(each.Subtype) in FORBIDDEN_ANNOTATIONS:
                yield f"6.3.1: page {number} has {each.Subtype}"
            flags = int(each.get("/F", 0))
            if not flags & 4 or flags & (1 | 2 | 32):
                yield f"6.3.2: an annotation of page {number} is not printed, or hidden"
            if each.Subtype == "/Link" and str(each.get("/A", {}).get("/S", "/GoTo")) not in (
                "/URI",
                "/GoTo",
            ):
                yield f"6.5.1: a link of page {number} does more than go somewhere"


def _attachments(pdf: Any) -> Iterator[str]:
    specifications = list(pdf.Root.Names.EmbeddedFiles.Names)[1::2]
    names = [str(each.UF) for each in specifications]
    if names != sorted(names):
        yield "ISO 32000-1, 7.9.6: the names of attachments are not sorted"
    associated = [each.objgen for each in pdf.Root.get("/AF", [])]
    if sorted(associated) != sorted(each.objgen for each in specifications):
        yield "6.8: attachments and associated files are not the same, each once"
    for each, name in zip(specifications, names, strict=True):
        if str(each.get("/AFRelationship", "")) not in ("/Data", "/Source", "/Supplement", "/Alternative"):
            yield f"6.8: {name} has no relationship"
        if "/F" not in each or "/Desc" not in each:
            yield f"6.8: {name} has no name or description"
        stream = each.EF.F
        if "#" in str(stream.get("/Subtype", "")) or "/" not in str(stream.get("/Subtype", ""))[1:]:
            yield f"6.8: {name} has no media type"
        if "/ModDate" not in stream.get("/Params", {}):
            yield f"6.8: {name} has no date"


def _structure(pdf: Any) -> Iterator[str]:
    if not pdf.Root.get("/MarkInfo", {}).get("/Marked", False):
        yield "6.7.2.2: not marked as tagged"
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", str(pdf.Root.get("/Lang", ""))):
        yield "6.7.4: no language"
    if not pdf.Root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False):
        yield "PDF/UA 7.1: the title is not shown"
    for element in elements(pdf):
        if str(element.S) not in STRUCTURE_TYPES:
            yield f"6.7.3.4: {element.S} is not a standard structure type"
        if element.S == "/Figure" and not str(element.get("/Alt", "")).strip():
            yield "6.7.7: a figure has no alternative text"
        for kid in _kids(element):
            if (
                isinstance(kid, pikepdf.Dictionary)
                and kid.get("/Type", None) != "/OBJR"
                and "/S" in kid
                and element != kid.P
            ):
                yield f"6.7.3: {kid.S} does not name its parent"
    for number, page in enumerate(pdf.pages, start=1):
        if page.get("/Tabs", None) != "/S":
            yield f"PDF/UA 7.18.3: page {number} has no order of tabs"
        for each in page.get("/Annots", []):
            if each.Subtype == "/Link" and "/StructParent" not in each:
                yield f"PDF/UA 7.18.1: a link of page {number} is not in the structure"


def _marked_content(pdf: Any) -> Iterator[str]:
    """Whatever is drawn is in the structure tree or an artifact, and the tree points at what is there."""
    reached: dict[tuple[int, int], set[int]] = {}
    for element in elements(pdf):
        for kid in _kids(element):
            if isinstance(kid, int):
                reached.setdefault(element.Pg.objgen, set()).add(kid)
    nums = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
    parents = dict(zip(map(int, nums[0::2]), nums[1::2], strict=True))
    for number, page in enumerate(pdf.pages, start=1):
        drawn: set[int] = set()
        yield from (f"6.7.2: page {number} {what}" for what in _drawn(page, drawn))
        held = reached.get(page.obj.objgen, set())
        if drawn != held:
            yield f"6.7.3: page {number}: drawn and in the tree differ by {sorted(drawn ^ held)[:9]}"
        owners = list(parents[int(page.StructParents)])
        for each in drawn:
            if each >= len(owners) or owners[each] is None:
                yield f"6.7.3: page {number}: the parent tree forgets content {each}"


def _drawn(page: Any, marks: set[int]) -> Iterator[str]:
    """What is drawn outside of marked content; the numbers of marked contents are added to `marks`."""
    depth = 0
    for each in pikepdf.parse_content_stream(page):
        operands, name = list(each.operands), str(each.operator)
        if name in ("BDC", "BMC"):
            depth += 1
            properties: Any = operands[1] if name == "BDC" else {}
            if "/MCID" in properties:
                marks.add(int(properties["/MCID"]))
            elif str(operands[0]) != "/Artifact":
                yield "has marked content that is nowhere"
        elif name == "EMC":
            depth -= 1
        elif name in DRAWING and depth == 0:
            yield f"draws with {name} outside of structure and artifacts"


def elements(pdf: Any) -> Iterator[Any]:
    """Every structure element under the root, parents first."""
    ahead = list(_kids(pdf.Root.StructTreeRoot))
    while ahead:
        element = ahead.pop()
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            yield element
            ahead.extend(_kids(element))


def _kids(element: Any) -> list[Any]:
    kids = element.get("/K", [])
    return list(kids) if isinstance(kids, pikepdf.Array) else [kids]
