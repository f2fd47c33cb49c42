# SPDX-License-Identifier: Apache-2.0
"""What this user saw of each ledger: trust on first use, as ssh's known_hosts does it.

    {"origin": "ledger.example.org/audit", "verifier_key": "ledger.example.org/audit+7b84…", "note": "ledger.exam…"}

Rules:
1. The last checkpoint that verified is kept for each origin in the user's state folder. A ledger that is smaller, or
   does not begin with it, is refused with both checkpoints shown; a first sight is told.
2. An origin that is a schema-less URL is meant to be one ledger's in the world, so another key there is refused unless
   the ledger's own rotations link it to the one that was seen. A bare host name, and the names that RFC 2606 sets apart
   for examples, are nobody's own: another key there is another ledger, remembered apart.
3. Only a checkpoint that its key signed is remembered, and only after the comparison.
4. Forgetting is a person's decision.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.core.checkpoint import Checkpoint, open_checkpoint
from governance.core.merkle import prove_consistency, verify_consistency
from governance.core.note import VerifierKey, parse_verifier_key
from governance.errors import GovernanceError, IntegrityError, NotFoundError, ProofError, StorageError
from governance.ledger.anchor import Tell, show_checkpoint
from governance.ledger.key_chain import KeyChain, open_signed, read_key_chain, signed_with
from governance.ledger.tree import hash_reader
from governance.storage.interface import Reader
from governance.storage.opening import open_storage
from governance.storage.small_file import replace_file
from governance.workspace.places import place_of, state_directory, state_file

SEEN = "seen"
"""The folder's name in the user's state folder."""
FILE_SIZE_BYTES_MAX = 2_000_000
RESERVED = ("example", "example.com", "example.net", "example.org", "invalid", "localhost", "test")


@dataclass(frozen=True)
class Seen:
    """A ledger as it was seen last.

    Attributes:
        key: The key that its checkpoint was opened with.
        checkpoint: What the checkpoint says.
        note: The signed checkpoint itself, which is evidence.
    """

    key: VerifierKey
    checkpoint: Checkpoint
    note: bytes


class SeenStore:
    """A folder with one small file for each ledger that was seen.

    Args:
        folder: Where; made when something is first seen.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, chain: KeyChain) -> Seen | None:
        """What was seen of a ledger with these keys."""
        return self._read(self._path(chain))

    def keep(self, chain: KeyChain, seen: Seen) -> None:
        """Remember a checkpoint in the place of an earlier one.

        Raises:
            StorageError: The folder cannot be written.
        """
        told = {"origin": seen.checkpoint.origin, "verifier_key": str(seen.key), "note": seen.note.decode()}
        path = self._path(chain)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(path, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode())
        except OSError as error:
            raise StorageError(f"cannot remember {path}: {error.strerror}") from error

    def all(self) -> list[Seen]:
        """Everything that was seen, by origin."""
        found = [seen for path in self._files() if (seen := self._read(path)) is not None]
        return sorted(found, key=lambda seen: (seen.checkpoint.origin, str(seen.key)))

    def forget(self, origin: str) -> int:
        """Forget an origin, whatever its key.

        Returns:
            How many ledgers of that name were forgotten.

        Raises:
            NotFoundError: None was seen.
        """
        doomed = [path for path in self._files() if self._origin(path) == origin]
        if not doomed:
            raise NotFoundError(
                f"no ledger named {origin!r} was seen", hint="governance seen list names them"
            )
        for path in doomed:
            path.unlink(missing_ok=True)
        return len(doomed)

    def _path(self, chain: KeyChain) -> Path:
        origin = chain.current.name
        return state_file(self._folder, origin, "" if is_unique(origin) else str(chain.keys[0]))

    def _files(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from sorted(self._folder.iterdir())

    def _read(self, path: Path) -> Seen | None:
        told = _load(path)
        if told is None:
            return None
        try:
            key, note = parse_verifier_key(told["verifier_key"]), told["note"].encode()
            return Seen(key, open_checkpoint(note, [key]), note)
        except (GovernanceError, LookupError, TypeError, AttributeError) as error:
            raise IntegrityError(
                f"{path} does not hold a checkpoint that was seen", hint=f"look at it, then remove it: {path}"
            ) from error

    def _origin(self, path: Path) -> object:
        told = _load(path)
        return told.get("origin") if isinstance(told, dict) else None


def compare_seen(store: SeenStore, reader: Reader, *, tell: Tell) -> None:
    """Hold a ledger against what was seen of it, then remember what is seen now.

    Args:
        store: What was seen.
        reader: The ledger's tables.
        tell: Is told when a ledger is seen for the first time.

    Raises:
        IntegrityError: It is behind what was seen, has another history, or another key.
        StorageError: The folder cannot be read. When it cannot be written that is told, no more.
    """
    chain, row = read_key_chain(reader), reader.latest_checkpoint()
    if not chain.periods or row is None:
        return
    key = signed_with(chain, reader)
    now = Seen(key, open_signed(chain, row.note, key), row.note)
    before = store.find(chain)
    if before is None:
        tell(
            f"{now.checkpoint.origin} is seen for the first time: {now.checkpoint.tree_size} entries, key {key}"
        )
    else:
        _require_linked(before, now, chain)
        _require_grown(before, now, reader)
    if before is None or before.note != now.note:
        try:
            store.keep(chain, now)
        except StorageError as error:
            tell(error.message)


def compare_ledger(url: str | None, *, folder: Path | None, forget: bool = False, tell: Tell) -> None:
    """Open a ledger and hold it against what was seen of it; see `compare_seen`.

    Args:
        url: Where; by default `GOVERNANCE_LEDGER`, else `sqlite:///governance.db`.
        folder: The user's state folder; None when there is none, and then nothing is done.
        forget: Whether its origin is forgotten first.
        tell: Is told when a ledger is seen for the first time.

    Raises:
        IntegrityError: It is behind what was seen, has another history, or another key.
    """
    if folder is None:
        return
    store = SeenStore(folder / SEEN)
    with contextlib.closing(open_storage(place_of(url))) as storage:
        if forget:
            chain = read_key_chain(storage)
            with contextlib.suppress(NotFoundError):
                store.forget(chain.current.name if chain.periods else "")
        compare_seen(store, storage, tell=tell)


def seen_ledgers() -> list[Seen]:
    """Everything that this user saw."""
    folder = state_directory()
    return [] if folder is None else SeenStore(folder / SEEN).all()


def forget_ledger(origin: str) -> int:
    """Forget an origin; see `SeenStore.forget`."""
    return SeenStore((state_directory() or Path()) / SEEN).forget(origin)


def is_unique(origin: str) -> bool:
    """Whether an origin can be one ledger's in the world: it begins with a host name of the Domain Name System."""
    labels = origin.partition("/")[0].lower().split(".")
    return len(labels) > 1 and labels[-1] not in RESERVED and ".".join(labels[-2:]) not in RESERVED


def _require_linked(before: Seen, now: Seen, chain: KeyChain) -> None:
    if before.key in chain.keys:
        return
    origin = before.checkpoint.origin
    raise IntegrityError(
        f"{origin} was seen with another key, and no rotation leads from it to this one"
        f"\n  seen: {show_checkpoint(before.checkpoint)}, key {before.key}"
        f"\n  this ledger: {show_checkpoint(now.checkpoint)}, key {now.key}",
        hint=f"ask its owner; if the key was really replaced: governance seen forget {origin}",
    )


def _require_grown(before: Seen, now: Seen, reader: Reader) -> None:
    old, new = before.checkpoint, now.checkpoint
    if new.tree_size < old.tree_size:
        raise _contradiction("is behind what was seen of it", old, new)
    try:
        verify_consistency(
            old=old.tree_size,
            new=new.tree_size,
            old_root=old.root,
            new_root=new.root,
            proof=prove_consistency(old.tree_size, new.tree_size, hash_reader(reader)),
        )
    except (ProofError, IntegrityError) as error:
        raise _contradiction("has another history than what was seen of it", old, new) from error


def _contradiction(what: str, old: Checkpoint, new: Checkpoint) -> IntegrityError:
    return IntegrityError(
        f"this ledger {what}: it is an old copy, or somebody shows two histories"
        f"\n  seen: {show_checkpoint(old)}\n  this ledger: {show_checkpoint(new)}",
        hint=f"keep both and ask its owner; to start anew: governance seen forget {old.origin}",
    )


def _load(path: Path) -> dict[str, str] | None:
    """A remembered file as plain values, None when there is none."""
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_SIZE_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError):
        return {}
