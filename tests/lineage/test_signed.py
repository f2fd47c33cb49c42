# SPDX-License-Identifier: Apache-2.0
"""What the dossier says of signatures: signed by which key, valid at that entry, in which role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.core.hashing import hash_leaf
from governance.core.ssh_signing import PrivateKey, public_half, sign_message
from governance.core.statement import NAMESPACE, binding_message, format_stored, statement_message
from governance.events.envelope import NO_PREVIOUS, Entry, format_body, parse_event, read_entry
from governance.lineage.fold import build_dossier
from governance.lineage.views import ApprovalView
from tests.core.ssh import Token, ed25519
from tests.lineage.histories import ORIGIN, START, digest

MODEL = "model:scorer@2"
KEY = public_half(ed25519(1))
OPENED: dict[str, Any] = {"origin": ORIGIN, "verifier_key": f"{ORIGIN}+00000000+AQ==", "format_version": 1}


class History:
    """Entries one hour apart, with whatever signatures are asked for."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.tell("ledger.opened", f"ledger:{ORIGIN}", "tool:governance", **OPENED)
        self.tell("model.registered", MODEL, "service:training", digest=digest("scorer"))

    def tell(
        self,
        kind: str,
        subject: str,
        actor: str = "person:admin",
        *,
        by: tuple[PrivateKey, ...] = (),
        for_ledger: str = ORIGIN,
        raw: tuple[str, ...] = (),
        **data: Any,
    ) -> int:
        index = len(self.entries)
        moment = (START + timedelta(hours=index)).isoformat()
        agent, _, name = actor.partition(":")
        event = parse_event(
            {
                "id": f"e{index}",
                "type": kind,
                "occurred_at": moment,
                "actor": {"id": name, "kind": agent},
                "subject": subject,
                "data": data,
            }
        )
        message = statement_message(event.to_canonical(), origin=for_ledger)
        signed = [format_stored(sign_message(each, message, namespace=NAMESPACE)) for each in by]
        previous = hash_leaf(self.entries[-1].body).hex() if self.entries else NO_PREVIOUS
        body = format_body(
            event=event.to_canonical(),
            index=index,
            appended_at=event.occurred_at,
            previous=previous,
            signatures=(*signed, *raw),
        )
        self.entries.append(read_entry(body))
        return index

    def bind(self, holder: str = "person:rita", **data: Any) -> int:
        return self.tell("key.bound", holder, public_key=KEY.line, fingerprint=KEY.fingerprint, **data)

    def approve(self, *by: PrivateKey, actor: str = "person:rita", **other: Any) -> int:
        told = {"digest": digest("scorer"), "purpose": "production", "role": "approver"}
        return self.tell("approval.granted", MODEL, actor, by=by, **(told | other))

    def approvals(self) -> tuple[ApprovalView, ...]:
        return build_dossier(MODEL, self.entries, tree_size=len(self.entries)).models[0].approvals

    def last(self) -> ApprovalView:
        return self.approvals()[-1]


@pytest.fixture
def history() -> History:
    made = History()
    made.tell("role.granted", "person:rita", role="approver")
    return made


def test_a_signed_approval_tells_key_binding_and_roles(history: History) -> None:
    bound = history.bind()
    history.tell("role.granted", "person:rita", role="model-risk")
    history.approve(ed25519(1))
    view = history.last()
    assert (view.signed, view.signed_by, view.key_index) == (True, KEY.fingerprint, bound)
    assert view.signer_roles == ("approver", "model-risk")
    (signature,) = view.signatures
    assert (signature.holds, signature.refusal, signature.key_type) == (True, None, "ssh-ed25519")
    assert not signature.proven
    assert not signature.hardware


def test_a_proven_binding_is_told(history: History) -> None:
    message = binding_message(KEY, holder="person:rita", origin=ORIGIN)
    history.bind(proof=format_stored(sign_message(ed25519(1), message, namespace=NAMESPACE)))
    history.approve(ed25519(1))
    assert history.last().signatures[0].proven


def test_an_approval_without_signature_is_not_signed_whatever_roles_are_held(history: History) -> None:
    history.bind()
    history.approve()
    view = history.last()
    assert (view.signed, view.signed_by, view.key_index, view.signer_roles) == (False, None, None, ())
    assert view.signatures == ()
    assert view.role_held


def test_a_key_that_nobody_bound_signs_nothing(history: History) -> None:
    history.approve(ed25519(1))
    view = history.last()
    assert not view.signed
    assert "is bound to nobody" in str(view.signatures[0].refusal)
    assert view.signatures[0].fingerprint == KEY.fingerprint


def test_the_key_of_another_person_signs_nothing(history: History) -> None:
    history.bind("person:bo")
    history.tell("run.started", "run:x", "person:bo", job="j")
    history.approve(ed25519(1))
    assert not history.last().signed
    assert "bound to person:bo" in str(history.last().signatures[0].refusal)


