# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Guests that run commands for real: what gets through the drivers, and what is reported."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from lab import Lab
from opennebula_simulator.cloud import Cloud, Options
from opennebula_simulator.families import vm_devices
from opennebula_simulator.guests import LARGEST_REPORT, LONGEST, input_of, words_of

THROUGH = [
    ("ls /", ["ls", "/"]),
    ("/bin/sh -c cat>>${TMPDIR:-/tmp}/x", ["/bin/sh", "-c", "cat>>${TMPDIR:-/tmp}/x"]),
    ('echo "a b"', ["echo", "a", "b"]),  # split twice
    ('echo "\\"a b\\""', ["echo", "a b"]),
]


@pytest.mark.parametrize(("command", "words"), THROUGH)
def test_commands_are_split_twice(command, words):
    assert words_of(command) == words


@pytest.mark.parametrize("command", ["echo 'a'", "echo a\necho b", "", '"open'])
def test_commands_that_break_the_drivers_do_not_run(command):
    with pytest.raises(ValueError, match=r"\w"):
        words_of(command)


@pytest.mark.parametrize("given", ["no base64", "A" * LONGEST])
def test_input_that_breaks_the_drivers_does_not_get_through(given):
    with pytest.raises(ValueError, match=r"base64|too long"):
        input_of("cat", given)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Two hosts and a running VM with a guest, in a relative directory; the clock is real, for the commands are."""
    monkeypatch.chdir(tmp_path)
    found = Lab()
    found.cloud.close()
    found.cloud = Cloud(Options(delay=0, guests=Path("guests")))
    found("host.allocate", "node", "kvm", "kvm", 0)
    found("vm.allocate", 'CPU="1" MEMORY="64"', True)
    found("vm.deploy", 0, 0, False, 0, "")
    yield found
    found.cloud.close()


def executed(lab, command, given=b""):
    """QEMU_GA_EXEC once the command has ended."""
    lab("vm.exec", 0, command, base64.b64encode(given).decode())
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        last = lab.vm().find("TEMPLATE/QEMU_GA_EXEC")
        if last.findtext("STATUS") != "EXECUTING":
            return last
        time.sleep(0.02)
    raise AssertionError("the command did not end")


def test_commands_run_in_a_directory_of_the_guest(lab, tmp_path):
    last = executed(lab, "/bin/sh -c cat;pwd;exit${IFS}4", b"in\n")
    assert (last.findtext("STATUS"), last.findtext("RETURN_CODE")) == ("DONE", "4")
    assert base64.b64decode(last.findtext("STDOUT")) == b"in\n%s\n" % str(tmp_path / "guests" / "vm-0").encode()


def test_a_guest_has_a_home_and_a_directory_for_temporary_files(lab, tmp_path):
    last = executed(lab, "/bin/sh -c echo>$TMPDIR/a;echo>$HOME/b")
    assert last.findtext("RETURN_CODE") == "0"
    assert sorted(path.name for path in (tmp_path / "guests" / "vm-0").rglob("*")) == ["a", "b", "tmp"]


def test_a_program_that_is_not_there_is_an_error(lab):
    assert executed(lab, "collection-nought").findtext("STATUS") == "ERROR"


def test_cancelled_commands_end(lab):
    lab("vm.exec", 0, "sleep 60", "")
    lab.vm()
    assert lab.cloud.guests.runs(0)
    lab("vm.cancelexec", 0)
    assert not lab.cloud.guests.runs(0)
    assert lab.vm().findtext("TEMPLATE/QEMU_GA_EXEC/STATUS") == "CANCELLED"


def test_output_that_fits_no_datagram_is_lost(lab):
    lab("vm.exec", 0, f"head -c {LARGEST_REPORT + 1} /dev/urandom", "")
    lab.vm()
    deadline = time.monotonic() + 20
    while lab.cloud.guests.runs(0) and time.monotonic() < deadline:
        time.sleep(vm_devices.PROBE)
        lab.vm()
    assert not lab.cloud.guests.runs(0)
    assert lab.vm().findtext("TEMPLATE/QEMU_GA_EXEC/STATUS") == "EXECUTING"
