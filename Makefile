# One entry point for people and for continuous integration. Needs Python 3.11+ and make, nothing else.
# Another Python: make PYTHON=/path/to/python3.12 test

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && exit; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPARK := $(VENV)/.spark
EXTRAS := learn peers notebooks fast parquet postgres oidc test
ARGS ?=
# One more than two cores: many tests wait for the servers and databases that they start.
CORES := --numprocesses 3 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-all test-soak check words screenshots bench bench-load bench-exim audit sbom licences lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: $(READY) ## start a demo on this machine: 2,000 made-up companies, one user per role (ARGS="--port 8080")
	$(BIN)/corridor serve --demo $(ARGS)

test: $(READY) ## all tests that need no browser and no Java (ARGS="-k scoring")
	$(BIN)/python -m pytest $(CORES) -m "not browser and not java and not soak" $(ARGS)

test-all: $(SPARK) check ## the checks and every test, browser and Spark included; a skip is a failure
	CORRIDOR_NO_SKIPS=1 $(BIN)/python -m pytest $(CORES) $(ARGS)

test-soak: $(READY) ## the long forms of faults and random requests, about half an hour (ARGS="-k kills")
	$(BIN)/python -m pytest -m soak $(ARGS)

check: $(READY) ## lint, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

words: $(READY) ## bring the words of the pages into both catalogues; then translate what stands empty
	$(BIN)/python tests/page_words.py

screenshots: $(READY) ## the README's pictures, from a new demo in a real browser
	$(BIN)/python tests/page_pictures.py

bench: $(SPARK) ## benchmarks, one JSON line per case (ARGS="--small")
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

bench-load: $(READY) ## 60 s at 16 and at 128 connections, replicas, memory after 100,000 requests (ARGS="--small")
	$(BIN)/python tests/benchmarks/run.py load memory $(ARGS)

TRAIN_TO ?= 2016
TEST_FROM ?= 2017
TEST_TO ?= 2018
TASK ?= A,N,D
bench-exim: $(READY) ## the ranker on real decisions (DATA=folder [TRAIN_TO=2016 TEST_FROM=2017 TEST_TO=2018] [TASK=D])
	@$(BIN)/python tests/benchmarks/exim.py --data "$(DATA)" --train-to $(TRAIN_TO) \
		--test-from $(TEST_FROM) --test-to $(TEST_TO) --tasks $(TASK) $(ARGS)

audit: $(READY) ## known faults of everything that is locked; asks an index of them over the network
	$(BIN)/python supply/audit.py $(ARGS)

sbom: $(READY) ## bills of materials of both locks, CycloneDX, below build/
	$(BIN)/python supply/sbom.py build/sbom.json requirements.lock
	$(BIN)/python supply/sbom.py build/sbom-spark.json requirements-spark.lock

licences: $(SPARK) ## write docs/licences.md anew from the locks
	$(BIN)/python supply/licences.py --write

# The lock names exact versions and hashes for Python 3.11 to the newest, and no place to fetch them from.
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet \
	--universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links
lock: $(READY) ## write requirements.lock anew from pyproject.toml (ARGS="--upgrade")
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) $(addprefix --extra ,$(EXTRAS)) --output-file requirements.lock $(ARGS)
	$(COMPILE) --extra spark --constraints requirements.lock --output-file requirements-spark.lock $(ARGS)

clean: ## remove the environment, builds and caches
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made again whenever what goes into it changes. pip checks every hash in the lock.
$(READY): pyproject.toml requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$("$(PYTHON)" --version 2>/dev/null || echo missing)." \
		"Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		v=$$("$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "$(PYTHON) cannot make virtual environments: its venv module is a package of its own here." \
		"Install it: apt install python3-venv (or python$$v-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (about a minute, only when something changed)"
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --only-binary :all: --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Spark alone is half a gigabyte; only what runs on it waits for it.
$(SPARK): $(READY) requirements-spark.lock
	@echo "Adding Spark to $(VENV) from requirements-spark.lock"
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-spark.lock
	@touch $@
