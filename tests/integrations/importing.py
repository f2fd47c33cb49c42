# SPDX-License-Identifier: Apache-2.0
"""A ledger, mapping files and recorded payloads for the tests of imports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.core.hashing import digest_bytes
from governance.integrations.mapping import Accounts, parse_mapping
from governance.workspace import Workspace, init_workspace

RECORDED = Path(__file__).parent / "recorded"
COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
OTHER_COMMIT = "a10867b14bb761a232cd80139fbd4c0d33264240"
DIGEST = digest_bytes(b"scorer-2")
MODEL = "model:scorer@2"
NOW = datetime(2026, 10, 8, 12, tzinfo=UTC)

GITHUB = f"""source: github
host: github.com
accounts:
  Rita-B: {{person: person:rita, role: model-approver, id: 902}}
  otto-k: {{person: person:otto}}
subjects:
  - repository: acme/scorer
    commit: {COMMIT}
    subject: {MODEL}
    digest: {DIGEST}
    purpose: production
"""

GITLAB = f"""source: gitlab
host: gitlab.example.com
accounts:
  rita.b: {{person: person:rita, role: model-approver}}
  otto.k: {{person: person:otto}}
subjects:
  - {{repository: acme/models/scorer, commit: {COMMIT}, subject: "{MODEL}", digest: "{DIGEST}", purpose: production}}
"""


def github() -> Accounts:
    return parse_mapping(GITHUB.encode(), file="mapping.yaml", source="github")


def gitlab() -> Accounts:
    return parse_mapping(GITLAB.encode(), file="mapping.yaml", source="gitlab")


def recorded(name: str) -> Any:
    """A recorded payload as plain values."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def content(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def changed(name: str, *path: str | int, to: Any) -> bytes:
    """A recorded payload with one place changed."""
    whole = recorded(name)
    here = whole
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = to
    return as_bytes(whole)


def without(name: str, *path: str | int) -> bytes:
    """A recorded payload with one place left out."""
    whole = recorded(name)
    here = whole
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return as_bytes(whole)


def ledger_in(folder: Path) -> Workspace:
    """A ledger with one model, made now."""
    made = init_workspace(f"sqlite:///{folder}/audit.db", origin="example.com/audit", clock=lambda: NOW)
    made.record("role.granted", "person:rita", actor="person:chief", role="model-approver")
    made.record("model.registered", MODEL, actor="service:training", digest=DIGEST)
    return made
