# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Fuzz one of the targets with coverage guidance; see tools/run_fuzz.py, which starts this.

python tests/fuzz/fuzz.py TARGET [options and folders of libFuzzer]
"""

from __future__ import annotations

import sys

import atheris

PARSERS = ["ansible_collections.privazio.opennebula", "opennebula_simulator"]
with atheris.instrument_imports(include=PARSERS, enable_loader_override=False):
    from targets import TARGETS

name = sys.argv.pop(1)
atheris.Setup(sys.argv, TARGETS[name])
atheris.Fuzz()
