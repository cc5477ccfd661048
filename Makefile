# make help says what each target does.
.DEFAULT_GOAL := help
SHELL := /bin/bash
OK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(OK)' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo

.PHONY: help demo test lint format bench docs clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Each stamp is one installation; touching pyproject.toml makes all of them stale.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "headrace needs Python 3.11, 3.12 or 3.13, and none was found; name one: make PYTHON=/path/to/python3.12 …"; exit 2; }
	@echo "making $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	@echo "installing headrace with the extras of the demo (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[keras,trees,serve]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "installing headrace with everything that its tests need (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group test --group lint
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group docs
	@touch $@

demo: $(VENV)/.demo ## Census data, from raw files to a served prediction
	@$(BIN)/python -m headrace.examples.demo $(DEMO)

test: $(VENV)/.dev ## Run all tests, in parallel
	@$(BIN)/python -m pytest --numprocesses=auto --quiet

lint: $(VENV)/.dev ## Check style, types and the floors of the house
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## Lay out the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure speed and memory against named peers
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.docs ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict --quiet && echo "see site/index.html"

clean: ## Remove what make has made
	rm -rf $(VENV) $(DEMO) site dist