def test_a_key_bound_only_later_signs_nothing(history: History) -> None:
    history.approve(ed25519(1))
    history.bind()
    assert not history.last().signed
    assert "only later" in str(history.last().signatures[0].refusal)


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_stays(history: History) -> None:
    history.bind()
    history.approve(ed25519(1))
    history.tell("key.revoked", "person:rita", fingerprint=KEY.fingerprint, reason="lost")
    history.approve(ed25519(1))
    before, after = history.approvals()
    assert before.signed
    assert not after.signed
    assert "was revoked by entry" in str(after.signatures[0].refusal)


def test_a_key_that_ran_out_signs_nothing(history: History) -> None:
    history.bind(valid_until=(START + timedelta(hours=4)).isoformat())
    history.approve(ed25519(1))
    assert "ran out" in str(history.last().signatures[0].refusal)
    assert not history.last().signed


def test_a_statement_for_another_ledger_is_not_signed(history: History) -> None:
    history.bind()
    history.approve(ed25519(1), for_ledger="example.com/other")
    assert "does not verify" in str(history.last().signatures[0].refusal)
    assert history.last().signatures[0].fingerprint is None
    assert not history.last().signed


def test_an_event_altered_after_signing_is_not_signed(history: History) -> None:
    history.bind()
    index = history.approve(ed25519(1))
    taken = history.entries[index].signatures
    history.tell(
        "approval.granted", MODEL, "person:rita", raw=taken, digest=digest("else"), purpose="production"
    )
    assert not history.last().signed


def test_a_malformed_signature_is_told_and_a_good_one_beside_it_counts(history: History) -> None:
    history.bind()
    history.approve(ed25519(1), raw=("AAAA",))
    view = history.last()
    assert view.signed
    assert [each.holds for each in view.signatures] == [True, False]


def test_a_token_is_told(history: History) -> None:
    token = Token(9)
    history.tell("key.bound", "person:rita", public_key=token.key.line, fingerprint=token.key.fingerprint)
    event: dict[str, Any] = {"digest": digest("scorer"), "purpose": "production"}
    index = history.tell("approval.granted", MODEL, "person:rita", **event)
    message = statement_message(history.entries[index].event.to_canonical(), origin=ORIGIN)
    history.entries.pop()
    history.tell("approval.granted", MODEL, "person:rita", raw=(format_stored(token.sign(message)),), **event)
    assert history.last().signed
    assert history.last().signatures[0].hardware


def test_roles_that_ran_out_were_revoked_or_are_for_another_thing_do_not_count(history: History) -> None:
    history.bind()
    grant = history.tell
    grant("role.granted", "person:rita", role="a-expired", valid_until=START.isoformat())
    grant("role.granted", "person:rita", role="b-revoked")
    grant("role.revoked", "person:rita", role="b-revoked")
    grant("role.granted", "person:rita", role="c-elsewhere", scope="system:other")
    grant("role.granted", "person:rita", role="d-here", scope=MODEL)
    grant("role.granted", "person:rita", role="e-regranted")
    grant("role.revoked", "person:rita", role="e-regranted")
    grant("role.granted", "person:rita", role="e-regranted")
    grant("role.granted", "person:rita", role="f-partly")
    grant("role.revoked", "person:rita", role="f-partly", scope="system:other")
    grant("role.granted", "person:bo", role="g-of-another")
    history.approve(ed25519(1))
    grant("role.granted", "person:rita", role="h-later")
    assert history.last().signer_roles == ("approver", "d-here", "e-regranted", "f-partly")


def test_a_role_for_a_system_counts_for_its_models(history: History) -> None:
    history.bind()
    history.tell("role.granted", "person:rita", role="for-lending", scope="system:lending")
    told: dict[str, Any] = {
        "name": "L",
        "intended_purpose": "p",
        "provider": "organisation:o",
        "risk_class": "high",
    }
    history.tell("system.registered", "system:lending", **told)
    history.tell("model.registered", MODEL, digest=digest("scorer"), system="system:lending")
    history.approve(ed25519(1))
    assert history.last().signer_roles == ("approver", "for-lending")


def test_without_the_first_entry_no_statement_is_for_this_ledger(history: History) -> None:
    history.bind()
    history.approve(ed25519(1))
    view = build_dossier(MODEL, history.entries[1:], tree_size=99).models[0].approvals[0]
    assert not view.signed


def test_the_keys_of_whoever_acts_are_evidence(history: History) -> None:
    bound = history.bind()
    history.approve(ed25519(1))
    lost = history.tell("key.revoked", "person:rita", fingerprint=KEY.fingerprint, reason="lost")
    other = public_half(ed25519(2))
    second = history.tell("key.bound", "person:rita", public_key=other.line, fingerprint=other.fingerprint)
    dossier = build_dossier(MODEL, history.entries, tree_size=len(history.entries))
    (rita,) = [view for view in dossier.organisation.persons if view.ref == "person:rita"]
    assert [each.bound.index for each in rita.keys] == [bound, second]
    assert [each.revoked_index for each in rita.keys] == [lost, None]
    assert {bound, lost, second} <= {line.index for line in dossier.entries}
