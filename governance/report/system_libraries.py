# SPDX-License-Identifier: Apache-2.0
"""The system libraries that make PDFs: how they are found at once, and what to say when they are missing.

Rules: what is found is what would be found otherwise. For each system the exact command is told.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libharfbuzz.so.0",
    "libharfbuzz-subset.so.0",
    "libfontconfig.so.1",
    "libpangoft2-1.0.so.0",
)
"""The names of their files on Linux."""

COMMANDS = (
    ("Debian, Ubuntu", "apt-get install -y libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"),
    ("Fedora", "dnf install -y pango"),
    ("macOS", "brew install pango"),
    ("Windows", "winget install -e --id MSYS2.MSYS2, then in its shell: pacman -S mingw-w64-x86_64-pango"),
)


def hint() -> str:
    """One line with the command for each system."""
    told = "; ".join(f"{name}: {command}" for name, command in COMMANDS)
    return f"install Pango ({told}), or write the report as .html, which needs none"


@contextmanager
def found_by_name() -> Iterator[None]:
    """Let libraries be found by the names of their files alone, where all are: in all threads, for as long as it lasts.

    WeasyPrint asks for each by its names on other systems first, and for each of these that is not there Python asks
    the system's list, the compiler and the linker: half of the time that WeasyPrint takes to load.
    """
    import ctypes.util  # an HTML report needs none of it

    find = ctypes.util.find_library
    if sys.platform == "linux" and all(map(_is_there, LIBRARIES)):
        ctypes.util.find_library = _find_nothing
    try:
        yield
    finally:
        ctypes.util.find_library = find


def _find_nothing(name: str) -> None:  # as find_library has it
    """What a name that is none of a file leads to."""


def _is_there(library: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
