# SPDX-License-Identifier: Apache-2.0
"""The anchor: a ledger's last checkpoint, kept outside the ledger where no restored backup reaches it.

    ledger.example/demo
    3
    0GBJ3woZYVRTp3lh8AEhTykkAdDnPNfufmS7V0MiVMI=

Rules:
1. Before a checkpoint is signed it is compared and swapped into the anchor, and only a tree that begins with what the
   anchor holds may be signed. A restored backup and a forked copy of a ledger therefore sign nothing.
2. The anchor moves first, the signed row follows: after a crash between the two the same tree, or a longer one, is
   signed by the next attempt. The other order would let two copies sign.
3. An anchor that is missing although the ledger has checkpoints stops the signing, unless it may adopt what it finds.
4. An anchor never goes back by itself. Going back is a person's decision: `accept_anchor`, docs/recovery.md.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable
from pathlib import Path

from governance.core.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from governance.errors import AnchorError, IntegrityError, NoteError, StorageError
from governance.ledger.tree import read_root
from governance.storage.interface import Reader
from governance.storage.lock import FileLock
from governance.storage.small_file import replace_file

SIZE_BYTES_MAX = 10_000
ATTEMPTS_MAX = 100

Tell = Callable[[str], None]
"""Is told a sentence that a person should read."""


class Anchor(abc.ABC):
    """A place that holds one checkpoint of one ledger and gives it up only for a later one.

    Attributes:
        place: Where it is, for messages.
        adopts: Whether it is there by default and not because somebody named it: it takes the checkpoint of a ledger
            that it does not know yet, and when it cannot be read or written nothing is stopped. Both are told.
        tell: Is told so.
    """

    place: str
    adopts: bool = False
    tell: Tell | None = None

    def say(self, text: str) -> None:
        """Tell a person, if somebody listens."""
        if self.tell is not None:
            self.tell(text)

    @abc.abstractmethod
    def read(self) -> Checkpoint | None:
        """What it holds; None when it holds nothing yet.

        Raises:
            AnchorError: It cannot be read.
            IntegrityError: It holds something else than a checkpoint.
        """

    @abc.abstractmethod
    def swap(self, old: Checkpoint | None, new: Checkpoint) -> bool:
        """Put `new` in the place of `old`, durably; False, and nothing is done, when it holds something else.

        Raises:
            AnchorError: It cannot be read or written.
        """


class FileAnchor(Anchor):
    """An anchor in a file: the text of a checkpoint, replaced whole, under a lock of its own beside it.

    Args:
        path: The file; its folder is made when it is missing.
        adopts: Whether nobody named it; see `Anchor`.
        tell: Is told what a person should know.
    """

    def __init__(self, path: Path, *, adopts: bool = False, tell: Tell | None = None) -> None:
        self.place = str(path)
        self.adopts = adopts
        self._path = path
        self.tell = tell

    def read(self) -> Checkpoint | None:
        """What the file holds; None when there is no file."""
        try:
            with self._path.open("rb") as stream:
                content = stream.read(SIZE_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AnchorError(f"cannot read anchor {self._path}: {error.strerror}") from error
        try:
            return parse_checkpoint(content.decode())
        except (NoteError, UnicodeDecodeError) as error:
            raise IntegrityError(
                f"anchor {self._path} holds no checkpoint: {error}",
                hint="docs/recovery.md says how an anchor is set anew",
            ) from error

    def swap(self, old: Checkpoint | None, new: Checkpoint) -> bool:
        """Compare under the lock, then replace the file at once; the folder is synced too."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self._path.with_name(f"{self._path.name}.lock"))
            with contextlib.closing(lock), lock:
                if self.read() != old:
                    return False
                replace_file(self._path, format_checkpoint(new).encode())
        except AnchorError:
            raise
        except (OSError, StorageError) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            raise AnchorError(
                f"cannot write anchor {self._path}: {reason}",
                hint="nothing was signed; name a writable file with --anchor or GOVERNANCE_ANCHOR",
            ) from error
        return True


