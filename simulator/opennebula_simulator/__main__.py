# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""python -m opennebula_simulator: a simulated OpenNebula on a port of this machine."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import failures, federation
from .cloud import Options
from .flow.lifecycle import Settings
from .releases import RELEASES
from .seeds import SEEDS
from .server import Simulator

FLOW_PORT = 2474
FLOW_HELP = f"port of OneFlow (default {FLOW_PORT}, or a free one if that is taken or with --port 0)"


def seeds(text: str) -> dict[str, int]:
    """ "hosts=1000,vms=10000" as a dictionary."""
    found = {}
    for part in filter(None, text.split(",")):
        what, dummy, number = part.partition("=")
        if what not in SEEDS or not number.isdigit():
            raise argparse.ArgumentTypeError(f"{part!r}: write {'=N, '.join(SEEDS)}=N, with whole numbers")
        found[what] = int(number)
    return found


def failure(text: str) -> str:
    why = failures.problem(text)
    if why:
        raise argparse.ArgumentTypeError(why)
    return text


PASSWORD = "onedemo"  # a word that messages do not have: Ansible hides a password wherever it stands
FAIL_HELP = "a driver action that fails on an object, such as deploy:vm-3 or *:image-*; may be repeated"
GUESTS_HELP = "run the commands of one.vm.exec for real, on this machine, each VM's in a directory below this one"
PUBLISHER_HELP = "publish events with ZeroMQ on this port of 127.0.0.1, as the hook manager does (needs pyzmq)"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "--host": {"default": "127.0.0.1", "help": "address to listen on (default %(default)s)"},
    "--port": {"type": int, "default": 2633, "help": "port, 0 for a free one (default %(default)s)"},
    "--flow-port": {"type": int, "help": FLOW_HELP},
    "--flow-cooldown": {
        "type": int,
        "default": Settings().cooldown,
        "metavar": "SECONDS",
        "help": "cooldown of roles that do not say (default %(default)s)",
    },
    "--flow-interval": {
        "type": float,
        "default": Settings().interval,
        "metavar": "SECONDS",
        "help": "time between two rounds of OneFlow's autoscaler (default %(default)s)",
    },
    "--user": {"default": Options.user, "help": "name of the administrator (default %(default)s)"},
    "--password": {"default": PASSWORD, "help": "his password (default %(default)s)"},
    "--delay": {
        "type": float,
        "default": Options.delay,
        "metavar": "SECONDS",
        "help": "length of a transition (default %(default)s)",
    },
    "--keep-alive": {"action": "store_true", "help": "keep connections open, as a front end does"},
    "--allow-reset": {"action": "store_true", "help": "POST /reset makes a fresh server"},
    "--fail": {"action": "append", "default": [], "type": failure, "metavar": "ACTION:TARGET", "help": FAIL_HELP},
    "--seed": {
        "type": seeds,
        "default": {},
        "metavar": "WHAT=N,…",
        "help": f"objects to begin with: {', '.join(SEEDS)}",
    },
    "--guests": {"type": Path, "metavar": "DIRECTORY", "help": GUESTS_HELP},
    "--publisher": {"type": int, "metavar": "PORT", "help": PUBLISHER_HELP},
    "--release": {
        "choices": sorted(RELEASES),
        "default": Options.release,
        "help": "release to speak as (default %(default)s)",
    },
    "--federation": {
        "choices": federation.MODES,
        "default": Options.mode,
        "help": "mode in a federation (default %(default)s); a slave is its zone 100",
    },
    "--master": {"default": Options.master, "metavar": "URL", "help": "endpoint of the master of a slave"},
    "--quiet": {"action": "store_true", "help": "print nothing"},
    "--ready-file": {"type": Path, "metavar": "PATH", "help": "file that gets the URL once it answers"},
    "--flow-ready-file": {"type": Path, "metavar": "PATH", "help": "file that gets the URL of OneFlow before that"},
}


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="opennebula-simulator",
        description="A simulated OpenNebula with dummy drivers, in memory.",
        epilog=failures.listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, settings in ARGUMENTS.items():
        found.add_argument(name, **settings)
    return found


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    settings = Settings(given.flow_cooldown, given.flow_interval)
    what = {
        "publisher": given.publisher,
        "guests": given.guests,
        "flow": settings,
        "release": given.release,
        "mode": given.federation,
        "master": given.master,
    }
    options = Options(given.user, given.password, given.delay, given.fail, given.seed, **what)
    flow_port = flow_port_for(given.host, given.port) if given.flow_port is None else given.flow_port
    try:
        simulator = Simulator(options, given.host, given.port, given.keep_alive, given.allow_reset, flow_port)
    except OSError as error:
        where = f"{given.host}:{given.port}" + (f" and :{flow_port}" if flow_port else "")
        why = os.strerror(error.errno) if error.errno else str(error)  # without what Python adds to it
        print(f"Cannot listen on {where}: {why}. Choose another --port or --flow-port.", file=sys.stderr)
        return 1
    if not given.quiet:
        print(exports(ONE_URL=simulator.url, ONE_USERNAME=given.user, ONE_PASSWORD=given.password), flush=True)
        access = {"ONEFLOW_USER": given.user, "ONEFLOW_PASSWORD": given.password}
        print(exports(ONEFLOW_URL=simulator.flow_url, **access), flush=True)
    for path, url in ((given.flow_ready_file, simulator.flow_url), (given.ready_file, simulator.url)):
        if path:
            announce(path, url)
    try:
        serve_until_signal(simulator)
    except KeyboardInterrupt:
        pass
    finally:
        simulator.stop()  # and with it what runs in guests
    return 0


def serve_until_signal(simulator: Simulator) -> None:
    """Runs the simulator until SIGTERM or SIGINT, which raise SystemExit and KeyboardInterrupt.

    Each signal writes a byte for this thread to read, so that one that comes just before the wait ends it too.
    """
    signal.signal(signal.SIGTERM, lambda number, dummy: sys.exit(128 + number))
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno())
        try:
            simulator.start()
            while reader.recv(1):
                pass
        finally:
            signal.set_wakeup_fd(before)


def exports(**variables: str) -> str:
    """The line for a shell that gives VARIABLES to the programs started from it."""
    return f"export {' '.join(f'{name}={shlex.quote(value)}' for name, value in variables.items())}"


def flow_port_for(host: str, port: int) -> int:
    """The usual port of OneFlow, unless another cloud of this machine has it; 0, any free one, beside such a port."""
    if port:
        with suppress(OSError), socket.create_server((host, FLOW_PORT)):
            return FLOW_PORT
    return 0


def announce(path: Path, url: str) -> None:
    """Writes the URL so that a reader never sees half of it."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(url + "\n", encoding="utf-8")
    os.replace(draft, path)


if __name__ == "__main__":
    sys.exit(main())
