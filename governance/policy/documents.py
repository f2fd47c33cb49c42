# SPDX-License-Identifier: Apache-2.0
"""YAML documents whose every value knows its line and column, so that errors point at it.

Rules: the YAML 1.2 core schema: `true`, `null`, numbers; everything else is text, dates and `no` included. No tags, no
anchors, no duplicate keys; limits on size, depth and count. Unknown keys are errors with the nearest known one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Never

import yaml

from governance.errors import NotFoundError, RuleSetError

SIZE_BYTES_MAX = 1 << 20
DEPTH_MAX = 20
NODES_MAX = 50_000
PLAIN_TAGS = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
"""What a value without a written tag is taken for; the reading of scalars is our own all the same."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?[0-9]{1,18}(?:\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})", re.ASCII
)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(path: Path) -> Marked:
    """Read a YAML file.

    Raises:
        NotFoundError: No such file.
        RuleSetError: Not YAML, or beyond the limits.
    """
    return parse_document(read_limited(path), file=str(path))


def read_limited(path: Path) -> bytes:
    """The bytes of a file, and of one that is too long just enough to be refused.

    Raises:
        NotFoundError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error


def parse_document(content: bytes, *, file: str) -> Marked:
    """Read YAML text; `file` is named in errors."""
    if len(content) > SIZE_BYTES_MAX:
        raise RuleSetError(f"file is too long, at most {SIZE_BYTES_MAX} bytes", file=file)
    try:
        _require_depth(content, file)
        root = yaml.compose(content, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise RuleSetError(f"not YAML: {error.problem}", file=file, line=line, column=column) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RuleSetError(f"not YAML: {str(error).splitlines()[0]}", file=file) from error
    if root is None:
        raise RuleSetError("file is empty", file=file)
    _require_limits(root, file)
    return Marked(root, file, "document", content.decode(errors="replace").splitlines())


class Marked:
    """A value in a document, with its place.

    Args:
        node: The YAML node.
        file: Named in errors.
        name: What it is, for errors.
        lines: The file's lines, for places within folded texts.
        key: The key under which it stands, for errors about the key itself.
    """

    def __init__(
        self,
        node: yaml.Node,
        file: str,
        name: str,
        lines: Sequence[str] = (),
        key: Marked | None = None,
    ) -> None:
        self._node = node
        self.key = key
        self._file = file
        self._lines = lines
        self.name = name

    @property
    def line(self) -> int:
        """1-based line; of a block text, the line where the text itself begins."""
        return int(self._node.start_mark.line) + (2 if self._is_block else 1)

    @property
    def column(self) -> int:
        """1-based column."""
        return int(self._node.start_mark.column) + 1

    @property
    def _is_block(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode) and self._node.style in ("|", ">")

    def refuse(self, message: str, *, hint: str | None = None, line: int = 0, column: int = 0) -> Never:
        """Raise an error at this place, or at a place within a text.

        Args:
            message: What is wrong.
            hint: How to mend it.
            line: 1-based line within the text, 0 for the beginning.
            column: 1-based column within that line.
        """
        at, inside = self.place(line, column)
        raise RuleSetError(message, file=self._file, line=at, column=inside, hint=hint)

    def place(self, line: int = 0, column: int = 0) -> tuple[int, int]:
        """Where in the file this begins, or a place within its text stands, all 1-based."""
        if not line:
            return self.line, self.column
        if not self._is_block:
            quote = int(bool(getattr(self._node, "style", None)))
            return self.line + line - 1, column + (self.column - 1 + quote if line == 1 else 0)
        at, rest = self.line + line - 1, column - 1
        if getattr(self._node, "style", None) == ">":
            # Folding made one line of several: walk along the file's own lines.
            while at < len(self._lines) and rest > len(self._lines[at - 1].strip()):
                rest -= len(self._lines[at - 1].strip()) + 1
                at += 1
        source = self._lines[at - 1] if at <= len(self._lines) else ""
        return at, len(source) - len(source.lstrip()) + rest + 1

    def fields(self, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, Marked]:
        """The values of a mapping by key.

        Raises:
            RuleSetError: Not a mapping, an unknown or doubled key, or a required one is missing.
        """
        found = self.mapping()
        for key, value in found.items():
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known keys are {', '.join(known)}"
                (value.key or value).refuse(f"unknown key {key!r} in {self.name}", hint=hint)
        for key in required:
            if key not in found:
                self.refuse(f"{self.name} has no {key!r}", hint=f"required are {', '.join(required)}")
        return found

    def mapping(self) -> dict[str, Marked]:
        """The values of a mapping by key, whatever the keys.

        Raises:
            RuleSetError: Not a mapping, or a doubled key.
        """
        if not isinstance(self._node, yaml.MappingNode):
            self.refuse(f"{self.name} must be a mapping of keys to values")
        found: dict[str, Marked] = {}
        for key_node, value_node in self._node.value:
            marked = Marked(key_node, self._file, "key", self._lines)
            key = marked.text()
            if key in found:
                marked.refuse(f"the key {key!r} stands twice in {self.name}")
            found[key] = Marked(value_node, self._file, key, self._lines, marked)
        return found

    def elements(self) -> list[Marked]:
        """The values of a list.

        Raises:
            RuleSetError: Not a list.
        """
        if not isinstance(self._node, yaml.SequenceNode):
            self.refuse(f"{self.name} must be a list")
        return [Marked(node, self._file, self.name, self._lines) for node in self._node.value]

    def text(self) -> str:
        """The text of a scalar, as written.

        Raises:
            RuleSetError: Not a scalar.
        """
        if not isinstance(self._node, yaml.ScalarNode):
            self.refuse(f"{self.name} must be text")
        return str(self._node.value).strip() if self._is_block else str(self._node.value)

    def flag(self) -> bool:
        """A boolean.

        Raises:
            RuleSetError: Neither true nor false.
        """
        value = self.value()
        if not isinstance(value, bool):
            self.refuse(f"{self.name} must be true or false")
        return value

    def is_text(self) -> bool:
        """Whether it is a scalar."""
        return isinstance(self._node, yaml.ScalarNode)

    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def value(self) -> Any:
        """The whole as plain values."""
        if isinstance(self._node, yaml.MappingNode):
            return {key: each.value() for key, each in self.mapping().items()}
        if isinstance(self._node, yaml.SequenceNode):
            return [each.value() for each in self.elements()]
        return self._scalar()

    def _scalar(self) -> Any:
        text = self.text()
        if getattr(self._node, "style", None):
            return text  # quoted or a block: text, whatever it looks like
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text


def _require_depth(content: bytes, file: str) -> None:
    """Refuse depth while the text is still a stream of events: composing a deep one overruns the C stack."""
    depth = 0
    for event in yaml.parse(content, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            mark: Any = event.start_mark
            raise RuleSetError(
                f"document is deeper than {DEPTH_MAX} levels",
                file=file,
                line=mark.line + 1,
                column=mark.column + 1,
            )


def _require_limits(root: yaml.Node, file: str) -> None:
    """Refuse tags, anchors (a node reached twice) and too many nodes."""
    seen: set[int] = set()
    open_ends: list[yaml.Node] = [root]
    while open_ends:
        node = open_ends.pop()
        if id(node) in seen:
            Marked(node, file, "value").refuse(
                "anchors and aliases are not used here", hint="write the value out"
            )
        seen.add(id(node))
        if node.tag.removeprefix("tag:yaml.org,2002:") not in PLAIN_TAGS:
            Marked(node, file, "value").refuse(f"the tag {node.tag} is not used here")
        if len(seen) > NODES_MAX:
            Marked(node, file, "value").refuse(f"document has more than {NODES_MAX} values")
        if isinstance(node, yaml.MappingNode):
            open_ends.extend(each for pair in node.value for each in pair)
        elif isinstance(node, yaml.SequenceNode):
            open_ends.extend(node.value)
