# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Measure the client beside pyone 7.3.80, in one process, on the same documents; write build/bench.json.

    python tests/benchmarks/run.py

The documents are those of the simulator, enlarged. pyone gets a virtual environment of its own, build/bench. `floor` is
what any client has to do: unescape the body and parse its XML once.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "build" / "bench"
PEER = ["pyone==7.3.80", "lxml==6.0.2", "six==1.17.0", "requests==2.32.5"]
COPIES = 2000
ROUNDS = 5


def main() -> None:
    """Measure in the environment that has the peer; make it first."""
    python = BENCH / "bin" / "python"
    if Path(sys.prefix) != BENCH:
        if not (BENCH / "done").exists():
            subprocess.run([sys.executable, "-m", "venv", str(BENCH)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-qqq", *PEER], check=True)
            (BENCH / "done").touch()
        sys.exit(subprocess.run([str(python), __file__], check=False).returncode)
    report({"decode_pool": decode_pool(), "import": imports()})


def body() -> bytes:
    """The HTTP body of a vmpool.infoextended of COPIES VMs, as the simulator answers it."""
    sys.path.insert(0, str(ROOT / "tests"))
    from simulator.cloud import Options
    from simulator.server import Simulator

    simulator = Simulator(Options(delay=0, seed={"hosts": 2, "vms": COPIES})).start()
    try:
        from urllib.request import Request, urlopen

        values = ["<string>oneadmin:opennebula</string>"] + [f"<i4>{number}</i4>" for number in (-2, -1, -1, -1)]
        params = "".join(f"<param><value>{value}</value></param>" for value in values)
        call = f"<methodCall><methodName>one.vmpool.infoextended</methodName><params>{params}</params></methodCall>"
        with urlopen(Request(simulator.url, call.encode())) as answer:
            return answer.read()
    finally:
        simulator.stop()


def decode_pool() -> dict[str, float]:
    """HTTP body to ID, NAME, STATE and one TEMPLATE value of every VM."""
    # The client is the package of the same name: it is loaded under another one.
    import importlib.util
    import xmlrpc.client

    import pyone as peer

    where = ROOT / "plugins" / "module_utils" / "pyone"
    spec = importlib.util.spec_from_file_location(
        "ours", where / "__init__.py", submodule_search_locations=[str(where)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["ours"] = package
    spec.loader.exec_module(package)
    from ours import codec, element

    data = body()

    def fields(pool: object) -> list[tuple]:
        return [(vm.ID, vm.NAME, vm.STATE, vm.TEMPLATE["CPU"]) for vm in pool.VM]

    def ours() -> object:
        return fields(element.parse(codec.decode(data)[1]))

    def theirs() -> object:
        (answer,), _method = xmlrpc.client.loads(data)
        return fields(peer.bindings.parseString(answer[1].encode("utf-8")))

    def floor() -> object:
        start, end = data.find(b"<string>") + 8, data.rfind(b"</string>")
        return ET.fromstring(codec.unescape(data[start:end]))

    if ours() != theirs():
        sys.exit("bench: both clients must read the same values")
    return {"ours": median(ours), "peer": median(theirs), "floor": median(floor)}


def imports() -> dict[str, float]:
    """A process that imports the package and builds a client; the floor is one that does nothing."""
    build = "import pyone; pyone.OneServer('http://127.0.0.1:1/RPC2', session='a:b')"
    ours = f"import sys; sys.path.insert(0, {str(ROOT / 'plugins' / 'module_utils')!r}); {build}"
    found = {
        name: median(lambda code=code: run(code)) for name, code in (("ours", ours), ("peer", build), ("floor", ""))
    }
    # What the interpreter itself costs is not the package's.
    return {"ours": found["ours"] - found["floor"], "peer": found["peer"] - found["floor"], "floor": found["floor"]}


def run(code: str) -> None:
    """Run CODE in a fresh interpreter."""
    subprocess.run([sys.executable, "-c", code], check=True)


def median(work: Callable[[], object]) -> float:
    """The median of ROUNDS runs, in seconds."""
    times = []
    for _round in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def report(cases: dict[str, dict[str, float]]) -> None:
    """Print a table, and write it as JSON."""
    print(f"{'case':<14}{'ours':>10}{'pyone':>10}{'floor':>10}{'times faster':>14}{'times floor':>13}")
    for name, case in cases.items():
        case["times_faster"] = case["peer"] / case["ours"]
        case["times_floor"] = case["ours"] / case["floor"]
        print(
            f"{name:<14}{case['ours']:>9.3f}s{case['peer']:>9.3f}s{case['floor']:>9.3f}s"
            f"{case['times_faster']:>13.1f}x{case['times_floor']:>12.2f}x"
        )
    (ROOT / "build" / "bench.json").write_text(json.dumps(cases, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
