# SPDX-License-Identifier: Apache-2.0
"""Ledgers as earlier versions wrote them, and the script that made the newest."""
