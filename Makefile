# Two commands on a fresh machine: `make demo` and `make test`. Each sets up .venv first if it must.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SET_UP := .venv/.set-up

.PHONY: demo test lint bench-embed bench-memory clean

demo: $(SET_UP)
	$(BIN)/blindpairs demo --out demo

test: lint
	$(BIN)/python -m pytest

lint: $(SET_UP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench-embed: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.embed_rate

bench-memory: $(SET_UP)
	$(BIN)/python -m tests.benchmarks.memory

$(SET_UP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

clean:
	rm -rf .venv demo runs
