# Two commands do everything on a fresh machine: `make demo` and `make test`. Both do `make install` first, which
# does nothing when the environment stands.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin

# One torch thread for each of two test processes: more processes than cores only get in each other's way.
WORKERS ?= 2
THREADS ?= 1

.PHONY: help install demo test test-all check format build clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

install: $(STAMP)  ## make .venv and install what is needed (nothing when it stands)

$(STAMP): setup.cfg pyproject.toml configuration/constraints-ci.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: Python 3.11 or newer is needed; name one with 'make PYTHON=python3.11 …'" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint configuration/constraints-ci.txt --editable '.[dev]'
	touch $@

demo: install  ## run both tasks with what ships, into ./unimo-demo
	$(BIN)/unimo demo

test: install  ## run the tests
	OMP_NUM_THREADS=$(THREADS) HF_HUB_OFFLINE=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --quiet

test-all: install  ## run the slow tests too
	OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest --numprocesses $(WORKERS) -m 'not gpu and not hub'

check: install  ## linters, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: install  ## build the wheel into ./dist
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

clean:  ## remove the environment and what the tools cached
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
