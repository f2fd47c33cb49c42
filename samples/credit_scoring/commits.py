# SPDX-License-Identifier: Apache-2.0
r"""Git's ids of files, folders and commits, computed from their bytes: the sample pins code without Git.

    blob    SHA-1("blob <size>\0" + content)
    tree    SHA-1("tree <size>\0" + for each file, in order of its name: "100644 <name>\0" + blob id[20])
    commit  SHA-1("commit <size>\0" + "tree <hex>\n" + "parent <hex>\n" if any
                   + "author …\ncommitter …\n\n<message>\n")

Rules: the same files, author, moment and message give the id that `git commit` would give them. One flat
folder only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of one flat folder.

    Attributes:
        id: 40 hex digits.
        tree: Git's id of the folder, 40 hex digits.
        files: The files by name.
    """

    id: str
    tree: str
    files: Mapping[str, bytes]

    def is_dirty(self, working_copy: Mapping[str, bytes]) -> bool:
        """Whether a working copy holds anything that this commit does not."""
        return tree_id(working_copy) != self.tree


def make_commit(
    files: Mapping[str, bytes], *, author: str, at: datetime, message: str, parent: Commit | None = None
) -> Commit:
    """Commit files.

    Args:
        files: Content by name, in one flat folder.
        author: As Git writes it, `name <mail>`; author and committer alike.
        at: When, with a time zone; whole seconds count.
        message: One line.
        parent: The commit before.
    """
    tree = tree_id(files)
    signed = f"{author} {int(at.timestamp())} +0000"
    parents = f"parent {parent.id}\n" if parent else ""
    text = f"tree {tree}\n{parents}author {signed}\ncommitter {signed}\n\n{message}\n"
    return Commit(_object_id("commit", text.encode()), tree, dict(files))


def tree_id(files: Mapping[str, bytes]) -> str:
    """Git's id of a flat folder of plain files."""
    lines = [
        f"100644 {name}".encode() + b"\0" + bytes.fromhex(_object_id("blob", files[name]))
        for name in sorted(files)
    ]
    return _object_id("tree", b"".join(lines))


def tree_digest(files: Mapping[str, bytes]) -> str:
    """Our own digest of a folder: SHA-256 of the canonical JSON of each file's digest by name."""
    return digest_bytes(format_canonical({name: digest_bytes(content) for name, content in files.items()}))


def _object_id(kind: str, content: bytes) -> str:
    # SHA-1("<kind> <size>\0" + content), Git's object id; a name here, not a seal
    return hashlib.sha1(
        b"%s %d\0%s" % (kind.encode(), len(content), content), usedforsecurity=False
    ).hexdigest()
