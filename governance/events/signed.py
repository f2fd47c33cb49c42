# SPDX-License-Identifier: Apache-2.0
"""A signed event as it travels to a ledger: one JSON object on one line.

    {"event":{"id":"018f…","type":"approval.granted",…},"origin":"example.com/audit","signatures":["U1NIU0lH…"]}

Rules: `origin` is the ledger that it is for, so that one that reached another is told as such. Without signatures it is
a request: what somebody is asked to sign. An event's own fields are never named so, and neither form can be mistaken
for the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.core.statement import SIGNATURE_CHARACTERS_MAX, SIGNATURES_MAX
from governance.errors import StatementError

_NEEDED = {"event", "signatures"}
_FIELDS = _NEEDED | {"origin"}


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """An event with the signatures of its author.

    Attributes:
        event: The event's envelope as plain values, not yet validated.
        signatures: Each as an entry keeps it; none in a request.
        origin: The ledger that it is for, None when it does not say.
    """

    event: Mapping[str, Any]
    signatures: tuple[str, ...]
    origin: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The form in which it travels; `parse_signed(s.to_dict()) == s`."""
        told = {"event": dict(self.event), "signatures": list(self.signatures)}
        return told if self.origin is None else told | {"origin": self.origin}


def is_signed_form(raw: Mapping[str, Any]) -> bool:
    """Whether this is meant as a signed event or a request, and not as an event."""
    stated: object = raw  # whatever a caller hands over
    return isinstance(stated, Mapping) and stated.keys() >= _NEEDED


def parse_signed(raw: Mapping[str, Any], *, where: str = "signed event") -> SignedEvent:
    """Read the form in which a signed event travels; neither event nor signatures are checked here.

    Raises:
        StatementError: A field that it does not have, or one of the wrong form.
    """
    event, stated, origin = raw.get("event"), raw.get("signatures"), raw.get("origin")
    unknown = raw.keys() - _FIELDS
    if unknown or not isinstance(event, Mapping):
        what = f"has no field {sorted(unknown)[0]!r}" if unknown else "needs an event, a JSON object"
        raise StatementError(f"{where}: a signed event {what}", hint="governance sign writes the form")
    if not isinstance(origin, str | None):
        raise StatementError(f"{where}: the origin of a signed event is a text")
    return SignedEvent(event, _signatures(stated, where), origin)


def require_signed(signed: SignedEvent, *, origin: str, where: str) -> None:
    """Refuse what nobody signed, and what is for another ledger.

    Raises:
        StatementError: One of the two.
    """
    if signed.origin not in (None, origin):
        raise StatementError(
            f"{where}: the statement is for the ledger {signed.origin}, this one is {origin}",
            hint="hand it to that ledger, or have it signed for this one",
        )
    if not signed.signatures:
        raise StatementError(
            f"{where}: this is a request that nobody signed yet", hint="sign it with: governance sign FILE"
        )


def _signatures(stated: object, where: str) -> tuple[str, ...]:
    if not isinstance(stated, Sequence) or isinstance(stated, str) or len(stated) > SIGNATURES_MAX:
        raise StatementError(f"{where}: signatures are a list of at most {SIGNATURES_MAX} texts")
    if not all(isinstance(each, str) and len(each) <= SIGNATURE_CHARACTERS_MAX for each in stated):
        raise StatementError(
            f"{where}: a signature is a text of at most {SIGNATURE_CHARACTERS_MAX} characters"
        )
    return tuple(stated)
