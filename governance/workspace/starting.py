# SPDX-License-Identifier: Apache-2.0
"""What a process of ours can do without while it loads; called first by the command line and by its workers.

Rules: nothing here changes what comes out, only when Python looks for garbage and whether Pydantic looks for plugins.
"""

from __future__ import annotations

import gc
import os
import sys
from types import ModuleType

OBJECTS_BETWEEN_COLLECTIONS = 100_000


def start_quickly() -> None:
    """Spare a start what it does not need.

    Loading makes some hundred thousand objects of which hardly any is garbage, and Python looks through all of them
    each time 700 are new: a tenth of a start. Pydantic looks through every package that is installed for plugins of its
    own, unless the environment says something else.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        # What looks for plugins first loads what reads packages' metadata, and that what reads mails.
        none = ModuleType("pydantic.plugin._loader")
        none.get_plugins = tuple  # type: ignore[attr-defined]
        sys.modules.setdefault(none.__name__, none)
