# Sets itself up: Python 3.11+ on the PATH is all that `make demo` and `make test` need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first interpreter on the PATH that runs and is new enough; override with `make PYTHON=...`.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

BIN := .venv/bin
INSTALLED := .venv/.installed
WARM := .venv/.warm
KERNELS := $(wildcard placer/kernels/*.py)

.PHONY: help setup venv demo test lint types docs site bench wheel clean

help: ## lists the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

# Stamps: nothing is installed again until pyproject.toml changes, nothing compiled again until a kernel does.
# The demo compiles only the kernels that it uses, a third of them.
$(INSTALLED): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "No Python 3.11 or newer on the PATH: install one, or say make PYTHON=..." >&2; exit 1; fi
	@echo "Setting up .venv with $(PYTHON): the first time takes a minute or two."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(WARM): $(INSTALLED) $(KERNELS)
	@echo "Compiling the kernels, once: placer warmup."
	$(BIN)/placer warmup
	@touch $@

venv: $(INSTALLED) ## installs placer and all that its tests need into .venv

setup: $(WARM) ## venv, then compiles the kernels

demo: venv ## places the openb cluster and a 30,000-node one, and verifies both
	$(BIN)/python -m bench demo

test: setup ## runs the tests
	$(BIN)/python -m pytest tests

lint: venv ## ruff, its formatter, and the rules on who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: venv ## mypy, strict
	$(BIN)/mypy

docs: setup ## runs every example in README.md, docs/ and the docstrings
	$(BIN)/python -m pytest README.md docs placer

site: venv ## builds the documentation's site into site/
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[docs]'
	$(BIN)/mkdocs build --strict

bench: setup ## runs the benchmarks at the size of CI
	$(BIN)/python -m pytest bench

wheel: venv ## builds the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist

clean: ## removes .venv and what was built
	rm -rf .venv dist site build .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
