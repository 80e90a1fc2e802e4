# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What pyproject.toml cannot say: the wheel `pyone` has the release of the collection, which galaxy.yml names."""

import re
from pathlib import Path

from setuptools import setup

GALAXY = Path(__file__).with_name("galaxy.yml").read_text(encoding="utf-8")

setup(version=re.search(r"^version: *(\S+)$", GALAXY, re.MULTILINE).group(1))
