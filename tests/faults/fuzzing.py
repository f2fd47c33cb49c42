# SPDX-License-Identifier: Apache-2.0
"""One parser under a coverage-guided fuzzer: `python -m tests.faults.fuzzing NAME [libFuzzer's options] [CORPUS]`.

Rules: NAME is a key of `PARSERS`. One of our errors is an answer; whatever else is raised is a finding, and the fuzzer
writes the input to a file, says how it was found and leaves with an exit code that is not 0.
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Fuzz the parser that the first argument names; the rest is libFuzzer's."""
    import atheris

    # Branches are counted in what is imported here, and only in what is ours.
    with atheris.instrument_imports(include=["governance"]):
        from tests.faults.parsers import PARSERS, survive
    name, *options = arguments[1:]
    if name not in PARSERS:
        sys.exit(f"no parser {name!r}; there are {', '.join(PARSERS)}")

    def take(content: bytes) -> None:
        survive(name, content)

    atheris.Setup([arguments[0], *options], take)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
