# SPDX-License-Identifier: Apache-2.0
"""Rule sets, templates and samples are found in a checkout and in an installed package alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance import resources
from governance.errors import NotFoundError
from governance.resources import find_resource


@pytest.fixture
def package(tmp_path: Path) -> Path:
    made = tmp_path / "site" / "governance"
    made.mkdir(parents=True)
    return made


def test_an_installed_package_carries_its_own_folders(package: Path) -> None:
    (package / "_data" / "policies").mkdir(parents=True)
    assert find_resource("policies", package=package) == package / "_data" / "policies"


def test_a_checkout_has_them_beside_the_package(package: Path) -> None:
    (package.parent / "policies").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert find_resource("policies", package=package) == package.parent / "policies"


def test_what_was_installed_wins_over_what_lies_beside_it(package: Path) -> None:
    """What runs is what was installed, even when the command is started inside a checkout."""
    (package / "_data" / "policies").mkdir(parents=True)
    (package.parent / "policies").mkdir()
    (package.parent / "pyproject.toml").touch()
    assert find_resource("policies", package=package) == package / "_data" / "policies"


def test_a_stranger_s_folder_beside_an_installed_package_is_not_ours(package: Path) -> None:
    (package.parent / "policies").mkdir()
    with pytest.raises(NotFoundError, match="the package's folder 'policies' is missing"):
        find_resource("policies", package=package)


def test_a_file_of_that_name_is_no_folder(package: Path) -> None:
    (package.parent / "policies").touch()
    (package.parent / "pyproject.toml").touch()
    with pytest.raises(NotFoundError, match=r"expected .*_data.policies or "):
        find_resource("policies", package=package)


@pytest.mark.parametrize("rule_set", ["baseline", "eu-ai-act", "soc2"])
def test_every_rule_set_that_we_ship_is_there_with_its_cases(rule_set: str) -> None:
    folder = resources.policies_directory() / rule_set
    assert {"rule_set.yaml", "cases.yaml"} <= {each.name for each in folder.iterdir()}


@pytest.mark.parametrize("template", ["assessment", "technical-documentation"])
def test_every_template_that_we_ship_is_there(template: str) -> None:
    assert (resources.report_templates_directory() / template / "template.html.j2").is_file()


def test_the_sample_brings_its_data() -> None:
    data = resources.samples_directory() / "credit_scoring" / "data"
    assert {"german_credit.csv", "README.md"} <= {each.name for each in data.iterdir()}
