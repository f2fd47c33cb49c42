# SPDX-License-Identifier: Apache-2.0
"""Random operations on a ledger against a model of it in plain Python, with a failure at any call to the storage.

The model is a list of events, the digests that refs are bound to and the tree sizes that were signed. After a failure
the ledger must be what the model was before the operation or what it would be after it: never between.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.core.checkpoint import open_checkpoint
from governance.core.hashing import digest_bytes
from governance.core.merkle import verify_consistency
from governance.core.proof import verify_proof_file
from governance.errors import ConflictError, GovernanceError, NotFoundError, StorageError
from governance.events.envelope import parse_event, read_entry
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.interface import CheckpointRow, Storage, Writer
from governance.storage.memory import MemoryStorage
from governance.storage.opening import create_storage, open_storage
from tests.faults.failing import FailingStorage, Fault, Trap
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key
from tests.postgresql_server import PostgresqlServer

KEY = signing_key()
NAMES = [f"id-{number}" for number in range(12)]
MODELS = [f"model:m{number}@1" for number in range(3)]
Answer = TypeVar("Answer")

faults = st.one_of(
    st.none(), st.builds(Fault, call=st.integers(min_value=1, max_value=14), is_before=st.booleans())
)
statements = st.one_of(
    st.builds(
        lambda name, reason: event(0, reason=reason) | {"id": name},
        st.sampled_from(NAMES),
        st.sampled_from(["out of memory", "cancelled"]),
    ),
    st.builds(
        lambda name, ref, content: (
            event(0, "model.registered", ref, digest=digest_bytes(content), run="run:r1") | {"id": name}
        ),
        st.sampled_from(NAMES),
        st.sampled_from(MODELS),
        st.sampled_from([b"one", b"other"]),
    ),
)


@dataclass
class Model:
    """What a ledger is, in plain Python."""

    events: list[dict[str, Any]] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    signed: list[int] = field(default_factory=list)

    def append(self, stated: list[dict[str, Any]]) -> list[int]:
        """Append all or raise; the indexes.

        Raises:
            ConflictError: An id or a ref is taken by other content.
        """
        indexes: list[int] = []
        for each in stated:
            known = [at for at, other in enumerate(self.events) if other["id"] == each["id"]]
            if known:
                if self.events[known[0]] != each:
                    raise ConflictError("id")
                indexes.append(known[0])
                continue
            digest = each["data"].get("digest")
            if digest and self.bound.setdefault(each["subject"], digest) != digest:
                raise ConflictError("ref")
            indexes.append(len(self.events))
            self.events.append(each)
        return indexes

    def sign(self) -> int:
        """Sign what there is, unless it is signed."""
        if self.signed[-1:] != [len(self.events)]:
            self.signed.append(len(self.events))
        return len(self.events)


def normal(raw: dict[str, Any]) -> dict[str, Any]:
    """An event as it is kept."""
    return parse_event(raw).to_dict()


class LedgerMachine(RuleBasedStateMachine):
    """Operations on the ledger and on the model; a subclass says where the ledger stands."""

    def __init__(self) -> None:
        super().__init__()
        self.trap = Trap()
        self.clock = ToldClock()
        self.model = Model()
        self.storage = self.make()

    def make(self) -> Storage:
        """A new storage."""
        return MemoryStorage()

    def open_again(self) -> Storage:
        """The same storage, as another process would open it."""
        return self.storage

    @initialize()
    def begin(self) -> None:
        self.connect()
        first = opening(KEY)
        self.ledger.append([first])
        self.model.append([normal(first)])

    def connect(self) -> None:
        """A ledger that remembers nothing of what was before."""
        self.ledger = Ledger(
            FailingStorage(self.storage, self.trap), clock=self.clock, origin=ORIGIN, signing_key=KEY
        )

    @rule(stated=st.lists(statements, max_size=4), fault=faults)
    def append(self, stated: list[dict[str, Any]], fault: Fault | None) -> None:
        after = deepcopy(self.model)
        expected: list[int] | None
        try:
            expected = after.append([normal(each) for each in stated])
        except ConflictError:
            expected, after = None, self.model
        entries = self.attempt(lambda: self.ledger.append(stated), fault, after, conflicts=expected is None)
        if entries is not None:
            assert [entry.index for entry in entries] == expected
            assert [entry.event.to_dict() for entry in entries] == [normal(each) for each in stated]

    @rule(fault=faults)
    def checkpoint(self, fault: Fault | None) -> None:
        after = deepcopy(self.model)
        size = after.sign()
        row = self.attempt(self.ledger.checkpoint, fault, after)
        if row is not None:
            assert row.tree_size == size
            assert open_checkpoint(row.note, [KEY.verifier_key]).tree_size == size

    @rule(index=st.integers(min_value=0, max_value=20), fault=faults)
    def prove(self, index: int, fault: Fault | None) -> None:
        is_covered = bool(self.model.signed) and index < self.model.signed[-1]
        content = self.attempt(
            lambda: self.ledger.prove(index), fault, self.model, fails=None if is_covered else NotFoundError
        )
        if content is not None:
            (row,) = self.storage.entries_at([index])
            assert verify_proof_file(content, row.body, [KEY.verifier_key]).tree_size == self.model.signed[-1]

    @precondition(lambda self: len(self.model.signed) > 1)
    @rule(data=st.data(), fault=faults)
    def prove_consistency(self, data: st.DataObject, fault: Fault | None) -> None:
        rows = data.draw(st.tuples(*[st.sampled_from(self.storage.checkpoints())] * 2))
        old, new = sorted(rows, key=lambda row: row.tree_size)
        proof = self.attempt(
            lambda: self.ledger.prove_consistency(old.tree_size, new.tree_size), fault, self.model
        )
        if proof is not None:
            verify_consistency(
                old=old.tree_size, new=new.tree_size, old_root=old.root, new_root=new.root, proof=proof
            )

    @rule()
    def reopen(self) -> None:
        self.storage = self.open_again()
        self.connect()

    def attempt(
        self,
        operate: Callable[[], Answer],
        fault: Fault | None,
        after: Model,
        *,
        conflicts: bool = False,
        fails: type[GovernanceError] | None = None,
    ) -> Answer | None:
        """Do an operation with a fault in it, and take over as model what the ledger turns out to be.

        Returns:
            What the operation gave, None when it was refused or failed.
        """
        expected = ConflictError if conflicts else fails
        self.trap.arm(fault)
        try:
            answer = operate()
        except StorageError:
            assert self.trap.sprung, "it failed by itself"
            told = self.read()
            assert told in (self.model, after), f"neither before nor after, failed at {self.trap.sprung}"
            self.model = told
            return None
        except GovernanceError as error:
            if expected is None or not isinstance(error, expected):
                raise
            return None
        finally:
            self.trap.arm(None)
        assert expected is None, f"{expected.__name__} was expected"
        self.model = after
        return answer

    def read(self) -> Model:
        """The ledger as a model, read from the real storage."""
        told = Model()
        for row in self.storage.entries(0, self.storage.head().size):
            told.append([read_entry(row.body).event.to_dict()])
        told.signed = [row.tree_size for row in self.storage.checkpoints()]
        return told

    @invariant()
    def the_ledger_is_what_the_model_says(self) -> None:
        assert self.read() == self.model
        ids = [each["id"] for each in self.model.events]
        assert self.storage.event_indexes(ids) == {each: at for at, each in enumerate(ids)}

    def teardown(self) -> None:
        if self.model.events:
            self.ledger.checkpoint()
            found = verify(self.storage, keys=[KEY.verifier_key])
            assert found.holds, found.discrepancies
        self.storage.close()


class SqliteMachine(LedgerMachine):
    """The same with the ledger in a file."""

    def make(self) -> Storage:
        self.folder = Path(tempfile.mkdtemp())
        return create_storage(f"sqlite:///{self.folder / 'ledger.db'}")

    def open_again(self) -> Storage:
        url = self.storage.url
        self.storage.close()
        return open_storage(url)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)


class PostgresqlMachine(LedgerMachine):
    """The same with the ledger in a schema of a server's."""

    server: ClassVar[PostgresqlServer]

    def make(self) -> Storage:
        self.url = self.server.url()
        return create_storage(self.url)

    def open_again(self) -> Storage:
        self.storage.close()
        return open_storage(self.url)


