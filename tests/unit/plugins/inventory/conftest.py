# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Inventories as Ansible makes them of a file: in this process, or by ansible-inventory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from project import environment
from served import ACCESS, Cloud


@pytest.fixture
def cloud(simulator):
    """A cloud with a host, node-a."""
    found = Cloud(simulator)
    found("host.allocate", "node-a", "dummy", "dummy", 0)
    return found


@pytest.fixture
def written(tmp_path):
    """written(plugin, **options) → path of a file of the inventory plugin."""

    def write(plugin, **options):
        path = tmp_path / f"cloud.{plugin}.yml"
        path.write_text(yaml.safe_dump({"plugin": f"privazio.opennebula.{plugin}", **options}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def warnings(monkeypatch):
    """What the display warns of."""
    found = []
    monkeypatch.setattr("ansible.utils.display.Display.warning", lambda self, message, **more: found.append(message))
    return found


@pytest.fixture
def parsed(written):
    """parsed(plugin, cloud's url or None, into=inventory, **options) → InventoryData, as the plugin fills it."""

    def parse(plugin, url=None, into=None, **options):
        access = {"api_url": url, **ACCESS} if url else ACCESS
        path = str(written(plugin, **{**access, **options}))
        found = into or InventoryData()
        plugin = inventory_loader.get(f"privazio.opennebula.{plugin}")
        assert plugin.verify_file(path)
        plugin.parse(found, DataLoader(), path)
        if getattr(plugin, "_cache", None) is not None:
            plugin.update_cache_if_changed()
        found.reconcile_inventory()
        return found

    return parse


@pytest.fixture
def listed(written):
    """listed(plugin, url, *arguments, **options) → (what ansible-inventory --list says, what it complains of)."""

    def run(plugin, url, *arguments, env=(), **options):
        path = written(plugin, api_url=url, **{**ACCESS, **options})
        command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(path), "--list", *arguments]
        done = subprocess.run(command, env=environment(**dict(env)), capture_output=True, text=True, check=False)
        return json.loads(done.stdout, object_hook=plain), done.stderr

    return run


def plain(found):
    """The text that Ansible marks as untrusted, or FOUND itself."""
    return found.get("__ansible_unsafe", found)
