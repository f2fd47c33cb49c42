# SPDX-License-Identifier: Apache-2.0
"""The fonts that come with the package, unpacked: WeasyPrint unpacks WOFF2 in Python, a quarter of a second each time.

    unpacked(woff2)     # the bytes of the .ttf beside the .woff2 that has these bytes; None for any other font

Rules: an unpacked font has the bytes that WeasyPrint would make of the packed one (a test holds them together), so that
a page comes out the same. HTML carries the packed ones, half as large.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from governance.resources import report_templates_directory


def unpacked(font: bytes) -> bytes | None:
    """An unpacked font.

    Args:
        font: A font as a page carries it.
    """
    path = _by_digest().get(hashlib.sha256(font).digest())
    return None if path is None else path.read_bytes()


@cache
def _by_digest() -> Mapping[bytes, Path]:
    """Where the unpacked font lies, by the digest of the packed one."""
    packed = (report_templates_directory() / "_base" / "fonts").glob("*.woff2")
    found = {hashlib.sha256(each.read_bytes()).digest(): each.with_suffix(".ttf") for each in packed}
    return {digest: path for digest, path in found.items() if path.is_file()}
