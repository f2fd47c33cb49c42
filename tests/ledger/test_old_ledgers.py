# SPDX-License-Identifier: Apache-2.0
"""The ledgers in samples/ledgers verify for ever, with the keys beside them, to the roots that are written here.

Rules: what a released version wrote is never made again. A new version of the tables gets a line more in `ROOTS`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from governance.core.note import VerifierKey, parse_verifier_key
from governance.errors import ConflictError, SchemaError
from governance.ledger.migrate import migrate
from governance.ledger.verify import verify
from governance.storage.interface import SCHEMA_VERSION
from governance.storage.memory import MemoryStorage
from governance.storage.opening import create_storage, open_storage
from governance.storage.versions import VERSIONS, require_known_version
from samples.ledgers.make import make
from tests.postgresql_server import PostgresqlServer

SAMPLES = Path(__file__).parent.parent.parent / "samples" / "ledgers"
ROOTS = {1: (55, 7, "fcdc5f8a4a2c23707774f1f03adbcdf993713f8756e941263fcdff0c5d513586")}
"""By version: entries, checkpoints, root hash."""

every_version = pytest.mark.parametrize("version", ROOTS)


@pytest.fixture
def sample(version: int, tmp_path: Path) -> Path:
    """A copy, since SQLite writes beside a ledger that it has open."""
    return Path(shutil.copy(SAMPLES / f"v{version}.db", tmp_path / "old.db"))


def key_of(version: int) -> VerifierKey:
    return parse_verifier_key((SAMPLES / f"v{version}.vkey").read_text(encoding="ascii").strip())


def test_every_version_has_its_sample_and_the_newest_is_this_one() -> None:
    assert [each.number for each in VERSIONS] == list(range(1, SCHEMA_VERSION + 1)) == list(ROOTS)
    assert all(each.since and each.change for each in VERSIONS)


@pytest.mark.parametrize(
    ("version", "told"), [(0, "no program"), (-1, "no program"), (SCHEMA_VERSION + 1, "knows up to")]
)
def test_versions_beyond_the_list_are_refused(version: int, told: str) -> None:
    with pytest.raises(SchemaError, match=told) as caught:
        require_known_version(version, "audit.db")
    assert caught.value.hint
    require_known_version(SCHEMA_VERSION, "audit.db")


@every_version
def test_an_old_ledger_verifies_to_the_same_root_and_is_left_as_it_is(version: int, sample: Path) -> None:
    entries, checkpoints, root = ROOTS[version]
    before = sample.read_bytes()
    with closing(open_storage(str(sample))) as storage:
        found = verify(storage, keys=[key_of(version)])
    assert found.holds, found.discrepancies
    assert (found.tree_size, found.signed_size, found.checkpoints) == (entries, entries, checkpoints)
    assert (found.root.hex(), found.key_is_trusted, found.notices) == (root, True, ())
    assert sample.read_bytes() == before


@every_version
def test_an_old_ledger_s_bodies_are_the_lines_of_its_export(version: int, sample: Path) -> None:
    with closing(open_storage(str(sample))) as storage:
        lines = b"".join(row.body + b"\n" for row in storage.entries(0, 1000))
    assert lines == (SAMPLES / f"v{version}.jsonl").read_bytes()


@every_version
def test_an_old_export_is_a_chain_for_whoever_has_a_hash_function(version: int) -> None:
    previous = "0" * 64
    for line in (SAMPLES / f"v{version}.jsonl").read_bytes().splitlines():
        assert json.loads(line)["previous"] == previous
        previous = hashlib.sha256(b"\x00" + line).hexdigest()


@every_version
def test_an_old_ledger_is_copied_forward_with_the_same_root(
    version: int, sample: Path, postgresql: PostgresqlServer
) -> None:
    with closing(open_storage(str(sample))) as old:
        for target in (MemoryStorage(), create_storage(postgresql.url())):
            with closing(target):
                done = migrate(old, target, keys=[key_of(version)])
            assert done.verification.holds, done.verification.discrepancies
            assert done.verification.root.hex() == ROOTS[version][2]


@every_version
def test_an_old_ledger_with_one_byte_changed_does_not_verify(version: int, sample: Path) -> None:
    """So that the tests above can fail."""
    content = sample.read_bytes()
    assert b'"beyond"' in content
    sample.write_bytes(content.replace(b'"beyond"', b'"behind"'))
    with closing(open_storage(str(sample))) as storage:
        assert not verify(storage, keys=[key_of(version)]).holds


def test_the_script_makes_the_newest_sample_again_byte_for_byte(tmp_path: Path) -> None:
    make(tmp_path / "made")
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names == {f"v{SCHEMA_VERSION}.{ending}" for ending in ("db", "jsonl", "vkey")}
    for ending in ("jsonl", "vkey"):
        name = f"v{SCHEMA_VERSION}.{ending}"
        assert (tmp_path / "made" / name).read_bytes() == (SAMPLES / name).read_bytes()
    with (
        closing(open_storage(str(tmp_path / "made" / f"v{SCHEMA_VERSION}.db"))) as again,
        closing(
            open_storage(str(shutil.copy(SAMPLES / f"v{SCHEMA_VERSION}.db", tmp_path / "kept.db")))
        ) as kept,
    ):
        assert again.checkpoints() == kept.checkpoints()
    with pytest.raises(ConflictError):
        make(tmp_path / "made")
