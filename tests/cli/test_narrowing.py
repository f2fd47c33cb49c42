# SPDX-License-Identifier: Apache-2.0
"""Narrowing: the command that is called is made ready alone, and does what it does in the whole."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from governance.cli import main
from governance.cli.app import app
from governance.cli.narrowing import VALUED, narrowed


def names(words: list[str]) -> list[str | None]:
    """The commands and groups that are left."""
    made = narrowed(words)
    groups = [each.name for each in made.registered_groups]
    return [*(each.name for each in made.registered_commands), *map(str, groups)]


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "--help"],
        ["--ledger", "log", "check", "model:m@1"],
        ["--ledger=log", "--key-file", "show", "--anchor", "none", "check"],
        ["--signer", "--version", "check"],
    ],
)
def test_only_the_command_that_is_called_is_left(words: list[str]) -> None:
    assert names(words) == ["check"]


def test_of_a_group_all_commands_are_left() -> None:
    (person,) = narrowed(["person", "list"]).registered_groups

    assert person.typer_instance is not None
    assert {"list", "enrol"} <= {each.name for each in person.typer_instance.registered_commands}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        ["chek"],
        ["--ledger"],
        ["--ledger", "check"],
        ["--", "check"],
        ["--unknown", "check"],
        ["policy", "lint"],
    ],
)
def test_where_it_cannot_be_told_what_is_called_every_command_is_left(words: list[str]) -> None:
    assert narrowed(words) is app


def test_only_the_module_of_the_command_is_loaded() -> None:
    code = (
        "import sys; from governance.cli.narrowing import narrowed; narrowed(['check']); "
        "print([each for each in ('assess', 'report', 'witness') if f'governance.cli.{each}' in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "['assess']\n"


def test_no_other_name_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no attribute 'apps'"):
        getattr(importlib.import_module("governance.cli.app"), "apps")  # noqa: B009  # as whoever mistypes it


def test_the_options_before_a_command_that_take_a_value_are_all_known() -> None:
    callback = app.registered_callback
    assert callback is not None
    assert callback.callback is not None
    hints = callback.callback.__annotations__

    assert {f"--{name.replace('_', '-')}" for name in hints} - {"--context", "--version", "--return"} == {
        "--anchor-place" if each == "--anchor" else each for each in VALUED
    }


@pytest.mark.parametrize(
    "words", [["check", "--help"], ["role", "grant", "--help"], ["chek"], ["policy", "lint", "sr-26-2"]]
)
def test_a_narrowed_command_says_what_it_says_in_the_whole(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(run: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            run()  # type: ignore[operator]  # a function without arguments
        return (left.value.code, *capsys.readouterr())

    monkeypatch.setattr("sys.argv", ["governance", *words])

    assert said(main) == said(app)
