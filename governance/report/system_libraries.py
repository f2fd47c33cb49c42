# SPDX-License-Identifier: Apache-2.0
"""What to say when the system libraries that make PDFs are missing: the exact command for each system."""

from __future__ import annotations

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
