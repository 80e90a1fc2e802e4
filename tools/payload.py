# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What Ansible ships to a target for a module, in bytes, by the ansible-core of the Python that runs this.

    python tools/payload.py MODULE...      one JSON object: {MODULE: {"zip": …, "module_utils": …, "text": …}}

`zip` is the zip file with the module and its module_utils, `module_utils` the part of those that come from a
collection, `text` the program that Ansible sends, which holds the zip file in base64.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from base64 import b64decode

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

VARIABLES = {"ansible_python_interpreter": sys.executable}
# Beside its name, which stands there twice, and its data, each file of a zip file has two headers.
HEADERS = zipfile.sizeFileHeader + zipfile.sizeCentralDir


def payload(name: str) -> dict[str, int]:
    """The bytes that are shipped for the module of a NAME."""
    found = module_loader.find_plugin_with_context(name)
    if not found.resolved:
        sys.exit(f"payload.py: there is no module {name}")
    program = modify_module(
        module_name=found.resolved_fqcn,
        module_path=found.plugin_resolved_path,
        module_args={},
        templar=Templar(DataLoader(), variables=VARIABLES),
        task_vars=VARIABLES,
        module_compression="ZIP_DEFLATED",
    )
    text = program.b_module_data if hasattr(program, "b_module_data") else program[0]  # before 2.19
    archive = b64decode(max(re.findall(rb"[A-Za-z0-9+/=]{1000,}", text), key=len))
    files = zipfile.ZipFile(io.BytesIO(archive)).infolist()
    utils = [file for file in files if re.match(r"ansible_collections/.*/module_utils/", file.filename)]
    sizes = [HEADERS + 2 * len(file.filename) + file.compress_size for file in utils]
    return {"zip": len(archive), "module_utils": sum(sizes), "text": len(text)}


if __name__ == "__main__":
    init_plugin_loader()
    print(json.dumps({name: payload(name) for name in sys.argv[1:]}))
