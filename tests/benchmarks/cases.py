# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""One case of the benchmarks, in the environment that has the peers: python tests/benchmarks/cases.py CASE

Prints one JSON object: `ours`, `peer` and `floor` in seconds or bytes (`unit`), and what the floor is.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import documents
from timing import Case, medians

ROOT = Path(__file__).resolve().parents[2]
MODULE_UTILS = ROOT / "plugins" / "module_utils"
SESSION = "oneadmin:opennebula"
# Another place to import from; and the peer was compiled when it was installed, ours is when it is first imported.
UNFAIR = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
CALLS = 1000
TASKS = 20
WANTED = {"vms": ("vms-7777", "CPU"), "hosts": ("hosts-7777", "ARCH")}  # one name, and one attribute of the template


def ours() -> ModuleType:
    """Our client, under another name than pyone, which is the peer's."""
    where = MODULE_UTILS / "pyone"
    spec = importlib.util.spec_from_file_location(
        "ours", where / "__init__.py", submodule_search_locations=[str(where)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["ours"] = package
    spec.loader.exec_module(package)
    return package


# ---------------------------------------------------------------- import


def imports() -> Case:
    """A process that imports the package and builds a client, less what the interpreter itself takes."""
    build = "import pyone; pyone.OneServer('http://127.0.0.1:1/RPC2', session='a:b')"
    codes = {"ours": f"import sys; sys.path.insert(0, {str(MODULE_UTILS)!r}); {build}", "peer": build, "floor": ""}

    def start(code: str) -> Callable[[], object]:
        environment = {name: value for name, value in os.environ.items() if name not in UNFAIR}
        return lambda: [subprocess.run([sys.executable, "-c", code], env=environment, check=True) for _each in range(5)]

    case = medians(
        floor_is="the interpreter, which ours and peer are without", **{k: start(c) for k, c in codes.items()}
    )
    found = {name: case[name] / 5 for name in codes}
    return {**case, **found, "ours": found["ours"] - found["floor"], "peer": found["peer"] - found["floor"]}


# ---------------------------------------------------------------- decode, find


def our_pool(data: bytes, name: str) -> object:
    from ours import codec, element

    return getattr(element.parse(codec.decode(data)[1]), documents.POOLS[name][2].decode())


def their_pool(data: bytes, name: str) -> object:
    import pyone

    (answer,), _method = xmlrpc.client.loads(data)
    return getattr(pyone.bindings.parseString(answer[1].encode("utf-8")), documents.POOLS[name][2].decode())


def parsed(data: bytes) -> object:
    """What a client has to do that parses whole answers, but no more than once."""
    document = data[data.find(b"<string>") + 8 : data.rfind(b"</string>")]
    return ET.fromstring(document.replace(b"&lt;", b"<").replace(b"&gt;", b">").replace(b"&amp;", b"&"))


PARSED = "unescape the body, parse it by ElementTree's C code"


def fields(pool: object, attribute: str) -> list[tuple]:
    return [(item.ID, item.NAME, item.STATE, item.TEMPLATE[attribute]) for item in pool]


def named(pool: object, name: str) -> list[tuple]:
    return [(item.ID, item.NAME) for item in pool if name == item.NAME]


def beside(name: str, look: Callable[[object, str], list], what: str) -> Case:
    ours()
    data = documents.body(name)
    work = {"ours": lambda: look(our_pool(data, name), what), "peer": lambda: look(their_pool(data, name), what)}
    if work["ours"]() != work["peer"]():
        sys.exit("cases.py: both clients must read the same values")
    return medians(floor_is=PARSED, floor=lambda: parsed(data), **work)


def decode(name: str) -> Case:
    """HTTP body to ID, NAME, STATE and one value of the template of every object."""
    return beside(name, fields, WANTED[name][1])


def find() -> Case:
    """HTTP body to the one VM with a name."""
    return beside("vms", named, WANTED["vms"][0])


# ---------------------------------------------------------------- memory


def memory() -> Case:
    """The largest resident set of a process that decodes a pool, the interpreter and the body included."""
    with tempfile.TemporaryDirectory() as folder:
        # This process must stay small, for what it starts inherits its mark.
        found = {who: peak(who, Path(folder, "body")) for who in ("write", "ours", "peer", "floor")}
    del found["write"]
    return {**found, "unit": "bytes", "floor_is": "resident set of a process that has only read the body"}


def peak(who: str, path: Path) -> int:
    command = [sys.executable, __file__, "once", who, str(path)]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


def once(who: str, path: str) -> None:
    """Write the body, or read and decode it; print the largest resident set, in bytes."""
    if who == "write":
        Path(path).write_bytes(documents.body("vms"))
    data = Path(path).read_bytes()
    decoders = {"ours": our_pool, "peer": their_pool}
    if who == "ours":
        ours()
    if who in decoders:
        assert len(fields(decoders[who](data, "vms"), WANTED["vms"][1])) == 10_000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


# ---------------------------------------------------------------- calls


@contextlib.contextmanager
def simulator(*options: str) -> Iterator[str]:
    """A simulator as a process of its own; yields its URL."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "url")
        command = [
            sys.executable,
            "-m",
            "opennebula_simulator",
            "--port",
            "0",
            "--flow-port",
            "0",
            "--password",
            SESSION.partition(":")[2],
            "--quiet",
            "--delay",
            "0",
            "--seed",
            "hosts=3",
        ]
        process = subprocess.Popen([*command, "--ready-file", str(ready), *options])
        try:
            while not ready.is_file() or not ready.read_text().strip():
                if process.poll() is not None:
                    sys.exit("cases.py: the simulator did not start")
                time.sleep(0.02)
            yield ready.read_text().split()[0]  # OneFlow's follows
        finally:
            process.terminate()
            process.wait()


def calls(*options: str) -> Case:
    """CALLS times one.host.info over loopback by one client."""
    import pyone

    client = ours().OneServer
    opened = count_connections()
    with simulator(*options) as url:
        one, other = client(url, session=SESSION), pyone.OneServer(url, session=SESSION)
        exchange = bare(url, bool(options))
        case = medians(
            ours=lambda: [one.host.info(0).NAME for _each in range(CALLS)],
            peer=lambda: [other.host.info(0).NAME for _each in range(CALLS)],
            floor=lambda: [exchange() for _each in range(CALLS)],
            floor_is="bytes made before, sent and received by a socket, not read",
        )
        opened.clear()
        one.server_close()
        for _each in range(CALLS):
            one.host.info(0)
    return {**case, "connections": len(opened)}


def count_connections() -> list:
    """A list that grows with each connection that this process opens."""
    opened: list = []
    create = socket.create_connection

    def counted(*args: object, **named: object) -> socket.socket:
        opened.append(args)
        return create(*args, **named)

    socket.create_connection = counted
    return opened


def bare(url: str, kept: bool) -> Callable[[], bytes]:
    """One exchange of the bytes of one.host.info, with no client at all."""
    from ours import codec

    body = codec.encode("one.host.info", [SESSION, 0])
    request = b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    host, _colon, port = url.split("/")[2].partition(":")
    stream: list[socket.socket] = []

    def exchange() -> bytes:
        if not stream:
            stream.append(socket.create_connection((host, int(port))))
        stream[0].sendall(request)
        data = stream[0].recv(65536)
        head, _blank, rest = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(rest) < length:
            rest += stream[0].recv(65536)
        if not kept:
            stream.pop().close()
        return rest

    return exchange


# ---------------------------------------------------------------- payload, tasks


def payload() -> Case:
    """What Ansible ships to a target for each module."""
    names = [f"{collection}.one_host" for collection in ("privazio.opennebula", "community.general")]
    ours, peer, floor = shipped(*names, "ansible.builtin.ping")
    found = {who: each["zip"] for who, each in (("ours", ours), ("peer", peer), ("floor", floor))}
    parts = {"added": ours["zip"] - floor["zip"], "module_utils": ours["module_utils"]}
    parts["text_added"] = ours["text"] - floor["text"]
    notes = [f"{name}: {size / 1024:.1f} KiB" for name, size in parts.items()]
    return {**found, **parts, "unit": "bytes", "floor_is": "ansible.builtin.ping", "notes": notes}


def shipped(*names: str) -> list[dict[str, int]]:
    """What tools/payload.py says of modules, in order."""
    command = [sys.executable, str(ROOT / "tools" / "payload.py"), *names]
    done = subprocess.run(command, check=True, capture_output=True)
    return list(json.loads(done.stdout).values())


def task(in_controller: bool) -> Case:
    """TASKS tasks of a play that change nothing, less a play without tasks."""
    import plays

    with plays.counting(hosts=3) as cloud:
        options = {"name": "seed-host-0", "state": "enabled"}
        both = {"ours": plays.OURS, "peer": plays.PEER}
        tasks = {who: cloud.task(name, "one_host", who, **options) for who, name in both.items()}
        tasks["ours"]["vars"] = {"one_in_controller": in_controller}
        return plays.timed({who: [each] * TASKS for who, each in tasks.items()})


def inventory(plugin: str, peer: bool = False, **seed: int) -> Case:
    """ansible-inventory --list of a cloud with so many objects."""
    import inventories

    with simulator("--seed", ",".join(f"{what}={number}" for what, number in seed.items())) as url:
        return inventories.measured(plugin, url, peer)


def other(module: str, name: str, *how: object) -> Case:
    """A case of a file that not every process is to load."""
    return getattr(importlib.import_module(module), name)(*how)


CASES: dict[str, Callable[[], Case]] = {
    "import": imports,
    "decode_pool": lambda: decode("vms"),
    "decode_hosts": lambda: decode("hosts"),
    "find_by_name": find,
    "memory_pool": memory,
    "calls": calls,
    "calls_kept_alive": lambda: calls("--keep-alive"),
    "payload": payload,
    "task": lambda: task(True),
    "task_as_module": lambda: task(False),
    "fleet_steady": lambda: other("fleets", "steady", 10_000, {"ROLE": "web"}),
    "fleet_steady_1000": lambda: other("fleets", "steady", 1_000, {"ROLE": "web"}),
    "fleet_steady_names": lambda: other("fleets", "steady", 10_000, {"NAME": "web-###"}),
    "fleet_create": lambda: other("fleets", "create", 0),
    "fleet_create_1s": lambda: other("fleets", "create", 1),
    "inventory_hosts": lambda: inventory("one_hosts", hosts=10_000),
    "inventory_vms": lambda: inventory("one_vms", hosts=1_000, vms=100_000),
    "inventory_vms_10000": lambda: inventory("one_vms", peer=True, hosts=100, vms=10_000),
    "cloud_steady": lambda: other("clouds", "steady"),
    "cloud_create": lambda: other("clouds", "create"),
    "cloud_export": lambda: other("clouds", "export"),
    "calls_per_task": lambda: other("task_calls", "measured"),
}


if __name__ == "__main__":
    if sys.argv[1] == "once":
        once(*sys.argv[2:])
    else:
        print(json.dumps(CASES[sys.argv[1]]()))
