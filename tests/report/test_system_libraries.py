# SPDX-License-Identifier: Apache-2.0
"""The libraries that make PDFs are found at once, and are those that would be found otherwise."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys

import pytest

from governance.report import system_libraries
from governance.report.system_libraries import LIBRARIES, found_by_name

LOADED = """
from pathlib import Path
maps = Path("/proc/self/maps").read_text().split()
print(*sorted({each for each in maps if any(name in each for name in ("pango", "harfbuzz", "fontconfig", "gobject"))}))
"""
AS_IT_IS = f"import weasyprint\n{LOADED}"
BY_NAME = f"""
import subprocess
def asked(*told, **_):
    raise AssertionError(told)
subprocess.Popen = asked
from governance.report.pdf_making import load_weasyprint
load_weasyprint()
{LOADED}
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files have other names")


def loaded_by(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout


@on_linux
def test_no_compiler_is_asked_and_the_same_libraries_are_loaded() -> None:
    found = loaded_by(BY_NAME)
    assert found == loaded_by(AS_IT_IS)
    assert all(library.partition(".so")[0] in found for library in LIBRARIES)


@on_linux
def test_python_looks_as_it_does_again_afterwards() -> None:
    find = ctypes.util.find_library
    with found_by_name():
        assert ctypes.util.find_library("c") is None
    assert ctypes.util.find_library is find


def test_where_one_has_another_name_python_looks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_libraries, "LIBRARIES", (*LIBRARIES, "libnone-of-it.so.0"))
    find = ctypes.util.find_library
    with found_by_name():
        assert ctypes.util.find_library is find
