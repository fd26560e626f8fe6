# The two commands that matter: `make demo` and `make test`. Both set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint types unit browser fix docs lock bench clients clean

help:            ## what there is to make
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort

$(VENV)/.run: requirements/run.txt pyproject.toml
	@echo "setting up $(VENV), once; this takes a minute" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "adding what the tests need to $(VENV), once" >&2
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.run  ## install the gateway into .venv

demo: setup      ## gateway on :8000 with the simulator and demo accounts
	@$(BIN)/grok2api serve --demo $(ARGS)

serve: setup     ## gateway on :8000 for the accounts in ./data
	@$(BIN)/grok2api serve $(ARGS)

test: lint types unit  ## everything CI runs

lint: $(VENV)/.dev  ## formatting and lint
	@$(BIN)/ruff check src tests bench clients
	@$(BIN)/ruff format --check src tests bench clients

types: $(VENV)/.dev  ## strict types
	@$(BIN)/mypy

unit: $(VENV)/.dev browser  ## the tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

BROWSERS := chromium chromium-browser google-chrome google-chrome-stable chrome

browser:         ## a Chromium for the tests, installed where there is none and apt-get may do it
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "no Chromium is here, so one test will fail: install the package chromium" >&2; exit 0; \
	fi; \
	echo "installing chromium, once; this takes a minute or two" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	timeout 300 apt-get update -qq >/dev/null && \
	timeout 600 apt-get install -y -qq --no-install-recommends chromium >/dev/null

fix: $(VENV)/.dev  ## let ruff mend what it can
	@$(BIN)/ruff check --fix src tests bench clients
	@$(BIN)/ruff format src tests bench clients

docs: $(VENV)/.dev  ## regenerate the reference pages from the code's tables
	@$(BIN)/python -m grok2api.config.reference
	@$(BIN)/python -m grok2api.accounts.reference
	@$(BIN)/python -m grok2api.simulator.reference docs/simulator.md
	@$(BIN)/python -m grok2api.admin.reference docs/admin-api.md
	@$(BIN)/python -m clients.reference
	@$(BIN)/python -m grok2api.recipes.reference

lock: $(VENV)/.dev  ## lock the dependencies with hashes; ARGS=--upgrade takes newer ones
	@$(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $(ARGS) pyproject.toml --group build -o requirements/run.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $(ARGS) pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

bench: $(VENV)/.dev  ## measure the hot path; see bench/README.md
	@$(BIN)/python -m bench $(ARGS)

clients: $(VENV)/.dev  ## real clients against the gateway, installed into .clients; see clients/README.md
	@$(BIN)/python -m clients $(ARGS)

clean:           ## remove the environment and caches
	@rm -rf $(VENV) .clients .mypy_cache .ruff_cache .hypothesis
