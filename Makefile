# Every target does its own set-up: a clean clone needs Python 3.11+ and make, nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help setup run test check bench definitions evidence torture lock clean

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
UV_VERSION := 0.13.8
UV := build/uv/bin/uv
DATA ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
RUN_ARGS ?=
PATIENTS ?= 200
# The first interpreter that is new enough; PYTHON=/path/to/python3 overrides.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$name >/dev/null 2>&1 \
	&& $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$name && break; done)
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-input \
	--no-deps --require-hashes

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime ## install what the server needs into .venv

run: $(VENV)/.runtime ## start the server with demo patients on http://localhost:8080
	@bin/hestia serve --demo $(PATIENTS) $(RUN_ARGS)

test: $(VENV)/.dev ## run the tests on a real PostgreSQL; PYTEST_ARGS=… chooses
	@.ci/prepare
	$(PY) -m pytest -n 2 $(PYTEST_ARGS)

check: $(VENV)/.dev ## lint, format, types, import layers, spelling, layout: under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(PY)
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/deptry .
	$(PY) -m pytest -q -p no:cacheprovider --confcutdir=tests/architecture tests/architecture

bench: $(VENV)/.dev ## measure, with the ratio to this machine's limits; BENCH_ARGS=… chooses
	$(PY) -m benchmarks $(BENCH_ARGS)

definitions: $(VENV)/.dev ## compile HL7's R4 definitions into the committed tables
	$(PY) -m fhir_server.r4.compile_definitions

evidence: $(VENV)/.dev ## run the conformance suites on real input: make evidence DATA=folder
	@test -n "$(DATA)" || { echo "make evidence DATA=folder: say where the input lies" >&2; exit 2; }
	$(PY) -m conformance.evidence --data $(DATA)

torture: $(VENV)/.dev ## run the fault and consistency suites
	$(PY) -m conformance.torture

lock: $(UV) ## resolve both lock files anew from pyproject.toml
	$(UV) pip compile $(LOCK_ARGS) --group dev --output-file requirements-dev.lock pyproject.toml
	$(UV) pip compile $(LOCK_ARGS) --constraints requirements-dev.lock \
		--output-file requirements.lock pyproject.toml

LOCK_ARGS := --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock"

clean: ## remove everything that make made, but not the data in .hestia
	rm -rf $(VENV) build .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { \
		echo "Hestia needs Python 3.11 or newer; this machine has $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Hestia needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

# The runtime alone, so that a first `make run` does not wait for the tools of development.
$(VENV)/.runtime: requirements.lock bin/hestia | $(PY)
	@echo "Installing what the server needs into $(VENV) …"
	@$(PIP_INSTALL) -r requirements.lock
	@ln -sf ../../bin/hestia $(BIN)/hestia
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the tools of development into $(VENV) …"
	@$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@

$(UV): | $(PY)
	$(PY) -m venv build/uv
	build/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
