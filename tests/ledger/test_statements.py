# SPDX-License-Identifier: Apache-2.0
"""Signed events on their way into a ledger: what holds is written as it came, whatever does not is refused by name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.core.hashing import digest_bytes
from governance.errors import ConflictError, EventError, StatementError
from governance.events.envelope import parse_event, read_entry
from governance.events.signed import parse_signed
from governance.ledger.log import Ledger
from governance.ledger.verify import verify
from governance.storage.interface import Storage
from governance.storage.memory import MemoryStorage
from governance.storage.sqlite import SqliteStorage
from tests.core.ssh import ecdsa, ed25519
from tests.ledger.histories import ORIGIN, START, ToldClock, event, opening, signing_key
from tests.ledger.statements import KEY, approval, bound, proof, revoked, signature, signed


class Opened:
    """A ledger in which Rita's key is bound."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.clock = ToldClock()
        self.ledger = Ledger(storage, clock=self.clock, origin=ORIGIN, signing_key=signing_key())
        self.ledger.append([opening(signing_key()), bound(1)])

    @property
    def size(self) -> int:
        return self.storage.head().size

    def refused(self, *events: Any, error: type[Exception] = StatementError) -> str:
        """Why nothing is written of these events."""
        before = self.size
        with pytest.raises(error) as raised:
            self.ledger.append(events)
        assert self.size == before
        return str(raised.value)


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    made = MemoryStorage() if request.param == "memory" else SqliteStorage.create(tmp_path / "ledger.db")
    with closing(made) as storage:
        yield Opened(storage)


def test_a_signed_event_keeps_its_signatures_and_verifies(opened: Opened) -> None:
    told = signed(approval(5))
    (entry,) = opened.ledger.append([told])
    assert entry.signatures == tuple(told["signatures"])
    opened.ledger.append([event(6)])
    opened.ledger.checkpoint()
    found = verify(opened.storage, keys=[signing_key().verifier_key])
    assert found.holds, found.discrepancies
    assert found.statements == 1


def test_what_else_is_said_of_a_person_says_nothing_of_their_keys(opened: Opened) -> None:
    opened.ledger.append([event(3, "person.enrolled", "person:rita", function="validator")])
    opened.ledger.append([event(4, "role.granted", "person:rita", role="model-risk")])
    opened.ledger.append([signed(approval(5))])
    assert opened.size == 5


def test_a_signed_event_travels_in_one_form() -> None:
    for told in (signed(approval(5)), signed(approval(5)) | {"origin": ORIGIN}):
        assert parse_signed(told).to_dict() == told


def test_signed_and_unsigned_events_share_an_append(opened: Opened) -> None:
    told = [event(5), signed(approval(6)), event(7), signed(approval(8))]
    entries = opened.ledger.append(told)
    assert [len(each.signatures) for each in entries] == [0, 1, 0, 1]
    assert [each.index for each in entries] == [2, 3, 4, 5]
    opened.ledger.checkpoint()
    assert verify(opened.storage).holds


def test_a_key_may_be_bound_and_sign_in_the_same_append(opened: Opened) -> None:
    told = approval(6, "person:bo")
    second = {"event": told, "signatures": [signature(told, ed25519(2))]}
    opened.ledger.append([bound(5, "person:bo", seed=2, proof=proof("person:bo", seed=2)), second])
    assert opened.size == 4


def test_a_key_that_is_bound_later_in_the_same_append_signs_nothing(opened: Opened) -> None:
    told = approval(5, "person:bo")
    second = {"event": told, "signatures": [signature(told, ed25519(2))]}
    assert "is bound to nobody" in opened.refused(second, bound(6, "person:bo", seed=2))


def test_several_keys_of_one_person_may_sign(opened: Opened) -> None:
    opened.ledger.append([bound(5, seed=2)])
    (entry,) = opened.ledger.append([signed(approval(6), 1, 2)])
    assert len(entry.signatures) == 2


def test_an_event_is_signed_in_the_form_that_is_kept(opened: Opened) -> None:
    """The author signs the canonical form; how the event is spelt on its way does not matter."""
    told = approval(5)
    spelt = told | {"occurred_at": "2026-11-20T09:00:00+01:00"}
    (entry,) = opened.ledger.append([{"event": spelt, "signatures": [signature(told, ed25519(1))]}])
    assert entry.event.occurred_at == "2026-11-20T08:00:00.000000Z"
    assert parse_event(told).to_canonical() == entry.event.to_canonical()


