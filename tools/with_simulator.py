# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Run a command against a simulator started for it, and stop the simulator afterwards.

    python tools/with_simulator.py [--port PORT] [--release RELEASE] COMMAND [ARGUMENT...]

The command finds the simulator through ONE_URL, ONE_USERNAME and ONE_PASSWORD, and ends the program with its status.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from project import ROOT, environment, fail, heed_signals

USERNAME, PASSWORD = "oneadmin", "onedemo"
RECORDED = ("--password", "opennebula")  # what the administrator of the recordings has
CREDENTIALS = ("ONE_URL", "ONE_USERNAME", "ONE_PASSWORD", "ONE_AUTH", "ONEFLOW_URL")
PATIENCE = 30  # seconds for a simulator to answer, or to end; it takes less than one


def main() -> None:
    """Run the command named on the command line against a simulator of its own."""
    parser = argparse.ArgumentParser(description="Run a command against a simulator started for it.")
    parser.add_argument("--port", type=int, default=0, help="where the simulator listens; default: a free port")
    parser.add_argument("--release", default="", help="the release of OpenNebula that the simulator speaks as")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    heed_signals()
    options = parser.parse_args()
    if not options.command:
        parser.error("name the command to run")
    with simulator(options.port, *released(options.release)) as access:
        sys.exit(subprocess.run(options.command, env=environment(**access), check=False).returncode)


@contextmanager
def simulator(port: int = 0, *options: str) -> Iterator[dict[str, str]]:
    """Run a simulator with more OPTIONS while the body runs; yield the variables that lead to it.

    PORT 0 is any free port.
    """
    with tempfile.TemporaryDirectory() as folder:
        ready, log = Path(folder, "ready"), Path(folder, "log")
        with log.open("w+", encoding="utf-8") as stream:
            process = start(port, ready, stream, *options)
            try:
                url, flow_url = wait_for(process, ready, log)
                access = {"ONE_URL": url, "ONE_USERNAME": USERNAME, "ONE_PASSWORD": PASSWORD}
                yield {**access, "ONEFLOW_URL": flow_url}
            finally:
                stop(process)


def start(port: int, ready: Path, log: IO[str], *options: str) -> subprocess.Popen[bytes]:
    """Start a simulator on PORT that writes its URL to READY and its words to LOG."""
    command = [
        sys.executable,
        "-m",
        "opennebula_simulator",
        "--port",
        str(port),
        "--flow-port",
        "0",
        "--user",
        USERNAME,
        "--password",
        PASSWORD,
    ]
    command += ["--allow-reset", "--quiet", "--ready-file", str(ready), "--flow-ready-file", f"{ready}.flow", *options]
    path = environment(PYTHONPATH=str(ROOT / "simulator"))
    return subprocess.Popen(command, env=path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the simulator PROCESS; one that does not heed the termination is killed."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(process: subprocess.Popen[bytes], ready: Path, log: Path) -> list[str]:
    """Return the URLs, of oned and of OneFlow, that the simulator PROCESS wrote to READY.

    The program ends with the simulator's LOG if they do not come.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if ready.is_file() and (url := ready.read_text(encoding="utf-8").strip()):
            return [url, Path(f"{ready}.flow").read_text(encoding="utf-8").strip()]  # which was written before
        time.sleep(0.02)
    fail(f"the simulator did not start; its last words: {log.read_text(encoding='utf-8')[-2000:] or 'none'}")


def released(release: str) -> tuple[str, ...]:
    """Return the options of a simulator of RELEASE; empty, it is the default."""
    return ("--release", release) if release else ()


@contextmanager
def cloud(release: str = "") -> Iterator[dict[str, str]]:
    """Yield the variables that lead to the OpenNebula of ONE_URL, or to a simulator of RELEASE if that is not set."""
    if not os.environ.get("ONE_URL"):
        with simulator(0, *released(release)) as access:
            yield access
        return
    access = {name: os.environ[name] for name in CREDENTIALS if os.environ.get(name)}
    # environment() moves HOME, so name the file that a client of OpenNebula would read there
    own = Path("~/.one/one_auth").expanduser()
    if not access.keys() & {"ONE_USERNAME", "ONE_AUTH"} and own.is_file():
        access["ONE_AUTH"] = str(own)
    yield access


if __name__ == "__main__":
    main()
