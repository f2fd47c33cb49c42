# SPDX-License-Identifier: Apache-2.0
"""Horizons: until when an expression gives what it gives, if nothing changes but the time.

    now - x <= 30           with x = 0, at 10:   true until 31, where it can first come out otherwise

Rules: evaluated anew with a value that moves (`start + rate × elapsed`) in place of the moment. Sums, differences,
multiples and the sign of it move as well; each comparison of it with a number notes the first instant at which it
comes out otherwise, each quotient the first at which it is another. Whatever else looks at a value that moves gives no
promise beyond the next microsecond. A horizon is never too late; where it is too early, the caller asks again there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from governance.policy.cel import operators, tree
from governance.policy.cel.budget import BUDGET, Budget
from governance.policy.cel.errors import BudgetError, EvaluationError
from governance.policy.cel.evaluator import Evaluator, operate
from governance.policy.cel.program import Program
from governance.policy.cel.values import INT_MAX, INT_MIN, NUMBERS

ORDERS = ("<", "<=", ">", ">=")
EQUALITIES = ("==", "!=")
SUMS = ("+", "-", "*")

LEAP_STEPS_MAX = BUDGET // 4
"""Steps in which every element is looked at; what needs more is asked along its way."""

SEARCH_STEPS = 64
"""What a search for the moment at which a number crosses a fraction costs: as many comparisons."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A whole number that changes with time: `start + rate × elapsed`; the rate is never 0."""

    start: int
    rate: int


def horizon_of(
    program: Program, variables: Mapping[str, Any], name: str, *, last: int, run: Budget | None = None
) -> int | None:
    """The first instant after the present one at which an expression may come out otherwise.

    Args:
        program: The expression.
        variables: Over which it is evaluated; the moment, a whole number, among them.
        name: The variable that is the moment.
        last: The last moment that is asked about.
        run: What all such questions of a run may spend; where it is spent, nothing is promised.

    Returns:
        An instant at most `last`; None when there is none. Before it value and error stay what they are.
    """
    present = variables.get(name)
    if type(present) is not int or present >= last:
        return None
    is_timed, is_plain = _facts_of(program, name)
    if not is_timed:
        return None
    moved = {**variables, name: Moving(present, 1)}
    shared = Budget(2 * BUDGET) if run is None else run
    for leaps in (True, False) if is_plain else (False,):
        steps = min(LEAP_STEPS_MAX if leaps else BUDGET, shared.left)
        asked = _Horizon(program, moved, steps, last - present, leaps=leaps)
        is_answered = asked.ask(program.root)
        shared.left -= asked.spent
        if is_answered:
            return None if asked.until is None else present + asked.until
    return present + 1


@lru_cache(maxsize=4096)
def _facts_of(program: Program, name: str) -> tuple[bool, bool]:
    """Whether the moment stands in an expression at all, and only as `_is_plain` says."""
    return mentions(program.root, name), _is_plain(program.root, name)


def mentions(node: tree.Node, name: str) -> bool:
    """Whether a variable of the environment stands anywhere in a tree."""
    return any(
        isinstance(each, tree.Name) and each.is_absolute and each.name == name for each in tree.walk(node)
    )


def _is_plain(node: tree.Node, name: str) -> bool:
    """Whether the moment stands in comparisons of numbers only, joined by `&&`, `||`, `!`, `all` and `exists`.

    Then whether a part has a value, and what there is to look at, is the same at all times.
    """
    if not mentions(node, name):
        return True
    match node:
        case tree.Binary(operator="<" | "<=" | ">" | ">=" | "==" | "!="):
            return _is_plain_number(node.left, name) and _is_plain_number(node.right, name)
        case tree.Unary(operator="!") | tree.Logical():
            return all(_is_plain(each, name) for each in tree.children(node))
        case tree.Conditional():
            return not mentions(node.condition, name) and all(
                _is_plain(each, name) for each in (node.chosen, node.otherwise)
            )
        case tree.Quantifier(kind="all" | "exists", condition=condition) if condition is not None:
            return not mentions(node.range, name) and _is_plain(condition, name)
        case _:
            return False


def _is_plain_number(node: tree.Node, name: str) -> bool:
    if not mentions(node, name) or isinstance(node, tree.Name):
        return True
    if isinstance(node, (tree.Unary, tree.Binary)) and node.operator in (*SUMS, "/"):
        return all(_is_plain_number(each, name) for each in tree.children(node))
    return False


