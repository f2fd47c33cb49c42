# SPDX-License-Identifier: Apache-2.0
"""Compare PDFs: which pages differ, and whether what was appended to one is a signature and nothing else.

Rules: of the files compared, one may be hostile. What an appended revision may do is listed; all else is told. A
signature that draws on a page is not allowed: it could cover what stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from governance.report.bundle_reading import opened_pdf

if TYPE_CHECKING:
    from pikepdf import Pdf

CATALOG_MAY_GAIN = frozenset({"/AcroForm", "/Perms", "/Extensions", "/DSS"})
PAGES_SHOWN = 12


def compare_pages(expected: bytes, got: bytes) -> str:
    """Where a PDF differs from the one that was expected, in a sentence; empty when no page does.

    Raises:
        BundleError: One of them cannot be read.
    """
    with opened_pdf(expected) as right, opened_pdf(got) as told:
        if len(right.pages) != len(told.pages):
            return f"{len(told.pages)} pages, expected {len(right.pages)}"
        differing = [
            str(number + 1)
            for number, (one, other) in enumerate(zip(right.pages, told.pages, strict=True))
            if _drawn(one) != _drawn(other)
        ]
    if not differing:
        return ""
    more = f" and {len(differing) - PAGES_SHOWN} more" if len(differing) > PAGES_SHOWN else ""
    return f"page {', '.join(differing[:PAGES_SHOWN])}{more}"


def foreign_changes(before: bytes, whole: bytes) -> list[str]:
    """What a PDF's later revisions changed besides adding an invisible signature, each in a sentence.

    Args:
        before: The first revision: the beginning of `whole`.
        whole: The file.

    Raises:
        BundleError: It cannot be read.
    """
    with opened_pdf(before) as old, opened_pdf(whole) as new:
        return list(_changes(old, new))


def _changes(old: Pdf, new: Pdf) -> Iterator[str]:
    if old.trailer.Root.objgen != new.trailer.Root.objgen:
        yield "the catalog is another one"
        return
    pages = {page.obj.objgen for page in old.pages}
    for each in old.objects:
        number = each.objgen
        now = new.get_object(number)
        if _written(each) == _written(now):
            continue
        if number == old.Root.objgen:
            yield from _catalog_changes(each, now)
        elif number in pages:
            yield from _page_changes(each, now, number)
        else:
            yield f"object {number[0]} was changed"
    form: Any = new.Root.get("/AcroForm", {})
    if any(field.get("/FT", None) != "/Sig" for field in form.get("/Fields", [])):
        yield "a form field was added that is no signature"


def _catalog_changes(before: Any, now: Any) -> Iterator[str]:
    for name in sorted({*before.keys(), *now.keys()}):
        if name in before and name in now:
            if _written(before[name]) != _written(now[name]):
                yield f"the catalog's {name} was changed"
        elif name not in CATALOG_MAY_GAIN or name in before:
            yield f"the catalog's {name} was {'taken away' if name in before else 'added'}"


def _page_changes(before: Any, now: Any, number: tuple[int, int]) -> Iterator[str]:
    for name in sorted({*before.keys(), *now.keys()}):
        if name == "/Annots":
            continue
        if name not in before or name not in now or _written(before[name]) != _written(now[name]):
            yield f"{name} of the page in object {number[0]} was changed"
    first, later = list(before.get("/Annots", [])), list(now.get("/Annots", []))
    if [each.objgen for each in later[: len(first)]] != [each.objgen for each in first]:
        yield f"a link or note of the page in object {number[0]} was taken away"
    for added in later[len(first) :]:
        rectangle = [float(edge) for edge in added.get("/Rect", [1])]
        if added.get("/FT", None) != "/Sig" or any(rectangle):
            yield f"something was put on the page in object {number[0]}"


def _drawn(page: Any) -> bytes:
    contents = page.obj.get("/Contents", None)
    streams = contents if contents is not None and contents._type_name == "array" else [contents]
    return b"\n".join(b"" if each is None else bytes(each.read_raw_bytes()) for each in streams)


def _written(value: Any) -> tuple[bytes, bytes]:
    """An object as it is written: its own form, references kept, and a stream's raw bytes."""
    is_stream = getattr(value, "_type_name", "") == "stream"
    form = value.unparse(resolved=True) if hasattr(value, "unparse") else repr(value).encode()
    return bytes(form), bytes(value.read_raw_bytes()) if is_stream else b""
