# `make` lists the targets.
PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
SOURCES := app.py gunicorn.conf.py models signup
NEEDS_PYTHON := import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")
CATALOGUES := signup/translations
# pyproject.toml is the only place of the version.
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
PIP := python -m pip --disable-pip-version-check install --quiet --require-hashes

.DEFAULT_GOAL := help
.PHONY: help install servers run test test-all shape faults attack bench compare lint scan sbom strapi language screenshots lighthouse lock

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

install: .venv/installed ## Set up .venv

servers: .venv/connected ## Add the drivers for PostgreSQL and MySQL to .venv

run: install ## Serve on http://127.0.0.1:5000 (PORT=8000), for your Strapi or as a sandbox
	@if [ -n "$$SIGNUP_STRAPI_DATABASE$$SIGNUP_STRAPI_DATABASE_FILE" ] \
	  || grep -qsE '^(export +)?SIGNUP_STRAPI_DATABASE(_FILE)?=.' .env; \
	then exec $(BIN)/gunicorn --bind 127.0.0.1:$(PORT) 'app:serve()'; \
	else exec $(BIN)/flask --app app demo --port $(PORT); fi

test: .venv/tested ## Run the quick tests: pages and models, on SQLite
	$(BIN)/python -m pytest tests/web tests/models -n 2 --dist loadfile $(ARGS)

test-all: .venv/tested ## Run all tests: also real Strapis, servers, browsers and faults
	ALL_TESTS=1 REAL_STRAPI=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

shape: .venv/tested ## Print the sizes of functions, files, tests and documents
	$(BIN)/python -m tests.support.shape

faults: .venv/tested ## Run all fault tests: kills, full disks, lost connections; print a table
	FAULTS=full $(BIN)/python -m pytest tests/faults $(ARGS)

attack: .venv/tested ## Send hostile input to every page (ATTACK=full: thousands); print a table
	$(BIN)/python -m pytest tests/attack --timeout 3600 $(ARGS)

bench: .venv/tested ## Run the benchmarks into docs/bench.md (ARGS='review pages': only these)
	$(BIN)/python -m tests.bench $(ARGS)

compare: .venv/tested ## Measure another commit beside this one (REV=50fb749)
	@folder=$$(mktemp -d) && trap "rm -rf $$folder" EXIT && mkdir $$folder/$(REV) \
	  && git archive $(REV) | tar -x -C $$folder/$(REV) \
	  && $(BIN)/python -m tests.bench --root $$folder/$(REV) --root . $(ARGS)

lint: .venv/tested ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

scan: .venv-scan/installed ## Check the code with bandit and Semgrep, offline
	.venv-scan/bin/bandit --quiet --recursive --configfile pyproject.toml $(SOURCES)
	PATH="$(CURDIR)/.venv-scan/bin:$$PATH" semgrep scan --config .ci/semgrep.yml --error --quiet \
	  --metrics=off --disable-version-check $(SOURCES) templates

sbom: .venv-scan/installed ## List the dependencies in sbom.json (CycloneDX)
	.venv-scan/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml \
	  --output-reproducible --output-format JSON --output-file sbom.json

strapi: .venv/tested ## Install a real Strapi in .strapi and start it on http://127.0.0.1:1337
	$(BIN)/python -m tests.strapi

language: .venv/tested ## Update the translation catalogues; CODE=it adds a language
	$(BIN)/pybabel --quiet extract --mapping pyproject.toml --keyword lazy_gettext --keyword RowChanged --keyword ReviewerGone \
	  --add-location file --sort-by-file --project 'Author Signup' --version $(VERSION) --output $(CATALOGUES)/messages.pot .
	@[ -z "$(CODE)" ] || [ -e $(CATALOGUES)/$(CODE)/messages.po ] || $(BIN)/pybabel --quiet init \
	  --input-file $(CATALOGUES)/messages.pot --locale $(CODE) --output-file $(CATALOGUES)/$(CODE)/messages.po
	@for file in $(CATALOGUES)/*/messages.po; do $(BIN)/pybabel --quiet update --no-fuzzy-matching \
	  --ignore-obsolete --input-file $(CATALOGUES)/messages.pot --output-file $$file \
	  --locale $$(basename $$(dirname $$file)) || exit; done

screenshots: .venv/tested ## Save a picture of every page in docs/screenshots (CODE=de: in German)
	$(BIN)/python -m tests.browser.screenshots $(if $(CODE),--language $(CODE)) $(ARGS)

lighthouse: .venv/tested ## Run Lighthouse on the form, the link's page and the review pages (needs npm)
	$(BIN)/python -m tests.browser.lighthouse

lock: ## Pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 pyproject.toml --group dev \
	  --extra postgresql --extra mysql -o requirements-dev.txt
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 pyproject.toml --extra postgresql --extra mysql \
	  -c requirements.txt -o requirements-servers.txt
	uv pip compile --upgrade --universal --generate-hashes --no-header --quiet \
	  --python-version 3.11 --group scan -o requirements-scan.txt

.venv/installed: requirements.txt
	@$(PYTHON) -c '$(NEEDS_PYTHON)'
	$(PYTHON) -m venv .venv
	$(BIN)/$(PIP) -r requirements.txt
	@touch $@

.venv/connected: .venv/installed requirements-servers.txt
	$(BIN)/$(PIP) -r requirements-servers.txt
	@touch $@

.venv/tested: .venv/installed requirements-dev.txt
	$(BIN)/$(PIP) -r requirements-dev.txt
	@touch $@

.venv-scan/installed: requirements-scan.txt
	$(PYTHON) -m venv .venv-scan
	.venv-scan/bin/$(PIP) --no-deps -r requirements-scan.txt
	@touch $@
