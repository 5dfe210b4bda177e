# One door for developers: `make` lists what one can do.
PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
NEEDS_PYTHON := import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")
PIP := python -m pip --disable-pip-version-check install --quiet --require-hashes

.DEFAULT_GOAL := help
.PHONY: help install run test faults bench lint strapi lock

help: ## List these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

install: .venv/installed ## Set up .venv

run: install ## Serve on http://127.0.0.1:5000 (PORT=8000): your Strapi, or a sandbox
	@if [ -n "$$SIGNUP_STRAPI_DATABASE$$SIGNUP_STRAPI_DATABASE_FILE" ] \
	  || grep -qsE '^(export +)?SIGNUP_STRAPI_DATABASE(_FILE)?=.' .env; \
	then exec $(BIN)/gunicorn --bind 127.0.0.1:$(PORT) 'app:serve()'; \
	else exec $(BIN)/flask --app app demo --port $(PORT); fi

test: .venv/tested ## Run the tests (REAL_STRAPI=1 adds three real Strapis)
	$(BIN)/python -m pytest $(ARGS)

faults: .venv/tested ## Kill, fill, cut off and refuse, everything there is; prints a table
	FAULTS=full $(BIN)/python -m pytest tests/faults $(ARGS)

bench: .venv/tested .venv-bench/installed ## Measure all, into docs/bench.md (ARGS='desk pages': those)
	$(BIN)/python -m tests.bench $(ARGS)

lint: .venv/tested ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

strapi: .venv/tested ## Put a real Strapi into .strapi and start it on http://127.0.0.1:1337
	$(BIN)/python -m tests.strapi

lock: ## Pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 pyproject.toml --group dev -o requirements-dev.txt
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 --group bench -c requirements.txt -o requirements-bench.txt

.venv/installed: requirements.txt
	@$(PYTHON) -c '$(NEEDS_PYTHON)'
	$(PYTHON) -m venv .venv
	$(BIN)/$(PIP) -r requirements.txt
	@touch $@

.venv/tested: .venv/installed requirements-dev.txt
	$(BIN)/$(PIP) -r requirements-dev.txt
	@touch $@

.venv-bench/installed: requirements-bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/$(PIP) -r requirements-bench.txt
	@touch $@
