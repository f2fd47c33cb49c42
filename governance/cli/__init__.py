# SPDX-License-Identifier: Apache-2.0
"""The command line: `governance COMMAND`; data to stdout, talk to stderr, the verdict in the exit code.

Rules: a command parses, calls one method of the workspace and emits. Exit codes: 0 satisfied, 1 not satisfied, 2 usage
or bad input, 3 evidence cannot be trusted, 4 a rule could not be evaluated, 5 storage unavailable.
"""

from __future__ import annotations

import os
import sys

from governance.errors import GovernanceError


def main() -> None:
    """Run the command line and leave with its exit code."""
    from governance.workspace.starting import start_quickly

    start_quickly()
    from governance.cli.app import app
    from governance.cli.narrowing import narrowed

    try:
        narrowed(app, sys.argv[1:])()
    except GovernanceError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has had enough, as `head` does; nothing of ours went wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
