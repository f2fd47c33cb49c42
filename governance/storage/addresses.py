# SPDX-License-Identifier: Apache-2.0
"""Ledger URLs as they may be shown: without the password.

    postgresql+psycopg://ana:secret@db.example/audit?sslmode=require
    postgresql+psycopg://ana@db.example/audit?sslmode=require

Rules: whatever is printed, logged, raised or kept as a ledger's `url` went through `shown_url`. A URL that cannot be
taken apart loses too much rather than too little.
"""

from __future__ import annotations

import re

from governance.storage.interface import split_url

_SECRET = re.compile(r"password|secret", re.IGNORECASE)
_WITHOUT_SECRETS = ("sqlite", "memory")
"""Here everything after the scheme is a path, in which @ and : mean nothing."""


def shown_url(url: str) -> str:
    """The URL without password or other secrets; to show it twice changes nothing more."""
    if split_url(url)[0] in _WITHOUT_SECRETS:
        return url
    scheme, _, rest = url.partition("://")
    rest, mark, query = rest.partition("?")
    kept = "&".join(each for each in query.split("&") if not _SECRET.search(each.partition("=")[0]))
    if "@" in query:
        # A password that holds a question mark: what follows it may be the rest of the password.
        kept, rest = "", f"{rest}@{query.rpartition('@')[2]}"
    # The last @ ends the password, even where it holds an @ or a / that should have been written %40 or %2F.
    credentials, at, place = rest.rpartition("@")
    user = credentials.partition(":")[0]
    return f"{scheme}://{user}{at}{place}{mark if kept else ''}{kept}"
