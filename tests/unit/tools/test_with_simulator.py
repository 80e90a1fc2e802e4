# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The simulator that tools start for their own use."""

from __future__ import annotations

import os
import subprocess
import sys
import xmlrpc.client

import pytest
import with_simulator


def version(access: dict[str, str]) -> list[object]:
    """Ask the OpenNebula of ACCESS for its release."""
    session = f"{access['ONE_USERNAME']}:{access['ONE_PASSWORD']}"
    with xmlrpc.client.ServerProxy(access["ONE_URL"]) as server:
        return server.one.system.version(session)


def test_it_answers_while_it_is_needed_and_no_longer():
    with with_simulator.simulator() as access:
        assert version(access)[:2] == [True, "7.4.0"]
    with pytest.raises(ConnectionRefusedError):
        version(access)


def test_it_is_stopped_when_its_user_fails():
    with pytest.raises(KeyError), with_simulator.simulator() as access:
        raise KeyError
    with pytest.raises(ConnectionRefusedError):
        version(access)


def test_one_that_does_not_heed_its_termination_is_killed(monkeypatch):
    monkeypatch.setattr(with_simulator, "PATIENCE", 0.1)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with_simulator.stop(process)
        assert process.returncode == -9


def test_a_simulator_that_does_not_start_is_a_clear_fault(monkeypatch):
    monkeypatch.setattr(with_simulator, "environment", lambda **dummy: {**os.environ, "PYTHONPATH": "/nowhere"})
    words = r"the simulator did not start; its last words: .*No module named opennebula_simulator"
    with pytest.raises(SystemExit, match=words), with_simulator.simulator():
        pass


def test_a_real_cloud_is_taken_as_it_is(monkeypatch, tmp_path):
    (tmp_path / ".one").mkdir()
    (tmp_path / ".one/one_auth").write_text("user:secret\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ONE_URL", "http://one:2633/RPC2")
    for name in ("ONE_USERNAME", "ONE_PASSWORD", "ONE_AUTH"):
        monkeypatch.delenv(name, raising=False)
    with with_simulator.cloud() as access:
        assert access == {"ONE_URL": "http://one:2633/RPC2", "ONE_AUTH": str(tmp_path / ".one/one_auth")}
    monkeypatch.setenv("ONE_USERNAME", "me")
    with with_simulator.cloud() as access:
        assert access == {"ONE_URL": "http://one:2633/RPC2", "ONE_USERNAME": "me"}
