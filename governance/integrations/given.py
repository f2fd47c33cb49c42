# SPDX-License-Identifier: Apache-2.0
"""JSON that another system wrote, read field by field: a problem names the file and the place in it.

    Given.read(b'[{"user": {"login": 7}}]', file="reviews.json").elements()[0].member("user").member("login").text()
        → InputError: reviews.json: [0].user.login: expected text, got a number

Rules: sizes, depth and counts are bounded before anything is looked at; what is not asked for is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Never

from governance.core.canonical import parse_json
from governance.core.instants import parse_instant
from governance.errors import CanonicalError, InputError

TEXT_LENGTH_MAX = 2_000
ELEMENTS_MAX = 5_000

_NAMES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A value in a file, with its place.

    Attributes:
        value: As JSON has it.
        file: Named in errors.
        path: Where in the file, as in `[0].user.login`; empty for the whole.
    """

    value: Any
    file: str
    path: str = ""

    @staticmethod
    def read(content: bytes, *, file: str) -> Given:
        """The whole of a file.

        Raises:
            InputError: Not JSON, or beyond the limits of `parse_json` (1 MiB, 64 levels).
        """
        try:
            return Given(parse_json(content), file)
        except CanonicalError as error:
            raise InputError(
                f"{file}: {error.message}", hint="hand over the JSON as the source gives it"
            ) from error

    def refuse(self, message: str, *, hint: str | None = None) -> Never:
        """Raise an error at this place."""
        place = f"{self.file}: {self.path}" if self.path else self.file
        raise InputError(f"{place}: {message}", hint=hint)

    def has(self, name: str) -> bool:
        """Whether an object has a field, with a value other than null."""
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def member(self, name: str) -> Given:
        """A field of an object.

        Raises:
            InputError: No object, or no such field.
        """
        if not isinstance(self.value, dict):
            self._expected("an object")
        if not self.has(name):
            self.refuse(f"has no {name!r}")
        return Given(self.value[name], self.file, f"{self.path}.{name}" if self.path else name)

    def elements(self) -> list[Given]:
        """The elements of a list.

        Raises:
            InputError: No list, or more than `ELEMENTS_MAX` of them.
        """
        if not isinstance(self.value, list):
            self._expected("a list")
        if len(self.value) > ELEMENTS_MAX:
            self.refuse(f"has {len(self.value)} elements, at most {ELEMENTS_MAX}", hint="split the export")
        return [Given(each, self.file, f"{self.path}[{number}]") for number, each in enumerate(self.value)]

    def text(self) -> str:
        """A text of 1 to `TEXT_LENGTH_MAX` printable characters.

        Raises:
            InputError: It is not.
        """
        if not isinstance(self.value, str):
            self._expected("text")
        if not 0 < len(self.value) <= TEXT_LENGTH_MAX or not self.value.isprintable():
            self.refuse(f"expected 1 to {TEXT_LENGTH_MAX} printable characters")
        return self.value

    def number(self) -> int:
        """A whole number from 0 to 2^53 - 1.

        Raises:
            InputError: It is not.
        """
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self._expected("a whole number")
        if not 0 <= self.value < 2**53:
            self.refuse(f"expected 0 to 2^53 - 1, got {self.value}")
        return self.value

    def moment(self) -> datetime:
        """A moment, RFC 3339 with offset.

        Raises:
            InputError: It is not.
        """
        text = self.text()
        try:
            return parse_instant(text)
        except InputError as error:
            self.refuse(error.message, hint=error.hint)

    def _expected(self, wanted: str) -> Never:
        self.refuse(f"expected {wanted}, got {_NAMES.get(type(self.value), 'nothing')}")
