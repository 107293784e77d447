# Everything a checkout can do. `make` alone lists it.
#
# Nothing outside this folder is touched, but for the Debian packages that `make test` needs and, as
# root, installs. Each step leaves a stamp in .venv/stamps: what is up to date costs nothing.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
STAMPS := .venv/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
SAY := @printf '\n==> %s\n'

# Some machines forbid Python to keep what it compiled. Then each process compiles the whole program
# anew, which doubles the time that a start takes; and tests start hundreds of them.
export PYTHONDONTWRITEBYTECODE :=

## Run it

.PHONY: help
help: ## List what can be made
	@awk -f scripts/help.awk $(MAKEFILE_LIST)

.PHONY: install
install: $(STAMPS)/runtime ## Install Tillstream into .venv (Python 3.11 or newer)

.PHONY: demo
demo: install ## Run everything with a pretend Shopify (PORT=8080 RATE=5 FRESH=1)
	@exec $(BIN)/tillstream demo $(if $(PORT),--port $(PORT)) $(if $(RATE),--rate $(RATE)) $(if $(filter-out 0 no false,$(FRESH)),--fresh)

.PHONY: bench
bench: install ## Measure this machine (ARGS=… go to `tillstream bench`)
	@exec $(BIN)/tillstream bench $(ARGS)

## Change it

.PHONY: test
test: $(STAMPS)/dev $(STAMPS)/debian web/node_modules/.stamp tests/standin/node/node_modules/.stamp ## Run all tests (TESTS=tests/foundation narrows)
ifdef TESTS
	$(SAY) "Testing $(TESTS)"
	$(BIN)/pytest $(TESTS)
else
	$(SAY) "Testing parts and whole programs"
	$(BIN)/pytest -m "not alone" -n 2 --dist loadfile --no-loadscope-reorder
	$(SAY) "Testing what measures"
	$(BIN)/pytest -m alone
endif
	$(SAY) "Testing the dashboard"
	cd web && PATH="$$(../scripts/node.sh):$$PATH" npm test

.PHONY: prove
prove: $(STAMPS)/dev ## Try the laws of mirror and checkouts at length (CASES=2000 streams of each resource)
	TILLSTREAM_PROVE=$(or $(CASES),2000) $(BIN)/pytest -q tests/mirror/test_law.py tests/mirror/test_join.py \
		tests/rollup/test_checkouts.py

.PHONY: check
check: $(STAMPS)/dev web/node_modules/.stamp ## Check form, types, imports and dependencies
	$(SAY) "Form"
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(SAY) "Types"
	$(BIN)/basedpyright
	$(SAY) "Imports between the stages"
	$(BIN)/lint-imports
	$(SAY) "Dependencies"
	$(BIN)/deptry .
	$(SAY) "Known vulnerabilities of dependencies"
	$(BIN)/python scripts/audit.py
	$(SAY) "Dashboard"
	cd web && PATH="$$(../scripts/node.sh):$$PATH" npm run check

.PHONY: format
format: $(STAMPS)/dev web/node_modules/.stamp ## Format everything and repair what repairs itself
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	cd web && PATH="$$(../scripts/node.sh):$$PATH" npm run format

.PHONY: web
web: $(STAMPS)/dev web/node_modules/.stamp ## Build the dashboard into src/tillstream/serve/static
	cd web && PATH="$$(../scripts/node.sh):$$PATH" npm run build

.PHONY: lock
lock: $(STAMPS)/dev ## Pin the dependencies anew (ARGS=--upgrade takes newer ones)
	@scripts/lock.sh $(ARGS)
	@PATH="$$(scripts/node.sh):$$PATH" node scripts/complete-npm-lock.mjs

.PHONY: clean
clean: ## Remove all that was installed or made here, but no data
	rm -rf .venv dist web/node_modules web/test-results tests/standin/node/node_modules .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# -- steps -----------------------------------------------------------------------------------------

$(STAMPS)/venv: scripts/venv.sh
	$(SAY) "Making .venv"
	@scripts/venv.sh
	@mkdir -p $(STAMPS) && touch $@

# Hashes are checked for each file, also for the ones that build the package itself.
$(STAMPS)/runtime: $(STAMPS)/venv requirements/runtime.txt pyproject.toml
	$(SAY) "Installing $$(grep -c '==' requirements/runtime.txt) packages"
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(SAY) "Installing Tillstream"
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/runtime requirements/dev.txt
	$(SAY) "Installing the development tools"
	$(PIP) install --require-hashes --no-build-isolation -r requirements/dev.txt
	@touch $@

$(STAMPS)/debian: scripts/debian.sh $(STAMPS)/venv
	$(SAY) "Looking for the system's programs that tests use"
	@scripts/debian.sh
	@touch $@

# Shopify's own library for Node, which is run against the stand-in for Shopify.
tests/standin/node/node_modules/.stamp: tests/standin/node/package-lock.json tests/standin/node/package.json $(STAMPS)/dev
	$(SAY) "Installing Shopify's library for Node"
	cd tests/standin/node && PATH="$$(../../../scripts/node.sh):$$PATH" npm ci
	@touch $@

web/node_modules/.stamp: web/package-lock.json web/package.json $(STAMPS)/dev
	$(SAY) "Installing the dashboard's packages"
	cd web && PATH="$$(../scripts/node.sh):$$PATH" npm ci
	@touch $@
