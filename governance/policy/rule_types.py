# SPDX-License-Identifier: Apache-2.0
"""The types of what a rule set's rules see: the dossier's own, its parameters', and that of a `for_each`.

Rules: what a parameter holds has the type that the rule set states, whatever value it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from governance.policy.cel.types import BOOL, DOUBLE, DYN, INT, LIST, STRING, Type, choice, list_of, record
from governance.policy.expressions import check_expression
from governance.policy.fields import VARIABLES
from governance.policy.model import Parameter, Rule, RuleSet

_PARAMETER_TYPES: Mapping[str, Type] = {
    "duration": INT, "number": DOUBLE, "integer": INT, "text": STRING, "list": LIST, "flag": BOOL,
}  # fmt: skip


def parameter_type(parameter: Parameter) -> Type:
    """The type of what a parameter holds: of a list that of its elements, where its default and bounds tell."""
    if parameter.one_of:
        return choice(*parameter.one_of)
    if parameter.type != "list":
        return _PARAMETER_TYPES[parameter.type]
    told = [*parameter.default, *(parameter.minimum or ()), *(parameter.maximum or ())]
    return list_of(STRING) if told and all(isinstance(each, str) for each in told) else LIST


def variables_of(parameters: Iterable[Parameter]) -> Mapping[str, Type]:
    """The types of what a rule set's rules see, the elements of `for_each` apart."""
    types = {each.name: parameter_type(each) for each in parameters}
    return {**VARIABLES, "params": record("params", lambda: types)}


def rule_variables(rule_set: RuleSet, rule: Rule) -> Mapping[str, Type]:
    """The types of what the `satisfied_if` of a rule sees, the element of its `for_each` among them."""
    variables = variables_of(rule_set.parameters)
    if rule.for_each is None:
        return variables
    name, text = rule.for_each
    return {**variables, name: element_type(text, variables)}


def element_type(text: str, variables: Mapping[str, Type]) -> Type:
    """The type of the elements of a list that compiles."""
    found = check_expression(text, variables)
    return found.parameters[0] if found.parameters else DYN
