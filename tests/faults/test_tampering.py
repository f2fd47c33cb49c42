# SPDX-License-Identifier: Apache-2.0
"""A campaign: a ledger of 2,000 entries is altered at random ten thousand times, and every time somebody notices.

A mutation may end in five ways: opening or verifying *refuses* with one of our errors; `verify` *names* it; it leaves a
true older state of the ledger, which only the *kept checkpoint* of an auditor can tell; it added entries, which
`verify` tells as *unsigned*; or it is *without effect*: every answer that the storage can give is the same as before.
Anything else is a miss.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from governance.core.checkpoint import open_checkpoint
from governance.core.proof import verify_proof_file
from governance.errors import GovernanceError, IntegrityError
from governance.ledger.log import Ledger
from governance.ledger.static_log import StaticLog, require_size
from governance.ledger.tiles import export_tiles
from governance.ledger.verify import verify
from governance.ledger.verify_tiles import verify_static_log
from governance.storage.interface import Reader, Storage
from governance.storage.opening import create_storage, open_storage
from tests.faults.conftest import Tell
from tests.faults.mutations import MUTATIONS, flip_log_bit
from tests.ledger.histories import ORIGIN, START, ToldClock, event, lifecycle, opening, signing_key
from tests.ledger.logs import files_in

KEY = signing_key()
SIZE = 2001
CHECKPOINT_EVERY = 40
PARTS = 4
"""The campaign is cut in parts that run side by side."""
MUTATIONS_EACH = 1950
LOGS_EACH = 50
"""Of the write-ahead log beside a ledger that is being written."""
FILES_EACH = 500
"""Of proof files, bodies and checkpoints. All together, times `PARTS`: ten thousand."""
LOG = "write-ahead log"


def make_ledger(storage: Storage) -> Ledger:
    """An opening, 100 lives of models and as many batches about failed runs."""
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY)])
    plain = {"actor": {"id": "pipeline", "kind": "service"}}
    for number in range(200):
        first = 1 + 10 * number
        failures = [event(at) | plain for at in range(first, first + 10)]
        ledger.append(lifecycle(first) if number % 2 else failures)
        if number % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1:
            ledger.checkpoint()
    return ledger


def answers(reader: Reader) -> dict[str, Any]:
    """Everything that a storage can be asked; where no order is promised, in order of the rows themselves.

    Of checkpoints, which ones there are: one that stands twice says nothing more.
    """
    rows = list(reader.entries(-(2**62), 2**62))
    mentions = sorted(reader.all_mentions())
    refs = sorted({row.ref for row in mentions})
    size = 2**62
    nodes = sorted(reader.all_nodes())
    return {
        "head": reader.head(),
        "entries": rows,
        "entries_at": reader.entries_at(range(-1, SIZE + 1)),
        "leaf_hashes": reader.leaf_hashes(0, size),
        "event_indexes": reader.event_indexes([row.event_id for row in rows]),
        "indexes_of_types": reader.indexes_of_types(sorted({row.type for row in rows}), size=size),
        "all_nodes": nodes,
        "nodes": reader.nodes([(row.level, row.index) for row in nodes]),
        "all_mentions": mentions,
        "mentions": sorted(reader.mentions(refs, size=size)),
        "registered": sorted(reader.mentions(refs, role="registered", size=size)),
        "refs_like": reader.refs_like("", 2**31),
        "all_relations": sorted(reader.all_relations()),
        "effects": sorted(reader.relations_of(refs, side="effect", size=size)),
        "causes": sorted(reader.relations_of(refs, side="cause", size=size)),
        "checkpoints": {row[1:] for row in reader.checkpoints()},
        "latest": (reader.latest_checkpoint() or ())[1:],
    }


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of 2,001 entries in one file that verifies."""
    path = tmp_path_factory.mktemp("honest") / "ledger.db"
    with closing(create_storage(f"sqlite:///{path}")) as storage:
        make_ledger(storage)
        found = verify(storage, keys=[KEY.verifier_key])
    assert (found.holds, found.tree_size, found.signed_size) == (True, SIZE, SIZE)
    assert not path.with_name("ledger.db-wal").exists(), "the file is not all that there is"
    return path


