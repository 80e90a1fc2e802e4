# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Commands of Ansible, run as people run them, with all that they leave in one folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from canaries import OWN_NAMES, canary
from project import ROOT

PASSWORD = canary("api_password").replace("/", "").replace("=", "")


class Seen:
    """The command lines of all processes while it runs."""

    def __init__(self):
        self.lines, self.over = set(), threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(0.25):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.lines.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.over.set()
        self.thread.join()


def ansible(folder, endpoint, *arguments, command="ansible-playbook", **environment):
    """(completed process, command lines seen) of a command of Ansible with secrets kept from its own command line."""
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/unit/secrets/callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "recorded,ansible.builtin.junit",
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_INVENTORY_CACHE": "1",
        "ANSIBLE_INVENTORY_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_INVENTORY_CACHE_CONNECTION": str(folder / "inventory"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "JUNIT_OUTPUT_DIR": str(folder / "junit"),
        "RECORDED": str(folder / "recorded"),
        "ONE_URL": endpoint.url,
        "ONEFLOW_URL": endpoint.flow_url,
        "ONE_USERNAME": "oneadmin",
        "ONE_PASSWORD": PASSWORD,
        "ONE_SECRET_NAMES": ",".join(OWN_NAMES),
        "HOME": str(folder),
    }
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("ANSIBLE_", "ONE"))}
    with Seen() as seen:
        done = subprocess.run(
            [Path(sys.executable).with_name(command), *arguments],
            env={**kept, **variables, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    return done, seen.lines
