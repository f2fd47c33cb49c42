# SPDX-License-Identifier: Apache-2.0
"""Where templates run: they see the content and nothing else, and each rendering has a budget that no input gets round.

Rules:
1. What a template may call stands in lists here: a few methods of text, lists and maps, a few filters. Whatever begins
   with an underscore, changes what it is called on, or formats (`format`, `%`) is refused.
2. Every turn of a loop, call and element that a filter looks at is a step; every letter that is written, joined or
   kept counts as text. Beyond either bound the rendering ends. Both are counted, never timed, so that the same template
   and content end the same way on every machine. That is done on the syntax tree, before it is compiled.
3. A name that is not there is an error that names the nearest one that is.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import do_replace, make_attrgetter, sync_do_join
from jinja2.runtime import markup_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

STEPS_MAX = 10_000_000
TEXT_MAX = 256 << 20
"""In letters: written, joined or kept, each time."""
REPEATED_MAX = 100_000
"""How long a text or list may become by `*`."""
BITS_MAX = 1024
"""How large a whole number may become by `*` or `**`."""

FILTERS = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "wordcount",
]
GLOBALS = ("range", "cycler", "joiner", "namespace")
METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        [
            "capitalize",
            "count",
            "endswith",
            "find",
            "isalpha",
            "isascii",
            "isdigit",
            "isspace",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "rfind",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "title",
            "upper",
        ]
    ),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
    int: frozenset(),
    float: frozenset(),
}

_SEEN_WHOLE = (str, list, tuple, dict)
"""What a method, a comparison or a part of it looks through."""


class Missing(jinja2.StrictUndefined):
    """What is not there: an error as soon as it is used, which names what is meant."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, among = self._undefined_name, self._undefined_obj
        if self._undefined_hint or not isinstance(name, str):
            return super()._undefined_message
        if isinstance(among, Mapping):
            known = [str(each) for each in among]
            return f"the content has no {name!r} here\n{_nearest(name, known)}"
        if among is missing:
            known = ["content", "logo", "asset", "content_digest", *GLOBALS]
            return f"there is no {name!r}\n{_nearest(name, known)}"
        return super()._undefined_message


