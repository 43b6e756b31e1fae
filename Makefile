# The two that matter are `make devnet` and `make test`. Each first makes the folder .venv if it has to, with
# nothing but Python (3.11 or newer, with venv and pip): no compiler, no system package, about a minute, once.

.DEFAULT_GOAL := help
.PHONY: help devnet test unit check bench soak setup lock clean
SHELL := /bin/sh
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --no-input

# Stamps are named by what they were made from, so that set-up is done again when that changes and only then.
# The folder's own path is in it because scripts in .venv hold it.
PACKAGES := $(VENV)/packages-$(firstword $(shell (echo "$(CURDIR)"; cat requirements.lock) | cksum))
PROJECT := $(VENV)/project-$(firstword $(shell (echo "$(CURDIR)"; cat requirements.lock pyproject.toml) | cksum))

# The first of these that is new enough and can make a venv; looked for only when .venv has to be made.
CANDIDATES := python3.11 python3.12 python3.13 python3
FIND = for name in $(CANDIDATES); do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	found=$$name; $$name -c 'import venv, ensurepip' 2>/dev/null && break; done

# Of what pip says on standard output, a line every so often; its warnings and errors go past this. "Ignoring" is said
# of packages for other platforms.
COUNT = { done=0; total=$$(grep -c '^[a-z].*==' requirements.lock); while read -r word rest; do case $$word in \
	Collecting|Ignoring) done=$$((done + 1)); [ $$((done % 10)) -ne 0 ] || echo "  $$done of $$total packages";; \
	Installing) echo "  installing them";; \
	Failed) exit 1;; \
	esac; done; }

help:
	@echo "make devnet   start a community on this machine and watch it pay itself (Ctrl-C ends it)"
	@echo "make test     every test; make unit: the fast ones alone"
	@echo "make check    style and types"
	@echo "make bench    measure it; make soak: many more random cases than make test"
	@echo "make setup    only make .venv; make clean: remove it"

devnet: $(PROJECT)
	@exec $(VENV)/bin/tally-devnet up $(ARGS)

# What `tally export` writes is read by hledger itself. As root on Debian it is installed for that; elsewhere those tests
# say that they were left out.
HLEDGER := command -v hledger >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { \
	echo "installing hledger, which reads the exports"; timeout 120 apt-get install -y -q hledger >/dev/null 2>&1 || true; }

test: $(PROJECT)
	@$(HLEDGER)
	@exec $(RUN) -m pytest $(ARGS)

# Two halves at once, for two cores; with ARGS only what they say. What pytest made of the tests is kept for the next
# time also where Python is told to keep nothing.
UNITS := PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -m unit -o faulthandler_timeout=0
HALVES = $(UNITS) tests/wallet >$(VENV)/units 2>&1 & half=$$!; $(UNITS) --ignore=tests/wallet; failed=$$?; \
	wait $$half || failed=$$?; cat $(VENV)/units; exit $$failed

unit: $(PROJECT)
	@$(if $(ARGS),exec env $(UNITS) $(ARGS),$(HALVES))

check: $(PROJECT)
	$(RUN) -m ruff check .
	$(RUN) -m mypy

bench: $(PROJECT)
	@exec $(VENV)/bin/tally-devnet bench $(ARGS)

# ARGS are those of the simulation, which is then run alone.
soak: $(PROJECT)
	@$(if $(ARGS),,$(RUN) -m pytest -m hypothesis --hypothesis-profile soak)
	@exec $(RUN) -m tests.simulation --seeds 1-300 $(ARGS)

setup: $(PROJECT)

$(PACKAGES): | requirements.lock
	@$(FIND); \
	if [ -z "$$found" ]; then echo "tallystick needs Python 3.11 or newer: install it, for example: sudo apt install python3 python3-venv"; exit 1; fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
	version=$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "$$found cannot make virtual environments: run: sudo apt install python$$version-venv"; exit 1; fi; \
	echo "setting up $(VENV) with $$found: once, about a minute"; \
	$$found -m venv --clear $(VENV)
	@awk '/^[a-z]/ { wanted = /^(packaging|setuptools|wheel)==/ } wanted' requirements.lock > $(VENV)/build.lock
	@$(PIP) install --quiet --no-deps --require-hashes -r $(VENV)/build.lock
	@{ $(PIP) install --no-deps --no-build-isolation --require-hashes -r requirements.lock || echo Failed; } | $(COUNT)
	@touch $@

# `compat` makes the editable install one line in a .pth file; the default would run an import hook at every start.
$(PROJECT): $(PACKAGES)
	@$(PIP) install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@rm -f $(VENV)/project-*; touch $@

# Needs uv (any recent one). Names, versions and hashes for every platform; no address of an index.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command "make lock" --group build --group test pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV)
