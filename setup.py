# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What pyproject.toml cannot say: the version of the wheel `pyone`.

It is the release of OpenNebula that the bindings are generated from, as with PyONE itself, so that a program that wants
`pyone>=6` is satisfied; the release of the collection follows as the local part: 7.4.0+privazio.1.0.0.
"""

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
RELEASES = (("xsd/RELEASE", r"^(\d\S*)$"), ("galaxy.yml", r"^version: *(\S+)$"))

setup(
    version="+privazio.".join(
        re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE).group(1)
        for name, pattern in RELEASES
    )
)
