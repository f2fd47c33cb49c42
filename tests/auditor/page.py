# SPDX-License-Identifier: Apache-2.0
"""The policy of docs/auditor/verify.html: its script and style are allowed by their hash and nothing else is.

python -m tests.auditor.page writes the hashes anew after the page was edited.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "auditor" / "verify.html"


def with_hashes(text: str) -> str:
    """The page with the hashes of its own script and style in its policy."""
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        match = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert match is not None
        digest = base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()
        text = re.sub(rf"{directive} 'sha256-[^']*'", f"{directive} 'sha256-{digest}'", text)
    return text


if __name__ == "__main__":
    PAGE.write_text(with_hashes(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
