# SPDX-License-Identifier: Apache-2.0
"""Narrowing: of all commands only the one that is called is made ready.

    narrowed(["--ledger", "a.db", "check", "model:m@1"])     # an app that knows `check` and nothing else

Rules: making some seventy commands ready takes longer than most of them run. What is narrowed does what the whole
would: where it cannot be told which command is called, where there is none of that name, or where help or a completion
is asked for, the app stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import typer

from governance.cli.app import NAMES, made, whole

VALUED = ("--ledger", "--key-file", "--signer", "--anchor")
"""Options before the command that take the next word as their value."""


SEES_ALL = ("policy",)
"""What looks at all other commands: `policy lint` holds remediations against them."""


def narrowed(words: Sequence[str]) -> typer.Typer:
    """The app with only the command, or the group of commands, that these words call.

    Args:
        words: The command line without the program's own name.
    """
    called = _called(words)
    return whole() if called is None or called in SEES_ALL or called not in NAMES else made([called])


def _called(words: Sequence[str]) -> str | None:
    """The first word that is neither an option nor an option's value; None where an option is not known here."""
    left: Iterator[str] = iter(words)
    for word in left:
        if word in VALUED:
            next(left, None)
        elif not word.startswith("-"):
            return word
        elif word.partition("=")[0] not in VALUED:
            return None
    return None
