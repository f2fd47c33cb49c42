# SPDX-License-Identifier: Apache-2.0
"""A process that lays out chunks of a register, or parts of a report, for another (chunks.py).

python -m governance.report.register_worker [parts] < tasks > chunks

tasks     for each chunk: its length in 8 bytes, then {"text": …, "issued_at": …} as JSON
chunks    for each task what `make_chunk` or `make_part` gives, each piece after its length in 8 bytes
"""

from __future__ import annotations

import sys
from functools import partial

from governance.report.chunks import serve
from governance.report.pdf_making import read_fonts
from governance.report.pdf_rendering import make_chunk, make_part

if __name__ == "__main__":
    make = make_part if sys.argv[1:] == ["parts"] else make_chunk
    serve(sys.stdin.buffer, sys.stdout.buffer, partial(make, fonts=read_fonts()))