class _Careless(MemoryStorage):
    """A storage that breaks its promise: of a transaction that failed something stays."""

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        failed: list[StorageError] = []
        with super().writing() as writer:
            try:
                yield writer
            except StorageError as error:
                failed.append(error)
                latest = writer.latest_checkpoint()
                writer.write_checkpoint(CheckpointRow(latest.number + 1 if latest else 0, 0, b"", b""))
        if failed:
            raise failed[0]


class CarelessMachine(LedgerMachine):
    """Must fail: it shows that the others would."""

    def make(self) -> Storage:
        return _Careless()

    def teardown(self) -> None:
        """Nothing to hold it to at the end."""


MACHINES = {"memory": LedgerMachine, "sqlite": SqliteMachine, "postgresql": PostgresqlMachine}
"""A further backend brings a machine that says how to make and to reopen its storage."""


@pytest.fixture(autouse=True)
def _server(request: pytest.FixtureRequest) -> None:
    """A server for the machine that needs one."""
    if "postgresql" in request.node.name:
        PostgresqlMachine.server = request.getfixturevalue("postgresql")


@pytest.mark.parametrize("name", MACHINES)
def test_a_ledger_under_faults_is_what_the_model_says(name: str) -> None:
    run_state_machine_as_test(MACHINES[name], settings=settings(max_examples=25, stateful_step_count=20))


