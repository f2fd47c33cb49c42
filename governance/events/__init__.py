# SPDX-License-Identifier: Apache-2.0
"""Events: the envelope, the vocabulary and the links that an event asserts."""
