# Everything a person types. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
WORKERS ?= auto
DATA_DIR ?= var
export PORT DATA_DIR

.DEFAULT_GOAL := help
.PHONY: help setup assets demo serve test check bench lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# One stamp a lock file: a command sets up what has changed and nothing else.
$(VENV)/.installed: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.assets: $(VENV)/.installed package-lock.json web/assets.py $(wildcard web/translations/*/LC_MESSAGES/*.po)
	$(BIN)/python -m web.assets
	@touch $@

setup: $(VENV)/.installed $(VENV)/.assets

assets: ## fetch and build the browser files (bpmn-js, htmx) and the translations
	@rm -f $(VENV)/.assets
	@$(MAKE) --no-print-directory $(VENV)/.assets

demo: setup ## set up everything and serve it on localhost with demo data
	$(BIN)/guicheng demo

serve: setup ## serve an installation without demo data
	$(BIN)/guicheng db upgrade
	$(BIN)/guicheng serve

test: setup ## run all tests, on all processors (ARGS="-k name" for some of them)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) $(ARGS)

check: setup ## ruff, mypy --strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## measure against a hand-written SQL floor; writes var/bench.json
	$(BIN)/python -m tests.bench

lock: ## rewrite requirements.txt from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt

clean: ## remove the virtual environment and all local data
	-$(BIN)/guicheng db remove --yes
	rm -rf $(VENV) var node_modules web/static/vendor