def test_a_storage_that_keeps_a_part_of_what_failed_would_be_caught() -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            CarelessMachine,
            settings=settings(max_examples=100, stateful_step_count=20, phases=[Phase.generate]),
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_many_ledgers_under_faults_are_what_the_model_says(name: str) -> None:
    """The same, a hundred times as many operations."""
    run_state_machine_as_test(
        MACHINES[name],
        settings=settings(max_examples={"memory": 400, "sqlite": 150}.get(name, 40), stateful_step_count=40),
    )


def calls_of(operate: Callable[[Ledger], Any]) -> int:
    """How many storage calls an operation makes on a ledger of twenty entries."""
    for call in range(1, 200):
        trap = Trap()
        ledger = _ledger_of_twenty(MemoryStorage(), trap)
        trap.arm(Fault(call, is_before=True))
        try:
            operate(ledger)
        except StorageError:
            continue
        return call - 1
    raise AssertionError("an operation of that many calls is not what is tried here")


OPERATIONS: dict[str, Callable[[Ledger], Any]] = {
    "append": lambda ledger: ledger.append([event(number) for number in range(100, 140)]),
    "append what is there": lambda ledger: ledger.append([event(3), event(100)]),
    "bind": lambda ledger: ledger.append(
        [event(100, "model.registered", "model:m1@1", digest=digest_bytes(b"one"), run="run:r1")]
    ),
    "checkpoint": lambda ledger: ledger.checkpoint(),
    "prove": lambda ledger: ledger.prove(3),
    "prove consistency": lambda ledger: ledger.prove_consistency(3, 19),
}


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("where", ["memory://", "sqlite"])
def test_each_storage_call_of_each_operation_may_fail(
    tmp_path: Path, where: str, name: str, is_before: bool
) -> None:
    """Exhaustive: the ledger holds all or nothing of it, verifies, and the operation can be done again."""
    count = calls_of(OPERATIONS[name])
    assert count >= 2
    for call in range(1, count + 1):
        url = where if where == "memory://" else f"sqlite:///{tmp_path / f'{call}.db'}"
        with closing(create_storage(url)) as storage:
            trap = Trap()
            ledger = _ledger_of_twenty(storage, trap)
            before = storage.head().size, storage.latest_checkpoint()
            trap.arm(Fault(call, is_before=is_before))
            try:
                OPERATIONS[name](ledger)
            except StorageError as error:
                told = error.message
            else:
                # The write that finds an id there already fails by itself: nothing can fail after it.
                assert (name, is_before) == ("append what is there", False)
                continue
            assert "made to fail" in told
            after = storage.head().size, storage.latest_checkpoint()
            if (trap.sprung, is_before) != ("commit", False):
                assert after == before, trap.sprung
            OPERATIONS[name](ledger)
            ledger.checkpoint()
            found = verify(storage, keys=[KEY.verifier_key])
            assert found.holds, found.discrepancies
            ids = [read_entry(row.body).event.id for row in storage.entries(0, found.tree_size)]
            assert len(set(ids)) == len(ids)


def _ledger_of_twenty(storage: Storage, trap: Trap) -> Ledger:
    ledger = Ledger(FailingStorage(storage, trap), clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY), *(event(number) for number in range(1, 10))])
    ledger.checkpoint()
    ledger.append([event(number) for number in range(10, 20)])
    return ledger
