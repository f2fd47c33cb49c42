# SPDX-License-Identifier: Apache-2.0
# Every target builds .venv itself, from requirements/development.txt and nothing else; `make` alone lists the targets.
# Rules: the locked versions are the only versions; a missing system library is told with the command that installs it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test check fix benchmark lock clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SYSTEM_LIBRARIES := $(VENV)/.system-libraries

# The Python that builds .venv: the newest one found that is at least 3.11. `make PYTHON=python3.12 …` decides otherwise.
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3 python
PYTHON :=

# How many processes run tests; one that has none left takes over some of the other's.
WORKERS := 2
PARALLEL := -n $(WORKERS) --dist worksteal
# Which tests run: `make test MARKERS=` runs the slow ones too.
MARKERS := not slow
# Which part: `make test TESTS=tests/core`.
TESTS := tests
# The floor of branch coverage over the whole package, in percent: what was measured, less one. It only rises.
COVERAGE_FLOOR := 98
# The same for the rooms on which proofs and verdicts rest. The goal is 100 for each; what is below it is what was measured.
COVERAGE_ROOMS := core=100 ledger=100 policy=100

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -e 's/:.*## /\t/' | expand -t 12

demo: $(STAMP) $(SYSTEM_LIBRARIES) ## train two real credit models, record, prove, check and report them, into demo/
	@rm -rf demo
	$(BIN)/governance demo --directory demo

test: $(STAMP) $(SYSTEM_LIBRARIES) ## run the tests
	$(BIN)/pytest $(PARALLEL) -m "$(MARKERS)" $(TESTS)

check: $(STAMP) $(SYSTEM_LIBRARIES) ## run every gate: format, lint, types, floors, tests with coverage
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coverage erase
	$(BIN)/pytest $(PARALLEL) -m "$(MARKERS)" --cov --cov-report= $(TESTS)
	$(BIN)/coverage report --fail-under=$(COVERAGE_FLOOR)
	@for gate in $(COVERAGE_ROOMS); do \
		room=$${gate%=*}; floor=$${gate#*=}; \
		echo "coverage of governance/$$room, at least $$floor:"; \
		$(BIN)/coverage report --include="governance/$$room/*" --fail-under=$$floor || exit 1; \
	done

fix: $(STAMP) ## mend what can be mended by machine: lint findings, then format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

benchmark: $(STAMP) ## measure against the floor of the same run, and print ratios
	@for program in benchmarks/*.py; do echo "== $$program"; $(BIN)/python "$$program" || exit 1; done

lock: $(STAMP) ## compile requirements/development.txt again from pyproject.toml, with the newest versions it allows
	@{ sed -e '/^$$/,$$d' requirements/development.txt; echo; } > requirements/development.new
	$(BIN)/pip-compile --quiet --upgrade --extra dev --extra demo --extra postgres --extra timestamp --extra excel --extra parquet --extra sign --output-file requirements/development.compiled \
		--generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options pyproject.toml
	@# pip-compile drops a marker that holds where it runs, and sets pip apart under a remark of its own.
	@sed -e '/^#/d' -e '/^$$/d' -e "s/^atheris==[^ ]*/& ; sys_platform == \"linux\" and python_version < \"3.14\"/" \
		requirements/development.compiled >> requirements/development.new
	@rm requirements/development.compiled
	@mv requirements/development.new requirements/development.txt

clean: ## remove what make and the tools made; demo/ too
	rm -rf $(VENV) demo build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find governance tests samples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that an interrupted install is done again from the start.
$(STAMP): requirements/development.txt pyproject.toml
	@set -e; \
	chosen='$(PYTHON)'; \
	for candidate in $(if $(PYTHON),,$(PYTHONS)); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			chosen="$$candidate"; break; \
		fi; \
	done; \
	if [ -z "$$chosen" ]; then \
		echo "No Python 3.11 or newer was found; looked for: $(PYTHONS)." >&2; \
		echo "hint: install one, or name yours: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	rm -rf $(VENV); \
	echo "Building $(VENV) with $$("$$chosen" --version)"; \
	if ! "$$chosen" -m venv $(VENV); then \
		echo "hint: on Debian and Ubuntu the module venv is a package of its own: apt-get install -y python3-venv" >&2; \
		exit 1; \
	fi
	@# The file names every package, so pip resolves nothing: a resolver may try a newer version than the one that is named.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/development.txt
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# As pip does for what it copies: a command would else compile two hundred files where bytecode may not be written.
	$(BIN)/python -m compileall -q governance
	@touch $@

$(SYSTEM_LIBRARIES): $(STAMP) .ci/system-libraries
	$(BIN)/python .ci/system-libraries
	@touch $@
