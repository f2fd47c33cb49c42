# SPDX-License-Identifier: Apache-2.0
"""A static log (c2sp.org/tlog-tiles) read from a web server or bucket.

Rules: http and https only, and a redirect keeps the scheme; every answer has a limit on its size, packed and unpacked,
and every wait has an end. Servers say "not there" as 404 or 410, buckets also as 403.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
import zlib
from typing import IO

from governance.errors import InputError, IntegrityError, StorageError
from governance.ledger.static_log import StaticLog, require_size

TIMEOUT_SECONDS = 30.0
MISSING = (403, 404, 410)
PACKING_BYTES_MAX = 4096
"""What packing may add to content that cannot be packed."""

_GZIP = 16 + zlib.MAX_WBITS


class HttpLog(StaticLog):
    """A static log behind a URL.

    Args:
        url: Its prefix: the checkpoint is at `<url>/checkpoint`.
        timeout_seconds: The longest wait for the server, each time.

    Raises:
        InputError: Not an http or https URL.
    """

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise InputError(
                f"not the URL of a static log: {url[:200]!r}", hint="as in https://example.com/audit"
            )
        self.name = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._opener = urllib.request.build_opener(_SameScheme())
        self._opener.addheaders = [("Accept-Encoding", "gzip, identity"), ("User-Agent", "governance")]

    def read(self, path: str, size_bytes_max: int) -> bytes | None:
        """A file's content, None when the server says that there is no such file."""
        url = f"{self.name}/{path}"
        try:
            with self._opener.open(url, timeout=self._timeout_seconds) as response:
                raw: bytes = response.read(size_bytes_max + PACKING_BYTES_MAX)
                if len(raw) < size_bytes_max and response.length:
                    raise StorageError(f"{url}: the answer ended {response.length} bytes early")
                packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in MISSING:
                return None
            raise StorageError(f"{url}: the server answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise StorageError(f"cannot read {url}: {error}", hint="check the URL and the network") from error
        return require_size(_unpacked(raw, packing, size_bytes_max, url), size_bytes_max, url)


class _SameScheme(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Follow a redirect, unless it leaves the scheme."""
        if urllib.parse.urlsplit(newurl).scheme != req.type:
            raise urllib.error.URLError(f"redirect to {newurl[:200]!r} leaves {req.type}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unpacked(raw: bytes, packing: str, size_bytes_max: int, url: str) -> bytes:
    if packing in ("identity", ""):
        return raw
    if packing != "gzip":
        raise IntegrityError(f"{url} is packed as {packing[:40]!r}, expected gzip or nothing")
    try:
        return zlib.decompressobj(_GZIP).decompress(raw, size_bytes_max + 1)
    except zlib.error as error:
        raise IntegrityError(f"{url} cannot be unpacked: {error}") from error
