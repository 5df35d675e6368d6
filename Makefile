# `make` lists what there is. Nothing but Python 3.11-3.14, pip and make is needed to begin.
PYTHON ?= python3
VENV   ?= .venv
COURSE ?= examples/course
Q      ?= What is the chain rule in backpropagation?

BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV       := $(VENV)/.installed-dev
export Q
export LECTA_LIBRARY ?= $(CURDIR)/.lecta/library

.DEFAULT_GOAL := help
.PHONY: help ask test lint format docs lock course bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "make %-8s %s\n", $$1, $$2}'

ask: $(INSTALLED) ## set everything up, add the sample course, ask about it (Q="..." asks something else)
	@$(BIN)/lecta add --quiet $(COURSE) --course "Backpropagation and around"
	@$(BIN)/lecta ask "$$Q"

test: $(DEV) ## format, lint, types, and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(DEV) ## format, lint and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV) ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV) ## write help text and settings into docs/ anew
	$(BIN)/cog -r README.md docs/*.md
	$(BIN)/python -m docs.derivations

lock: $(DEV) ## resolve requirements.txt anew, for every platform and Python
	$(UV) pip compile pyproject.toml --universal --python-version 3.11 --no-annotate --no-emit-index-url --no-header --upgrade -o requirements.txt
	$(UV) pip compile pyproject.toml --extra dev --extra course --extra jax --universal --python-version 3.11 --no-annotate --no-emit-index-url --no-header --upgrade -o requirements-dev.txt

course: $(DEV) ## make the sample course's slides and subtitles from their sources
	$(BIN)/python examples/make_course.py

bench: $(DEV) ## measure what needs no other data (minutes; writes benchmarks/results)
	$(BIN)/python -m benchmarks --list
	$(BIN)/python -m benchmarks

clean: ## remove the environment and the sample library; models stay in the user's cache
	rm -rf $(VENV) .lecta build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# uv (one wheel, for every system) installs in seconds what takes pip minutes. It does not read pip's own settings: where
# they name another index pip does it, and where uv fails.
install = { test -x $(UV) && ! $(BIN)/python -m pip config list | grep -q '\.index-url=' \
	&& $(UV) pip install -q --python $(BIN)/python $(1); } || { echo "pip installs, which may take minutes"; $(PIP) $(1); }
UV  := $(BIN)/uv
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

# Set-up is done once, and again when what it depends on changes.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 15) else "lecta needs Python 3.11 to 3.14; this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	@$(PIP) uv -c requirements-dev.txt || echo "uv cannot be had: pip installs alone"

$(INSTALLED): requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) (1.4 GB) ..."
	@$(call install,-r requirements.txt)
	@$(call install,--no-deps -e .)
	@touch $@

$(DEV): requirements-dev.txt $(INSTALLED)
	@$(call install,-r requirements-dev.txt)
	@touch $@
