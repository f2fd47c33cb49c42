# SPDX-License-Identifier: Apache-2.0
"""The manners of the house, held by reading its own files, and the README's own code, run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HOUSE = Path(__file__).resolve().parent.parent
ROOMS = ("governance", "tests", "samples", "benchmarks")
FOLDERS = (*ROOMS, "policies", "report_templates", "docs", "requirements", ".ci")
LINES_MAX = 400
# A test's file may hold every case of the thing that it tests.
LINES_MAX_TESTS = 650
BANNED = {
    "base",
    "common",
    "handler",
    "helper",
    "helpers",
    "info",
    "item",
    "manager",
    "misc",
    "object",
    "util",
    "utils",
}
HEAVY = ("fastapi", "pandas", "pydantic", "sqlalchemy", "sqlmodel", "weasyprint")
# Written so that this line does not match itself.
REGISTRY = re.compile(
    r"\b(?:py(?:pi|thonhosted)|npmjs|anaconda|crates)\.(?:org|com|io)\b|--(?:extra-)?index[-]url", re.I
)
MACHINE = re.compile(r"(?<![\w.~:/-])/(?:home|opt|root|tmp|Users|work)/[\w.]")


def sources() -> list[Path]:
    """Every Python file of ours."""
    return sorted(file for room in ROOMS for file in (HOUSE / room).rglob("*.py"))


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every file of ours that is text."""
    files = [file for folder in FOLDERS for file in (HOUSE / folder).rglob("*") if file.is_file()]
    files += [file for file in HOUSE.iterdir() if file.is_file() and not file.name.startswith(".coverage")]
    for file in sorted(files):
        if "__pycache__" in file.parts:
            continue
        try:
            yield name_of(file), file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def name_of(file: Path) -> str:
    """A file's name in the repository."""
    return file.relative_to(HOUSE).as_posix()


def python(code: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def readme() -> list[str]:
    """The README's Python blocks: record a run, gate a release, check the chain."""
    return re.findall(r"```python\n(.*?)```", (HOUSE / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_every_source_says_its_licence_and_what_stands_in_it() -> None:
    """The SPDX line first, then a module docstring; empty `__init__.py` files say them too."""
    for file in sources():
        content = file.read_text(encoding="utf-8")
        assert content.startswith("# SPDX-License-Identifier: Apache-2.0\n"), name_of(file)
        assert ast.get_docstring(ast.parse(content)), f"{name_of(file)} has no module docstring"


def test_a_file_is_one_idea_and_stays_short() -> None:
    counts = {name_of(file): len(file.read_text(encoding="utf-8").splitlines()) for file in sources()}
    limits = {name: LINES_MAX_TESTS if name.startswith("tests/") else LINES_MAX for name in counts}
    long = {name: count for name, count in counts.items() if count >= limits[name]}
    assert long == {}


def test_nothing_is_named_by_a_word_that_says_nothing() -> None:
    for file in sources():
        assert file.stem not in BANNED, name_of(file)
        named = {
            node.name.lower()
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        }
        assert not named & BANNED, name_of(file)


def test_what_is_left_to_do_names_where_it_is_written_down() -> None:
    for name, text in texts():
        if name.endswith(".py") and name != "tests/test_house.py":
            assert not re.search(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))", text), name


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in texts()
        for pattern in (REGISTRY, MACHINE)
        for match in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text", ["get it from pypi" + ".org", "--index" + "-url x", "in /ho" + "me/ana", "(/t" + "mp/x)"]
)
def test_a_registry_or_a_path_would_be_found(text: str) -> None:
    assert REGISTRY.search(text) or MACHINE.search(text)


def test_importing_the_package_loads_nothing_heavy(tmp_path: Path) -> None:
    ran = python(f"import governance, sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))", folder=tmp_path)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """`governance --help` is what everybody types first: it must not wait for a PDF engine."""
    code = f"""
import sys
from governance.cli import main
sys.argv = ["governance", "--help"]
try:
    main()
except SystemExit as ended:
    print("ended", ended.code)
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    ran = python(code, folder=tmp_path)
    assert "append" in ran.stdout, ran.stderr
    assert ran.stdout.splitlines()[-2:] == ["ended 0", "[]"]


def test_locked_versions_are_those_that_the_package_asks_for() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lock = (HOUSE / "requirements" / "development.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock, re.MULTILINE))
    for line in [*project["dependencies"], *extras["dev"], *extras["demo"]]:
        asked = Requirement(line)
        version = locked.get(canonicalize_name(asked.name))
        assert version is not None, f"{asked.name} is not locked: make lock"
        assert asked.specifier.contains(Version(version)), f"{line} is locked at {version}: make lock"


def test_every_locked_package_has_hashes() -> None:
    lock = (HOUSE / "requirements" / "development.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=[a-z])", lock)[1:]:
        assert re.fullmatch(r"[^\n]+ \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+", block), block[:60]


def test_the_readme_s_recording_and_gate_run_as_they_stand(readme: list[str], tmp_path: Path) -> None:
    made = python("import governance; governance.init('sqlite:///governance.db').close()", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    digests = f"data_digest = model_digest = 'sha256:{'0' * 64}'\n"
    recorded = python(digests + readme[0], folder=tmp_path)
    assert recorded.returncode == 0, recorded.stderr
    gated = python("import governance\n" + readme[1], folder=tmp_path)
    assert gated.returncode == 0, gated.stderr
    assert "baseline/" in gated.stdout, "a model without approval, evaluation or environment has gaps"


def test_the_readme_s_ten_lines_check_the_chain_of_an_export(readme: list[str], tmp_path: Path) -> None:
    """An auditor without our code sees that the chain is whole, and where it is not."""
    import governance

    with governance.init(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        for name in ("ana", "ben", "cleo"):
            ledger.record("person.enrolled", f"person:{name}", actor="person:ana")
        with (tmp_path / "entries.jsonl").open("wb") as stream:
            ledger.export_entries(stream)
        last = list(ledger.entries())[-1].leaf_hash.hex()
    whole = python(readme[2], folder=tmp_path)
    assert (whole.stdout.strip(), whole.stderr) == (f"unbroken, ends in {last}", "")
    lines = (tmp_path / "entries.jsonl").read_bytes()
    (tmp_path / "entries.jsonl").write_bytes(lines.replace(b"person:ben", b"person:bob"))
    broken = python(readme[2], folder=tmp_path)
    assert broken.returncode == 1
    assert "AssertionError" in broken.stderr
