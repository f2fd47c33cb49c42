# SPDX-License-Identifier: Apache-2.0
"""YAML documents whose every value knows its line and column, so that errors point at it.

Rules: the YAML 1.2 core schema: `true`, `null`, numbers; everything else is text, dates and `no` included. No tags, no
anchors, no duplicate keys; limits on size, depth and count. Unknown keys are errors with the nearest known one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Never

import yaml

from governance.errors import RuleSetError
from governance.policy.rule_files import SIZE_BYTES_MAX, read_limited

DEPTH_MAX = 20
NODES_MAX = 50_000
_CORE_TAGS = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
PLAIN_TAGS = frozenset((None, "!", *(f"tag:yaml.org,2002:{each}" for each in _CORE_TAGS)))
"""What may be written as a value's tag, mostly none; the reading of scalars is our own all the same."""

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


def parse_document(content: bytes, *, file: str) -> Marked:
    """Read YAML text; `file` is named in errors."""
    if len(content) > SIZE_BYTES_MAX:
        raise RuleSetError(f"file is too long, at most {SIZE_BYTES_MAX} bytes", file=file)
    try:
        root = _composed(yaml.parse(content, Loader=_LOADER), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise RuleSetError(f"not YAML: {error.problem}", file=file, line=line, column=column) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RuleSetError(f"not YAML: {str(error).splitlines()[0]}", file=file) from error
    if root is None:
        raise RuleSetError("file is empty", file=file)
    return Marked(root, file, "document", content.decode(errors="replace").splitlines())


class Node(NamedTuple):
    """A node of a document.

    Attributes:
        kind: What it is; aliases are refused.
        value: The text of a scalar; the nodes of a list; keys and values of a mapping in turn.
        style: How a scalar is written: nothing, its quotes, `|` or `>`.
        tag: As written.
        line, column: 1-based.
    """

    kind: Literal["scalar", "list", "mapping", "alias"]
    value: Any
    style: str
    tag: str | None
    line: int
    column: int


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
        node: Node,
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
        return self._node.line + self._is_block

    @property
    def column(self) -> int:
        """1-based column."""
        return self._node.column

    @property
    def _is_block(self) -> bool:
        return self._node.style in ("|", ">")

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
            quote = int(bool(self._node.style))
            return self.line + line - 1, column + (self.column - 1 + quote if line == 1 else 0)
        at, rest = self.line + line - 1, column - 1
        if self._node.style == ">":
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
        if self._node.kind != "mapping":
            self.refuse(f"{self.name} must be a mapping of keys to values")
        found: dict[str, Marked] = {}
        parts = iter(self._node.value)
        for key_node, value_node in zip(parts, parts, strict=True):
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
        if self._node.kind != "list":
            self.refuse(f"{self.name} must be a list")
        return [Marked(node, self._file, self.name, self._lines) for node in self._node.value]

    def text(self) -> str:
        """The text of a scalar, as written.

        Raises:
            RuleSetError: Not a scalar.
        """
        if self._node.kind != "scalar":
            self.refuse(f"{self.name} must be text")
        text: str = self._node.value
        return text.strip() if self._is_block else text

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
        return self._node.kind == "scalar"

    def is_list(self) -> bool:
        """Whether it is a list."""
        return self._node.kind == "list"

    def value(self) -> Any:
        """The whole as plain values."""
        if self._node.kind == "mapping":
            return {key: each.value() for key, each in self.mapping().items()}
        if self._node.kind == "list":
            return [each.value() for each in self.elements()]
        return self._scalar()

    def _scalar(self) -> Any:
        text = self.text()
        if self._node.style:
            return text  # quoted or a block: text, whatever it looks like
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text


def _composed(events: Iterable[Any], file: str) -> Node | None:
    """The root of the one document in a stream of events, None where there is none.

    Limits are held while it is still a stream: to compose what is deep would overrun the C stack.
    """
    top: list[Node] = []
    open_ends = [top]
    count = 0
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            count += 1
            node = _node(event)
            _require_plain(node, file, count=count, depth=len(open_ends))
            open_ends[-1].append(node)
            if isinstance(node.value, list):
                open_ends.append(node.value)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_ends.pop()
    if len(top) > 1:
        Marked(top[1], file, "value").refuse("a file holds one document, and this is another")
    return top[0] if top else None


def _node(event: Any) -> Node:
    """The node that an event begins; what it holds is put into it later."""
    mark = event.start_mark
    place = mark.line + 1, mark.column + 1
    if isinstance(event, yaml.ScalarEvent):
        return Node("scalar", event.value, event.style or "", event.tag, *place)
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", "", "", None, *place)
    return Node("mapping" if isinstance(event, yaml.MappingStartEvent) else "list", [], "", event.tag, *place)


def _require_plain(node: Node, file: str, *, count: int, depth: int) -> None:
    """Refuse tags, aliases, depth and too many nodes."""
    if node.kind == "alias":
        Marked(node, file, "value").refuse(
            "anchors and aliases are not used here", hint="write the value out"
        )
    if node.tag not in PLAIN_TAGS:
        Marked(node, file, "value").refuse(f"the tag {node.tag} is not used here")
    if count > NODES_MAX:
        Marked(node, file, "value").refuse(f"document has more than {NODES_MAX} values")
    if depth > DEPTH_MAX and node.kind != "scalar":
        Marked(node, file, "value").refuse(f"document is deeper than {DEPTH_MAX} levels")
