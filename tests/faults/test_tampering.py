# SPDX-License-Identifier: Apache-2.0
"""A campaign: a ledger of 2,000 entries is altered at random ten thousand times, and every time somebody notices.

A mutation may end in four ways: opening or verifying *refuses* with one of our errors; `verify` *names* it; it leaves a
true older state of the ledger, which only the *kept checkpoint* of an auditor can tell; or it is *without effect*:
every answer that the storage can give is the same as before. Anything else is a miss.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from governance.errors import GovernanceError
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.interface import Reader, Storage
from governance.storage.opening import create_storage, open_storage
from tests.faults.conftest import Tell
from tests.faults.mutations import MUTATIONS
from tests.ledger.histories import ORIGIN, ToldClock, event, lifecycle, opening, signing_key

KEY = signing_key()
SIZE = 2001
CHECKPOINT_EVERY = 40
PARTS = 4
"""The campaign is cut in parts that run side by side."""
MUTATIONS_EACH = 2400
PROOFS_EACH = 100


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


class Campaign:
    """Tries mutations and counts what became of them."""

    def __init__(self, honest: Path, folder: Path) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.misses: list[str] = []
        self._honest = honest
        self._copy = folder / "copy.db"
        with closing(open_storage(f"sqlite:///{honest}")) as storage:
            self._expected = answers(storage)

    def try_one(self, kind: str, mutate: Callable[[Random, Path], str | None], seed: str) -> None:
        """Draw until a mutation of this kind is done, and look what becomes of it."""
        draw = Random(seed)
        deed = None
        while deed is None:
            for suffix in ("", "-wal", "-shm", ".lock"):
                self._copy.with_name(self._copy.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(self._honest, self._copy)
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
                if found.signed_size < SIZE:
                    return "kept checkpoint"
                told = answers(storage)
        except GovernanceError:
            return "refused"
        differing = [name for name, expected in self._expected.items() if told[name] != expected]
        return f"MISSED by verify: {', '.join(differing)}" if differing else "without effect"


def kinds_drawn(draw: Random, count: int) -> list[str]:
    """Kinds of mutation in the proportions that `MUTATIONS` names."""
    return draw.choices(list(MUTATIONS), [weight for weight, _ in MUTATIONS.values()], k=count)


def run_campaign(campaign: Campaign, count: int, seed: int) -> None:
    for number, kind in enumerate(kinds_drawn(Random(seed), count)):
        campaign.try_one(kind, MUTATIONS[kind][1], f"{seed}/{number}")


def require_no_miss(campaign: Campaign, count: int, tell: Tell) -> None:
    """Print the counts, and fail with every miss."""
    for kind, outcome in sorted(campaign.counts):
        tell(f"tampering: {kind}, {outcome}", campaign.counts[kind, outcome])
    assert sum(campaign.counts.values()) == count
    assert campaign.misses == []


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_mutation_of_each_kind_is_noticed(honest: Path, tmp_path: Path, kind: str) -> None:
    """The same as below, few times."""
    campaign = Campaign(honest, tmp_path)
    for number in range(1):
        campaign.try_one(kind, MUTATIONS[kind][1], f"{kind}/{number}")
    assert campaign.misses == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_mutations_are_noticed(honest: Path, tmp_path: Path, part: int, tell: Tell) -> None:
    """None of them goes unseen; what became of each kind is printed."""
    campaign = Campaign(honest, tmp_path)
    run_campaign(campaign, MUTATIONS_EACH, seed=part)
    require_no_miss(campaign, MUTATIONS_EACH, tell)
