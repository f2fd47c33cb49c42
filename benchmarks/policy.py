# SPDX-License-Identifier: Apache-2.0
"""Rules over dossiers, our engine against cel-expr-python and, where they are installed, others, in one run.

python benchmarks/policy.py [DOSSIERS]        1,000 by default

Twelve rules as an ML auditor writes them, all evaluated over one dossier and then over the next, as an assessment does;
compiled once, activations made once where an engine has such a thing. What every engine says is compared before
anything is timed. Prints evaluations a second and the ratio to cel-expr-python.
"""

from __future__ import annotations

import importlib.util
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from governance.policy.cel.environment import Environment
from governance.policy.cel.program import compile_program
from governance.policy.cel.types import DYN

ROUNDS = 5
DAY = 86_400_000_000
NAMES = ("subject", "lineage", "log", "params", "now")
GOAL_PER_SECOND, GOAL_RATIO = 400_000, 3.0

RULES = (
    "subject.approvals.exists(a, a.decision == 'approved' && a.role == 'risk'"
    " && a.actor != subject.training.actor && !(a.actor in subject.training.committers))",
    "subject.deployments.all(d, subject.approvals.exists(a,"
    " a.decision == 'approved' && a.digest == d.digest && a.at <= d.at && !a.revoked))",
    "subject.deployments.filter(d, d.env == 'prod').all(d, subject.evaluations.exists(e,"
    " e.passed && e.digest == d.digest && e.at <= d.at && d.at - e.at <= params.max_evaluation_age))",
    "lineage.datasets.all(d, has(d.license) && d.license in params.allowed_licenses"
    " && has(d.pii) && d.pii in ['none','pseudonymised','personal','special-category']"
    " && has(d.bias_exam) && d.bias_exam.at <= subject.training.started)",
    "subject.alerts.filter(x, x.kind == 'drift').all(x, has(x.acknowledged_at)"
    " ? x.acknowledged_at - x.raised_at <= params.ack_sla : now - x.raised_at <= params.ack_sla)",
    "!lineage.datasets.exists(d, d.origin == 'production' && d.pii in ['personal','special-category'])"
    " || subject.documents.exists(x, x.kind == 'dpia' && x.status == 'approved' && x.at <= subject.training.started)",
    "log.retention >= params.min_retention && log.gaps == 0"
    " && (now - log.oldest_event >= params.min_retention || log.started > now - params.min_retention)",
    "subject.deployments.filter(d, d.env == 'prod').all(d, subject.rehearsals.exists(r, r.kind == 'rollback'"
    " && r.outcome == 'passed' && r.target_digest != d.digest && r.at <= d.at"
    " && d.at - r.at <= params.max_rehearsal_age))",
    "subject.serving.features.all(name, f, name in subject.training.features"
    " && subject.training.features[name].digest == f.digest)",
    "[subject.training.actor].all(t, subject.validations.all(v, v.actor != t)"
    " && subject.deployments.all(d, d.actor != t && !(d.actor in subject.validations.map(v, v.actor))))",
    "subject.waivers.all(w, w.expires > now && w.expires - w.granted_at <= params.max_waiver"
    " && w.approver != w.requester && size(w.reason) >= 20)",
    "lineage.unresolved.size() == 0 && lineage.datasets.size() > 0"
    " && lineage.edges.all(e, e.to_digest == e.recorded_digest)",
)
"""The twelve rules."""

TWO_VARIABLES = frozenset((8,))
"""Which of them need the macros of two variables, which not every engine has."""


def dossier(number: int, draw: random.Random) -> dict[str, Any]:
    """One model version's variables: mostly in order, now and then not."""
    now = 20_000 * DAY
    digest = f"sha256:{number:064x}"
    people = [f"person:{draw.randrange(40)}" for _ in range(6)]
    good = draw.random() < 0.8
    at = now - draw.randrange(1, 60) * DAY
    approval = {"role": "risk", "digest": digest, "at": at - DAY}
    rehearsal = {"kind": "rollback", "outcome": "passed", "target_digest": "sha256:old", "at": at - 10 * DAY}
    features = {name: {"digest": f"sha256:{name}"} for name in ("income", "age", "region")}
    return {
        "now": now,
        "params": {
            "max_evaluation_age": 30 * DAY,
            "allowed_licenses": ["CC-BY-4.0", "MIT", "proprietary"],
            "ack_sla": 2 * DAY,
            "min_retention": 184 * DAY,
            "max_rehearsal_age": 90 * DAY,
            "max_waiver": 90 * DAY,
        },
        "log": {"retention": 400 * DAY, "gaps": 0, "oldest_event": now - 300 * DAY, "started": now - 300 * DAY},
        "lineage": {
            "unresolved": [],
            "datasets": [
                {
                    "license": draw.choice(["CC-BY-4.0", "MIT"]),
                    "pii": draw.choice(["none", "personal"]),
                    "origin": draw.choice(["production", "public"]),
                    "bias_exam": {"at": at - 40 * DAY},
                }
                for _ in range(3)
            ],
            "edges": [{"to_digest": f"d{each}", "recorded_digest": f"d{each}"} for each in range(6)],
        },
        "subject": {
            "training": {
                "actor": people[0],
                "committers": people[:2],
                "started": at - 20 * DAY,
                "features": features,
            },
            "serving": {"features": features if good else {"income": {"digest": "sha256:other"}}},
            "approvals": [
                {**approval, "decision": "refused", "actor": people[2], "revoked": False},
                {**approval, "decision": "approved", "actor": people[3], "revoked": not good},
            ],
            "deployments": [
                {"env": "staging", "digest": digest, "at": at, "actor": people[4]},
                {"env": "prod", "digest": digest, "at": at, "actor": people[4]},
            ],
            "evaluations": [
                {"passed": False, "digest": digest, "at": at - 9 * DAY},
                {"passed": True, "digest": "sha256:other", "at": at - 8 * DAY},
                {"passed": True, "digest": digest, "at": at - (5 if good else 66) * DAY},
            ],
            "alerts": [
                {"kind": "drift", "raised_at": at, "acknowledged_at": at + DAY},
                {"kind": "latency", "raised_at": at},
            ],
            "documents": [{"kind": "dpia", "status": "approved", "at": at - 30 * DAY}],
            "rehearsals": [rehearsal],
            "validations": [{"actor": people[5]}, {"actor": people[2]}],
            "waivers": [
                {
                    "expires": now + 10 * DAY,
                    "granted_at": now - 20 * DAY,
                    "approver": people[1],
                    "requester": people[2],
                    "reason": "the second source is being licensed",
                }
            ],
        },
    }  # fmt: skip


