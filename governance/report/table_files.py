# SPDX-License-Identifier: Apache-2.0
"""Tables as files: workbooks, CSV and Parquet.

Rules: text stays text. In a workbook every text is written as a string cell, so that nothing is a formula or a link; in
CSV, which has no types, a text that a spreadsheet would take for a formula is written after an apostrophe (OWASP, CSV
injection). Parquet keeps values and types as they are. A workbook knows no time zone: its heads say UTC. The same
tables give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from governance.errors import DependencyError, InputError

if TYPE_CHECKING:
    from pandas import DataFrame

FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n")
WIDTH_MIN, WIDTH_MAX = 8, 60
"""Of a workbook's columns, in characters."""

Frames = Mapping[str, "DataFrame"]


def format_tables(frames: Frames, kind: str, *, made_at: datetime) -> bytes:
    """Write tables.

    Args:
        frames: By name; a workbook takes several, a sheet each.
        kind: `xlsx`, `csv` or `parquet`.
        made_at: What a workbook says of when it was made.

    Raises:
        InputError: Another kind, or several tables for a kind that holds one.
        DependencyError: The extra `excel` or `parquet` is not installed.
    """
    write = _WRITERS.get(kind)
    if write is None:
        raise InputError(
            f"no tables of kind {kind!r}", hint=f"write to {', '.join(f'.{each}' for each in _WRITERS)}"
        )
    if kind != "xlsx" and len(frames) != 1:
        raise InputError(f"a .{kind} holds one table", hint=f"say which with --table {'|'.join(frames)}")
    return write(frames, made_at)


def _csv(frames: Frames, _: datetime) -> bytes:
    (frame,) = frames.values()
    safe = frame.copy()
    for name in safe.columns:
        if str(safe[name].dtype) == "string":
            safe[name] = safe[name].map(neutral, na_action="ignore")
    text: str = safe.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    return text.encode()


def neutral(text: str) -> str:
    """A text as CSV may hold it: with an apostrophe before it where a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(FORMULA_BEGINNINGS) else text


def _parquet(frames: Frames, _: datetime) -> bytes:
    (frame,) = frames.values()
    stream = io.BytesIO()
    try:
        frame.to_parquet(stream, engine="pyarrow", index=False)
    except ImportError as error:
        raise DependencyError(
            f"Parquet needs pyarrow: {error}", hint="pip install 'governance[parquet]'"
        ) from error
    return stream.getvalue()


def _xlsx(frames: Frames, made_at: datetime) -> bytes:
    try:
        import xlsxwriter
    except ImportError as error:
        raise DependencyError(
            f"workbooks need XlsxWriter: {error}", hint="pip install 'governance[excel]'"
        ) from error
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
    book.set_properties({"created": made_at.replace(tzinfo=None)})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    for name, frame in frames.items():
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(frame.columns):
            _write_column(sheet, at, str(column), frame[column], head)
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
    book.close()
    return stream.getvalue()


def _write_column(sheet: Any, at: int, name: str, column: Any, head: Any) -> None:
    is_moment = str(column.dtype).startswith("datetime64")
    sheet.write_string(0, at, name.replace("_", " ") + (" (UTC)" if is_moment else ""), head)
    longest = len(name) + (6 if is_moment else 0)
    for row, (value, is_missing) in enumerate(zip(column, column.isna(), strict=True), start=1):
        if is_missing:
            continue
        if is_moment:
            sheet.write_datetime(row, at, value.to_pydatetime().replace(tzinfo=None))
            longest = max(longest, 19)
        elif str(column.dtype) == "boolean":
            sheet.write_boolean(row, at, bool(value))
        elif str(column.dtype) == "Int64":
            sheet.write_number(row, at, int(value))
        else:
            sheet.write_string(row, at, str(value))
            longest = max(longest, len(str(value)))
    sheet.set_column(at, at, max(WIDTH_MIN, min(WIDTH_MAX, longest + 2)))


_WRITERS: Mapping[str, Callable[[Frames, datetime], bytes]] = {
    "xlsx": _xlsx,
    "csv": _csv,
    "parquet": _parquet,
}
