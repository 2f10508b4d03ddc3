# `make` lists what can be made. Needs Python 3.11 to 3.13, make and git.
PYTHON ?= python3
ARGS ?=
# Processes that share the tests; 0 where one measures or is followed in a debugger.
WORKERS ?= 2

# Paths are relative, so that a checkout under a path with spaces works.
PIP := .venv/bin/python -m pip --disable-pip-version-check
RUNTIME := .venv/runtime.stamp
DEV := .venv/dev.stamp

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format types docs docs-serve check dist lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## install, then the main job on embedded images: train, QAT, export, validate, predict
	.venv/bin/edgetl run edgetl/resources/quickstart.toml --out runs/quickstart
	.venv/bin/edgetl predict runs/quickstart digits:0

test: $(DEV) ## install, then the tests (ARGS="-m slow" WORKERS=0 for the slow ones, ARGS=tests/test_recipe.py for one file)
	.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: $(DEV) ## rules, formatting, and the words of the glossary
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m pytest -q --durations=0 tests/test_language.py

format: $(DEV) ## mend what lint can mend by itself
	.venv/bin/python -m ruff check --fix .
	.venv/bin/python -m ruff format .

types: $(DEV) ## static types
	.venv/bin/python -m mypy

docs: $(DEV) ## the documentation site into build/site; any warning is an error
	.venv/bin/zensical build --strict

docs-serve: $(DEV) ## show the site while it is written, at http://localhost:8000
	.venv/bin/zensical serve

check: lint types docs test ## everything that CI checks

dist: ## a wheel and a source archive in dist/, with what PyPI checks of them
	rm -rf dist build/release
	$(PYTHON) -m venv build/release
	build/release/bin/python -m pip --disable-pip-version-check install --quiet build twine
	build/release/bin/python -m build
	build/release/bin/python -m twine check --strict dist/*

lock: ## write constraints.txt anew: the newest releases that pyproject.toml allows
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check install --upgrade setuptools -e '.[dev]'
	build/lock/bin/python -m pip check
	build/lock/bin/python -m pip freeze --all --exclude pip --exclude edgetl > build/lock/pins
	if grep -E '@|^-' build/lock/pins; then echo 'these are not plain pins' >&2; exit 1; fi
	{ echo "# Made by 'make lock' on Linux x86-64 with Python 3.11: pip install -c constraints.txt -e '.[dev]'"; cat build/lock/pins; } > build/lock/new
	mv build/lock/new constraints.txt
	rm -rf build/lock

clean: ## remove the environment and all caches; runs/ stays
	rm -rf .venv build dist .cache *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find edgetl tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo 'edgetl needs Python 3.11 to 3.13: make PYTHON=python3.11 ...' >&2; exit 1; }
	@echo 'installing into .venv: about 2.7 GB, a few minutes'
	$(PYTHON) -m venv .venv
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(DEV): $(RUNTIME)
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@
