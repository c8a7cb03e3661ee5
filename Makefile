# Trunkline: every target sets up what it needs first, and a second run starts at once.
#
#   make run     the gateway with its own telephone exchange: no PBX, no root, no database server
#   make demo    the same, and one call with real speech through it, step by step (also: make run DEMO=1)
#   make test    everything that is checked: `check` and all tests
#   make check   style, types, floors and documentation
#   make bench   the measurements, printed as JSON
#   make run ASTERISK=1     the gateway with the lab Asterisk, and one call with real speech over that
#   make lab     the lab Asterisk alone, with two managers' phones that answer
#   make web-schema  the types of the API for the page, after its routes have changed (web/src/api/schema.ts)
#   make lock    choose the versions of all packages anew (locks/*.txt)
#   make clean   remove what make made, but no data (var/)
#
# The lab Asterisk needs root (it is built by debootstrap, once, under ~/.cache/trunkline) or an Asterisk 20
# or newer of the machine's own. Without either, the tests that need it are skipped and say so.

PYTHON ?= python3
# Tests run in so many processes, each file in one of them, the longest first (tests/conftest.py): PROCESSES=0 runs them
# here. One process more than a small machine has cores: half of the time they wait, for calls of real seconds, for pages
# and for servers that start.
PROCESSES ?= 3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes
ITSELF := $(PIP) install --quiet --no-deps --no-build-isolation -e .

DEBIAN_FOR_LAB := debootstrap util-linux
DEBIAN_FOR_TESTS := sip-tester chromium mariadb-server-core mariadb-client-core

UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --python-version 3.11 -q

.PHONY: page web-schema run demo test check check-python check-page bench lab lock clean asterisk debian-for-tests
.DELETE_ON_ERROR:

ifeq ($(DEMO),1)
run: demo
else ifeq ($(ASTERISK),1)
run: page asterisk
	$(BIN)/python -m lab run
else
run: page
	@TRUNKLINE_LOG__LEVEL=$${TRUNKLINE_LOG__LEVEL:-warning} $(BIN)/python -m gateway serve
endif

# Needs no root, no PBX, no database server and, once set up, no network. WITH=--once ends after the call.
demo: page
	@$(BIN)/python -m gateway demo $(WITH)

# What the gateway shows in a browser. Without network it goes on with what was built before, or without a page.
page: $(VENV)/run.stamp
	@$(BIN)/python -m web.build --go-on

test: check asterisk debian-for-tests
	@rm -rf .pytest_cache
	@$(BIN)/python -m pytest --ignore=tests/docs -n $(PROCESSES) --dist loadfile --no-loadscope-reorder || { \
		echo 'What failed beside another process is asked once more, alone; what fails again has failed.'; \
		$(BIN)/python -m pytest --ignore=tests/docs --last-failed --last-failed-no-failures none; }

# Both halves beside each other: what Python and what node has to say.
check: $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory -j 2 check-python check-page
	@if [ -d tests/docs ]; then set -x; $(BIN)/python -m pytest -q tests/docs; fi

check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-page:
	$(BIN)/python -m web.build
	$(BIN)/python -m web.check

bench: $(VENV)/dev.stamp asterisk debian-for-tests
	$(BIN)/python -m bench

web-schema: $(VENV)/dev.stamp
	@$(BIN)/python -m web.schema

lab: $(VENV)/dev.stamp asterisk
	$(BIN)/python -m lab up

asterisk: $(VENV)/run.stamp
	@sh lab/debian.sh $(DEBIAN_FOR_LAB)
	@if [ "$$(id -u)" = 0 ] || command -v asterisk >/dev/null; then $(BIN)/python -m lab build; \
	else echo 'Not root and no Asterisk installed: what needs the lab Asterisk is left out.'; fi

debian-for-tests:
	@sh lab/debian.sh $(DEBIAN_FOR_TESTS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
		echo 'Trunkline needs Python 3.11 or 3.12. Name one: make PYTHON=python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo 'Python cannot make virtual environments yet. Type: apt install python3-venv'; exit 1; }
	@echo 'Setting up, once. 1 of 3: a Python environment of its own in $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: locks/run.txt pyproject.toml | $(BIN)/python
	@echo 'Setting up, once. 2 of 3: packages, database server and speech model (some 400 MB of downloads) ...'
	@$(INSTALL) -r locks/run.txt
	@echo 'Setting up, once. 3 of 3: Trunkline itself ...'
	@$(ITSELF)
	@touch $@

# The packages for development include those for running.
$(VENV)/dev.stamp: locks/dev.txt pyproject.toml | $(BIN)/python
	$(INSTALL) -r locks/dev.txt
	$(ITSELF)
	@touch $@ $(VENV)/run.stamp

lock: | $(BIN)/python
	@[ -x $(BIN)/uv ] || $(PIP) install --quiet uv
	$(UV_COMPILE) --group build -o locks/run.txt
	$(UV_COMPILE) --group dev -o locks/dev.txt

clean:
	rm -rf gateway/static web/node_modules
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
