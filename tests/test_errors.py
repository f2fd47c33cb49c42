# SPDX-License-Identifier: Apache-2.0
"""The tree of errors: its docstring draws what the classes are, and the command line can rely on it."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

import pytest

from governance import errors
from governance.errors import GovernanceError, RuleSetError

LINE = re.compile(r"    (?P<indent>[│├└─ ]*)(?P<name>\w+Error) +(?P<exit_code>\d )?")


class Drawn(NamedTuple):
    """A class as the docstring draws it."""

    name: str
    parent: str | None
    exit_code: int


def drawn() -> list[Drawn]:
    """Read the tree: four characters of indent are a level, a missing exit code is the parent's."""
    found: list[Drawn] = []
    path: list[Drawn] = []
    for line in (errors.__doc__ or "").splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        level = len(match["indent"]) // 4
        parent = path[level - 1] if level else None
        code = int(match["exit_code"]) if match["exit_code"] else (parent.exit_code if parent else -1)
        each = Drawn(match["name"], parent.name if parent else None, code)
        path[level:] = [each]
        found.append(each)
    return found


CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, GovernanceError) and each.__module__ == errors.__name__
]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    is_so = {
        Drawn(each.__name__, None if each is GovernanceError else each.__bases__[0].__name__, each.exit_code)
        for each in CLASSES
    }
    assert set(drawn()) == is_so
    assert len(drawn()) == len(CLASSES)


@pytest.mark.parametrize(
    ("branch", "exit_code"),
    [
        ("GovernanceError", 1),
        ("InputError", 2),
        ("EvidenceError", 3),
        ("EvaluationError", 4),
        ("StorageError", 5),
    ],
)
def test_each_branch_has_the_exit_code_that_scripts_rely_on(branch: str, exit_code: int) -> None:
    kind = getattr(errors, branch)
    assert kind.exit_code == exit_code
    below = [each for each in CLASSES if issubclass(each, kind) and each is not kind]
    assert branch == "GovernanceError" or {each.exit_code for each in below} <= {exit_code}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_tells_its_message_and_its_mend(kind: type[GovernanceError]) -> None:
    where: dict[str, str] = {"file": "rules.yaml"} if kind is RuleSetError else {}
    plain = kind("something is wrong", **where)
    mended = kind("something is wrong", hint="mend it", **where)
    assert str(plain) == plain.message
    assert plain.message.endswith("something is wrong")
    assert plain.hint is None
    assert str(mended) == f"{plain.message}\nhint: mend it"
    assert mended.args == (mended.message,)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_has_a_docstring_and_a_name_that_ends_in_error(kind: type[GovernanceError]) -> None:
    assert kind.__doc__
    assert kind.__name__.endswith("Error")


def test_an_error_of_a_rule_set_says_file_line_and_column() -> None:
    error = RuleSetError("unknown key", file="rules.yaml", line=3, column=7, hint="remove it")
    assert (error.file, error.line, error.column) == ("rules.yaml", 3, 7)
    assert str(error) == "rules.yaml:3:7: unknown key\nhint: remove it"