class _Horizon(Evaluator):
    """Evaluates, and notes when what was looked at changes.

    With `leaps`, which wants a plain expression, every operand and element is evaluated, not only those on the way to
    the value: where several elements let an `exists` be true, it stays true until the last of them ceases to. No
    evaluation at any time costs more than that, so that leaping over changes leaps over none that is too dear.

    Attributes:
        until: Microseconds after which it may come out otherwise, None when never.
    """

    def __init__(
        self, program: Program, variables: Mapping[str, Any], steps: int, last: int, *, leaps: bool
    ) -> None:
        super().__init__(program.environment.functions, variables, Budget(steps))
        self._steps = steps
        self._weight = program.weight
        self._last = last
        self._leaps = leaps
        self._is_settled = False
        self.until: int | None = None

    @property
    def spent(self) -> int:
        """Steps that were taken."""
        return self._steps - max(self._budget.left, 0)

    def ask(self, root: tree.Node) -> bool:
        """Evaluate, whatever comes of it; whether `until` can be relied on."""
        try:
            self._budget.spend(self._weight)
            self._tried(lambda: self.evaluate(root))
        except BudgetError:
            return False
        return not (self._leaps and self._is_settled)

    def evaluate(self, node: tree.Node) -> Any:
        """The value of a node; one that moves as it is at present."""
        return self._settled(self.moving(node))

    def moving(self, node: tree.Node) -> Any:
        """The value of a node, which may be a `Moving`."""
        run = _MOVING.get(type(node))
        return super().evaluate(node) if run is None else run(self, node)

    def note(self, elapsed: int | None) -> None:
        """From then on it may come out otherwise."""
        if elapsed is not None and (self.until is None or elapsed < self.until):
            self.until = elapsed

    def _settled(self, value: Any) -> Any:
        if type(value) is not Moving:
            return value
        self._is_settled = True
        self.note(1)
        return value.start

    def _tried(self, evaluate: Callable[[], Any]) -> Any:
        """A value, None where there is none."""
        try:
            return evaluate()
        except BudgetError:
            raise
        except EvaluationError:
            return None

    def _unary_moving(self, node: tree.Unary) -> Any:
        if node.operator == "!":
            return Evaluator._unary(self, node)
        operand = self.moving(node.operand)
        if type(operand) is Moving:
            return self._made(-operand.start, -operand.rate)
        return operators.negate(operand)

    def _binary_moving(self, node: tree.Binary) -> Any:
        left, right = self.moving(node.left), self.moving(node.right)
        if Moving not in (type(left), type(right)):
            if node.operator == "in" and isinstance(node.right, tree.ListOf):
                return operators.is_among(self._budget, left, right)
            return operate(self._budget, node.operator, left, right)
        if node.operator in (*ORDERS, *EQUALITIES):
            return self._compared(node.operator, left, right)
        if _is_whole(left) and _is_whole(right):
            if node.operator in SUMS:
                return self._combined(node.operator, left, right)
            if node.operator == "/" and type(right) is int and right != 0:
                self._budget.spend(2 * SEARCH_STEPS)
                self.note(self._first_change(lambda at: _at(left, at) // abs(right)))
                self.note(self._first_change(lambda at: -_at(left, at) // abs(right)))
                return operators.divide(left.start, right)
        return operate(self._budget, node.operator, self._settled(left), self._settled(right))

    def _compared(self, operator: str, left: Any, right: Any) -> Any:
        """A comparison; what is no number compares alike at all times."""
        if _is_whole(left) and _is_whole(right):
            self.note(self._crossing(operator, _parts(left), _parts(right)))
        elif all(type(each) is Moving or type(each) in NUMBERS for each in (left, right)):
            self._budget.spend(SEARCH_STEPS)
            self.note(self._first_change(lambda at: operators.order(operator, _at(left, at), _at(right, at))))
        return operate(self._budget, operator, _at(left, 0), _at(right, 0))

    def _crossing(self, operator: str, left: tuple[int, int], right: tuple[int, int]) -> int | None:
        """When the difference of two whole numbers first comes to lie on the other side of where they compare alike."""
        gap, rate = left[0] - right[0], left[1] - right[1]
        if operator in EQUALITIES:
            return self._within(1 if gap == 0 and rate else _reaching(gap, rate, 0))
        # gap < 0, or gap < 1 where equal counts as less.
        return self._within(_reaching(gap, rate, 1 if operator in ("<=", ">") else 0))

    def _within(self, elapsed: int | None) -> int | None:
        return elapsed if elapsed is not None and elapsed <= self._last else None

    def _combined(self, operator: str, left: Any, right: Any) -> Any:
        one, other = _parts(left), _parts(right)
        if operator == "*" and one[1] and other[1]:
            return operators.multiply(self._settled(left), self._settled(right))
        if operator == "*":
            factor = one[0] if one[1] == 0 else other[0]
            moved = other if one[1] == 0 else one
            return self._made(moved[0] * factor, moved[1] * factor)
        sign = 1 if operator == "+" else -1
        return self._made(one[0] + sign * other[0], one[1] + sign * other[1])

    def _made(self, start: int, rate: int) -> Any:
        """A number that moves, or one that no longer does; an error while it is beyond 64 bits."""
        if rate == 0 or not INT_MIN <= start <= INT_MAX:
            if rate:
                self._settled(Moving(start, rate))
            return operators.ranged(int, start)
        room = INT_MAX - start if rate > 0 else start - INT_MIN
        beyond = room // abs(rate) + 1
        self.note(self._within(beyond))
        return Moving(start, rate)

    def _first_change(self, told: Callable[[int], Any]) -> int | None:
        """The first elapsed time at which something is told otherwise that changes in one direction only."""
        present = told(0)
        if told(self._last) == present:
            return None
        low, high = 0, self._last
        while high - low > 1:
            middle = (low + high) // 2
            if told(middle) == present:
                low = middle
            else:
                high = middle
        return high

    def _conditional_moving(self, node: tree.Conditional) -> Any:
        condition = self.evaluate(node.condition)
        if type(condition) is not bool:
            operators.no_overload("? :", condition)
        return self.moving(node.chosen if condition else node.otherwise)

    def _bind_moving(self, node: tree.Bind) -> Any:
        before = self._bound
        bound = {**before, node.name: self.moving(node.value)}
        self._bound = bound
        try:
            return self.moving(node.body)
        finally:
            self._bound = before

    def _decide(
        self,
        deciding: bool,
        operands: Iterable[Any],
        evaluate: Callable[[Any], Any],
        operation: str,
        *,
        is_quantifier: bool = False,
    ) -> bool:
        """As always; what is decided stays so until the last of those that decide it ceases to."""
        listed, ends = list(operands), list[int | None]()
        kept = self.until

        def asked(each: Any) -> Any:
            self.until = None
            try:
                return evaluate(each)
            finally:
                ends.append(self.until)

        try:
            gives = super()._decide(deciding, listed, asked, operation, is_quantifier=is_quantifier)
            if gives is deciding and self._leaps:
                lasting = ends[-1:]
                for each in listed[len(ends) :]:
                    if self._tried(partial(asked, each)) is deciding:
                        lasting.append(ends[-1])
                ends = [None if None in lasting else max(each for each in lasting if each is not None)]
        finally:
            self.until = kept
            for end in ends:
                self.note(end)
        return gives


def _reaching(gap: int, rate: int, edge: int) -> int | None:
    """When `gap + rate × elapsed` first passes from below the edge to it or beyond, or from there to below."""
    below = edge - gap
    if below > 0:
        return -(-below // rate) if rate > 0 else None
    return -below // -rate + 1 if rate < 0 else None


def _is_whole(value: Any) -> bool:
    return type(value) in (int, Moving)


def _parts(value: Any) -> tuple[int, int]:
    return (value.start, value.rate) if type(value) is Moving else (value, 0)


def _at(value: Any, elapsed: int) -> Any:
    return value.start + value.rate * elapsed if type(value) is Moving else value


_MOVING: Mapping[type[tree.Node], Callable[[_Horizon, Any], Any]] = {
    tree.Name: Evaluator._name,
    tree.Unary: _Horizon._unary_moving,
    tree.Binary: _Horizon._binary_moving,
    tree.Conditional: _Horizon._conditional_moving,
    tree.Bind: _Horizon._bind_moving,
}