def test_what_names_this_ledger_is_taken(opened: Opened) -> None:
    opened.ledger.append([signed(approval(5)) | {"origin": ORIGIN}])
    assert opened.size == 3


def test_tasks_append_signed_events_too(opened: Opened) -> None:
    (entry,) = asyncio.run(opened.ledger.append_async([signed(approval(5))]))
    assert entry.signatures


def test_the_same_statement_counts_once(opened: Opened) -> None:
    """A replay: whoever holds a statement can hand it in again, and gets the entry that is there."""
    told = signed(approval(5))
    (first,) = opened.ledger.append([told])
    (again,) = opened.ledger.append([told])
    assert again == first
    assert [each.index for each in opened.ledger.append([told, told])] == [2, 2]
    assert opened.size == 3


def test_a_statement_that_was_revoked_does_not_come_back_by_handing_it_in_again(opened: Opened) -> None:
    told = signed(approval(5))
    opened.ledger.append([told])
    taken_back = event(
        6, "approval.revoked", "model:m@1", digest=digest_bytes(b"m"), purpose="production", reason="r"
    )
    opened.ledger.append([taken_back])
    assert opened.ledger.append([told])[0].index == 2
    assert opened.size == 4


def test_a_statement_under_a_new_id_does_not_verify(opened: Opened) -> None:
    told = signed(approval(5))
    opened.ledger.append([told])
    assert "does not verify" in opened.refused(told | {"event": approval(6)})


def test_an_entry_never_gets_other_signatures(opened: Opened) -> None:
    opened.ledger.append([bound(4, seed=2), signed(approval(5)), approval(6)])
    other = "already, with other signatures or none"
    assert other in opened.refused(signed(approval(5), 2), error=ConflictError)
    assert other in opened.refused(signed(approval(5), 1, 2), error=ConflictError)
    assert other in opened.refused(signed(approval(6)), error=ConflictError)
    assert opened.ledger.append([approval(5)])[0].signatures


def test_one_event_twice_with_different_signatures_is_refused(opened: Opened) -> None:
    opened.ledger.append([bound(4, seed=2)])
    assert "stands twice" in opened.refused(signed(approval(5)), signed(approval(5), 2), error=ConflictError)
    assert "stands twice" in opened.refused(signed(approval(5)), approval(5), error=ConflictError)


