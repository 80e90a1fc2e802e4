# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whole runs of ansible-inventory --list, and what each part of them takes: python tests/benchmarks/inventories.py JOB

A job is a process of its own: it prints the processor's seconds of fetching a pool, of parsing it too, of the plugin,
and of what ansible-core does with the hosts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from timing import Case, medians

OURS, PEER = "privazio.opennebula", "community.general"
ACCESS = {"api_username": "oneadmin", "api_password": "opennebula"}
SESSION = ":".join(ACCESS.values())
PAGE = 1000
MIB = 1024 * 1024
# What is fetched page by page, by the name of the plugin; None: at once.
POOLS: dict[str, Callable[[int], tuple[str, list[int]]]] = {
    "one_vms": lambda start: ("one.vmpool.infoextended", [-2, start, -PAGE, -1]),
    "one_hosts": lambda start: ("one.hostpool.info", []),
}
MINIMAL = {"facts": ["minimal"]}


class Listing:
    """ansible-inventory --list of one file; `cpu` and `memory` (bytes) are those of the last run."""

    def __init__(self, folder: Path, name: str, plugin: str, url: str, **options: object) -> None:
        path = folder / f"{name}.{plugin.rpartition('.')[2]}.yml"
        path.write_text(json.dumps({"plugin": plugin, "api_url": url, **ACCESS, **options}), encoding="utf-8")
        self.result = folder / f"{name}.json"
        program = str(Path(sys.executable).with_name("ansible-inventory"))
        self.command = [program, "-i", str(path), "--list", "--output", str(self.result)]
        self.environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
        self.cpu = self.memory = 0.0

    def __call__(self) -> None:
        process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL)
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"inventories.py: {' '.join(self.command)} failed")
        self.cpu, self.memory = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024

    def __str__(self) -> str:
        size = self.result.stat().st_size / MIB
        return f"{self.cpu:.1f} s of the processor, {self.memory / MIB:.0f} MiB, {size:.1f} MiB of JSON"


def measured(plugin: str, url: str, peer: bool = False) -> Case:
    """Runs with all variables (`ours`), with few, from the cache, and of the peer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}
        runs = {"ours": Listing(folder, "full", f"{OURS}.{plugin}", url)}
        runs["minimal"] = Listing(folder, "minimal", f"{OURS}.{plugin}", url, **MINIMAL)
        runs["cached"] = Listing(folder, "cached", f"{OURS}.{plugin}", url, **MINIMAL, **cache)
        if peer:
            runs["peer"] = Listing(folder, "peer", f"{PEER}.opennebula", url)
        runs["cached"]()
        case = medians(floor=lambda: fetched(plugin, url), floor_is="the pool, fetched and parsed", **runs)
        notes = [f"{who}: {case[who]:.1f} s, {run}" for who, run in runs.items()]
        return {**case, "notes": notes + shares(plugin, url)}


def fetched(plugin: str, url: str) -> None:
    """Fetches and parses the pool, in another process."""
    subprocess.run([sys.executable, __file__, "parse", plugin, url], check=True, stdout=subprocess.DEVNULL)


def shares(plugin: str, url: str) -> list[str]:
    """What the parts of a run take; the plugin's own share is what neither fetching nor ansible-core is."""
    jobs = {job: [] for job in ("fetch", "parse", "plugin", "minimal")}
    for job, seconds in jobs.items():
        done = subprocess.run([sys.executable, __file__, job, plugin, url], check=True, capture_output=True)
        seconds.extend(json.loads(done.stdout))
    (fetch,), (parse,) = jobs["fetch"], jobs["parse"]
    rows = [f"fetching takes {fetch:.1f} s of the processor, fetching and parsing {parse:.1f}"]
    for job in ("plugin", "minimal"):
        whole, core = jobs[job]
        own = whole - fetch - core
        rows.append(
            f"{job}: {whole:.1f} s, its own share {own:.1f}, which is {own / parse:.2f} of fetching and parsing"
        )
    return rows


# ---------------------------------------------------------------- jobs


def pages(plugin: str, url: str, read: Callable[[bytes], object]) -> None:
    import cases

    ours = cases.ours()
    transport = ours.Client(url, session=SESSION)._transport
    start, more = 0, True
    while more:
        method, arguments = POOLS[plugin](start)
        body = transport.post(ours.codec.encode(method, [SESSION, *arguments]), True)
        read(body)
        more = bool(arguments) and body.count(b"&lt;/VM&gt;") >= PAGE
        start += PAGE


def parse_body(body: bytes) -> ElementTree.Element:
    import cases

    return cases.parsed(bytes(body))


def fill(plugin: str, url: str, options: dict[str, Any]) -> list[float]:
    """Seconds of plugin.parse(), and of what ansible-core does in it: hosts, variables and groups anew."""
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, inventory_loader

    init_plugin_loader()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x.{plugin}.yml")
        path.write_text(json.dumps({"plugin": f"{OURS}.{plugin}", "api_url": url, **ACCESS, **options}))
        found, again = InventoryData(), InventoryData()
        inventory = inventory_loader.get(f"{OURS}.{plugin}")
        whole = seconds(lambda: inventory.parse(found, DataLoader(), str(path)))
        return [whole, seconds(lambda: copied(found, again))]


def copied(source: Any, target: Any) -> None:
    for name, host in source.hosts.items():
        target.add_host(name)
        for variable, value in host.vars.items():
            target.set_variable(name, variable, value)
    for name, group in source.groups.items():
        target.add_group(name)
        for host in group.hosts:
            target.add_child(name, host.name)


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


JOBS: dict[str, Callable[[str, str], list[float]]] = {
    "fetch": lambda plugin, url: [seconds(lambda: pages(plugin, url, len))],
    "parse": lambda plugin, url: [seconds(lambda: pages(plugin, url, parse_body))],
    "plugin": lambda plugin, url: fill(plugin, url, {}),
    "minimal": lambda plugin, url: fill(plugin, url, MINIMAL),
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
