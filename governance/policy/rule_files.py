# SPDX-License-Identifier: Apache-2.0
"""Files that rules are written in, as bytes: read for whoever parses them, and for whoever wants no more than a digest.

Rules: nothing of YAML is loaded for it.
"""

from __future__ import annotations

from pathlib import Path

from governance.errors import NotFoundError

FILE = "rule_set.yaml"
"""What a rule set's folder holds."""

SIZE_BYTES_MAX = 1 << 20


def read_limited(path: Path) -> bytes:
    """The bytes of a file, and of one that is too long just enough to be refused.

    Raises:
        NotFoundError: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
