# SPDX-License-Identifier: Apache-2.0
"""A witness: cosigns a log's checkpoint when, and only when, it continues the last one that it cosigned.

Rules (c2sp.org/tlog-witness), in this order:
1. 400 when the request, its note or its checkpoint is malformed.
2. 404 when the origin is not one of the logs that it watches.
3. 403 when no key that is trusted for the origin signed, or a signature by one fails.
4. 400 when the old size is above the checkpoint's.
5. 409 with the last size when the old size is not that of the last checkpoint cosigned (0 before the first).
6. 422 when the consistency proof does not hold; a tree of size 0 must have the empty root, the same size the same root.
7. 200 with one cosignature for each of its keys, and the present time, which is never 0.
From 5 on it is the only one that looks at the origin, and the new checkpoint is on disk before the answer leaves. It
answers for what it has seen itself and for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from governance.core.checkpoint import Checkpoint, parse_checkpoint
from governance.core.cosignature import CosigningKey, cosign
from governance.core.hashing import EMPTY_ROOT
from governance.core.merkle import verify_consistency
from governance.core.note import Note, VerifierKey, open_note, parse_note
from governance.core.note_keys import Signature, format_signature
from governance.core.witness_request import (
    SIZE_CONTENT_TYPE,
    WitnessRequest,
    format_cosignature_lines,
    format_size,
    parse_witness_request,
)
from governance.errors import InputError, NoteError, ProofError
from governance.ledger.witness_store import WitnessStore

TEXT = "text/plain; charset=utf-8"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answers: an HTTP status code and a body."""

    code: int
    body: bytes
    content_type: str = TEXT


class _RefusalError(Exception):
    """Carries the answer of a witness that does not cosign."""

    def __init__(self, code: int, body: bytes, content_type: str = TEXT) -> None:
        super().__init__(code)
        self.answer = WitnessAnswer(code, body, content_type)


class Witness:
    """A witness over its store.

    Args:
        store: What it remembers.
        keys: Cosign; all under the witness's one name.
        logs: The logs that it watches; several keys of one name are one log.
        clock: Gives the present moment, aware.

    Raises:
        InputError: No key, no log, or keys of different names.
    """

    def __init__(
        self,
        store: WitnessStore,
        *,
        keys: Sequence[CosigningKey],
        logs: Sequence[VerifierKey],
        clock: Callable[[], datetime],
    ) -> None:
        if not logs:
            raise InputError(
                "a witness without a log", hint="name each log that it shall watch with --log VKEY"
            )
        if len({key.name for key in keys}) != 1:
            raise InputError("a witness has one name and at least one key")
        self.name = keys[0].name
        self._store = store
        self._keys = tuple(keys)
        self._clock = clock
        self._logs: Mapping[str, tuple[VerifierKey, ...]] = {
            log.name: tuple(each for each in logs if each.name == log.name) for log in logs
        }

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that it watches."""
        return tuple(self._logs)

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Answer a request, c2sp.org/tlog-witness `add-checkpoint`.

        Raises:
            StorageError: The store failed; nothing was cosigned.
            IntegrityError: The store is damaged; nothing was cosigned.
        """
        try:
            request = _or_refuse(400, lambda: parse_witness_request(body))
            return WitnessAnswer(200, format_cosignature_lines(self._cosign(request)))
        except _RefusalError as refusal:
            return refusal.answer

    def latest(self, origin_hash: str) -> bytes | None:
        """The last cosigned checkpoint of an origin, by the hex of SHA-256 of the origin; None when there is none."""
        return self._store.read(origin_hash)

    def latest_size(self, origin: str) -> int:
        """The size of the last checkpoint that it cosigned for an origin, 0 when there is none."""
        latest = self._store.latest(origin)
        return 0 if latest is None else latest.tree_size

    def _cosign(self, request: WitnessRequest) -> tuple[Signature, ...]:
        note = _or_refuse(400, lambda: parse_note(request.checkpoint))
        checkpoint = _or_refuse(400, lambda: parse_checkpoint(note.text))
        trusted = self._logs.get(checkpoint.origin)
        if trusted is None:
            raise _refused(404, f"this witness does not watch {checkpoint.origin}")
        opened = _or_refuse(403, lambda: open_note(request.checkpoint, trusted))
        if request.old > checkpoint.tree_size:
            raise _refused(400, f"old size {request.old} is above the checkpoint's {checkpoint.tree_size}")
        with self._store.locked():
            latest = self._store.latest(checkpoint.origin)
            _require_continuation(request, latest, checkpoint)
            time = max(1, int(self._clock().timestamp()))
            cosignatures = tuple(cosign(note.text, key, time=time) for key in self._keys)
            self._store.write(checkpoint.origin, _cosigned(opened, cosignatures))
        return cosignatures


def _require_continuation(request: WitnessRequest, latest: Checkpoint | None, checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint that does not continue the last one."""
    size, root = (0, EMPTY_ROOT) if latest is None else (latest.tree_size, latest.root)
    if request.old != size:
        raise _RefusalError(409, format_size(size), SIZE_CONTENT_TYPE)
    if checkpoint.tree_size == 0 and checkpoint.root != EMPTY_ROOT:
        raise _refused(422, "a tree of size 0 must have the empty root")
    _or_refuse(
        422,
        lambda: verify_consistency(
            old=size,
            new=checkpoint.tree_size,
            old_root=root,
            new_root=checkpoint.root,
            proof=request.hashes,
        ),
    )


def _cosigned(opened: Note, cosignatures: Sequence[Signature]) -> bytes:
    """The note with the log's good signatures and our own; what strangers wrote under it is not kept."""
    lines = [format_signature(each) for each in (*opened.signatures, *cosignatures)]
    return f"{opened.text}\n{''.join(lines)}".encode()


def _or_refuse(code: int, action: Callable[[], T]) -> T:
    try:
        return action()
    except (NoteError, ProofError) as error:
        raise _refused(code, error.message) from error


def _refused(code: int, message: str) -> _RefusalError:
    return _RefusalError(code, f"{message}\n".encode("utf-8", "replace"))
