# SPDX-License-Identifier: Apache-2.0
"""A fork that gets ready to assess while this process finds out what there is to assess.

    with beside(["baseline"], state) as other:
        …                                    # open the ledger, look what was kept of it
        other.begin(asked, key=…, url=…, sample=…)
        answer = other.assess(refs)

Rules: most of what a check of a few subjects takes is loading the engine and the rules. That needs nothing of what was
kept, and what was kept needs nothing of that. The fork makes no difference but in time: what it does not finish, for
whatever reason, is done here, and what is wrong is said here.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, NamedTuple

from governance.forking import can_fork
from governance.workspace.assessing_processes import forked

if TYPE_CHECKING:
    from pathlib import Path

    from governance.workspace.asked import Asked, Found


class Answer(NamedTuple):
    """What came of subjects.

    Attributes:
        rule_sets: The digests of the rule sets that it came of.
        is_keepable: Whether it can be told again later.
    """

    found: dict[str, Found]
    rule_sets: list[str]
    is_keepable: bool


@contextlib.contextmanager
def beside(rule_sets: Sequence[str], state: Path | None) -> Iterator[Beside | None]:
    """A fork that loads rule sets, ended with the block; None where there can be none, or no core for it.

    What both will need is best loaded before.

    Args:
        rule_sets: Ids or folders.
        state: The user's state folder, where rule sets are kept that loaded before; None for none.
    """
    with contextlib.ExitStack() as running:
        made: Beside | None = None
        if (os.cpu_count() or 1) > 1 and can_fork():
            with contextlib.suppress(OSError):
                made = Beside(rule_sets, state)
                running.callback(made.end)
        yield made


class Beside:
    """A fork of this process that waits to be told what it is to assess.

    Args:
        rule_sets: Ids or folders of the rule sets that it loads.
        state: The user's state folder, where they are kept when they have loaded; None for none.

    Raises:
        OSError: There can be no further process.
    """

    def __init__(self, rule_sets: Sequence[str], state: Path | None) -> None:
        self._rule_sets = rule_sets
        self._state = state
        to_read, to_write = os.pipe()
        self._input, self._task = os.fdopen(to_read), os.fdopen(to_write, "w")
        with contextlib.ExitStack() as failing, self._input:
            failing.callback(self._task.close)
            self._process = forked(self._work)
            failing.pop_all()

    def end(self) -> None:
        """End it, whether it has finished or not."""
        with contextlib.suppress(OSError):
            self._task.close()
        with self._process:
            pass

    def begin(self, asked: Asked, *, key: str, url: str, sample: str) -> None:
        """Say what will be asked.

        Args:
            asked: What is asked of each subject.
            key: The ledger's verifier key, text form.
            url: Where it finds the ledger, secrets included.
            sample: A subject that it assesses for itself, so that all is loaded that assessing takes.
        """
        self._tell({"asked": asdict(asked), "key": key, "url": url, "sample": sample})

    def assess(self, refs: Sequence[str]) -> Answer | None:
        """What comes of subjects; None where the fork did not finish. Asked once."""
        from governance.workspace.asked import found_in

        self._tell(refs)
        self._process.wait()
        *told, end = self._process.new_lines() or [b""]
        with contextlib.suppress(ValueError, TypeError):
            found = {each.summary.subject: each for each in map(found_in, told)}
            rule_sets, is_keepable = json.loads(end)
            if found.keys() == set(refs):
                return Answer(found, rule_sets, is_keepable)
        return None

    def _tell(self, value: object) -> None:
        """One line of JSON; whether it is heard is seen by what comes of it."""
        with contextlib.suppress(OSError, TypeError):
            self._task.write(json.dumps(value) + "\n")
            self._task.flush()

    def _work(self, output: IO[bytes]) -> None:
        """What the fork does."""
        self._task.close()
        from governance.core.note import parse_verifier_key
        from governance.errors import GovernanceError
        from governance.ledger.checked import CheckedReader
        from governance.policy.summarising import is_keepable
        from governance.storage.opening import open_storage
        from governance.workspace.asked import Asked, line_of
        from governance.workspace.kept_rules import load_rules
        from governance.workspace.many import Shared, assess_many, assessed, require_askable

        loaded, shared = [load_rules(name, self._state) for name in self._rule_sets], Shared()
        told = json.loads(self._input.readline())
        asked = Asked(**told["asked"])
        require_askable(asked, loaded)
        with contextlib.closing(open_storage(told["url"])) as storage:
            reader = CheckedReader(storage, parse_verifier_key(told["key"]))
            with contextlib.suppress(GovernanceError):
                list(assessed(reader, [told["sample"]], loaded, asked, shared))
            found = assess_many(
                reader,
                json.loads(self._input.readline()),
                asked,
                loaded,
                key=told["key"],
                url=told["url"],
                may_fork=True,
                shared=shared,
            )
        output.writelines(map(line_of, found.values()))
        # The last line of one that has finished.
        output.write(json.dumps([[each.digest for each in loaded], is_keepable(loaded)]).encode() + b"\n")
        output.flush()
