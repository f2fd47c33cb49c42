# SPDX-License-Identifier: Apache-2.0
"""The vocabulary's classes are quick to make: each start of each command makes all of them."""

from __future__ import annotations

import pytest

from governance.events.payload import Payload
from governance.events.vocabulary import PAYLOADS


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
def test_a_payloads_annotations_are_no_texts_that_each_start_would_evaluate(payload: type[Payload]) -> None:
    own = vars(payload).get("__annotations__", {})
    assert not [name for name, each in own.items() if isinstance(each, str)]
