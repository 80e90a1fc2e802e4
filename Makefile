# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

# Every entry point of the project. The work is done by tools/, one script a job; all that is made lies in build/, and
# collections/ links to the clone, for Ansible and pytest to find the collection.
# Where a target talks to a cloud, ONE_URL, ONE_USERNAME and ONE_PASSWORD name it; without them it is simulated.

PYTHON ?= python3
PORT ?= 2633
ENVIRONMENT := $(PYTHON) tools/set_up.py
RUN := build/venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo demo-clean test test-long quick fuzz mutants test-matrix cloud integration bindings bench docs dist lock format setup clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

demo: ## declare a small cloud twice and show it (a simulated one, or that of ONE_URL; VARS="one_im_mad=kvm …")
	@$(ENVIRONMENT) run
	@$(RUN) tools/demo.py $(VARS)

demo-clean: ## remove from ONE_URL what demo made there
	@$(ENVIRONMENT) run
	@$(RUN) tools/demo.py --clean $(VARS)

test: ## run every check that has not passed with the same inputs (FORCE=1: every one), or those of CHECKS="unit lint"
	@$(ENVIRONMENT) run test docs automation
	@$(RUN) tools/run_checks.py $(if $(FORCE),--force) $(CHECKS)

quick: ## run what tells most in two minutes: lint, types and unit tests
	@$(MAKE) --no-print-directory test CHECKS="lint format types imports unit"

test-long: ## run the long tests and the fuzzer, or TESTS="tests/unit/soak fuzz", and note the figures of the page Reliability
	@$(ENVIRONMENT) run test docs automation
	@$(RUN) tools/run_long.py $(TESTS)

fuzz: ## try inputs on the parsers, 60 seconds for each or SECONDS=600, all or TARGET="template xml" (KEEP=1: keep what is new)
	@$(ENVIRONMENT) run test
	@$(RUN) tools/run_fuzz.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(KEEP),--keep) $(TARGET)

mutants: ## change module_utils in small ways, or FILE=_core/values.py, and report what no unit test notices (JOBS=1, SAMPLE=10: one change in ten, FORCE=1: all again)
	@$(ENVIRONMENT) run test
	@$(RUN) tools/run_mutants.py $(if $(JOBS),--jobs $(JOBS)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(FORCE),--force) $(FILE)

test-matrix: ## unit tests and one target with every supported ansible-core and Python
	@$(ENVIRONMENT) run test
	@$(RUN) tools/run_matrix.py

cloud: ## a simulated OpenNebula in the foreground, on 127.0.0.1:2633, or PORT=2699, OneFlow on 2474 (OPTIONS="--seed hosts=10 …")
	@$(ENVIRONMENT) run
	@PYTHONPATH=simulator $(RUN) -m opennebula_simulator --port $(PORT) --allow-reset $(OPTIONS)

integration: ## run the integration targets, or TARGET=one_host (VARS="one_im_mad=kvm …")
	@$(ENVIRONMENT) run
	@$(RUN) tools/run_integration.py --vars "$(VARS)" $(TARGET)

bindings: ## generate the bindings from xsd/, or from XSD=directory
	@$(ENVIRONMENT) run test
	@$(RUN) tools/generate_bindings.py $(if $(XSD),--xsd $(XSD))

bench: ## measure, beside pyone and community.general
	@$(ENVIRONMENT) run test
	@$(RUN) tests/benchmarks/run.py

docs: ## render the documentation into build/docs/html
	@$(ENVIRONMENT) run docs
	@$(RUN) tools/build_docs.py

dist: ## build the collection and the wheels into build/dist, with bills of materials and hashes, and try them
	@$(ENVIRONMENT) run test
	@$(RUN) tools/build_dist.py

lock: ## lock releases and hashes of the tools as requirements/*.in want them (UPGRADE=1: the newest that they allow)
	@$(ENVIRONMENT) run
	@$(RUN) tools/lock_requirements.py $(if $(UPGRADE),--upgrade)

format: ## bring the Python code into shape
	@$(ENVIRONMENT) run test
	@build/venv/bin/ruff check --no-cache --fix-only --quiet .
	@build/venv/bin/ruff format --no-cache --quiet .

setup: ## set up build/venv with what all of these need
	@$(ENVIRONMENT) run test docs automation

clean: ## remove all that was made
	@rm -rf build collections
