# SPDX-License-Identifier: Apache-2.0
"""The command line: `governance COMMAND`; data to stdout, talk to stderr, the verdict in the exit code.

Rules: a command parses, calls one method of the workspace and emits. Exit codes: 0 satisfied, 1 not satisfied, 2 usage
or bad input, 3 evidence cannot be trusted, 4 a rule could not be evaluated, 5 storage unavailable.
"""

from __future__ import annotations

import atexit
import errno
import os
import sys
import threading
from typing import NoReturn

from governance.errors import GovernanceError, StorageError

_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def run() -> NoReturn:
    """Run the command line and leave at once, with its exit code.

    Taking apart all that was loaded takes a tenth of a second, as long as some commands run.
    """
    code: object = 0
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code
    if threading.active_count() > 1 or not isinstance(code, int | None):
        sys.exit(code)  # type: ignore[arg-type]  # whatever somebody left with
    atexit._run_exitfuncs()  # what was promised to others is done
    os._exit(_flushed() or code or 0)


def _flushed() -> int:
    """Write what is not written yet; the exit code if that cannot be."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return 0
    except OSError as error:
        _tell_unwritten(error)
        return StorageError.exit_code
    return 0


def _tell_unwritten(error: OSError) -> None:
    os.write(2, f"error: cannot write: {error.strerror}\n".encode())


def main() -> None:
    """Run the command line and leave with its exit code."""
    from governance.workspace.starting import start_quickly

    start_quickly()
    from governance.cli.narrowing import narrowed

    try:
        narrowed(sys.argv[1:])()
    except GovernanceError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has had enough, as `head` does; nothing of ours went wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # What names no file was written to a stream.
        if error.errno not in _CANNOT_WRITE or error.filename is not None:
            raise
        _tell_unwritten(error)
        sys.exit(StorageError.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except SystemExit as leaving:
        # Typer leaves with 130 too, but without a word.
        if isinstance(getattr(leaving.__context__, "__cause__", None), KeyboardInterrupt):
            sys.stderr.write("interrupted\n")
        raise
