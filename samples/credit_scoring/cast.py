# SPDX-License-Identifier: Apache-2.0
"""The cast: the refs of the story, each said once.

Rules: all persons and organisations are invented; the data are real.
"""

from __future__ import annotations

PROVIDER = "organisation:hansa-scoring"
DEPLOYER = "organisation:lindenbank"
SYSTEM = "system:credit-scoring"

ANA = "person:ana"
"""Data scientist; trains both versions."""
BEN = "person:ben"
"""Engineer; reviews code, releases, answers alerts."""
CHIARA = "person:chiara"
"""Validator; measures and approves, and builds nothing."""
DORA = "person:dora"
"""Compliance officer; keeps the files, grants waivers."""
EMIL = "person:emil"
"""Data steward; registers, checks and examines data."""
FARID = "person:farid"
"""Credit officer at the deployer; decides in the end."""

PIPELINE = "service:training-pipeline"
RELEASE = "service:release"
MONITOR = "service:monitor"

MODEL_1 = "model:credit-risk@1"
MODEL_2 = "model:credit-risk@2"
PRODUCTION_1 = "deployment:credit-risk/production@1"
PRODUCTION_2 = "deployment:credit-risk/production@2"
PRODUCTION_3 = "deployment:credit-risk/production@3"

ALL_DATA = "dataset:credit-applications@1"
TRAIN_1 = "dataset:credit-train@1"
TRAIN_2 = "dataset:credit-train@2"
VALIDATION_2 = "dataset:credit-validation@2"
TEST = "dataset:credit-test@1"
WINDOW_1 = "dataset:credit-window@october"
WINDOW_2 = "dataset:credit-window@september"

FEATURES_1 = "feature_set:applicant@1"
FEATURES_2 = "feature_set:applicant@2"
DIVIDE = "run:divide-applications"
"""Cuts the test data from all applications."""
MINIMISE = "run:minimise-applications"
"""Makes the training and validation data of version 2, without the columns that it must not see."""
RUN_1 = "run:credit-risk-1"
RUN_2 = "run:credit-risk-2"
ENVIRONMENT = "environment:training@2"

SEGMENT_1 = "segment:credit-risk/2026-09"
SEGMENT_2 = "segment:credit-risk/2026-10"

UNEQUAL_TREATMENT = "incident:unequal-treatment-by-age"
LARGER_LOANS = "incident:larger-loans"
