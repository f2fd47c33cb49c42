# SPDX-License-Identifier: Apache-2.0
"""Asking a time-stamping authority over HTTP, RFC 3161 section 3.4.

Rules: the reply must repeat the nonce and be of the bytes that were sent; whether its authority is trusted is looked at
when the caller names certificates.
"""

from __future__ import annotations

from governance.errors import StorageError, TimeStampError
from governance.ledger.time_stamp import (
    REPLY_SIZE_BYTES_MAX,
    TimeStamp,
    format_time_stamp_request,
    read_time_stamp,
    verify_time_stamp,
)
from governance.web.posting import Post, post_all, split_place

SECONDS_MAX = 30.0


def ask_time_stamp(
    url: str, note: bytes, *, certificates: bytes | None = None, seconds_max: float = SECONDS_MAX
) -> tuple[bytes, TimeStamp]:
    """Have a signed checkpoint stamped.

    Args:
        url: The authority's.
        note: The signed checkpoint.
        certificates: Trusted ones in PEM, to verify the stamp before it is kept.
        seconds_max: How long the authority may take.

    Returns:
        The reply, DER, and what it states.

    Raises:
        InputError: Not an http or https URL, or unreadable certificates.
        StorageError: The authority cannot be reached or answers with an HTTP error.
        TimeStampError: The reply is malformed, refused, of other bytes, or does not verify.
    """
    place = split_place(url, what="an authority's URL")
    request = format_time_stamp_request(note)
    post = Post(
        place, place.path or "/", request.content, "application/timestamp-query", REPLY_SIZE_BYTES_MAX + 1
    )
    answer = post_all({url: post}, seconds_max=seconds_max)[url]
    if isinstance(answer, str):
        raise StorageError(
            f"the time-stamping authority {url} {answer}", hint="try again later, or another one"
        )
    if answer.code != 200:
        raise StorageError(f"the time-stamping authority {url} refused with {answer.code}")
    if certificates is not None:
        return answer.body, verify_time_stamp(
            answer.body, note, certificates=certificates, nonce=request.nonce
        )
    stamp = read_time_stamp(answer.body)
    if not stamp.is_of(note):
        raise TimeStampError(f"the authority {url} stamped other bytes than it was sent")
    return answer.body, stamp
