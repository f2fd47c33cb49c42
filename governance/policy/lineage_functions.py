# SPDX-License-Identifier: Apache-2.0
"""What rules may ask of lineage: the variable `lineage` and its functions.

    lineage.upstream(model.ref)                          everything that it rests on, nearest first
    lineage.upstream(model.ref, "dataset")               of these the datasets
    lineage.downstream(dataset.ref, "model")             the models that rest on it
    lineage.reaches(model.ref, "dataset:loans@1")        whether the first rests on the second

Rules: only what the dossier holds is looked at; nothing is read for it. A thing that the dossier does not hold has no
lineage, and asking for it is `unknown`: that nothing is known of its origins must not help. A system rests on the
models that are its members; agents are not walked through. Every edge that is looked at costs a step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from governance.events.refs import KINDS
from governance.lineage.dossier import Dossier
from governance.policy.cel.errors import EvaluationError
from governance.policy.cel.overloads import Overload, method
from governance.policy.cel.types import BOOL, STRING, Type, choice, list_of, record

LINEAGE = record("lineage", dict)
"""The type of the variable: a map whose fields no rule can name."""

KIND: Type = choice(*KINDS)

WALKED = ("used", "generated", "derived", "informed", "member")
"""Relations along which a thing rests on another."""

FUNCTIONS: tuple[str, ...] = ("lineage.upstream", "lineage.downstream", "lineage.reaches")

Graph = Mapping[str, Mapping[str, list[str]]]


class Spending(Protocol):
    """What an evaluation may cost."""

    def spend(self, steps: int) -> None:
        """Pay, or raise where there is not so much left."""


def graph_of(dossier: Dossier) -> dict[str, dict[str, list[str]]]:
    """The value of the variable: for each thing what it rests on directly, and what rests on it directly.

    Args:
        dossier: Its relations are the edges; its things are known though nothing be related to them.
    """
    edges = [each for each in dossier.relations if each.kind in WALKED]
    known = dict.fromkeys(
        [
            *(view.ref for view in dossier.systems),
            *(view.ref for view in dossier.models),
            *(view.ref for view in dossier.datasets),
            *(view.ref for view in dossier.deployments),
            *(ref for each in edges for ref in (each.effect, each.cause)),
        ]
    )
    up, down = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for each in edges:
        up[each.effect].add(each.cause)
        down[each.cause].add(each.effect)
    return {
        "upstream": {ref: sorted(up[ref]) for ref in known},
        "downstream": {ref: sorted(down[ref]) for ref in known},
    }


def _reached(budget: Spending, graph: Graph, ref: str, side: str) -> list[str]:
    """Everything that is reached from a thing, nearest first, without itself."""
    near = graph.get(side)
    if near is None:
        raise EvaluationError("argument", "only the variable lineage has a lineage")
    if ref not in near:
        raise EvaluationError("absent", f"the lineage of {ref} is not recorded", f"the lineage of {ref}")
    found: dict[str, None] = {ref: None}
    open_ends = [ref]
    while open_ends:
        ahead: dict[str, None] = {}
        for each in open_ends:
            budget.spend(1 + len(near[each]))
            ahead.update(dict.fromkeys(other for other in near[each] if other not in found))
        found.update(ahead)
        open_ends = list(ahead)
    del found[ref]
    return list(found)


def _upstream(budget: Spending, graph: Graph, ref: str) -> list[str]:
    return _reached(budget, graph, ref, "upstream")


def _downstream(budget: Spending, graph: Graph, ref: str) -> list[str]:
    return _reached(budget, graph, ref, "downstream")


def _upstream_of_kind(budget: Spending, graph: Graph, ref: str, kind: str) -> list[str]:
    return _of_kind(_upstream(budget, graph, ref), kind)


def _downstream_of_kind(budget: Spending, graph: Graph, ref: str, kind: str) -> list[str]:
    return _of_kind(_downstream(budget, graph, ref), kind)


def _reaches(budget: Spending, graph: Graph, ref: str, other: str) -> bool:
    return other in _upstream(budget, graph, ref)


def _of_kind(refs: list[str], kind: str) -> list[str]:
    if kind not in KINDS:
        raise EvaluationError("argument", f"there is no kind {kind!r} of things")
    return [each for each in refs if each.startswith(f"{kind}:")]


_REFS = list_of(STRING)

OVERLOADS: tuple[Overload, ...] = (
    method("upstream", (LINEAGE, STRING), _REFS, _upstream),
    method("upstream", (LINEAGE, STRING, KIND), _REFS, _upstream_of_kind),
    method("downstream", (LINEAGE, STRING), _REFS, _downstream),
    method("downstream", (LINEAGE, STRING, KIND), _REFS, _downstream_of_kind),
    method("reaches", (LINEAGE, STRING, STRING), BOOL, _reaches),
)
"""The functions, for the engine."""
