# SPDX-License-Identifier: Apache-2.0
"""What a verification asks of the tables as a whole: their structure, and event ids that stand twice.

    python -m governance.ledger.verify_structure < task.json > report        as verify_workers.py says

Rules: nothing is imported but storage, so that this worker is at work sooner than those who know the vocabulary.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

from governance.errors import GovernanceError
from governance.storage.interface import Reader
from governance.storage.opening import open_storage

REPEATS_MAX = 1000


class Structure(NamedTuple):
    """What was found.

    Attributes:
        problems: What the backend finds wrong with its own structure.
        repeated_ids: Event ids that stand in more than one entry, at most `REPEATS_MAX`.
    """

    problems: Sequence[str]
    repeated_ids: Sequence[str]


def look_at_structure(reader: Reader) -> Structure:
    """Ask the backend.

    Raises:
        StorageError: The tables cannot be read.
    """
    problems = reader.structure_problems()
    # A unique index that was found sound lets no id stand twice: asking again would read all of them again.
    is_unique = not problems and reader.has_unique_ids()
    return Structure(problems, [] if is_unique else list(map(str, reader.repeated_event_ids(REPEATS_MAX))))


def main() -> int:
    """Look at the structure in this process and write the report to stdout."""
    try:
        with contextlib.closing(open_storage(json.load(sys.stdin)["url"])) as storage:
            found = look_at_structure(storage)
    except GovernanceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"r {json.dumps(found._asdict())}\n")
    return 0


if __name__ == "__main__":  # pragma: no cover  # only ever in a process of its own
    sys.exit(main())
