# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Whole runs of ansible-inventory --list, and what each part of them takes: python tests/benchmarks/inventories.py JOB

A job is a process of its own: it prints the processor's seconds of fetching a pool, of parsing it too, of the plugin,
of what ansible-core does with the hosts, and of the plugin from the cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
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

    def __init__(self, path: Path) -> None:
        self.result = path.with_suffix(".json")
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


def plugin_file(folder: Path, name: str, plugin: str, url: str, **options: object) -> Path:
    """An inventory file of a plugin."""
    path = folder / f"{name}.{plugin.rpartition('.')[2]}.yml"
    path.write_text(json.dumps({"plugin": plugin, "api_url": url, **ACCESS, **options}), encoding="utf-8")
    return path


def script(folder: Path, printed: Path) -> Path:
    """An inventory that is a script which prints a file: all that is left is what ansible-core does."""
    path = folder / "script.sh"
    path.write_text(f"#!/bin/sh\ncat {printed}\n", encoding="utf-8")
    path.chmod(0o700)
    return path


def measured(plugin: str, url: str, peer: bool = False) -> Case:
    """Runs with all variables (`ours`), with few, from the cache, of a script that prints the same, and of the peer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}
        runs = {"ours": Listing(plugin_file(folder, "full", f"{OURS}.{plugin}", url))}
        runs["minimal"] = Listing(plugin_file(folder, "minimal", f"{OURS}.{plugin}", url, **MINIMAL))
        runs["cached"] = Listing(plugin_file(folder, "cached", f"{OURS}.{plugin}", url, **MINIMAL, **kept))
        runs["script"] = Listing(script(folder, runs["cached"].result))
        if peer:
            runs["peer"] = Listing(plugin_file(folder, "peer", f"{PEER}.opennebula", url))
        runs["cached"]()
        case = medians(floor=lambda: fetched(plugin, url), floor_is="the pool, fetched and parsed", **runs)
        notes = [f"{who}: {case[who]:.1f} s, {run}" for who, run in runs.items()]
        return {**case, "notes": notes + shares(plugin, url)}


def fetched(plugin: str, url: str) -> None:
    """Fetches and parses the pool, in another process."""
    subprocess.run([sys.executable, __file__, "parse", plugin, url], check=True, stdout=subprocess.DEVNULL)


def shares(plugin: str, url: str) -> list[str]:
    """What the parts of a run take; the plugin's own share is what neither fetching nor ansible-core is."""
    rows = []
    for job in ("full", "minimal"):
        done = subprocess.run([sys.executable, __file__, job, plugin, url], check=True, capture_output=True)
        fetch, parse, whole, core, cached = json.loads(done.stdout)
        own = whole - fetch - core
        rows.append(
            f"{job}: the plugin takes {whole:.1f} s of the processor; fetching alone {fetch:.1f}, with parsing "
            f"{parse:.1f}; its own share {own:.1f} is {own / parse:.2f} of that; from the cache {cached:.1f} s, "
            f"{cached / whole:.2f} of the first time"
        )
    return rows


# ---------------------------------------------------------------- jobs


@cache
def client_package() -> Any:
    import cases

    return cases.ours()


def pages(plugin: str, url: str, read: Callable[[bytes], object]) -> None:
    ours = client_package()
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
    """Seconds of the processor, one after the other, for what else the machine does changes them.

    Returns:
        list[float]: of fetching the pool; of fetching and parsing it; of plugin.parse(); of what ansible-core does in
            that, hosts, variables and groups; of plugin.parse() from the cache.
    """
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, inventory_loader

    init_plugin_loader()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x.{plugin}.yml")
        cached_in = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": folder}
        given = {"plugin": f"{OURS}.{plugin}", "api_url": url, **ACCESS, **cached_in, **options}
        path.write_text(json.dumps(given), encoding="utf-8")

        def parsed() -> tuple[Any, Any]:
            found, inventory = InventoryData(), inventory_loader.get(f"{OURS}.{plugin}")
            inventory.parse(found, DataLoader(), str(path))
            return found, inventory

        fetch, parse = (seconds(partial(pages, plugin, url, read)) for read in (len, parse_body))
        whole, (found, inventory) = timed(parsed)
        inventory.update_cache_if_changed()  # not in the time: ansible-core writes what is new behind parse()
        core, _again = timed(lambda: copied(found, InventoryData()))
        cached, _again = timed(parsed)
        return [fetch, parse, whole, core, cached]


def copied(source: Any, target: Any) -> None:
    for name, host in source.hosts.items():
        target.add_host(name)
        for variable, value in host.vars.items():
            target.set_variable(name, variable, value)
    for name, group in source.groups.items():
        target.add_group(name)
        for host in group.hosts:
            target.add_child(name, host.name)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor that a piece of work takes, and what it returns."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def seconds(work: Callable[[], object]) -> float:
    return timed(work)[0]


JOBS: dict[str, Callable[[str, str], list[float]]] = {
    "parse": lambda plugin, url: [seconds(lambda: pages(plugin, url, parse_body))],
    "full": lambda plugin, url: fill(plugin, url, {}),
    "minimal": lambda plugin, url: fill(plugin, url, MINIMAL),
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
