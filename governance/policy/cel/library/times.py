# SPDX-License-Identifier: Apache-2.0
"""Times: timestamp() and duration(), their texts, and what a calendar says of them.

    timestamp("2026-11-20T12:00:00Z").getHours("Europe/Berlin")     duration("1h30m").getMinutes()

Rules: moments read RFC 3339, spans a sum of numbers with units (h, m, s, ms, us, ns). A zone is a name of the IANA
data base or an offset such as "+01:00"; without one it is UTC. Years are 1 to 9999.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from governance.policy.cel.budget import Budget
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.operators import duration as ranged_duration
from governance.policy.cel.operators import timestamp as ranged_timestamp
from governance.policy.cel.overloads import function, method
from governance.policy.cel.types import DURATION, INT, STRING, TIMESTAMP
from governance.policy.cel.values import SECOND, Duration, Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)
_SPAN = re.compile(r"([0-9]*)(?:\.([0-9]*))?(h|ms|m|s|us|ns)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)([0-9]{1,2}):([0-9]{2})", re.ASCII)
_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}


def parse_timestamp(text: str) -> Timestamp:
    """Read RFC 3339.

    Raises:
        EvaluationError: Not of that form, or outside the years 1 to 9999.
    """
    match = _MOMENT.fullmatch(text) if len(text) <= 64 else None
    if match is None:
        raise EvaluationError("conversion", "text is no moment, as in 2026-11-20T12:00:00Z")
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        # A leap second, 60, is the first of the next minute.
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        offset = _offset(match[8], match[9], match[10]) if match[8] else timedelta(0)
    except ValueError as error:
        raise EvaluationError("conversion", f"text is no moment: {error}") from error
    if second > 60:
        raise EvaluationError("conversion", "text is no moment: seconds must be in 0..60")
    whole = (
        (moment - _EPOCH) // timedelta(seconds=1) + (second - min(second, 59)) - int(offset.total_seconds())
    )
    try:
        return ranged_timestamp(whole * SECOND + int((match[7] or "0").ljust(9, "0")))
    except EvaluationError as error:
        raise EvaluationError("conversion", error.message) from error


def parse_duration(text: str) -> Duration:
    """Read a sum such as `1h30m`, `-1.5s` or `0`.

    Raises:
        EvaluationError: Not of that form, or beyond 10,000 years.
    """
    sign, body = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if body == "0":
        return Duration(0)
    total, at = 0, 0
    while at < len(body) and len(body) <= 200:
        match = _SPAN.match(body, at)
        if match is None or not (match[1] or match[2]):
            break
        unit = _UNITS[match[3]]
        total += int(match[1] or 0) * unit + int(match[2] or "0") * unit // 10 ** len(match[2] or "0")
        at = match.end()
    if not body or at < len(body):
        raise EvaluationError("conversion", "text is no span of time, as in 1h30m")
    try:
        return ranged_duration(sign * total)
    except EvaluationError as error:
        raise EvaluationError("conversion", error.message) from error


def format_timestamp(value: Timestamp) -> str:
    """RFC 3339 in UTC, with 0, 3, 6 or 9 digits of fraction; `parse_timestamp(format_timestamp(t)) == t`."""
    seconds, rest = divmod(value.nanoseconds, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f"{_fraction(rest)}Z"


def format_duration(value: Duration) -> str:
    """Seconds with 0, 3, 6 or 9 digits of fraction and an `s`."""
    seconds, rest = divmod(abs(value.nanoseconds), SECOND)
    return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{_fraction(rest)}s"


def _fraction(nanoseconds: int) -> str:
    digits = f"{nanoseconds:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f".{digits}" if digits else ""


def _offset(sign: str, hours: str, minutes: str) -> timedelta:
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError("an offset is at most 23:59")
    return timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    match = _OFFSET.fullmatch(name)
    try:
        return timezone(_offset(match[1], match[2], match[3])) if match else ZoneInfo(name)
    except (ValueError, LookupError, OSError) as error:
        raise EvaluationError("argument", f"unknown time zone {name[:40]!r}") from error


def _from_seconds(budget: Budget, seconds: int) -> Timestamp:
    return ranged_timestamp(seconds * SECOND)


def _calendar(read: Callable[[datetime], int]) -> Callable[..., int]:
    """What a calendar says of a moment in a zone."""

    def run(budget: Budget, moment: Timestamp, zone: str = "UTC") -> int:
        whole = _EPOCH + timedelta(seconds=moment.nanoseconds // SECOND)
        try:
            return read(whole.astimezone(_zone(zone)))
        except OverflowError as error:
            raise EvaluationError("overflow", "moment is outside the years 1 to 9999 in that zone") from error

    return run


def _milliseconds(budget: Budget, moment: Timestamp, zone: str = "UTC") -> int:
    _zone(zone)
    return moment.nanoseconds % SECOND // 1_000_000


def _whole(unit: int, limit: int | None = None) -> Callable[..., int]:
    """How many whole units a span has, cut towards zero."""

    def run(budget: Budget, span: Duration) -> int:
        count = abs(span.nanoseconds) // unit
        count = count if limit is None else count % limit
        return count if span.nanoseconds >= 0 else -count

    return run


_CALENDAR: tuple[tuple[str, Callable[..., int]], ...] = (
    ("getFullYear", _calendar(lambda moment: moment.year)),
    ("getMonth", _calendar(lambda moment: moment.month - 1)),
    ("getDayOfYear", _calendar(lambda moment: moment.timetuple().tm_yday - 1)),
    ("getDayOfMonth", _calendar(lambda moment: moment.day - 1)),
    ("getDate", _calendar(lambda moment: moment.day)),
    ("getDayOfWeek", _calendar(lambda moment: moment.isoweekday() % 7)),
    ("getHours", _calendar(lambda moment: moment.hour)),
    ("getMinutes", _calendar(lambda moment: moment.minute)),
    ("getSeconds", _calendar(lambda moment: moment.second)),
    ("getMilliseconds", _milliseconds),
)


def _same(budget: Budget, value: Any) -> Any:
    return value


OVERLOADS = (
    function("timestamp", (TIMESTAMP,), TIMESTAMP, _same),
    function("timestamp", (INT,), TIMESTAMP, _from_seconds),
    function("timestamp", (STRING,), TIMESTAMP, lambda budget, text: parse_timestamp(text)),
    function("duration", (DURATION,), DURATION, _same),
    function("duration", (STRING,), DURATION, lambda budget, text: parse_duration(text)),
    *(method(name, (TIMESTAMP,), INT, run) for name, run in _CALENDAR),
    *(method(name, (TIMESTAMP, STRING), INT, run) for name, run in _CALENDAR),
    method("getHours", (DURATION,), INT, _whole(3600 * SECOND)),
    method("getMinutes", (DURATION,), INT, _whole(60 * SECOND)),
    method("getSeconds", (DURATION,), INT, _whole(SECOND)),
    method("getMilliseconds", (DURATION,), INT, _whole(1_000_000, 1000)),
)
