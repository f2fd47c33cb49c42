# SPDX-License-Identifier: Apache-2.0
"""The demo: the credit scoring sample told into a new ledger, then checked, sealed, exported and reported.

Rules: nothing is overwritten: the folder must not hold a demo already. The story has its own clock, so its times are
the same in every run; only the signing key is new.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from governance.errors import ConflictError, NotFoundError
from governance.policy.model import Assessment
from governance.resources import samples_directory
from governance.workspace.opened import Clock, Workspace
from governance.workspace.opening import init_workspace

SAMPLE = "credit_scoring"
ORIGIN = "example.com/credit-scoring"
RETENTION_DAYS = 3650
RULE_SETS = ("baseline", "eu-ai-act", "soc2")
SHOWN = 5
ORGANISATION = "organisation:hansa-scoring"
WINDOW = {"from": "2026-07-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
MODELS = ("model:credit-risk@1", "model:credit-risk@2")

Say = Callable[[str], None]


def run_demo(directory: Path, *, say: Say) -> None:
    """Tell the story and write `governance.db`, `checkpoint.txt`, `entries.jsonl`, `verifier-key.txt` and the PDFs.

    Args:
        directory: Where; made when it is missing.
        say: Is told each step in a line.

    Raises:
        ConflictError: There is a demo already.
        DependencyError: scikit-learn or a system library is missing.
    """
    database = directory / "governance.db"
    if database.exists():
        raise ConflictError(
            f"{directory} holds a demo already",
            hint=f"remove it with rm -r {directory}, or name another --directory",
        )
    story, clock_module = _sample("story"), _sample("clock")
    clock = clock_module.StoryClock()
    url = f"sqlite:///{database}"
    with init_workspace(url, origin=ORIGIN, retention_days=RETENTION_DAYS, clock=clock.now) as workspace:
        story.run(workspace, clock, directory, say)
        say("")
        for ref in MODELS:
            for rule_set in RULE_SETS:
                for line in _summary(workspace.check(ref, [rule_set], record=True)):
                    say(line)
        _report(workspace, directory, say)
        _report_integrity(directory, url, workspace.verifier_key, clock.now, say)
        (directory / "checkpoint.txt").write_bytes(workspace.checkpoint())
        (directory / "verifier-key.txt").write_text(workspace.verifier_key + "\n", encoding="utf-8")
        with (directory / "entries.jsonl").open("wb") as stream:
            count = workspace.export_entries(stream)
        found = workspace.verify(key=workspace.verifier_key)
    say(f"{count} entries, {found.checkpoints} checkpoints: {'verified' if found.holds else 'NOT verified'}")
    say("")
    for line in _next(directory, url):
        say(line)


def _report(workspace: Workspace, directory: Path, say: Say) -> None:
    for ref in MODELS:
        name = f"assessment-{ref.rpartition('@')[2]}.pdf"
        _write(workspace, directory / name, ref, "assessment", ("eu-ai-act", "baseline"), say)
    _write(
        workspace,
        directory / "technical-documentation.pdf",
        "system:credit-scoring",
        "technical-documentation",
        (),
        say,
    )
    _write(workspace, directory / "period.pdf", ORGANISATION, "soc2-period", ("soc2",), say, options=WINDOW)


def _report_integrity(directory: Path, url: str, key: str, clock: Clock, say: Say) -> None:
    from governance.workspace.integrity import IntegrityOrder, report_integrity

    made = report_integrity(url, IntegrityOrder(key=key), clock=clock)
    path = directory / "integrity.pdf"
    path.write_bytes(made.rendered.content)
    say(f"wrote {path} ({len(made.rendered.content):,} bytes)")


def _write(
    workspace: Workspace,
    path: Path,
    ref: str,
    template: str,
    rule_sets: tuple[str, ...],
    say: Say,
    *,
    options: Mapping[str, str] | None = None,
) -> None:
    rendered = workspace.report(ref, template=template, rule_sets=rule_sets, options=options)
    path.write_bytes(rendered.content)
    say(f"wrote {path} ({len(rendered.content):,} bytes)")


def _summary(assessment: Assessment) -> Iterator[str]:
    tally = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in assessment.tally.items() if count
    )
    yield f"check {assessment.subject} against {assessment.rule_sets[0].id}: {assessment.verdict} ({tally})"
    grave = [
        each for each in assessment.findings if not each.passes and each.severity in ("critical", "high")
    ]
    rules = list(dict.fromkeys(each.rule.partition("/")[2] for each in grave))
    if rules:
        more = f" and {len(rules) - SHOWN} more" if len(rules) > SHOWN else ""
        yield f"    gravest: {', '.join(rules[:SHOWN])}{more}"


def _next(directory: Path, url: str) -> tuple[str, ...]:
    program = sys.argv[0] if Path(sys.argv[0]).name == "governance" else "governance"
    return (
        "Now try:",
        f"  export GOVERNANCE_LEDGER={url}",
        f"  {program} log model:credit-risk@2",
        f"  {program} check model:credit-risk@1 --rule-set eu-ai-act",
        f"  {program} lineage model:credit-risk@2 --upstream",
        f"  {program} query",
        f'  {program} verify --key "$(cat {directory}/verifier-key.txt)"',
    )


def _sample(module: str) -> ModuleType:
    """A module of the sample, found beside the package's other resources and loaded under a name of its own."""
    folder = samples_directory() / SAMPLE
    package = f"governance_sample_{SAMPLE}"
    if package not in sys.modules:
        _load(package, folder / "__init__.py", search=[str(folder)])
    return sys.modules.get(f"{package}.{module}") or _load(
        f"{package}.{module}", folder / f"{module}.py", search=None
    )


def _load(name: str, path: Path, *, search: list[str] | None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
    if spec is None or spec.loader is None or not path.is_file():
        raise NotFoundError(f"the sample's file {path} is missing", hint="install the package again")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
