# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What community.general.opennebula makes of clouds and options: python tests/inventory_peer.py

It needs a Python with the packages `ansible`, which has community.general, and `pyone`, and writes what it finds to
unit/plugins/inventory/peer.json, with which test_peer.py there compares the inventory of this collection.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "simulator"), str(HERE)]

import yaml  # noqa: E402
from ansible.inventory.data import InventoryData  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import init_plugin_loader, inventory_loader  # noqa: E402
from opennebula_simulator.cloud import Options  # noqa: E402
from opennebula_simulator.server import Simulator  # noqa: E402
from served import ACCESS, Cloud  # noqa: E402

RECORDED = HERE / "unit" / "plugins" / "inventory" / "peer.json"
NETWORKS = {
    "mgmt": 'TYPE="IP4_6", IP="10.0.0.1", GLOBAL_PREFIX="2001:db8::"',
    "public": 'TYPE="IP4_6", IP="192.0.2.1", GLOBAL_PREFIX="2001:db8::"',
    "ether": 'TYPE="ETHER", MAC="02:00:00:00:00:11"',
    "six": 'TYPE="IP6", MAC="02:00:00:00:00:21", GLOBAL_PREFIX="2001:db8:1::"',
}
HELD = "held"  # a VM that does not run
MGMT = 'NIC=[NETWORK="mgmt"]'
# Name of a cloud → its VMs, each with the lines of its template.
CLOUDS = {
    "usual": [
        ("web-01", MGMT, 'NIC=[NETWORK="public"]', 'LABELS="web,Prod Site,a-b"', 'SSH_PORT="2222"', 'ROLE="front"'),
        ("web-02", 'NIC=[NETWORK="public"]', 'LABELS="web"', 'PROJECT="shop"'),
        ("none", MGMT, 'LABELS=""'),
        ("bare", 'PROJECT="other"'),
        ("ether", 'NIC=[NETWORK="ether"]', 'LABELS="a/b"'),
        ("six", 'NIC=[NETWORK="six"]', 'LABELS="x.y"', 'NIC_DEFAULT=[MODEL="virtio"]'),
        (HELD, MGMT),
        ("vector", MGMT, 'DATA=[A="1",B="2"]', 'LABELS="web"', 'NOTE="{{ 1 }}"', 'lower="x"', 'TWICE="1"', 'TWICE="2"'),
        ("Big Box", MGMT, 'LABELS="größe, second"'),
    ],
    "secret": [("db", MGMT, 'DB_PASSWORD="hidden"', 'API_TOKEN="hidden too"')],
    "twins": [("twin", MGMT, 'A="1"', 'LABELS="one"'), ("twin", MGMT, 'B="2"', 'LABELS="two"')],
    "named all": [("all", MGMT)],
    "named localhost": [("localhost", MGMT)],
    "named ungrouped": [("ungrouped", MGMT)],
    "named as its group": [("web", MGMT, 'LABELS="web"')],
    "port of words": [("vm", MGMT, 'SSH_PORT="ssh"')],
    "port out of range": [("vm", MGMT, 'SSH_PORT="70000"')],
    "port with blanks": [("vm", MGMT, 'SSH_PORT=" 22 "')],
    "port of zeros": [("vm", MGMT, 'SSH_PORT="0022"')],
    "port as a vector": [("vm", MGMT, 'SSH_PORT=[A="22"]')],
    "two ports": [("vm", MGMT, 'SSH_PORT="22"', 'SSH_PORT="23"')],
    "labels twice": [("vm", MGMT, 'LABELS="a"', 'LABELS="b,c"')],
    "labels as a vector": [("vm", MGMT, 'LABELS=[A="1"]')],
    "an empty label": [("vm", MGMT, 'LABELS="a,,b"')],
    "a label of signs": [("vm", MGMT, 'LABELS="a,/"')],
    "a label twice": [("vm", MGMT, 'LABELS="a,a"')],
    "a label called all": [("vm", MGMT, 'LABELS="all"')],
    "connecting": [("vm", MGMT, "ANSIBLE_USER=ann", "ansible_connection=local")],
    "no name of a variable": [("vm", MGMT, "A-B=1", "A.B=2")],
    "names of its own": [("vm", MGMT, "NAME2=x", "id=77", "name=other", "UNAME=ann", "host=h", "v4_first_ip=1.2.3.4")],
}
LABELS = (None, "web", "a_b", "Prod_Site", "ab", "second", "_second", "größe", "nought")
VARIED = [
    {"hostname": hostname, "group_by_labels": grouped, "prefer_existing_ansible_host": kept, "set_name_variable": named}
    for hostname, grouped, kept, named in itertools.product(
        ("v4_first_ip", "v6_first_ip", "name"), (True, False), (True, False), (True, False)
    )
]
LABELLED = [{"filter_by_label": label} for label in LABELS if label]
SHOP = "PROJECT | default('') == 'shop'"
EXPRESSIONS = [
    {"filters": [{"include": SHOP}, {"exclude": True}]},
    {"filters": [{"exclude": "name == 'bare'"}], "set_name_variable": False},
    {"filters": [{"exclude": "inventory_hostname == 'bare'"}]},
    {"filters": [{"include": "'web' in LABELS"}, {"exclude": "v4_first_ip != false"}]},
    {"filters": [{"exclude": False}]},
    {"filters": []},
    {"filters": [{"include": "nought == 1"}]},
    {"filters": [{"only": True}]},
    {"filters": [{"include": True, "exclude": False}]},
    {"filter_by_label": "web", "filters": [{"exclude": SHOP}]},
    {"compose": {"x": "name ~ UNAME", "y": "v4_first_ip", "ansible_host": "name ~ '.example.org'"}},
    {"compose": {"x": "name"}, "set_name_variable": False},
    {"groups": {"g": "'web' in LABELS", "h": "ROLE is defined"}},
    {"keyed_groups": [{"key": "LABELS", "prefix": "l"}, {"key": "ROLE", "prefix": "r"}, {"key": "GNAME"}]},
    {"keyed_groups": [{"key": "UNAME", "parent_group": "owners", "separator": ""}, {"key": "DATA", "prefix": "d"}]},
    {"keyed_groups": [{"key": "ROLE", "default_value": "none", "trailing_separator": False}]},
    {"leading_separator": False, "keyed_groups": [{"key": "UNAME"}]},
    {"strict": True, "compose": {"x": "nought"}},
    {"strict": False, "compose": {"x": "nought"}},
    {"strict": True, "groups": {"g": "nought"}},
    {"strict": True, "keyed_groups": [{"key": "nought"}]},
]
CASES = [
    *(("usual", options) for options in VARIED + LABELLED + EXPRESSIONS),
    *((cloud, {}) for cloud in CLOUDS),
    *((cloud, {"hostname": "name"}) for cloud in CLOUDS),
]


