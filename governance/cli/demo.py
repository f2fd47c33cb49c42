# SPDX-License-Identifier: Apache-2.0
"""The command demo: the credit scoring sample, end to end on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    directory: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to write; must not hold a demo already.")
    ] = Path("demo"),
) -> None:
    """Train two real credit models, record everything, check, prove and report it."""
    from governance.workspace.demo import run_demo

    run_demo(directory, say=typer.echo)
