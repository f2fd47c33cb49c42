# SPDX-License-Identifier: Apache-2.0
"""Where the rule sets, report templates and samples are that came with the package.

Rules: an installed wheel carries them in `governance/_data`; a checkout has them at the repository's top. A wheel's own
copy wins, so that what runs is what was installed. Only folders are found here: nothing is read, nothing is cached, and
folders of the user's own are arguments elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from governance.errors import NotFoundError

_PACKAGE = Path(__file__).resolve().parent


def policies_directory() -> Path:
    """The folder with one folder for each rule set that we ship.

    Raises:
        NotFoundError: Neither the installed package nor a checkout holds it.
    """
    return find_resource("policies", package=_PACKAGE)


def report_templates_directory() -> Path:
    """The folder with one folder for each report template that we ship.

    Raises:
        NotFoundError: Neither the installed package nor a checkout holds it.
    """
    return find_resource("report_templates", package=_PACKAGE)


def samples_directory() -> Path:
    """The folder with one folder for each sample that we ship.

    Raises:
        NotFoundError: Neither the installed package nor a checkout holds it.
    """
    return find_resource("samples", package=_PACKAGE)


def find_resource(name: str, *, package: Path) -> Path:
    """Find a shipped folder, first inside the package, then beside it.

    Args:
        name: The folder's name, such as `policies`.
        package: The folder of the package's own modules.

    Returns:
        The absolute path of a folder that exists.

    Raises:
        NotFoundError: It is in neither place. A folder of that name beside an installed package is not ours: only
            beside a `pyproject.toml` does it count.
    """
    installed = package / "_data" / name
    if installed.is_dir():
        return installed
    checkout = package.parent / name
    if checkout.is_dir() and (package.parent / "pyproject.toml").is_file():
        return checkout
    raise NotFoundError(
        f"the package's folder {name!r} is missing: expected {installed} or {checkout}",
        hint="install the package again, or run it from a complete checkout",
    )
