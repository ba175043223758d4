# What this checkout can do. Each target makes ready what it needs and ends with one line
# that holds its figures.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

WHAT ?= remap
N ?= 20
SEED ?= 1
ROLE ?=
CORE ?= 2.19
WITHOUT ?=

ready = @scripts/bootstrap.sh
tests = @.venv/bin/python -m scripts.run_tests

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: ## the whole burst against the lab: results, archive, cost (first time <= 15 min)
	$(ready) demo
	@scripts/demo.sh

.PHONY: test
test: ## everything below except demo and bench (<= 45 min); leave groups out with WITHOUT=
	$(ready) test
	$(tests) all $(if $(WITHOUT),--without $(WITHOUT))

.PHONY: unit
unit: ## unit tests on ansible-core 2.19 (<= 60 s), or on 2.21 with CORE=2.21; make test has both
	$(ready) test
	$(tests) unit --core '$(CORE)'

.PHONY: lint
lint: ## ansible-lint production, ruff, black, mypy, yamllint, shellcheck, syntax
	$(ready) test
	$(tests) lint

.PHONY: sanity
sanity: ## ansible-test sanity
	$(ready) test
	$(tests) sanity

.PHONY: build
build: ## build the collection, install it offline elsewhere, check what arrived
	$(ready) test
	$(tests) build

.PHONY: fidelity
fidelity: ## is the lab true to the facts?
	$(ready) test
	$(tests) fidelity

.PHONY: molecule
molecule: ## each role on a container; one of them with ROLE=<name>
	$(ready) test
	$(tests) molecule --role '$(ROLE)'

.PHONY: e2e
e2e: ## the playbooks against the lab
	$(ready) test
	$(tests) e2e

.PHONY: bench
bench: ## measure; WHAT=remap
	$(ready) test
	@.venv/bin/python -m tests.bench.bench_$(WHAT)

.PHONY: chaos
chaos: ## seeded faults during the scan phase, with and without protection; N=20 SEED=1
	$(ready) demo
	@.venv/bin/lab up
	@.venv/bin/python -m tests.e2e.chaos --runs $(N) --seed $(SEED)

.PHONY: damage
damage: ## 1 MiB of damage at 50 places of a big database, N of them repaired; N=20
	$(ready) test
	@CLOUDBURST_DAMAGED=$(N) .venv/bin/python -m pytest -q -s tests/lab/test_damage.py

.PHONY: lab-up
lab-up: ## start the lab (again: heal it)
	$(ready) demo
	@begin=$$SECONDS; .venv/bin/lab up; echo "lab up in $$((SECONDS - begin)) s"

.PHONY: lab-down
lab-down: ## stop all that the lab started; its caches stay
	$(ready) demo
	@begin=$$SECONDS; .venv/bin/lab down; echo "lab down in $$((SECONDS - begin)) s"

.PHONY: venv
venv: ## fill .venv (and .venv312) from the lock file, nothing else
	$(ready) venv

.PHONY: lock
lock: ## renew requirements/dev.lock from dev.in (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-config \
	  --no-header --upgrade --output-file requirements/dev.lock requirements/dev.in
	sed -i '1i # Locked for Python 3.11 (ansible-core 2.19) and 3.12 (ansible-core 2.21) from dev.in by "make lock".' requirements/dev.lock
	@grep -c '==' requirements/dev.lock | sed 's/$$/ packages locked/'

.PHONY: clean
clean: ## remove what builds and tests left in the checkout; virtual environments and lab stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis cloudburst-plex-*.tar.gz