def altered(stated: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return stated | {"event": stated["event"] | changes}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (altered(signed(approval(5)), subject="model:m@2"), "does not verify"),
        (altered(signed(approval(5)), occurred_at="2026-11-20T08:00:01Z"), "does not verify"),
        (altered(signed(approval(5)), actor={"id": "bo", "kind": "person"}), "does not verify"),
        (altered(signed(approval(5)), data=approval(5, purpose="test")["data"]), "does not verify"),
        (altered(signed(approval(5)), data=approval(5, digest=digest_bytes(b"x"))["data"]), "does not verify"),
        (signed(approval(5), origin="example.com/other"), "does not verify"),
        (signed(approval(5)) | {"origin": "example.com/other"}, "is for the ledger example.com/other"),
        (signed(approval(5), 2), "is bound to nobody"),
        (signed(approval(5, "person:bo")), "is bound to person:rita, not to person:bo"),
        (signed(approval(5, "service:rita")), "is bound to person:rita, not to service:rita"),
        (signed(approval(5), 1, 2), "is bound to nobody"),
        (signed(approval(5), 1, 1), "signed the event twice"),
        (signed(approval(5)) | {"signatures": [signature(approval(5), ed25519(1), namespace="git")]}, "'git'"),
        (signed(approval(5)) | {"signatures": [signature(approval(5), ecdsa(256))]}, "is bound to nobody"),
        (signed(approval(5)) | {"signatures": ["AAAA"]}, "not an OpenSSH signature"),
        (signed(approval(5)) | {"signatures": [signed(approval(5))["signatures"][0][:-4]]}, "cut short"),
        (signed(approval(5)) | {"signatures": [signed(approval(5))["signatures"][0] + "AAAA"]}, "not base64|goes on"),
        (signed(approval(5)) | {"signatures": []}, "a request that nobody signed yet"),
        (signed(approval(5)) | {"signatures": "AAAA"}, "a list of at most 8 texts"),
        (signed(approval(5)) | {"signatures": [1]}, "a text of at most"),
        (signed(approval(5)) | {"signatures": ["A"] * 9}, "a list of at most 8 texts"),
        (signed(approval(5)) | {"signatures": ["A" * 6000]}, "a text of at most"),
        (signed(approval(5)) | {"key": "x"}, "has no field 'key'"),
        (signed(approval(5)) | {"origin": 1}, "the origin of a signed event is a text"),
        ({"event": "x", "signatures": ["AAAA"]}, "needs an event"),
        ({"event": signed(approval(5)), "signatures": ["AAAA"]}, "a signed event in a signed event"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused_and_says_why(told: Any, why: str, opened: Opened) -> None:
    assert re.search(why, opened.refused(event(4), told))


def test_a_signed_event_that_is_no_event_is_told_as_one(opened: Opened) -> None:
    assert "event 1" in opened.refused({"event": {"id": "x"}, "signatures": ["AAAA"]}, error=EventError)


def test_a_revoked_key_signs_nothing_from_the_next_entry_on(opened: Opened) -> None:
    opened.ledger.append([signed(approval(5)), revoked(6)])
    assert f"key {KEY.fingerprint} of person:rita was revoked by entry 3" in opened.refused(
        signed(approval(7))
    )
    opened.ledger.checkpoint()
    found = verify(opened.storage)
    assert found.holds
    assert found.statements == 1


def test_a_key_that_is_revoked_in_the_same_append_signs_nothing_after(opened: Opened) -> None:
    assert "was revoked by entry 2" in opened.refused(revoked(5), signed(approval(6)))
    opened.ledger.append([signed(approval(6)), revoked(5)])


def test_a_key_runs_out_by_the_ledgers_clock_whatever_the_event_says(opened: Opened) -> None:
    until = (START + timedelta(hours=1)).isoformat()
    opened.ledger.append([bound(5, "person:bo", seed=2, valid_until=until)])
    in_time, late = approval(6, "person:bo"), approval(7, "person:bo")
    opened.ledger.append([{"event": in_time, "signatures": [signature(in_time, ed25519(2))]}])
    opened.clock.moment = START + timedelta(hours=1)
    why = opened.refused({"event": late, "signatures": [signature(late, ed25519(2))]})
    assert f"of person:bo ran out at {until}" in why


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (bound(5, "person:bo"), "is bound to person:rita by entry 1"),
        (bound(5, "person:bo", seed=2, proof=proof("person:rita", seed=2)), "does not verify"),
        (
            bound(5, "person:bo", seed=2, proof=proof("person:bo", seed=2, origin="x.org/y")),
            "does not verify",
        ),
        (bound(5, "person:bo", seed=2, proof=proof("person:bo", seed=1)), "does not verify"),
        (bound(5, "person:bo", seed=2, fingerprint=KEY.fingerprint), "the key's fingerprint is"),
        (bound(5, "person:bo", seed=2, public_key="ssh-rsa AAAA"), "is cut short"),
        (revoked(5, "person:bo"), "is not bound to person:bo"),
        (revoked(5, seed=2), "is not bound to person:rita"),
    ],
)
def test_an_event_about_a_key_that_does_not_hold_is_refused(
    told: dict[str, Any], why: str, opened: Opened
) -> None:
    assert why in opened.refused(event(4), told)


def test_a_revoked_key_is_never_bound_again(opened: Opened) -> None:
    opened.ledger.append([revoked(5)])
    assert "never comes back" in opened.refused(bound(6))
    assert "never comes back" in opened.refused(bound(6, proof=proof()))


def test_the_caller_beside_a_bad_statement_is_not_harmed(opened: Opened) -> None:
    """Callers that share a transaction keep their own outcomes."""

    async def both() -> list[Any]:
        good = [opened.ledger.append_async([event(number)]) for number in range(10, 15)]
        bad = opened.ledger.append_async([signed(approval(5), 2)])
        return await asyncio.gather(*good, bad, return_exceptions=True)

    *entries, refused = asyncio.run(both())
    assert isinstance(refused, StatementError)
    assert sorted(each[0].index for each in entries) == [2, 3, 4, 5, 6]


def test_a_ledger_of_another_name_takes_nothing_that_is_signed_for_this_one() -> None:
    other = signing_key(name="example.com/other")
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=other.name, signing_key=other)
    ledger.append([opening(other), bound(1)])
    with pytest.raises(StatementError, match="does not verify"):
        ledger.append([signed(approval(5))])
    ledger.append([signed(approval(5), origin=other.name)])
    assert read_entry(storage.entries_at([2])[0].body).signatures
