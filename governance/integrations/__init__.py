# SPDX-License-Identifier: Apache-2.0
"""The integrations room: one file for each outside tool; what the tool says becomes events, and nothing is guessed."""