def require_anchored(held: Checkpoint | None, reader: Reader, origin: str, *, place: str) -> None:
    """Refuse a ledger that does not begin with the checkpoint that its anchor holds.

    Args:
        held: What the anchor holds; None allows any ledger.
        reader: The ledger's tables.
        origin: The ledger's own name.
        place: The anchor's, for messages.

    Raises:
        IntegrityError: It is behind the anchor, has another history, or is another ledger.
    """
    if held is None:
        return
    if held.origin != origin:
        raise IntegrityError(
            f"anchor {place} is of {held.origin}, this ledger is {origin}",
            hint="name the anchor of this ledger with --anchor or GOVERNANCE_ANCHOR",
        )
    size = reader.head().size
    here = read_root(reader, min(size, held.tree_size))
    if size >= held.tree_size and here == held.root:
        return
    what = "is behind its anchor" if size < held.tree_size else "has another history than its anchor"
    found = Checkpoint(origin, min(size, held.tree_size), here)
    raise IntegrityError(
        f"this ledger {what}: it is a restored backup or a forked copy, and signing it would give two histories"
        f"\n  anchor {place} holds: {show_checkpoint(held)}\n  this ledger holds: {show_checkpoint(found)}",
        hint="nothing was signed; find the newer copy, or follow docs/recovery.md",
    )


def check_anchor(anchor: Anchor, reader: Reader, origin: str) -> None:
    """Hold a ledger against its anchor before anything is appended.

    Raises:
        IntegrityError: The ledger does not begin with what the anchor holds.
        AnchorError: Somebody named the anchor, and it cannot be read.
    """
    try:
        held = anchor.read()
    except AnchorError:
        if not anchor.adopts:
            raise
        return  # told when it is to be moved
    require_anchored(held, reader, origin, place=anchor.place)


def advance_anchor(anchor: Anchor, reader: Reader, checkpoint: Checkpoint, *, signed_size: int) -> None:
    """Move the anchor to a checkpoint that is about to be signed.

    Args:
        anchor: The anchor.
        reader: The ledger's tables, held by the writer.
        checkpoint: The whole tree as it stands.
        signed_size: Entries that the ledger's last checkpoint covers, 0 without one.

    Raises:
        IntegrityError: The ledger does not begin with what the anchor holds, or the anchor is missing.
        AnchorError: Somebody named the anchor, and it cannot be read or written.
        StorageError: The ledger cannot be read, or the anchor is moved again and again.
    """
    try:
        _advance(anchor, reader, checkpoint, signed_size)
    except AnchorError as error:
        if not anchor.adopts:
            raise
        anchor.say(f"no anchor is kept: {error.message}")


def _advance(anchor: Anchor, reader: Reader, checkpoint: Checkpoint, signed_size: int) -> None:
    for _ in range(ATTEMPTS_MAX):
        held = anchor.read()
        require_anchored(held, reader, checkpoint.origin, place=anchor.place)
        if held == checkpoint:
            return
        if held is None and signed_size and not anchor.adopts:
            raise IntegrityError(
                f"anchor {anchor.place} is missing, but this ledger has a checkpoint of {signed_size} entries",
                hint="nothing was signed; when this is the newest copy, say: governance anchor accept",
            )
        if anchor.swap(held, checkpoint):
            if held is None and signed_size:
                anchor.say(
                    f"no anchor was kept here for {checkpoint.origin}; "
                    f"from {checkpoint.tree_size} entries on it is {anchor.place}"
                )
            return
    raise StorageError(f"anchor {anchor.place} changed {ATTEMPTS_MAX} times while it was to be moved")


def accept_anchor(
    anchor: Anchor, reader: Reader, origin: str, *, replacing: bool
) -> tuple[Checkpoint | None, Checkpoint]:
    """Set the anchor to the ledger as it stands, because a person decided so.

    Args:
        anchor: The anchor.
        reader: The ledger's tables.
        origin: The ledger's own name.
        replacing: Whether the anchor may also go back or to another history.

    Returns:
        What it held before, and what it holds now.

    Raises:
        IntegrityError: The ledger does not begin with what the anchor holds, and it may not be replaced.
        AnchorError: The anchor cannot be read or written, or was moved by another process at the same moment.
    """
    held = anchor.read()
    if not replacing:
        require_anchored(held, reader, origin, place=anchor.place)
    size = reader.head().size
    accepted = Checkpoint(origin, size, read_root(reader, size))
    if held != accepted and not anchor.swap(held, accepted):
        raise StorageError(
            f"anchor {anchor.place} was moved at the same moment", hint="look again, then repeat"
        )
    return held, accepted


def show_checkpoint(checkpoint: Checkpoint) -> str:
    """A checkpoint in one line, for messages: origin, tree size and root hash in hex."""
    return f"{checkpoint.origin}, {checkpoint.tree_size} entries, root {checkpoint.root.hex()}"
