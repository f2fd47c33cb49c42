# SPDX-License-Identifier: Apache-2.0
"""Commands in remediations, held against our own: a reader copies them, so they have to be there.

    governance record dataset.bias_examined --subject {dataset.ref} --digest {dataset.digest} --groups …

Rules: a command ends at a semicolon or at the end of the text. Read are the command, the event type of a `record`, the
names of options, and values that are one of a few words; everything else is the reader's. An event type outside a
command (`record risk.mitigated with --tested true`) is read like one in it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from governance.events.vocabulary import EVENT_TYPES, PAYLOADS
from governance.policy.fields import type_of

PAYLOAD = {each.event_type: each for each in PAYLOADS}
ENVELOPE = frozenset(
    ("--subject", "--actor", "--on-behalf-of", "--occurred-at", "--id", "--data", "--ledger", "--key-file", "--format")
)  # fmt: skip
"""Options of `record` that are no fields of a payload."""

_EVENT_TYPE = re.compile(r"(?<![\w{.])[a-z_]+\.[a-z_]+(?![\w.])")
_OPTION = re.compile(r"--[a-z][a-z-]*")
_WORD = re.compile(r"[a-z_]+", re.ASCII)


def command_problems(text: str, commands: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """What is wrong with the commands in a text: message and hint.

    Args:
        text: A remediation.
        commands: Our commands and their options; where empty, only what is recorded is read.
    """
    for part in re.split(r";\s", text):
        begin = part.find("governance ")
        words = part[begin:].split() if begin >= 0 else []
        if words and commands:
            yield from _command_problems(words, commands)
        yield from _record_problems(part)


def _command_problems(words: list[str], commands: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    name = next((each for each in (" ".join(words[1:3]), words[1]) if each in commands), None)
    if name is None:
        yield f"there is no command `{' '.join(words[:2])}`", _near(words[1], commands)
        return
    if name == "record":
        return  # its options are the fields of the event type
    for word in words:
        option = _OPTION.match(word)
        if option is not None and option[0] not in commands[name]:
            yield f"`governance {name}` has no {option[0]}", _near(option[0], commands[name])


def _record_problems(part: str) -> Iterator[tuple[str, str]]:
    named = [each for each in _EVENT_TYPE.finditer(part) if not _is_place(part, each.start())]
    for number, each in enumerate(named):
        if each[0] not in PAYLOAD:
            yield f"there is no event type {each[0]}", _near(each[0], EVENT_TYPES)
            continue
        end = named[number + 1].start() if number + 1 < len(named) else len(part)
        yield from _option_problems(each[0], part[each.end() : end])
    if not named and "governance record" in part:
        yield "`governance record` names no event type", "docs/events.md lists them"


def _option_problems(event_type: str, rest: str) -> Iterator[tuple[str, str]]:
    fields = PAYLOAD[event_type].model_fields
    known = {f"--{name.replace('_', '-')}": name for name in fields}
    words = rest.split()
    for number, word in enumerate(words):
        option = _OPTION.match(word)
        if option is None or option[0] in ENVELOPE:
            continue
        if option[0] not in known:
            yield f"{event_type} has no field {option[0]}", _near(option[0], known)
            continue
        choices = _choices(event_type, known[option[0]])
        value = words[number + 1] if number + 1 < len(words) and option[0] == word else ""
        if choices and _WORD.fullmatch(value) and value not in choices:
            yield f"{option[0]} of {event_type} is never {value}", _near(value, choices)


def _choices(event_type: str, name: str) -> tuple[str, ...]:
    """The few words that a field of an event can be, if it is such a field."""
    annotation: Any = PAYLOAD[event_type].model_fields[name].annotation
    return type_of(annotation).choices


def _is_place(text: str, at: int) -> bool:
    """Whether an offset stands within braces."""
    return text.rfind("{", 0, at) > text.rfind("}", 0, at)


def _near(text: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(text, names, n=2)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"