class Budget:
    """What one rendering may still do."""

    def __init__(self, steps: int = STEPS_MAX, text: int = TEXT_MAX) -> None:
        self._steps = self._steps_max = steps
        self._text = self._text_max = text

    def step(self, count: int = 1) -> None:
        """So many turns, calls or elements.

        Raises:
            SecurityError: More than there may be.
        """
        self._steps -= count
        if self._steps < 0:
            raise SecurityError(f"the template takes more than {self._steps_max:,} steps")

    def write(self, letters: int) -> None:
        """So many letters.

        Raises:
            SecurityError: More than there may be.
        """
        self._text -= letters
        if self._text < 0:
            raise SecurityError(f"the template writes more than {self._text_max:,} letters")


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one rendering.

    Args:
        loader: Finds templates by name.
        budget: What the rendering may do.
    """

    intercepted_binops = frozenset(("*", "**", "%", "+"))

    def __init__(self, loader: jinja2.BaseLoader, budget: Budget) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=Missing,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=self._finalized,
        )
        self.budget = budget
        self.globals = {name: self.globals[name] for name in GLOBALS}
        allowed = {name: self.filters[name] for name in FILTERS}
        self.filters = {name: _counted(each, budget) for name, each in allowed.items()}
        self.filters["replace"] = _counted(self._replaced, budget)
        self.filters["join"] = _counted(self._strung, budget)
        self.filters["sum"] = _counted(self._summed, budget)
        self.filters["_seen"] = jinja2.pass_context(lambda _, value: self._seen(value))
        # Of the context, so that the compiler does not work them out once and for all.
        self.filters["_turns"] = self._turns
        self.filters["_joined"] = self._joined
        self.filters["_entered"] = self._entered

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only what is listed, of values; of the template's own things (loops, macros) what Jinja2 deems safe."""
        for kind, methods in METHODS.items():
            if isinstance(obj, kind):
                return attr in methods
        return not isinstance(obj, type) and super().is_safe_attribute(obj, attr, value)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call is a step, and what it gives counts."""
        self._seen(getattr(obj, "__self__", None))
        self.budget.step()
        made = super().call(context, obj, *args, **kwargs)
        if isinstance(made, (str, list)):
            self.budget.write(len(made) >> 3)
        return made

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Sums and products whose size is bounded."""
        if isinstance(left, (str, bytes)) and operator == "%":
            raise SecurityError("texts are not formatted with %")
        if operator in ("*", "**"):
            _bound(operator, left, right)
        made = super().call_binop(context, operator, left, right)
        if isinstance(made, Sized):
            self.budget.write(len(made))
        return made

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        metered: nodes.Template = _Metering(name, filename).visit(tree)
        metered.body.insert(0, _entered(metered.body, 1))
        return metered

    @jinja2.pass_context
    def _turns(self, _: Any, values: Iterable[Any]) -> Iterator[Any]:
        step = self.budget.step
        for value in values:
            step()
            yield value

    def _seen(self, value: Any) -> Any:
        """A value that is looked through: each element is a step."""
        if isinstance(value, _SEEN_WHOLE):
            self.budget.step(len(value) >> 6 if isinstance(value, str) else len(value))
        return value

    @jinja2.pass_eval_context
    def _replaced(self, context: Any, text: Any, old: str, new: str, count: int | None = None) -> str:
        """The filter `replace`, once it is known how long its text becomes."""
        text = str(text)
        self.budget.write(len(text) + (text.count(str(old)) + (not old) * len(text)) * len(str(new)))
        made: str = do_replace(context, text, old, new, count)
        return made

    @jinja2.pass_eval_context
    def _strung(self, context: Any, values: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
        """The filter `join`, once it is known how long its text becomes."""
        listed = list(values)
        self.budget.write(len(listed) * len(str(d)))
        made: str = sync_do_join(context, listed, d, attribute)
        return made

    @jinja2.pass_environment
    def _summed(self, _: Any, values: Iterable[Any], attribute: str | None = None, start: Any = 0) -> Any:
        """The filter `sum`: numbers, or lists put one after the other, each of their elements a step."""
        told = values if attribute is None else map(make_attrgetter(self, attribute), values)
        if not isinstance(start, list):
            return sum(told, start)
        made = list(start)
        for value in told:
            self._seen(value)
            made.extend(value)
        return made

    @jinja2.pass_context
    def _joined(self, _: Any, values: Sequence[Any]) -> str:
        made = markup_join(values)
        self.budget.write(len(made))
        return made

    @jinja2.pass_context
    def _entered(self, _: Any, letters: int) -> Markup:
        self.budget.step()
        self.budget.write(letters)
        return Markup()

    def _finalized(self, value: Any) -> Any:
        """Every value that is written comes by here."""
        made = value if isinstance(value, str) else str(value)
        self.budget.write(len(made))
        return made


class _Metering(NodeTransformer):
    """Puts a count of steps and letters into loops, macros, blocks and joined texts."""

    def __init__(self, name: str | None, filename: str | None) -> None:
        self._name = name
        self._filename = filename

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        if node.recursive:
            raise jinja2.TemplateSyntaxError(
                "a recursive loop: write a loop in a loop", node.lineno, self._name, self._filename
            )
        self.generic_visit(node)
        node.iter = _filter(cast("nodes.Expr", node.iter), "_turns")
        node.body.insert(0, _entered(node.body, node.lineno))
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        return self._metered(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        return self._metered(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        return self._metered(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "_joined")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        self.generic_visit(node)
        for operand in node.ops:
            operand.expr = _filter(operand.expr, "_seen")
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802  # Jinja2 finds it by this name
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(node.node, "_seen")
        return node

    def _metered(self, node: nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, _entered(node.body, node.lineno))
        return node


def _entered(body: Sequence[nodes.Node], lineno: int) -> nodes.Output:
    """A count of the letters that a body writes of its own."""
    letters = sum(len(data.data) for node in body for data in node.find_all(nodes.TemplateData))
    counted = _filter(nodes.Const(letters, lineno=lineno), "_entered")
    return nodes.Output([counted], lineno=lineno)


def _filter(value: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)


def _counted(function: Callable[..., Any], budget: Budget) -> Callable[..., Any]:
    """A filter for which each element that it is given is a step."""
    at = 0 if getattr(function, "jinja_pass_arg", None) is None else 1

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        value = args[at] if len(args) > at else None
        size = len(value) if isinstance(value, Sized) and not isinstance(value, jinja2.Undefined) else 1
        budget.step(1 + (size >> 6 if isinstance(value, str) else size))
        made = function(*args, **kwargs)
        if isinstance(made, str):
            budget.write(len(made))
        return made

    return counted


def _bound(operator: str, left: Any, right: Any) -> None:
    for one, other in ((left, right), (right, left)):
        if (
            isinstance(one, (str, bytes, list, tuple))
            and isinstance(other, int)
            and len(one) * other > REPEATED_MAX
        ):
            raise SecurityError(f"more than {REPEATED_MAX:,} by *")
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() + right.bit_length() if operator == "*" else left.bit_length() * abs(right)
        if bits > BITS_MAX:
            raise SecurityError(f"a number of more than {BITS_MAX} bits by {operator}")


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=2)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(sorted(known)[:20])}" if known else "there is nothing"
