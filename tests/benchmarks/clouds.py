# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A declared cloud of 1 000 objects: what one_cloud and one_export take for it, beside loops of the modules."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import plays
import yaml
from timing import Case, medians

DRIVERS = {"im_mad": "dummy", "vm_mad": "dummy"}


def declaration() -> dict[str, list[dict[str, Any]]]:
    """The document: 1 000 objects that refer to each other."""
    allowed = [{"resources": ["vm"], "rights": ["use"]}]
    return {
        "clusters": [{"name": f"cluster{number}"} for number in range(20)],
        "hosts": [
            {
                "name": f"host{number}",
                "cluster": f"cluster{number % 20}",
                **({} if number % 5 else {"labels": ["rack"]}),  # a second call, as one.host.allocate takes none
                **DRIVERS,
            }
            for number in range(200)
        ],
        "security_groups": [
            {"name": f"rules{number}", "rules": [{"protocol": "tcp", "direction": "inbound", "range": "80,443"}]}
            for number in range(60)
        ],
        "virtual_networks": [_network(number) for number in range(100)],
        "images": [
            {
                "name": f"image{number}",
                "datastore": "default",
                "type": "datablock",
                "size": 1,
                **({} if number % 5 else {"mode": "644"}),  # a second call too
            }
            for number in range(100)
        ],
        "templates": [
            {"name": f"template{number}", "labels": ["made"], "template": _template(number)} for number in range(100)
        ],
        "groups": [{"name": f"group{number}"} for number in range(80)],
        "users": [
            {
                "name": f"user{number}",
                "password": "secret",
                "update_password": "on_create",
                "group": f"group{number % 80}",
            }
            for number in range(200)
        ],
        "acls": [{"user": f"user{number}", "rules": allowed} for number in range(100)],
        "vdcs": [
            {"name": f"vdc{number}", "groups": [f"group{number}"], "clusters": [f"cluster{number % 20}"]}
            for number in range(40)
        ],
    }


def _network(number: int) -> dict[str, Any]:
    first = {"type": "IP4", "ip": f"10.{number}.0.1", "size": 200}
    return {
        "name": f"network{number}",
        "vn_mad": "dummy",
        "bridge": "br0",
        "clusters": [f"cluster{number % 20}"],
        "security_groups": ["default", f"rules{number % 60}"],  # oned gives a new network `default` in any case
        "address_ranges": [first],
    }


def _template(number: int) -> dict[str, Any]:
    return {"CPU": 1, "MEMORY": 64, "NIC": [{"NETWORK": f"network{number}"}], "DISK": [{"IMAGE": f"image{number}"}]}


# ---------------------------------------------------------------- cases


@contextlib.contextmanager
def cloud() -> Iterator[plays.CountingSimulator]:
    """An empty cloud whose datastores are the simulator's."""
    with plays.counting() as found:
        for oid, drivers in enumerate(('TM_MAD="dummy"', 'TM_MAD="dummy" DS_MAD="dummy"', 'TM_MAD="dummy"')):
            found("datastore.update", oid, drivers, 1)
        yield found


def steady() -> Case:
    """One task with a file, on a cloud that is as declared (`ours`), beside a loop of our modules for each kind.

    A note has what community.general's modules take for the kinds that it has.
    """
    with cloud() as found:
        declared = declaration()
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            yaml.safe_dump(declared, file, sort_keys=False)
            file.flush()
            ours = found.task(plays.OURS, "one_cloud", "ours", src=file.name)
            plays.played([ours])
            found.calls.clear()
            loops = [_loop(found, key, objects) for key, objects in declared.items()]
            case = _counted(found, plays.timed({"ours": [ours], "peer": loops}, warm=False))
            return {**case, "notes": [_beside(found, declared)]}


def _beside(found: plays.CountingSimulator, declared: dict[str, list[dict[str, Any]]]) -> str:
    """What the modules of community.general take for the objects of the kinds that they know, on their second run."""
    loops = [_general(found, key, declared[key]) for key in GENERAL]
    plays.played(loops)
    found.calls.clear()
    case = _counted(found, plays.timed({"ours": loops}, warm=False))
    count = sum(len(declared[key]) for key in GENERAL)
    return (
        f"{plays.PEER}: {case['ours']:.1f} s and {case['ours_calls']} calls for {count} of the objects: "
        f"{', '.join(GENERAL)}"
    )


def create() -> Case:
    """One task on an empty cloud; `ours_calls` of 1 000 objects."""
    with cloud() as found:
        ours = found.task(plays.OURS, "one_cloud", "ours", declaration=declaration())
        absent = found.task(plays.OURS, "one_cloud", "others", declaration=declaration(), state="absent")
        case = plays.timed({"ours": [ours]}, False, r"changed=1 .* failed=0", lambda: plays.played([absent]))
        return _counted(found, case)


