# Bounce Cleaner: setting up, trying out, testing. `make` alone tells what there is.
# Everything is installed into $(VENV); nothing outside this folder is changed, except by system-deps.

VENV := .venv
BIN := $(VENV)/bin

# Debian packages that the tests use beside Python; a test whose package is missing says so and is skipped.
SYSTEM_PACKAGES := dovecot-imapd postgresql

# The first Python that is new enough.
IS_NEW := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(IS_NEW)' 2>/dev/null && echo $$p && break; done)
# Debian keeps what makes environments in a package of its own.
VENV_PACKAGE := $(if $(PYTHON),$(shell $(PYTHON) -c 'import ensurepip' 2>/dev/null || echo $(notdir $(PYTHON))-venv))

# May Debian packages be installed here without asking? `root`, `sudo` or empty.
AS_ROOT := $(shell command -v apt-get >/dev/null || exit; \
	[ "$$(id -u)" = 0 ] && echo root || { sudo -n true 2>/dev/null && echo sudo; })

.DEFAULT_GOAL := help
.PHONY: help demo test lint system-deps clean

help:
	@echo "make demo         install into $(VENV) and run the program on sample mailboxes"
	@echo "make test         install what the tests need and run them"
	@echo "make lint         style, types and the direction of imports"
	@echo "make system-deps  install the Debian packages that the tests use (needs root or sudo)"
	@echo "make clean        remove $(VENV), demos and caches"

demo: $(VENV)/.installed
	@$(BIN)/bounce-cleaner demo

test: $(if $(AS_ROOT),system-deps) $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 -m "not nightly" $(PYTEST_OPTIONS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

system-deps:
	@missing=; for package in $(SYSTEM_PACKAGES) $(VENV_PACKAGE); do \
		dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ -z "$(AS_ROOT)" ]; then echo "Run as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "Installing Debian packages:$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	$(AS_ROOT:root=) apt-get update -qq && \
	$(AS_ROOT:root=) apt-get install -y -qq --no-install-recommends $$missing

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer is needed. On Debian or Ubuntu: apt install python3 python3-venv" >&2; \
		exit 1; fi
	@if [ -n "$(VENV_PACKAGE)" ]; then \
		if [ -n "$(AS_ROOT)" ]; then $(MAKE) --no-print-directory system-deps; else \
		echo "Python cannot make environments here. Run as root: apt install $(VENV_PACKAGE)" >&2; \
		exit 1; fi; fi
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) demo demo-[0-9]* build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
