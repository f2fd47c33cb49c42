# SPDX-License-Identifier: Apache-2.0
"""Instants: moments as text, `2026-11-20T09:00:00.000000Z`, and as aware datetimes in UTC.

    format_instant(parse_instant("2026-11-20T10:00:00+01:00")) == "2026-11-20T09:00:00.000000Z"

Rules: RFC 3339 with an offset is read; UTC with six decimals is written, so that instants compare as text. A moment
without an offset is refused, because nobody can say which one it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from governance.errors import InputError

# The hour and the offset are bounded here, because some versions of Python take 24:00 and an offset of 60 minutes.
_HOUR = r"(?:[01]\d|2[0-3])"
_RFC_3339 = re.compile(
    rf"\d{{4}}-\d\d-\d\d[Tt ]{_HOUR}:\d\d:(?P<second>\d\d)(?:\.\d{{1,9}})?(?:[Zz]|[+-]{_HOUR}:[0-5]\d)",
    re.ASCII,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_CANONICAL = re.compile(rf"\d{{4}}-\d\d-\d\dT{_HOUR}:\d\d:\d\d\.\d{{6}}Z", re.ASCII)


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time (section 5.6); decimals beyond microseconds are cut off.

    Raises:
        InputError: Not of that form, without offset, or no such moment.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise InputError(
            f"not an RFC 3339 date-time with offset: {text[:60]!r}", hint="write it as 2026-11-20T09:00:00Z"
        )
    if match["second"] == "60":
        raise InputError(
            f"leap seconds cannot be kept: {text!r}", hint="write the second before it, which ends in :59"
        )
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"no such moment: {text!r}", hint="write it as 2026-11-20T09:00:00Z") from error


def format_instant(moment: datetime) -> str:
    """Write a moment as UTC with microseconds, 27 characters.

    Raises:
        InputError: The moment has no offset, or in UTC lies outside the years 1 to 9999.
    """
    if moment.utcoffset() is None:
        raise InputError(
            f"moment without offset: {moment.isoformat()}", hint="give it a time zone, as in UTC"
        )
    try:
        return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
    except OverflowError as error:
        raise InputError(f"no such moment in UTC: {moment.isoformat()}") from error


def is_canonical_instant(text: str) -> bool:
    """Whether the text is an existing moment in the form that `format_instant` writes."""
    if _CANONICAL.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(count: int) -> datetime:
    """The moment of so many microseconds; `microseconds(moment_of(n)) == n`."""
    return EPOCH + count * MICROSECOND
