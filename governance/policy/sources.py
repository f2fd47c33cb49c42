# SPDX-License-Identifier: Apache-2.0
"""Sources: where in its file each part of a rule set stands, for what speaks of rules that load.

    read_sources(folder).place("baseline/approved", "satisfied_if", 14)      # → Place(".../rule_set.yaml", 212, 21)

Rules: for rule sets that load; a part that is not there has the place of what it would be part of.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from governance.policy.documents import Marked, read_document
from governance.policy.expressions import place_of
from governance.policy.rule_files import FILE


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file, line and column 1-based."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Sources:
    """The places of one rule set.

    Args:
        document: Its `rule_set.yaml`.
        file: As it is named in places.
    """

    def __init__(self, document: Marked, file: str) -> None:
        self._file = file
        self._parts = document.mapping()
        self._rules = {each.mapping()["id"].text(): each for each in self._parts["rules"].elements()}

    def place(self, rule: str, key: str | None = None, offset: int | None = None) -> Place:
        """Where a rule stands, one of its keys, or an offset in the expression under that key."""
        node = self._rules[rule]
        if key is not None:
            node = node.mapping().get(key, node)
        if key == "for_each":
            node = next(iter(node.mapping().values()))
        if offset is None:
            return Place(self._file, *node.place())
        return Place(self._file, *node.place(*place_of(node.text(), offset)))

    def place_in(self, part: str, name: str) -> Place:
        """Where a parameter (by name) or a requirement (by id) stands."""
        node = self._parts[part]
        if node.is_list():
            found = next(each for each in node.elements() if each.mapping()["id"].text() == name)
            return Place(self._file, *found.place())
        found = node.mapping()[name]
        return Place(self._file, *(found.key or found).place())

    def case_place(self, line: str) -> Place:
        """Where a case stands in the cases beside the rule set; `line` as the case says it: `line 7`."""
        return Place(str(Path(self._file).with_name("cases.yaml")), int(line.removeprefix("line ")), 1)

    def begin(self, part: str) -> Place:
        """Where a part of the file begins, which is there."""
        return Place(self._file, *(self._parts[part].key or self._parts[part]).place())


def read_sources(directory: Path) -> Sources:
    """The places of the rule set in a folder, which loads."""
    path = directory / FILE
    return Sources(read_document(path), str(path))