@contextmanager
def clouds():
    """get(name) → the URL of a cloud of CLOUDS; each is made once."""
    running = {}

    def get(name):
        if name not in running:
            running[name] = Simulator(Options(delay=0)).start()
            fill(Cloud(running[name]), CLOUDS[name])
        return running[name].url

    try:
        yield get
    finally:
        for simulator in running.values():
            simulator.stop()


def fill(cloud, vms):
    cloud("host.allocate", "node-a", "dummy", "dummy", 0)
    for name, addresses in NETWORKS.items():
        cloud("vn.allocate", f'NAME="{name}" VN_MAD="dummy" BRIDGE="br0" AR=[SIZE="9", {addresses}]', -1)
    for name, *lines in vms:
        vm = cloud.vm(name, *(line for line in lines if line.startswith("NIC=")))
        tags = "".join(element(line) for line in lines if not line.startswith("NIC="))
        cloud("vm.update", vm, f"<TEMPLATE>{tags}</TEMPLATE>", 1)  # whose names stay in small letters
        if name != HELD:
            cloud("vm.deploy", vm, 0, False, -1, "")


def element(line):
    """A line of a template in XML."""
    name, value = line.split("=", 1)
    if value.startswith("["):
        value = "".join(element(part) for part in value[1:-1].split(","))
    return "<{0}>{1}</{0}>".format(name, value.strip('"'))


def inventory(plugin, url, options):
    """What a plugin makes of a cloud: {"hosts": {name: variables}, "groups": {name: hosts}}; None if it fails.

    One host, web-01, is there already, with an address.
    """
    found = InventoryData()
    found.add_host("web-01")
    found.set_variable("web-01", "ansible_host", "kept")
    made = inventory_loader.get(plugin)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cloud.opennebula.yml"
        path.write_text(yaml.safe_dump({"plugin": plugin, "api_url": url, **ACCESS, **options}), encoding="utf-8")
        try:
            made.parse(found, DataLoader(), str(path))
            found.reconcile_inventory()
        except Exception:  # pylint: disable=broad-exception-caught
            return None
    hosts = {name: variables(host.vars) for name, host in found.hosts.items()}
    groups = {name: sorted(host.name for host in group.get_hosts()) for name, group in found.groups.items()}
    of_groups = {name: variables(group.vars) for name, group in found.groups.items() if group.vars}
    return {"hosts": hosts, "groups": groups, **({"group_vars": of_groups} if of_groups else {})}


def variables(found):
    mine = {name: value for name, value in found.items() if name not in ("inventory_file", "inventory_dir")}
    return json.loads(json.dumps(mine, default=str))


def record():
    """Writes RECORDED: each host's variables once, and the cases with their places in that list."""
    found, cases = [], []
    with clouds() as url:
        for cloud, options in CASES:
            made = inventory("community.general.opennebula", url(cloud), options)
            for name, own in made["hosts"].items() if made else ():
                if own not in found:
                    found.append(own)
                made["hosts"][name] = found.index(own)
            cases.append([cloud, options, made])
    parts = {"variables": found, "cases": cases}
    lists = {name: ",\n".join(json.dumps(one) for one in part) for name, part in parts.items()}
    text = ",\n".join(f'"{name}": [\n{lines}\n]' for name, lines in lists.items())
    RECORDED.write_text("{%s}\n" % text, encoding="utf-8")


if __name__ == "__main__":
    init_plugin_loader()
    record()
