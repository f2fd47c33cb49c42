# SPDX-License-Identifier: Apache-2.0
"""The web room: what is spoken over HTTP, as server and as client."""
