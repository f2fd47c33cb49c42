# SPDX-License-Identifier: Apache-2.0
"""Which key speaks for whom, from which entry to which."""

from __future__ import annotations

from typing import Any

import pytest

from governance.core.ssh_signing import public_half, sign_message
from governance.core.statement import NAMESPACE, binding_message, format_stored
from governance.errors import StatementError
from governance.events.envelope import Event, parse_event
from governance.events.signers import SignerKeys
from tests.core.ssh import ed25519

ORIGIN = "example.com/audit"
NOW = "2026-11-20T09:00:00.000000Z"
KEY = public_half(ed25519(1))
OTHER = public_half(ed25519(2))


def told(kind: str, subject: str = "person:ana", **data: Any) -> Event:
    return parse_event(
        {
            "id": "e",
            "type": kind,
            "occurred_at": NOW,
            "actor": {"id": "admin", "kind": "person"},
            "subject": subject,
            "data": data,
        }
    )


def bound(subject: str = "person:ana", **data: Any) -> Event:
    return told("key.bound", subject, **{"public_key": KEY.line, "fingerprint": KEY.fingerprint} | data)


def revoked(subject: str = "person:ana", key: str = KEY.fingerprint) -> Event:
    return told("key.revoked", subject, fingerprint=key, reason="lost")


def proof(seed: int = 1, *, holder: str = "person:ana", origin: str = ORIGIN) -> str:
    message = binding_message(KEY, holder=holder, origin=origin)
    return format_stored(sign_message(ed25519(seed), message, namespace=NAMESPACE))


def after(*events: Event) -> SignerKeys:
    keys = SignerKeys(ORIGIN)
    for index, event in enumerate(events, start=1):
        keys.take(event, index)
    return keys


def refusal(keys: SignerKeys, index: int, *, holder: str = "person:ana", at: str = NOW) -> str | None:
    return keys.refusal(KEY.fingerprint, holder, index=index, appended_at=at)


def test_a_key_speaks_for_its_holder_from_the_entry_after_its_binding() -> None:
    keys = after(bound())
    assert refusal(keys, 2) is None
    assert "bound to person:ana only later, by entry 1" in str(refusal(keys, 1))
    assert "only later" in str(refusal(keys, 0))


def test_a_key_that_nobody_bound_speaks_for_nobody() -> None:
    assert refusal(after(), 2) == f"key {KEY.fingerprint} is bound to nobody"


def test_a_key_speaks_for_nobody_else() -> None:
    assert "is bound to person:ana, not to person:bo" in str(refusal(after(bound()), 2, holder="person:bo"))


def test_a_revocation_takes_effect_after_its_entry_and_leaves_what_was_signed_before() -> None:
    keys = after(bound(), revoked())
    assert refusal(keys, 2) is None
    assert "of person:ana was revoked by entry 2" in str(refusal(keys, 3))


def test_a_second_revocation_does_not_move_the_first() -> None:
    keys = after(bound(), revoked(), revoked())
    assert "by entry 2" in str(refusal(keys, 3))
    assert not keys.faults


def test_a_key_runs_out_by_the_clock_of_the_ledger() -> None:
    keys = after(bound(valid_until="2026-11-20T10:00:00+01:00"))
    assert "ran out at 2026-11-20T10:00:00+01:00" in str(refusal(keys, 2, at=NOW))
    assert refusal(keys, 2, at="2026-11-20T08:59:59.999999Z") is None


def test_a_binding_anew_says_anew_until_when_and_only_from_there_on() -> None:
    keys = after(bound(valid_until="2026-01-01T00:00:00Z"), bound(valid_until="2027-01-01T00:00:00Z"))
    assert "ran out at 2026-01-01" in str(refusal(keys, 2))
    assert refusal(keys, 3) is None
    assert not keys.faults


def test_possession_is_proven_by_the_key_itself() -> None:
    keys = after(bound(proof=proof()))
    binding = keys.keys[KEY.fingerprint].binding_at(2)
    assert binding is not None
    assert binding.proven
    unproven = after(bound()).keys[KEY.fingerprint].binding_at(2)
    assert unproven is not None
    assert not unproven.proven


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (bound(proof=proof(2)), "the proof of possession is by"),
        (bound(proof=proof(holder="person:bo")), "does not verify"),
        (bound(proof=proof(origin="example.com/other")), "does not verify"),
        (bound(proof="AAAA"), "it begins"),
        (bound(fingerprint=OTHER.fingerprint), "the key's fingerprint is"),
        (bound(public_key="ssh-dss AAAAB3NzaC1kc3M="), "which is not read"),
        (bound(public_key="ssh-rsa " + KEY.line.split()[1]), "the public key says ssh-rsa"),
        (revoked(), "is not bound to person:ana"),
    ],
)
def test_what_does_not_hold_changes_nothing_and_is_told(event: Event, what: str) -> None:
    keys = after(event)
    assert not keys.keys
    ((index, told_fault),) = keys.faults
    assert index == 1
    assert what in told_fault
    with pytest.raises(StatementError, match=what):
        SignerKeys(ORIGIN).follow(event, 1)


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ((bound(), bound("person:bo")), "is bound to person:ana by entry 1"),
        ((bound(), revoked("person:bo")), "is not bound to person:bo"),
        ((bound(), revoked(), bound()), "was revoked by entry 2 and never comes back"),
        ((bound(), revoked(key=OTHER.fingerprint)), "is not bound to person:ana"),
    ],
)
def test_what_contradicts_an_earlier_entry_is_told(events: tuple[Event, ...], what: str) -> None:
    keys = after(*events)
    assert [index for index, _ in keys.faults] == [len(events)]
    assert what in keys.faults[0][1]


def test_other_events_change_nothing() -> None:
    keys = after(told("person.enrolled"), told("role.granted", role="approver"))
    assert not keys.keys
    assert not keys.faults
