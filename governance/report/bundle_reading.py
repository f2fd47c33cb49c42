# SPDX-License-Identifier: Apache-2.0
"""Take an evidence bundle out of a PDF or a zip that a stranger hands over.

Rules: input is hostile. Whole file, number of files, size of each and of all are bounded before anything is inflated;
names are those that a bundle can have, each once; a PDF that is damaged, encrypted or holds scripts is refused, not
repaired. Nothing is written, nothing is fetched, nothing is run.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from governance.errors import BundleError
from governance.report.bundle import FILES_MAX, require_name

if TYPE_CHECKING:
    from pikepdf import Pdf

PDF_SIZE_BYTES_MAX = 1 << 27
FILE_SIZE_BYTES_MAX = 1 << 28
TOTAL_SIZE_BYTES_MAX = 1 << 29
INFLATED_RATIO_MAX = 2000
NAME_TREE_NODES_MAX = 1000

_STREAM = re.compile(rb"\bstream\r?\n")
_END = re.compile(rb"startxref\s+\d+\s+%%EOF\r?\n?")


@dataclass(frozen=True, slots=True)
class ReadBundle:
    """A bundle taken out.

    Attributes:
        files: By name.
        revisions: Where each revision of the PDF ends, in bytes; empty for a zip.
    """

    files: dict[str, bytes]
    revisions: tuple[int, ...] = ()


def read_pdf(content: bytes) -> ReadBundle:
    """Take the bundle out of a PDF.

    Raises:
        BundleError: It is no PDF of ours: damaged, encrypted, too large, without attachments, or with strange ones.
    """
    with opened_pdf(content) as pdf:
        files: dict[str, bytes] = {}
        total = 0
        for name, stream in _embedded(pdf):
            if name in files:
                raise BundleError(f"two attachments are named {name}")
            files[name] = _inflated(stream, name)
            total += len(files[name])
            if len(files) > FILES_MAX or total > TOTAL_SIZE_BYTES_MAX:
                raise BundleError(
                    f"the attachments are more than {FILES_MAX} or {TOTAL_SIZE_BYTES_MAX} bytes"
                )
    if not files:
        raise BundleError(
            "the PDF has no attachments, so it carries no evidence",
            hint="ask for the report as it was issued",
        )
    return ReadBundle(files, tuple(match.end() for match in _END.finditer(content)))


def read_zip(content: bytes) -> ReadBundle:
    """Take the bundle out of a zip.

    Raises:
        BundleError: It is no zip of ours: damaged, encrypted, too large or with strange files.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            lines = archive.infolist()
            if len(lines) > FILES_MAX or sum(line.file_size for line in lines) > TOTAL_SIZE_BYTES_MAX:
                raise BundleError(f"the files are more than {FILES_MAX} or {TOTAL_SIZE_BYTES_MAX} bytes")
            for line in lines:
                require_name(line.filename)
                if line.filename in files:
                    raise BundleError(f"two files are named {line.filename}")
                with archive.open(line) as stream:
                    # What a zip says of a size may be false: no more is read than it says.
                    files[line.filename] = stream.read(line.file_size)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise BundleError(f"the zip cannot be read: {str(error)[:200]}") from error
    return ReadBundle(files)


def opened_pdf(content: bytes) -> Pdf:
    """Open a PDF that may be hostile.

    Raises:
        BundleError: It is damaged, encrypted, too large, or holds scripts.
        DependencyError: pikepdf is not installed.
    """
    import pikepdf

    if len(content) > PDF_SIZE_BYTES_MAX:
        raise BundleError(f"a PDF of {len(content)} bytes, at most {PDF_SIZE_BYTES_MAX}")
    _require_inflatable(content)
    try:
        pdf = pikepdf.open(io.BytesIO(content), attempt_recovery=False, suppress_warnings=True)
        catalog = pdf.Root
        scripts = "/OpenAction" in catalog or "/AA" in catalog or "/JavaScript" in catalog.get("/Names", {})
    except (pikepdf.PdfError, ValueError, AttributeError, TypeError, RuntimeError) as error:
        raise BundleError(f"the PDF is damaged or locked: {str(error)[:200]}") from error
    if pdf.is_encrypted:
        raise BundleError("the PDF is encrypted; a report never is")
    if scripts:
        raise BundleError("the PDF runs something when it is opened; a report never does")
    return pdf


def _embedded(pdf: Pdf) -> Iterator[tuple[str, Any]]:
    """Name and stream of each attachment in the catalog's name tree."""
    import pikepdf

    ahead: list[Any] = []
    try:
        if "/Names" in pdf.Root and "/EmbeddedFiles" in pdf.Root.Names:
            ahead = [pdf.Root.Names.EmbeddedFiles]
        for _ in range(NAME_TREE_NODES_MAX):
            if not ahead:
                return
            node = ahead.pop()
            ahead.extend(node.get("/Kids", []))
            for told in list(node.get("/Names", []))[1::2]:
                name = str(told.UF)
                if str(told.F) != name:
                    raise BundleError(
                        f"an attachment has two names: {name[:100]!r} and {str(told.F)[:100]!r}"
                    )
                require_name(name)
                yield name, told.EF.F
    except (pikepdf.PdfError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise BundleError(f"the PDF's attachments cannot be read: {str(error)[:200]}") from error
    raise BundleError("the PDF's attachments are listed without end")


def _inflated(stream: Any, name: str) -> bytes:
    """The bytes of an attachment, inflated here and not by the PDF library, so that there is a bound."""
    import pikepdf

    if not isinstance(stream, pikepdf.Stream):
        raise BundleError(f"the attachment {name} is no file")
    filters = stream.get("/Filter", None)
    try:
        raw = bytes(stream.read_raw_bytes())
    except pikepdf.PdfError as error:
        raise BundleError(f"the attachment {name} cannot be read: {str(error)[:200]}") from error
    if filters is None:
        return raw
    # Compared as names: the bytes of one need not be text.
    if filters != pikepdf.Name.FlateDecode or "/DecodeParms" in stream:
        raise BundleError(f"the attachment {name} is packed in a way that a report never uses")
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(raw, FILE_SIZE_BYTES_MAX)
    except zlib.error as error:
        raise BundleError(f"the attachment {name} cannot be unpacked: {error}") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise BundleError(f"the attachment {name} is cut, or larger than {FILE_SIZE_BYTES_MAX} bytes")
    return content


def _require_inflatable(content: bytes) -> None:
    """Refuse a file whose streams would unpack to far more than a report's, before a library unpacks any.

    Raises:
        BundleError: They would.
    """
    left = min(TOTAL_SIZE_BYTES_MAX, INFLATED_RATIO_MAX * len(content))
    for match in _STREAM.finditer(content):
        first = _bounded(content[match.end() : match.end() + (1 << 24)], left)
        left -= len(first)
        left -= len(_bounded(first, left))
        if left <= 0:
            raise BundleError("the PDF unpacks to far more than a report does")


def _bounded(packed: bytes, limit: int) -> bytes:
    if packed[:1] != b"\x78" or limit <= 0:
        return b""
    try:
        return zlib.decompressobj().decompress(packed, limit)
    except zlib.error:
        return b""
