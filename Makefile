# Works with nothing but make and Python 3.11 or newer:  make demo
PYTHON ?= python3
VENV   ?= .venv

BIN    := $(VENV)/bin
BASE   := $(VENV)/.tradewedge-base
DEV    := $(VENV)/.tradewedge-dev
CODE   := $(wildcard engine kernels conf data bench tests)
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full bench lint format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: $(DEV) ## a virtual environment with everything needed to develop

demo: $(BASE) ## solve the demo scenarios into outputs/demo
	$(BIN)/tradewedge run output.directory=outputs/demo

test: $(DEV) ## the tests for everyone (minutes)
	$(PYTEST) -m "not slow"

test-full: $(DEV) ## every test, the long ones too
	$(PYTEST)

bench: $(DEV) ## timings, on this machine
	$(BIN)/tradewedge bench

# mypy and import-linter do not see through the folder mapping of an editable install, so they
# read a plain copy. setuptools would carry deleted modules over from build/lib: it goes first.
lint: $(DEV) ## style, types, direction of imports
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	rm -rf build/lib build/bdist.* build/lint
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index \
	    --target build/lint .
	rm -rf build/lib build/bdist.*
	@MYPYPATH=build/lint $(BIN)/mypy -p tradewedge > build/lint/mypy.txt; failed=$$?; sed -E \
	    -e 's#^build/lint/tradewedge/(kernels|conf|data)/#\1/#' \
	    -e 's#^build/lint/tradewedge/#engine/#' build/lint/mypy.txt; exit $$failed
	PYTHONPATH=build/lint $(BIN)/lint-imports

format: $(DEV) ## sort imports, fix what can be fixed, lay out the code
	$(BIN)/ruff check --fix-only --quiet $(CODE)
	$(BIN)/ruff format $(CODE)

clean: ## remove what was built; outputs/ and the virtual environment stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .benchmarks .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "tradewedge needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.12"; \
	    exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BASE): pyproject.toml | $(BIN)/python
	@echo "installing tradewedge and what it needs into $(VENV) (once)"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet -e .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@echo "installing tradewedge and its development tools into $(VENV) (once)"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $(BASE) $@