@pytest.fixture(scope="module")
def unsettled(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with more entries and a checkpoint that stand in the write-ahead log beside the file."""
    live, kept = (tmp_path_factory.mktemp(name) / "ledger.db" for name in ("live", "kept"))
    shutil.copyfile(honest, live)
    with closing(open_storage(f"sqlite:///{live}")) as storage:
        ledger = Ledger(storage, clock=lambda: START + timedelta(days=1), origin=ORIGIN, signing_key=KEY)
        for number in range(3):
            ledger.append([event(SIZE + 10 * number + at) for at in range(10)])
        ledger.checkpoint()
        for suffix in ("", "-wal"):
            shutil.copyfile(live.with_name(live.name + suffix), kept.with_name(kept.name + suffix))
    assert kept.with_name("ledger.db-wal").stat().st_size > 10_000
    return kept


class Campaign:
    """Tries mutations and counts what became of them."""

    def __init__(self, honest: Path, folder: Path) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.misses: list[str] = []
        self._copy = folder / "copy.db"
        self._files = {
            suffix: honest.with_name(honest.name + suffix).read_bytes()
            for suffix in ("", "-wal")
            if honest.with_name(honest.name + suffix).exists()
        }
        self._lay_out()
        with closing(open_storage(f"sqlite:///{self._copy}")) as storage:
            self._expected = answers(storage)
            latest = storage.latest_checkpoint()
        assert latest is not None
        self._kept = latest.tree_size

    def _lay_out(self) -> None:
        """A fresh copy to be altered."""
        for suffix in ("", "-wal", "-shm", ".lock"):
            file = self._copy.with_name(self._copy.name + suffix)
            file.unlink(missing_ok=True)
            if suffix in self._files:
                file.write_bytes(self._files[suffix])

    def try_one(self, kind: str, mutate: Callable[[Random, Path], str | None], seed: str) -> None:
        """Draw until a mutation of this kind is done, and look what becomes of it."""
        draw = Random(seed)
        deed = None
        while deed is None:
            self._lay_out()
            deed = mutate(draw, self._copy)
        try:
            outcome = self._outcome()
        except Exception as error:  # noqa: BLE001  # whatever else is raised is a miss, to be told with the others
            outcome = f"MISSED by {type(error).__name__}: {error}"
        self.counts[kind, outcome.partition(" by ")[0]] += 1
        if outcome.startswith("MISSED"):
            self.misses.append(f"{kind}, seed {seed!r}: {deed}: {outcome}")

    def _outcome(self) -> str:
        try:
            with closing(open_storage(f"sqlite:///{self._copy}")) as storage:
                found = verify(storage, keys=[KEY.verifier_key])
                if not found.holds:
                    return "named"
                if found.signed_size < self._kept:
                    return "kept checkpoint"
                if found.tree_size > found.signed_size:
                    assert any("no checkpoint covers them" in each for each in found.notices)
                    return "unsigned"
                told = answers(storage)
        except GovernanceError:
            return "refused"
        differing = [name for name, expected in self._expected.items() if told[name] != expected]
        return f"MISSED by verify: {', '.join(differing)}" if differing else "without effect"


def kinds_drawn(draw: Random, count: int) -> list[str]:
    """Kinds of mutation in the proportions that `MUTATIONS` names."""
    return draw.choices(list(MUTATIONS), [weight for weight, _ in MUTATIONS.values()], k=count)


class Carried:
    """A file that travels by itself, and how an auditor who trusts the ledger's key reads it.

    Args:
        content: The file as it was made.
        read: What it says; raises one of our errors when it is not to be believed.
    """

    def __init__(self, content: bytes, read: Callable[[bytes], object]) -> None:
        self.content = content
        self.read = read

    def outcome(self, altered: bytes) -> str:
        """What becomes of an altered copy."""
        try:
            told = self.read(altered)
        except GovernanceError:
            return "refused"
        return "without effect" if told == self.read(self.content) else f"MISSED by reading: {told!r:.200}"


class _Files(StaticLog):
    """A static log whose files are held in memory."""

    name = "files"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, size_bytes_max: int) -> bytes | None:
        content = self._files.get(path)
        return None if content is None else require_size(content, size_bytes_max, path)


def static_log_files(storage: Storage) -> list[Carried]:
    """Files of a static log, each read among the others as they were."""
    with tempfile.TemporaryDirectory() as name:
        export_tiles(storage, Path(name))
        files = files_in(Path(name))

    def read(path: str, content: bytes) -> object:
        found = verify_static_log(_Files({**files, path: content}), keys=[KEY.verifier_key])
        if not found.holds:
            raise IntegrityError(str(found.discrepancies[0]))
        return found.tree_size, found.root

    paths = ("checkpoint", "tile/0/000", "tile/1/000.p/7", "tile/entries/003", "tile/entries/007.p/209")
    return [Carried(files[path], partial(read, path)) for path in paths]


def carried_files(storage: Storage) -> dict[str, list[Carried]]:
    """Files of each kind that leave the ledger."""
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN)
    indexes = (0, 1, 2, 777, 1023, 1024, SIZE - 1)
    bodies = {row.index: row.body for row in storage.entries_at(indexes)}
    keys = [KEY.verifier_key]
    return {
        "proof file": [
            Carried(ledger.prove(at), partial(verify_proof_file, body=body, keys=keys))
            for at, body in bodies.items()
        ],
        "entry under its proof": [
            Carried(body, partial(verify_proof_file, ledger.prove(at), keys=keys))
            for at, body in bodies.items()
        ],
        "file of a static log": static_log_files(storage),
        "checkpoint": [
            Carried(row.note, partial(open_checkpoint, keys=keys)) for row in storage.checkpoints()
        ],
    }


def alter(draw: Random, content: bytes, other: bytes) -> bytes:
    """A few bits, bytes or lines of a file altered, or taken from another of its kind; never the same as before."""
    altered = bytearray(content)
    lines = content.split(b"\n")
    one, two = sorted(draw.randrange(len(lines)) for _ in range(2))
    way = draw.randrange(7)
    if way == 0:
        altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
    elif way == 1:
        altered[draw.randrange(len(altered))] = draw.choice(b"0123456789+/=\n \0AZaz\xff")
    elif way == 2:
        del altered[draw.randrange(len(altered)) :]
    elif way == 3:
        at = draw.randrange(len(altered))
        altered[at:at] = draw.choice((b"0", b"\n", b" ", b"\r", b"=", draw.randbytes(5), b"extra AA==\n"))
    elif way == 4:
        lines[one], lines[two] = lines[two], lines[one]
        altered = bytearray(b"\n".join(lines))
    elif way == 5:
        lines[one : one + 1] = draw.choice(([], [lines[one]] * 2, [lines[two]]))
        altered = bytearray(b"\n".join(lines))
    else:
        foreign = other.split(b"\n")
        lines[one] = foreign[min(one, len(foreign) - 1)]
        altered = bytearray(b"\n".join(lines))
    return bytes(altered) if altered != content else alter(draw, content, other)


def alter_files(campaign: Campaign, files: dict[str, list[Carried]], count: int, seed: int) -> None:
    """Alter files of each kind in turn."""
    draw = Random(seed)
    for number in range(count):
        kind = list(files)[number % len(files)]
        one, other = (draw.choice(files[kind]) for _ in range(2))
        altered = alter(draw, one.content, other.content)
        outcome = one.outcome(altered)
        campaign.counts[kind, outcome.partition(" by ")[0]] += 1
        if outcome.startswith("MISSED"):
            campaign.misses.append(f"{kind}, seed {seed}, number {number}: {altered!r:.400}: {outcome}")


@pytest.fixture(scope="module")
def files(honest: Path) -> dict[str, list[Carried]]:
    with closing(open_storage(f"sqlite:///{honest}")) as storage:
        return carried_files(storage)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_mutation_of_each_kind_is_noticed(honest: Path, tmp_path: Path, kind: str) -> None:
    """The same as below, once."""
    campaign = Campaign(honest, tmp_path)
    campaign.try_one(kind, MUTATIONS[kind][1], f"{kind}/0")
    assert campaign.misses == []


def test_a_verifier_that_saw_nothing_would_be_caught(
    honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign does not take the verifier's word: what it asks itself tells an altered cell from an honest one."""
    campaign = Campaign(honest, tmp_path)
    seeing = verify
    blind = lambda reader, keys: replace(seeing(reader, keys=keys), discrepancies=())  # noqa: E731
    monkeypatch.setitem(Campaign.try_one.__globals__, "verify", blind)
    for number in range(4):
        campaign.try_one("rows dropped", MUTATIONS["rows dropped"][1], f"blind/{number}")
    assert len(campaign.misses) == campaign.counts["rows dropped", "MISSED"] > 1


def test_an_altered_write_ahead_log_is_noticed(unsettled: Path, tmp_path: Path) -> None:
    """SQLite takes what stands before the damage, which is an older state; a kept checkpoint tells."""
    campaign = Campaign(unsettled, tmp_path)
    for number in range(8):
        campaign.try_one(LOG, flip_log_bit, f"{LOG}/{number}")
    assert campaign.misses == []
    assert campaign.counts[LOG, "kept checkpoint"] > 0


def test_altered_proofs_and_checkpoints_are_noticed(
    honest: Path, tmp_path: Path, files: dict[str, list[Carried]]
) -> None:
    """The same as below, three hundred times."""
    campaign = Campaign(honest, tmp_path)
    alter_files(campaign, files, 300, seed=99)
    assert campaign.misses == []
    assert {kind for kind, outcome in campaign.counts if outcome == "refused"} == set(files)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_mutations_are_noticed(
    honest: Path, unsettled: Path, tmp_path: Path, files: dict[str, list[Carried]], part: int, tell: Tell
) -> None:
    """None of them goes unseen; what became of each kind is printed."""
    campaign = Campaign(honest, tmp_path)
    for number, kind in enumerate(kinds_drawn(Random(part), MUTATIONS_EACH)):
        campaign.try_one(kind, MUTATIONS[kind][1], f"{part}/{number}")
    alter_files(campaign, files, FILES_EACH, seed=part)
    beside = Campaign(unsettled, tmp_path)
    for number in range(LOGS_EACH):
        beside.try_one(LOG, flip_log_bit, f"{part}/{number}")
    counts = campaign.counts + beside.counts
    for kind, outcome in sorted(counts):
        tell(f"{kind}, {outcome}", counts[kind, outcome])
    assert sum(counts.values()) == MUTATIONS_EACH + FILES_EACH + LOGS_EACH
    assert campaign.misses + beside.misses == []
