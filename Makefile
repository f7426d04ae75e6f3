# make run    sets everything up and runs the main job, a demo of the whole station on virtual cards; at a terminal then the page
# make test   sets everything up and runs every check: ruff, mypy, import-linter, the card's size table, pytest, and beside it the kernel tests
# make test-kernel  runs the tests on a real Linux kernel, in QEMU (docs/kernel-rig.md); K=expr selects
# make kernel-shell  gives a shell in that guest
# make bench  prints the table of measurements (benchmarks/)
# make bench-kiosk  the kiosk's page beside OpenHTF's and HardPy's, which get environments of their own under build/
# make bench-logins  logins by the API beside privacyIDEA's, which gets an environment of its own under build/
# make bench-kernel  the same for the ways over USB, on a kernel in QEMU
# make lock   renews the hashed lock files from pyproject.toml
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JSON ?=
K ?=

.PHONY: run test test-kernel kernel-shell lint bench bench-kiosk bench-logins bench-kernel lock clean

run: $(VENV)/.run-ready
	@$(BIN)/dsc-station demo --home demo-home $(if $(JSON),--json)

test: lint
	@$(BIN)/python -m tests.firmware_ref.size_table
	@$(BIN)/python -m tests.everything

test-kernel: $(VENV)/.dev-ready
	@$(BIN)/python -m pytest tests/kernel -k '$(K)'

kernel-shell: $(VENV)/.dev-ready
	@$(BIN)/python -m tests.kernel.rig

lint: $(VENV)/.dev-ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.bench-ready
	@$(BIN)/python -m benchmarks $(if $(JSON),--json)

bench-kiosk: $(VENV)/.dev-ready build/bench-kiosk/openhtf/.ready build/bench-kiosk/hardpy/.ready
	@$(BIN)/python -m benchmarks.kiosk $(if $(JSON),--json)

bench-logins: $(VENV)/.dev-ready build/bench-logins/privacyidea/.ready
	@command -v strace >/dev/null || { echo "make bench-logins looks whether answers wait for the disk; first: apt-get install strace" >&2; exit 1; }
	@$(BIN)/python -m benchmarks.logins $(if $(JSON),--json)

# Nothing of these is in the environment that dscplus is used or tested in.
define install_beside
	@echo "setting up $(@D) from $< (once)" >&2
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
endef

build/bench-kiosk/%/.ready: requirements/bench-%.txt
	$(install_beside)

build/bench-logins/%/.ready: requirements/bench-%.txt
	$(install_beside)

bench-kernel: $(VENV)/.dev-ready
	@$(BIN)/python -m benchmarks.kernel $(if $(JSON),--json)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dscplus needs Python 3.11 or newer; say which with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The editable install comes last and takes nothing from a registry: build tools are in the lock, too.
define install
	@echo "setting up $(VENV) from $(1) (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
endef

$(VENV)/.run-ready: $(BIN)/python requirements/run.txt pyproject.toml
	$(call install,requirements/run.txt)

$(VENV)/.dev-ready: $(BIN)/python requirements/dev.txt pyproject.toml
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.run-ready

# ykman, which the benchmarks stand beside, needs pyscard, which comes as C source only: tell what that takes
# before pip fails on it.
$(VENV)/.bench-ready: $(VENV)/.dev-ready requirements/bench.txt
	@printf '#include <Python.h>\n#include <winscard.h>\n' | cc -fsyntax-only -x c - -I/usr/include/PCSC \
	  -I"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" 2>/dev/null || { \
	  echo "make bench compiles pyscard (for ykman); first: apt-get install gcc libc6-dev libpcsclite-dev python3-dev" >&2; exit 1; }
	$(call install,requirements/bench.txt)

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --extra station
lock:
	$(LOCK) --group build -o requirements/run.txt
	$(LOCK) --extra postgres --group dev -o requirements/dev.txt
	$(LOCK) --extra postgres --group dev --group bench -o requirements/bench.txt

clean:
	rm -rf $(VENV) demo-home build dist
