# SPDX-License-Identifier: Apache-2.0
"""Where a ledger's anchor lies: the file that somebody named, or one in the user's state folder (docs/adr/0012).

Rules: a named anchor is strict: when it is missing for a ledger that has checkpoints, or cannot be written, nothing is
signed. One in the state folder adopts a ledger that it meets for the first time, and where it cannot be written it is
done without; both are told. `none` switches anchors off. Without a state folder (the Python face) there is an anchor
only when one is named.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from governance.core.checkpoint import Checkpoint
from governance.core.note import VerifierKey
from governance.errors import InputError
from governance.ledger.key_chain import KeyChain, require_key_chain
from governance.storage.opening import open_storage
from governance.workspace.places import place_of, state_file

if TYPE_CHECKING:
    from governance.ledger.anchor import Anchor, Tell

ENVIRONMENT_ANCHOR = "GOVERNANCE_ANCHOR"
NONE = "none"


@dataclass(frozen=True)
class Anchoring:
    """What was said about the anchor.

    Attributes:
        anchor: Its file, a folder that holds the anchors of many ledgers, or `none`; by default `GOVERNANCE_ANCHOR`.
        state: The user's state folder, where it lies when nothing was said; None for no anchor then.
        tell: Is told what a person should know.
    """

    anchor: str | Path | None = None
    state: Path | None = None
    tell: Tell | None = None

    def anchor_of(self, key: VerifierKey) -> Anchor | None:
        """The anchor of the ledger whose first key this is, None when there is none."""
        from governance.ledger.anchor import FileAnchor

        named = self.anchor or os.environ.get(ENVIRONMENT_ANCHOR)
        if str(named) == NONE:
            return None
        if named:
            path = Path(named)
            own = state_file(path, key.name, str(key)) if path.is_dir() else path
            return FileAnchor(own, tell=self.tell)
        if self.state is None:
            return None
        own = state_file(self.state / "anchors", key.name, str(key))
        return FileAnchor(own, adopts=True, tell=self.tell)


def read_anchor(url: str | None, anchoring: Anchoring) -> tuple[str, Checkpoint | None]:
    """Where a ledger's anchor lies, and what it holds.

    Raises:
        InputError: It has none.
    """
    with contextlib.closing(open_storage(place_of(url))) as storage:
        anchor = _required(anchoring, require_key_chain(storage, place_of(url)))
        return anchor.place, anchor.read()


def accept_ledger(
    url: str | None, anchoring: Anchoring, *, replacing: bool
) -> tuple[str, Checkpoint | None, Checkpoint]:
    """Set a ledger's anchor to the ledger as it stands, because a person decided so.

    Args:
        url: The ledger.
        anchoring: What was said about the anchor.
        replacing: Whether the anchor may also go back or to another history.

    Returns:
        Where it lies, what it held before, what it holds now.

    Raises:
        InputError: It has none.
        IntegrityError: The ledger does not begin with what the anchor holds, and it may not be replaced.
    """
    from governance.ledger.anchor import accept_anchor

    place = place_of(url)
    with contextlib.closing(open_storage(place)) as storage:
        chain = require_key_chain(storage, place)
        anchor = _required(anchoring, chain)
        before, held = accept_anchor(anchor, storage, chain.current.name, replacing=replacing)
    return anchor.place, before, held


def _required(anchoring: Anchoring, chain: KeyChain) -> Anchor:
    anchor = anchoring.anchor_of(chain.keys[0])
    if anchor is None:
        raise InputError("this ledger has no anchor", hint="name one with --anchor or GOVERNANCE_ANCHOR")
    return anchor
