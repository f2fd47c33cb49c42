# SPDX-License-Identifier: Apache-2.0
"""A process that lays out chunks of a register for another (register_pages.py).

python -m governance.report.register_worker < tasks > chunks

tasks     for each chunk: its length in 8 bytes, then {"html": …, "issued_at": …} as JSON
chunks    for each task: the PDF's length in 8 bytes, then the PDF
"""

from __future__ import annotations

import sys
from functools import partial

from governance.report.pdf_rendering import make_pdf, read_fonts
from governance.report.register_pages import serve

if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, partial(make_pdf, fonts=read_fonts()))
