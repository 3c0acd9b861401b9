# Everything starts from a clean clone with Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Twice quiet: errors only, not what this machine's pip thinks of its own configuration.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PORT ?= 8001
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench texts migration lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(READY) ## Try it: a chat in the browser, a sample course (PORT=8001)
	$(BIN)/dripline demo --port $(PORT) $(ARGS)

test: $(READY) ## Run all tests (ARGS="tests/unit -k name" for some)
	$(BIN)/pytest -n 4 --dist worksteal $(ARGS)

check: $(READY) ## Lint, types, import contracts, pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --check --lint --quiet src

format: $(READY) ## Put source and pages in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet src

bench: $(READY) ## Measure, against peers in the same run; writes docs/benchmarks.md
	$(BIN)/python -m bench $(ARGS)

texts: $(READY) ## Collect texts from the source, compile translations
	$(BIN)/pybabel -q extract -k _ -k marked --no-location --omit-header -o $(VENV)/dripline.pot src
	$(BIN)/pybabel -q update --no-wrap --ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date \
		-D dripline -i $(VENV)/dripline.pot -d src/dripline/texts/locales
	$(BIN)/pybabel -q compile -D dripline -d src/dripline/texts/locales

migration: $(READY) ## Draft the next step of the schema from the tables (NAME=0002_what)
	$(BIN)/python scripts/migration.py $(NAME)

lock: ## Choose versions anew, for every platform, with hashes
	uv pip compile --universal --generate-hashes --python-version 3.11 --upgrade --no-header \
		--no-annotate --no-emit-index-url --group dev --output-file requirements.lock pyproject.toml

clean: ## Remove the environment and everything that was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Plain pip, exact versions, checked hashes; done again only when they or pyproject.toml change.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "dripline needs Python 3.11 or newer; say which: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; a minute, some on a slow network) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@
