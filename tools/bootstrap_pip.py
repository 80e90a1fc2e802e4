# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Install pip, and the packages named on the command line, from the standard library's own copy of pip.

ansible-test runs a file of this kind in each environment that it makes; tools/run_sanity.py puts this one in place of
the download.
"""

import ensurepip
import os
import subprocess
import sys

ensurepip.bootstrap(default_pip=True)
os.environ.pop("PIP_CONFIG_FILE", None)  # ensurepip turned the configuration off
packages = [word for word in sys.argv[1:] if word not in {"--no-setuptools", "--no-wheel"}]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *packages]))