Runs = Callable[[], list[Any]]
"""Evaluates every rule over every dossier, and gives what they say."""


def ours(dossiers: list[dict[str, Any]], texts: list[str]) -> Runs:
    """Our engine."""
    environment = Environment(dict.fromkeys(NAMES, DYN))
    programs = [compile_program(text, environment) for text in texts]
    return lambda: [program.evaluate(each) for each in dossiers for program in programs]


def cel_expr_python(dossiers: list[dict[str, Any]], texts: list[str]) -> Runs:
    """The C++ implementation, its activations made before."""
    from cel_expr_python import cel

    lines = ["name: benchmark", "extensions:", "- name: two-var-comprehensions", "variables:"]
    lines += [f"- name: {each}\n  type_name: dyn" for each in NAMES]
    environment = cel.NewEnv(config=cel.NewEnvConfigFromYaml("\n".join(lines)))
    compiled = [environment.compile(text) for text in texts]
    activations = [environment.Activation(each) for each in dossiers]
    return lambda: [program.eval(each).value() for each in activations for program in compiled]


def cel_python(dossiers: list[dict[str, Any]], texts: list[str]) -> Runs:
    """The package cel-python (celpy)."""
    import celpy

    environment = celpy.Environment()
    programs = [environment.program(environment.compile(text)) for text in texts]
    activations = [{name: celpy.json_to_cel(each[name]) for name in NAMES} for each in dossiers]
    return lambda: [bool(program.evaluate(each)) for each in activations for program in programs]


def common_expression_language(dossiers: list[dict[str, Any]], texts: list[str]) -> Runs:
    """The package common-expression-language (cel-rust)."""
    import cel

    programs = [cel.compile(text) for text in texts]
    return lambda: [program.execute(each) for each in dossiers for program in programs]


ENGINES: tuple[tuple[str, str, Callable[[list[dict[str, Any]], list[str]], Runs], bool], ...] = (
    ("own engine", "governance", ours, True),
    ("cel-expr-python", "cel_expr_python", cel_expr_python, True),
    ("cel-python", "celpy", cel_python, False),
    ("common-expression-language", "cel", common_expression_language, False),
)
"""Name, module, how it is made ready, whether it has the macros of two variables."""


def per_second(runs: Runs) -> float:
    """Evaluations a second of one core: time of this process, so that what else runs does not count."""
    start = time.process_time()
    count = len(runs())
    return count / (time.process_time() - start)


def main() -> None:
    """All engines in turn, medians of five rounds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    draw = random.Random(20261121)
    dossiers = [dossier(number, draw) for number in range(count)]
    ready: dict[str, Runs] = {}
    wanted = ours(dossiers, list(RULES))()
    for name, module, prepare, has_two_variables in ENGINES:
        if importlib.util.find_spec(module) is None:
            print(f"{name:28} not installed")
            continue
        kept = [each for each in range(len(RULES)) if has_two_variables or each not in TWO_VARIABLES]
        runs = prepare(dossiers, [RULES[each] for each in kept])
        expected = [wanted[number * len(RULES) + each] for number in range(count) for each in kept]
        assert runs() == expected, f"{name} gives other values"
        ready[name] = runs
    rates = {name: [per_second(runs) for _ in range(1)] for name, runs in ready.items()}
    for _ in range(ROUNDS - 1):
        for name in ("own engine", "cel-expr-python"):
            rates[name].append(per_second(ready[name]))
    base = statistics.median(rates["cel-expr-python"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:28} {rate:>10,.0f} evaluations/s  ratio {rate / base:5.2f}")
    rate = statistics.median(rates["own engine"])
    true = f"{sum(map(bool, wanted))} of {len(wanted)} true"
    verdict = "met" if rate >= GOAL_PER_SECOND and rate / base >= GOAL_RATIO else "MISSED"
    print(f"goal {GOAL_PER_SECOND:,}/s and ratio {GOAL_RATIO:.1f}  {verdict}; {true}")


if __name__ == "__main__":
    main()
