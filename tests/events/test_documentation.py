# SPDX-License-Identifier: Apache-2.0
"""docs/events.md is complete and current."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.events.documentation import events_markdown
from governance.events.payload import Payload
from governance.events.vocabulary import PAYLOADS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"


def test_the_page_is_what_the_vocabulary_gives() -> None:
    """Made again with: python -c "from governance.events.documentation import *; print(events_markdown(), end='')"."""
    assert PAGE.read_text(encoding="utf-8") == events_markdown()


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
def test_every_type_is_told_with_a_sentence_and_every_field(payload: type[Payload]) -> None:
    section = events_markdown().partition(f"### {payload.event_type}\n")[2].partition("\n### ")[0]
    assert payload.__doc__ is not None
    assert payload.__doc__.split("\n")[0] in section
    for name in payload.model_fields:
        assert f"| `{name}` |" in section
