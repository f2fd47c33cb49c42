# SPDX-License-Identifier: Apache-2.0
"""`python -m governance.cli`, the same as the command `governance`."""

from governance.cli import run

if __name__ == "__main__":
    run()