def export() -> Case:
    """The document of a cloud of 10 000 objects, and its text, beside reading the pools by the client alone."""
    urls: multiprocessing.Queue[tuple[str, str]] = multiprocessing.Queue()
    simulator = multiprocessing.Process(target=_serve, args=(urls,), daemon=True)
    simulator.start()
    sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"])
    plugins = "ansible_collections.privazio.opennebula.plugins."
    names = ("action.one_export", "module_utils._core.cloud", "module_utils._core.flow", "module_utils._core.data")
    one_export, core, flow, data = (importlib.import_module(plugins + name) for name in names)
    shared = importlib.import_module(plugins + "plugin_utils.declaration.shared_cloud").SharedCloud
    options = {**plays.ACCESS, **dict(zip(("api_url", "flow_url"), urls.get(), strict=True))}
    all_of_it = dict.fromkeys(("kinds", "document_types", *one_export.WHERE))

    def exported() -> object:
        with flow.Clients(options) as one:
            declaration, left = one_export.exported(shared(one), all_of_it)
        if sum(map(len, declaration.values())) < MOST - 50:
            sys.exit("clouds.py: the export lacks objects")
        return declaration, left

    def read() -> object:
        with flow.Clients(options) as one:
            cloud = core.Cloud(one)
            return [data.plain(cloud.pool(kind)) for kind in core.KINDS if kind not in ("document", "vm")]

    try:
        return medians(floor_is="reading all of each object of the pools by the client", ours=exported, floor=read)
    finally:
        simulator.terminate()
        simulator.join()


MOST = 10_000
OTHERS = {  # method: how many, and its arguments for each
    "group.allocate": (100, lambda number: (f"group{number}",)),
    "template.allocate": (3000, lambda number: (f'NAME="template{number}" {TEMPLATE}',)),
    "vn.allocate": (2000, lambda number: (f'NAME="net{number}" {NETWORK}', -1)),
    "image.allocate": (2000, lambda number: (f'NAME="image{number}" TYPE="DATABLOCK" SIZE="1"', 1)),
    "host.allocate": (1000, lambda number: (f"host{number}", "dummy", "dummy", 0)),
    "user.allocate": (1000, lambda number: (f"user{number}", "secret", "core", [100 + number % 100])),
    "secgroup.allocate": (900, lambda number: (f'NAME="rules{number}" RULE=[PROTOCOL="TCP",RULE_TYPE="inbound"]',)),
}
TEMPLATE = 'CPU="1" MEMORY="64" LABELS="a,b" NIC=[NETWORK="net1"] DISK=[IMAGE="image1"] CONTEXT=[NETWORK="YES"]'
NETWORK = 'VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="200"]'


def _serve(urls: multiprocessing.Queue[tuple[str, str]]) -> None:
    """A cloud of 10 000 objects, as long as this process lives."""
    with cloud() as found:
        for method, (count, arguments) in OTHERS.items():
            for number in range(count):
                found(method, *arguments(number))
        urls.put((found.url, f"{found.flow_url}/ours"))
        threading.Event().wait()


def _counted(found: plays.CountingSimulator, case: Case) -> Case:
    """The case with the calls of one run."""
    rounds = case["rounds"]
    return {**case, **{f"{who}_calls": len(found.calls[who]) // rounds for who in ("ours", "peer")}}


def _loop(found: plays.CountingSimulator, key: str, objects: list[dict[str, Any]]) -> plays.Task:
    """The task that makes all objects of a kind one by one."""
    options = {option: f"{{{{ item.{option} | default(omit) }}}}" for each in objects for option in each}
    task = found.task(plays.OURS, KEYS[key], "peer", **options)
    return {**task, "loop": objects, "no_log": True}


def _general(found: plays.CountingSimulator, key: str, objects: list[dict[str, Any]]) -> plays.Task:
    """The task of community.general that makes the same objects one by one; whole templates, which it replaces."""
    module, options = GENERAL[key]
    task = found.task(plays.PEER, module, "ours", name="{{ item }}", **options)
    return {**task, "loop": [each["name"] for each in objects], "no_log": True}


# What community.general has: key of the document → module and options.
GENERAL: dict[str, tuple[str, dict[str, Any]]] = {
    "hosts": ("one_host", {"im_mad_name": "dummy", "vmm_mad_name": "dummy"}),
    "virtual_networks": ("one_vnet", {"template": 'VN_MAD="dummy" BRIDGE="br0"'}),
    "images": ("one_image", {}),
    "templates": ("one_template", {"template": 'CPU="1" MEMORY="64" LABELS="made"'}),
}
KEYS = {
    "clusters": "one_cluster",
    "hosts": "one_host",
    "virtual_networks": "one_vnet",
    "security_groups": "one_security_group",
    "images": "one_image",
    "templates": "one_template",
    "groups": "one_group",
    "users": "one_user",
    "acls": "one_acl",
    "vdcs": "one_vdc",
}
