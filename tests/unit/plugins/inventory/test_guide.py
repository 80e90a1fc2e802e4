# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The inventories in the guides and in the documentation of the plugins are made, of a simulated cloud."""

from __future__ import annotations

import re
import textwrap

import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.inventory import one_hosts, one_vms, opennebula
from project import ROOT

BLOCK = re.compile(r"^\.\. code-block:: yaml\n\n((?:   [^\n]*\n|\n)+)", re.MULTILINE)
# What belongs to the writer's own cloud.
OWN = ("api_url", "api_authfile", "ca_path", "cache_connection")


def written():
    for guide in ("inventory", "migration"):
        text = (ROOT / "docs" / "docsite" / "rst" / f"{guide}.rst").read_text(encoding="utf-8")
        for number, block in enumerate(BLOCK.findall(text)):
            content = yaml.safe_load(textwrap.dedent(block))
            if isinstance(content, dict) and "plugin" in content:
                yield pytest.param(content, id=f"{guide}-{number}")
    for plugin in (one_hosts, one_vms, opennebula):
        for number, content in enumerate(yaml.safe_load_all(plugin.EXAMPLES)):
            yield pytest.param(content, id=f"{plugin.InventoryModule.SUFFIX}-{number}")


def there(options, cloud):
    """The same options for a cloud that is there."""
    found = {name: value for name, value in options.items() if name not in (*OWN, "plugin")}
    if "servers" in found:
        found["servers"] = [{**there(server, cloud), "api_url": cloud.url} for server in found["servers"]]
    return found


@pytest.mark.parametrize("content", list(written()))
def test_it_makes_an_inventory(parsed, cloud, content, tmp_path, warnings):
    cloud.vm("web-01", 'LABELS="shop/web"', 'ENVIRONMENT="test"', 'NIC_DEFAULT=[MODEL="virtio"]')
    options = there(content, cloud)
    if options.get("cache"):
        options["cache_connection"] = str(tmp_path / "cache")
    plugin = content["plugin"].rpartition(".")[2]
    found = parsed(plugin, cloud.url, **options)
    assert (set(found.hosts) != set()) == (plugin == "one_hosts" or takes(options, plugin))
    assert not warnings


def takes(options, plugin):
    """Whether a VM that is on hold, without an address, is among what the options choose."""
    chosen = "held" in options.get("states", ["held"]) and options.get("without_address") != "drop"
    return plugin == "one_vms" and chosen
