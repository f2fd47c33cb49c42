# SPDX-License-Identifier: Apache-2.0
"""What commands read: files of events, payloads as JSON, payload fields as options.

Rules: everything is read before anything is written. A problem names the file and the line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from governance.core.canonical import SIZE_BYTES_MAX, parse_json
from governance.errors import CanonicalError, EventError, InputError, NotFoundError
from governance.events.vocabulary import EVENT_TYPES, payload_class

LINES_MAX = 100_000


def read_events(file: str) -> list[dict[str, Any]]:
    """Events out of a JSON Lines file, or stdin for `-`.

    Raises:
        NotFoundError: No such file.
        EventError: A line is not a JSON object; names the line.
    """
    if file == "-":
        return list(_events(sys.stdin.buffer, "stdin"))
    try:
        with Path(file).open("rb") as stream:
            return list(_events(stream, file))
    except (OSError, ValueError) as error:  # ValueError: a path that holds a null character
        what = getattr(error, "strerror", error)
        raise NotFoundError(
            f"cannot read {file}: {what}", hint="check the path, or say - for stdin"
        ) from error


def read_whole(file: str) -> bytes:
    """A file's bytes, or stdin's for `-`; one that is too long for `parse_json` just long enough to be refused.

    Raises:
        NotFoundError: No such file.
    """
    if file == "-":
        return sys.stdin.buffer.read(SIZE_BYTES_MAX + 1)
    try:
        with Path(file).open("rb") as stream:
            return stream.read(SIZE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that holds a null character
        what = getattr(error, "strerror", error)
        raise NotFoundError(
            f"cannot read {file}: {what}", hint="check the path, or say - for stdin"
        ) from error


def read_payload(text: str | None) -> dict[str, Any]:
    """A payload given as JSON, or as `@FILE`.

    Raises:
        EventError: Not a JSON object.
        NotFoundError: No such file.
    """
    if text is None:
        return {}
    where = "--data"
    if text.startswith("@"):
        where = text[1:]
        try:
            text = Path(where).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a path that holds a null character
            raise NotFoundError(f"cannot read {where}: {error}", hint="--data takes JSON or @FILE") from error
    return _object(text.encode(), where)


def read_fields(event_type: str, arguments: list[str]) -> dict[str, Any]:
    """Payload fields out of `--field value` pairs, each read as the type's field takes it.

    Raises:
        EventError: Unknown type or field, or an option without a value.
    """
    kind = payload_class(event_type)
    if kind is None:
        import difflib

        close = difflib.get_close_matches(event_type, EVENT_TYPES, n=3)
        raise EventError(
            f"unknown event type {event_type!r}",
            hint=f"did you mean {' or '.join(close)}?" if close else "docs/events.md lists the vocabulary",
        )
    given: dict[str, list[str]] = {}
    for name, value in _pairs(arguments):
        if name not in kind.model_fields:
            raise EventError(
                f"{event_type} has no field {name!r}",
                hint=f"{event_type} takes {', '.join(kind.model_fields)}",
            )
        given.setdefault(name, []).append(value)
    return {name: _value(kind, name, texts) for name, texts in given.items()}


def _events(stream: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(stream, start=1):
        if number > LINES_MAX:
            raise InputError(
                f"{name} has more than {LINES_MAX} lines", hint="split the file; each part is appended whole"
            )
        if line.strip():
            yield _object(line, f"{name}:{number}")


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except CanonicalError as error:
        raise EventError(
            f"{where}: {error.message}", hint="one JSON object a line, as docs/events.md shows"
        ) from error
    if not isinstance(value, dict):
        raise EventError(f"{where}: expected a JSON object, got {type(value).__name__}")
    return value


def _pairs(arguments: list[str]) -> Iterator[tuple[str, str]]:
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("--"):
            raise EventError(
                f"unexpected argument {argument!r}", hint="payload fields are written --field value"
            )
        name, equals, value = argument[2:].partition("=")
        if not equals:
            following = next(rest, None)
            if following is None:
                raise EventError(f"option {argument} has no value", hint=f"write {argument} VALUE")
            value = following
        yield name.replace("-", "_"), value


def _value(kind: Any, name: str, texts: list[str]) -> Any:
    """The first reading that the field takes: text, JSON, a list of texts or of JSON; else the text, to be refused."""
    from pydantic import TypeAdapter, ValidationError

    field = kind.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    parsed = [_json(text) for text in texts]
    if isinstance(parsed[0], dict) and _REQUESTS & parsed[0].keys() and name in _sealable(kind):
        return parsed[0]  # told as it is in JSON; read as text, it would be written in the clear
    candidates: list[Any] = [texts, parsed] if len(texts) > 1 else [texts[0], parsed[0], texts, parsed]
    for candidate in candidates:
        try:
            adapter.validate_python(candidate)
        except ValidationError:
            continue
        return candidate
    return texts if len(texts) > 1 else texts[0]


_REQUESTS = {"personal", "sealed"}


def _sealable(kind: Any) -> set[str]:
    return {each.field for each in kind.personal}


def _json(text: str) -> Any:
    try:
        return parse_json(text)
    except CanonicalError:
        return text
