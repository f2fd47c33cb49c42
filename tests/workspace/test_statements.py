# SPDX-License-Identifier: Apache-2.0
"""docs/statements.md says how a service signs from Python; its lines are run."""

from __future__ import annotations

import re
from pathlib import Path

import governance
from governance.core.hashing import digest_bytes
from tests.workspace.ssh_files import fingerprint, make_key

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "statements.md").read_text(encoding="utf-8")


def test_a_service_signs_as_the_page_says(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    key = make_key(tmp_path / "evaluation_key")
    public = " ".join((tmp_path / "evaluation_key.pub").read_text(encoding="utf-8").split()[:2])
    measured = {
        "digest": digest_bytes(b"m"),
        "dataset": "dataset:test@1",
        "aspect": "performance",
        "passed": True,
        "measurements": [{"name": "auc", "value": 0.8}],
    }
    with governance.init("memory://", origin="example.com/audit") as ledger:
        binding = {"public_key": public, "fingerprint": fingerprint(key)}
        ledger.record("key.bound", "service:evaluation", actor="person:admin", **binding)
        told = code.replace('"evaluation_key"', repr(str(key)))
        exec(told, {"ledger": ledger, "measured": measured})  # noqa: S102  # the page's own lines
        (view,) = ledger.signatures_of(ledger.entry(2))
        assert (view.holds, view.fingerprint) == (True, fingerprint(key))
        ledger.checkpoint()
        assert ledger.verify().statements == 1
