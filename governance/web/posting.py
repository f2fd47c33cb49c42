# SPDX-License-Identifier: Apache-2.0
"""Posting bytes to others over HTTP, within limits on size and time.

Rules: what is posted together is posted at the same time, and who has not answered by the end of the time is not waited
for, however slowly it drips. No redirect is followed, no proxy is asked for, no word in a URL is a password.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from governance.errors import InputError


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be posted: where, what it is, and how many bytes of the answer are read at most."""

    place: SplitResult
    path: str
    body: bytes
    content_type: str
    answer_bytes_max: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status code and the body, cut off at the limit."""

    code: int
    body: bytes


def split_place(url: str, *, what: str) -> SplitResult:
    """Take a URL apart.

    Args:
        url: http or https, without query, fragment, user or password.
        what: Names it in the message, as in "a witness's URL".

    Raises:
        InputError: Another kind of URL.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc:
        raise InputError(f"not {what}: {url[:200]!r}", hint="write it as https://host.example/path")
    return parts


def post_all(posts: Mapping[str, Post], *, seconds_max: float) -> dict[str, Answer | str]:
    """Post everything at the same time.

    Returns:
        For each key an answer, or in a few words why there is none.
    """
    results: dict[str, Answer | str] = {}

    def post(key: str, one: Post) -> None:
        results[key] = _post(one, seconds_max)

    threads = [threading.Thread(target=post, args=each, daemon=True) for each in posts.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds_max
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {seconds_max:g} seconds"
    return {key: results.get(key, late) for key in posts}


def _post(post: Post, seconds_max: float) -> Answer | str:
    kind = http.client.HTTPSConnection if post.place.scheme == "https" else http.client.HTTPConnection
    connection = kind(post.place.hostname or "", post.place.port, timeout=seconds_max)
    try:
        headers = {"Content-Type": post.content_type, "User-Agent": "governance"}
        connection.request("POST", post.path, post.body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read(post.answer_bytes_max))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"cannot be asked: {str(error) or type(error).__name__}"
    finally:
        connection.close()
