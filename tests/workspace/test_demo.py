# SPDX-License-Identifier: Apache-2.0
"""The demo, whole: what it writes, what it says, and that the two versions fare as told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import governance
from governance.core.instants import parse_instant
from governance.errors import ConflictError
from governance.workspace import verify_ledger
from governance.workspace.demo import run_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """One run of the demo and what it said."""
    directory = tmp_path_factory.mktemp("demo") / "demo"
    said: list[str] = []
    run_demo(directory, say=said.append)
    return directory, said


def test_everything_is_written_and_verifies(demo: tuple[Path, list[str]]) -> None:
    directory, _ = demo
    for name in ("assessment-1.pdf", "assessment-2.pdf", "technical-documentation.pdf"):
        assert (directory / name).read_bytes().startswith(b"%PDF-1.7")
    key = (directory / "verifier-key.txt").read_text().strip()
    found = verify_ledger(f"sqlite:///{directory}/governance.db", key=key)
    assert found.holds
    assert found.signed_size == found.tree_size
    assert (directory / "checkpoint.txt").read_text().startswith("example.com/credit-scoring\n")


def test_the_exported_chain_is_unbroken(demo: tuple[Path, list[str]]) -> None:
    directory, _ = demo
    previous = "0" * 64
    for line in (directory / "entries.jsonl").read_bytes().splitlines():
        assert json.loads(line)["previous"] == previous
        previous = hashlib.sha256(b"\x00" + line).hexdigest()


def test_version_1_fails_for_real_reasons_and_version_2_passes_more(demo: tuple[Path, list[str]]) -> None:
    directory, said = demo
    with governance.open(f"sqlite:///{directory}/governance.db") as ledger:
        size = ledger.size
        moment = parse_instant(ledger.entry(size - 1).appended_at)
        first = ledger.check("model:credit-risk@1", ["eu-ai-act"], at=moment)
        second = ledger.check("model:credit-risk@2", ["eu-ai-act"], at=moment)
    failing = {each.rule for each in first.findings if not each.passes}
    assert {
        "eu-ai-act/art-10.2f/bias-examined",
        "eu-ai-act/art-10.1/data-validated",
        "eu-ai-act/art-9.8/thresholds-before-market",
    } <= failing
    open_still = {each.rule for each in second.findings if not each.passes}
    assert len(open_still) < len(failing)
    assert "eu-ai-act/art-10.2f/bias-examined" not in open_still
    assert {"eu-ai-act/art-47.1/declaration", "eu-ai-act/art-48.1/ce-marking"} <= open_still
    assert any("model:credit-risk@1 against eu-ai-act: fail" in line for line in said)
    assert any("model:credit-risk@2 against baseline: pass" in line for line in said)


def test_a_demo_is_never_overwritten(demo: tuple[Path, list[str]]) -> None:
    directory, _ = demo
    with pytest.raises(ConflictError, match="holds a demo already"):
        run_demo(directory, say=lambda _: None)
