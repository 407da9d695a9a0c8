# Everything that is done with Tally from its checkout. The stamps in .venv let a second run do no work.
.DEFAULT_GOAL := help
.PHONY: help up setup wheel baselines test test-quick test-clients coverage check format schema catalogue bench clean

# Tests start hundreds of Pythons: compiled code is kept.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
COVERAGE := $(BIN)/python -m coverage
# Three workers for two cores, for tests often wait; a file stays with one worker, the longest files come first.
PYTEST := pytest -n 3 --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$each && break; done)

help:
	@echo "make up          start Tally, in the foreground; Ctrl-C stops it"
	@echo "make setup       make the environment, start nothing"
	@echo "make wheel       build dist/tally-….whl and the source distribution, for machines without a checkout"
	@echo "make test        run all tests"
	@echo "make test-quick  run the tests without browsers, servers and a second Postgres"
	@echo "make test-clients send telemetry with every client that sets itself up for Tally; installs 3 GB"
	@echo "make coverage    run all tests and list the lines that none reaches"
	@echo "make check       format, lint, types, imports, SQL, JavaScript, then all tests"
	@echo "make schema      write database/schema.sql, the schema as the migrations leave it"
	@echo "make catalogue   write the catalogue of models again from the newest lists; downloads 44 MB"
	@echo "make bench       measure every claim and write bench/results.json"
	@echo "make clean       remove what was installed and built; your data stays"

up: setup
	@exec $(BIN)/tally up $(ARGS)

setup: $(VENV)/.installed $(VENV)/.node
	@$(BIN)/python -m tally.local.install

# The wheel comes from the source distribution: in this folder, setuptools would add what an earlier build left.
wheel: setup
	@rm -rf dist && $(BIN)/python -c 'from setuptools import build_meta; build_meta.build_sdist("dist")' >/dev/null
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist dist/tally-*.tar.gz
	@echo "Built:" dist/*

baselines: $(VENV)/.baselines

test: setup $(VENV)/.dev $(VENV)/.baselines $(VENV)/.clients
	@.ci/system-packages
	@$(BIN)/python -m $(PYTEST) $(ARGS)

test-quick: setup $(VENV)/.dev
	@$(BIN)/python -m $(PYTEST) -m "not slow" $(ARGS)

test-clients: setup $(VENV)/.dev $(VENV)/.clients $(VENV)/.all-clients
	@TALLY_TEST_CLIENTS=all $(BIN)/python -m pytest tests/clients $(ARGS)

coverage: setup $(VENV)/.dev $(VENV)/.baselines $(VENV)/.clients
	@.ci/system-packages
	@mkdir -p .cache && $(COVERAGE) erase
	@CURDIR="$(CURDIR)" $(COVERAGE) run -m $(PYTEST) $(ARGS)
	@$(COVERAGE) combine --quiet && $(COVERAGE) json --quiet
	@$(BIN)/python -m tests.coverage_table

check: setup $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy tally app api forecasting bench docs tests
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint --disable-progress-bar database/migrations supabase/seed.sql supabase/local/bootstrap.sql
	@$(BIN)/python -m tests.supabase.biome
	@$(MAKE) --no-print-directory test

format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: setup $(VENV)/.dev
	@$(BIN)/python -m tests.database.schema

# The list is read out of the wheel; the package is not installed.
catalogue: setup $(VENV)/.dev
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(PIP) download --no-deps -d "$$folder" litellm \
		&& $(BIN)/python -m docs.catalogue "$$folder"/litellm-*.whl

bench: setup $(VENV)/.dev $(VENV)/.baselines
	@$(BIN)/python -m bench $(ARGS)

# What you entered lives in TALLY_HOME (.tally), which nothing here touches.
clean:
	@rm -rf $(VENV) supabase/local/node_modules tests/ccusage/node_modules supabase/.temp *.egg-info build dist
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache bench/results
	@find tally app api forecasting tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: install it, then run this again." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make a virtual environment: install its venv package (Debian: python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing Python packages (a few minutes, once) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed $(VENV)/.node requirements-dev.lock tests/ccusage/package-lock.json
	@echo "Installing the packages of the tests …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m tests.ccusage.install
	@touch $@

# The methods that forecasts are held against live apart: they need another pandas.
$(VENV)/.baselines: $(VENV)/.made requirements-baselines.lock
	@echo "Installing the baselines of the forecasts …"
	@$(BIN)/python -m venv $(VENV)/baselines
	@$(VENV)/baselines/bin/python -m pip -qq --disable-pip-version-check --no-input install --require-hashes -r requirements-baselines.lock
	@touch $@

# Programs that send telemetry live apart, too, as they do beside Tally: SDKs for all tests, the others for test-clients.
$(VENV)/.clients: $(VENV)/.dev $(wildcard tests/clients/sdks.lock tests/clients/javascript/*.json)
	@echo "Installing clients of the telemetry …"
	@$(BIN)/python -m tests.clients.install sdks javascript
	@touch $@

$(VENV)/.all-clients: $(VENV)/.dev $(wildcard tests/clients/*.lock tests/clients/agents/*.json)
	@echo "Installing frameworks, LiteLLM and coding agents (some minutes) …"
	@$(BIN)/python -m tests.clients.install frameworks litellm agents
	@touch $@

# Node.js from the machine, or else from a Python package.
$(VENV)/.node: $(VENV)/.made requirements-node.lock
	@if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then :; else \
		echo "Installing Node.js …"; $(PIP) install --require-hashes -r requirements-node.lock; fi
	@touch $@
