# SPDX-License-Identifier: Apache-2.0
r"""Patterns: regular expressions run as automata, in time linear in the text whatever the pattern.

    compile_pattern("(a+)+$").is_found(budget, "aaaa…!")

Rules: the syntax of RE2 without scripts and \C; no backreferences, no looking around. All ways through the pattern
are followed at once, character by character (K. Thompson, "Regular Expression Search Algorithm", 1968), so nothing is
tried again. The pattern, its repetitions and its states are bounded; a search pays states times characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from governance.policy.cel.budget import Budget
from governance.policy.cel.pattern_classes import WORDS, CharacterClass
from governance.policy.cel.pattern_syntax import (
    Alternatives,
    Assertion,
    Part,
    Repetition,
    Sequence,
    parse_pattern,
    refuse,
)

STATES_MAX = 5_000
"""States of one automaton, repetitions written out."""

_WORD = CharacterClass(WORDS)


@dataclass(frozen=True, slots=True)
class _State:
    """One state: what it takes to leave it, and where that leads."""

    asks: CharacterClass | Assertion | None
    following: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, ready to run."""

    _states: tuple[_State, ...]
    _start: int

    def is_found(self, budget: Budget, text: str) -> bool:
        """Whether it is found anywhere in a text; raises BudgetError where that costs too much."""
        budget.spend((len(text) + 1) * len(self._states))
        active: set[int] = set()
        for at in range(len(text) + 1):
            active.add(self._start)
            reached, has_ended = self._reached(active, text, at)
            if has_ended:
                return True
            if at < len(text):
                active = {each for asks, following in reached if asks.accepts(text[at]) for each in following}
        return False

    def _reached(
        self, active: set[int], text: str, at: int
    ) -> tuple[list[tuple[CharacterClass, tuple[int, ...]]], bool]:
        """The states that wait for a character, from those active and what they lead to without one."""
        seen = set(active)
        pending = list(active)
        waiting: list[tuple[CharacterClass, tuple[int, ...]]] = []
        while pending:
            number = pending.pop()
            if number == 0:
                return waiting, True
            state = self._states[number]
            if isinstance(state.asks, CharacterClass):
                waiting.append((state.asks, state.following))
            elif state.asks is None or _holds(state.asks, text, at):
                fresh = [each for each in state.following if each not in seen]
                seen.update(fresh)
                pending.extend(fresh)
        return waiting, False


def _holds(assertion: Assertion, text: str, at: int) -> bool:
    """Whether something holds between two characters."""
    match assertion.kind:
        case "text_start":
            return at == 0
        case "text_end":
            return at == len(text)
        case "line_start":
            return at == 0 or text[at - 1] == "\n"
        case "line_end":
            return at == len(text) or text[at] == "\n"
        case _:
            before = at > 0 and _WORD.accepts(text[at - 1])
            after = at < len(text) and _WORD.accepts(text[at])
            return (before is not after) is (assertion.kind == "word_boundary")


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """Make a pattern ready.

    Raises:
        EvaluationError: It is no regular expression of this syntax, or too large.
    """
    builder = _Builder()
    start = builder.build(parse_pattern(text), 0)
    return Pattern(tuple(builder.states), start)


class _Builder:
    """Builds states from the end of a pattern to its beginning; state 0 is where it has been found."""

    def __init__(self) -> None:
        self.states: list[_State] = [_State(None, ())]

    def build(self, part: Part, following: int) -> int:
        """The state from which a part is run, and then what follows."""
        if isinstance(part, (CharacterClass, Assertion)):
            return self._add(part, (following,))
        if isinstance(part, Sequence):
            for each in reversed(part.parts):
                following = self.build(each, following)
            return following
        if isinstance(part, Alternatives):
            return self._add(None, tuple(self.build(each, following) for each in part.parts))
        return self._repeat(part, following)

    def _repeat(self, part: Repetition, following: int) -> int:
        if part.most is None:
            loop = self._add(None, ())
            self.states[loop] = _State(None, (self.build(part.part, loop), following))
            following = loop
        else:
            for _ in range(part.most - part.least):
                following = self._add(None, (self.build(part.part, following), following))
        for _ in range(part.least):
            following = self.build(part.part, following)
        return following

    def _add(self, asks: CharacterClass | Assertion | None, following: tuple[int, ...]) -> int:
        if len(self.states) >= STATES_MAX:
            refuse(f"it has more than {STATES_MAX:,} states")
        self.states.append(_State(asks, following))
        return len(self.states) - 1
