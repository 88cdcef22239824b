# Everything starts from a bare Python 3.11 (or later) and make. See README.md.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PREFIX ?= $(HOME)/.local
INSTALLED := $(PREFIX)/share/chatroom/program
PIP_FLAGS := --disable-pip-version-check --no-input
PYTEST_FLAGS ?= -n 2

.DEFAULT_GOAL := help
.PHONY: help run test simulate crash bench check examples format lint types contracts install uninstall picture clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The first Python that is new enough and can make virtual environments; a sentence where there is none.
define FIND_PYTHON
found=; \
for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v "$$python" >/dev/null 2>&1 || continue; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	found="$$python"; \
	"$$python" -c 'import venv, ensurepip' >/dev/null 2>&1 && break; \
	found="!$$python"; \
done; \
case "$$found" in \
	"") echo "chatroom needs Python 3.11 or later, and none was found. Install it (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python@3.11), or name one: make PYTHON=/path/to/python3.11" >&2; exit 1;; \
	!*) echo "$${found#!} has no venv module, which chatroom needs. Install it (Debian, Ubuntu: apt install $$("$${found#!}" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')), then run make again." >&2; exit 1;; \
esac
endef

$(BIN)/python:
	@$(FIND_PYTHON); \
	echo "Making a virtual environment in $(VENV) with $$found ..."; \
	"$$found" -m venv $(VENV)

$(VENV)/.runs: pyproject.toml | $(BIN)/python
	@echo "Installing what chatroom needs (once; a minute or so) ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -e .
	@touch $@

$(VENV)/.develops: pyproject.toml | $(BIN)/python
	@echo "Installing what chatroom and its tests need (once; a minute or two) ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[dev]'
	@touch $@ $(VENV)/.runs

run: $(VENV)/.runs  ## Start a server on this machine and open the client on it
	@$(BIN)/chatroom --local

test: $(VENV)/.develops  ## Run the tests
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

SEED ?= 0
simulate: $(VENV)/.develops  ## Play simulated worlds: SEED=7, or all from FIRST= to END=
	@$(BIN)/python -m tests.simulation.run $(if $(END),$(or $(FIRST),0) $(END),$(SEED))

KILLS ?= 1000
crash: $(VENV)/.develops  ## Kill servers and clients for real: KILLS=1000 SEED=7
	@$(BIN)/python -m tests.crash.run --kills $(KILLS) $(if $(filter-out file,$(origin SEED)),--seed $(SEED))

CASES ?=
REPEAT ?= 3
SECONDS ?= 2
bench: $(VENV)/.develops  ## Measure: CASES="room100 crowd" REPEAT=3 SECONDS=2 CHECK=yes
	@case "$${CHECK:=no}" in yes) check=--check;; no) check=;; \
		*) echo "CHECK is \"$$CHECK\"; it can be yes or no." >&2; exit 2;; esac; \
	exec $(BIN)/python -m benchmarks.suite $(CASES) --repeat "$(REPEAT)" --seconds "$(SECONDS)" $$check \
		$${OUT:+--out "$$OUT"} $${PICTURE:+--picture "$$PICTURE"}

check: format lint types contracts test  ## Everything that has to be green: format, lint, types, arrows, tests

examples: $(VENV)/.runs  ## Install what the examples need beyond the product
	@$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[examples]'
	@echo "Run one: $(BIN)/python examples/hello/hello_server_1.py (see examples/README.md)"

format: $(VENV)/.develops
	@$(BIN)/ruff format --check .

lint: $(VENV)/.develops
	@$(BIN)/ruff check .

types: $(VENV)/.develops
	@$(BIN)/mypy

contracts: $(VENV)/.develops
	@$(BIN)/lint-imports

install:  ## Install both commands for this user
	@$(FIND_PYTHON); \
	echo "Installing chatroom into $(INSTALLED) with $$found ..."; \
	mkdir -p "$(INSTALLED)" "$(PREFIX)/bin" && "$$found" -m venv "$(INSTALLED)" && \
	"$(INSTALLED)/bin/python" -m pip install $(PIP_FLAGS) --upgrade . && \
	ln -sf "$(INSTALLED)/bin/chatroom" "$(INSTALLED)/bin/chatroom-server" "$(PREFIX)/bin/" && \
	echo "Installed: $(PREFIX)/bin/chatroom and $(PREFIX)/bin/chatroom-server" && \
	case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) \
		echo "$(PREFIX)/bin is not on your PATH yet. Add this line to ~/.profile, then log in again:"; \
		echo "  export PATH=\"$(PREFIX)/bin:\$$PATH\"";; esac

uninstall:  ## Take both commands away again; what you wrote and your key stay
	@rm -rf "$(INSTALLED)" "$(PREFIX)/bin/chatroom" "$(PREFIX)/bin/chatroom-server"

picture: $(VENV)/.develops  ## Draw the picture of the README from the running program
	@$(BIN)/python assets/make_picture.py

clean:  ## Take away what make has made here
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
