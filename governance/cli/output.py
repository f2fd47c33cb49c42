# SPDX-License-Identifier: Apache-2.0
"""How commands write: data to stdout as text or JSON, talk to stderr.

Rules: JSON is one value, indented, keys in the order that a reader wants; text is plain, in columns, without colour, so
that it reads the same in a terminal, a log and a mail.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from governance.core.instants import format_instant
from governance.errors import StorageError

COLUMN_WIDTH_MAX = 72


def write_json(value: Any) -> None:
    """One JSON value to stdout."""
    import orjson  # --help does without

    sys.stdout.write(
        orjson.dumps(plain(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    )


def write_line(text: str = "") -> None:
    """One line of data to stdout."""
    sys.stdout.write(text + "\n")


def write_bytes(content: bytes) -> None:
    """Bytes to stdout exactly as they are."""
    write_pieces([content])


def write_pieces(pieces: Iterable[bytes]) -> None:
    """Bytes to stdout exactly as they are, piece after piece."""
    sys.stdout.flush()
    sys.stdout.buffer.writelines(pieces)
    sys.stdout.buffer.flush()


def write_file(name: str, content: bytes) -> None:
    """A whole file, or none: under another name first.

    Raises:
        StorageError: It cannot be written.
    """
    path = Path(name)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {name}: {error.strerror}") from error


def write_secret_file(name: str, content: bytes) -> None:
    """As `write_file`, for the file's owner only; synced as well.

    Raises:
        StorageError: It cannot be written.
    """
    from governance.storage.small_file import replace_file

    try:
        replace_file(Path(name), content)
    except OSError as error:
        raise StorageError(f"cannot write {name}: {error.strerror}") from error


def say(text: str) -> None:
    """One line of talk to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows in columns as wide as they need; the last column is never cut."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [
        min(COLUMN_WIDTH_MAX, max([len(name), *(len(row[at]) for row in texts)]))
        for at, name in enumerate(columns)
    ]
    for row in [[name.replace("_", " ") for name in columns], *texts]:
        cells = [text.ljust(width) for text, width in zip(row[:-1], widths, strict=False)]
        write_line("  ".join([*cells, *row[-1:]]).rstrip())


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses and named tuples become objects, moments text, bytes hex."""
    if isinstance(value, date):
        return format_instant(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(exclude_unset=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return value


class Meter:
    """Progress on stderr, one line that is rewritten; silent when nobody is watching."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = -1

    def __call__(self, done: int, total: int) -> None:
        """Tell how far it is."""
        if not sys.stderr.isatty() or total == 0:
            return
        share = done * 100 // total
        if share != self._last:
            self._last = share
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r{self._what} {done:,} of {total:,} entries ({share} %){end}")
            sys.stderr.flush()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_cell, value)) or "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\n", " ")
