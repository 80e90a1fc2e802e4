# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

# Every entry point of the project. The work is done by tools/, one script a job; all that is made lies in build/.
PYTHON ?= python3
RUN := build/venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## set up build/venv with everything that the tests need
	@$(PYTHON) tools/environment.py run test
