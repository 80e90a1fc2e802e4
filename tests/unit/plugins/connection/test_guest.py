# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Plays inside VMs of the simulator whose guests run commands for real, and the parts of the connection."""

from __future__ import annotations

import base64
import io
import os
import random
import shutil
import subprocess
import sys
import threading
import xmlrpc.client
import zipfile
from collections import Counter
from contextlib import ExitStack

import project
import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.plugin_utils import guest as agent
from ansible_collections.privazio.opennebula.plugins.plugin_utils import guest_input
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

SESSION = "oneadmin:opennebula"
ACCESS = {"api_username": "oneadmin", "api_password": "opennebula"}
NAMES = ("web0", "web1", "web2")


def noise(length, seed=0):
    """Bytes that do not get shorter by compression."""
    return random.Random(seed).randbytes(length)


class Quick(Clock):
    """Looks often: guests of the simulator need no five seconds."""

    FIRST, LONGEST = 0.01, 0.03


@pytest.fixture
def cloud(tmp_path):
    """A simulator with three running VMs, their guests below tmp_path/guests; `calls` counts the methods called."""
    found = Simulator(Options(delay=0, guests=tmp_path / "guests"), keep_alive=True).start()
    with xmlrpc.client.ServerProxy(found.url) as proxy:
        proxy.one.host.allocate(SESSION, "node", "kvm", "kvm", 0)
        for oid, name in enumerate(NAMES):
            proxy.one.vm.allocate(SESSION, f'NAME="{name}" CPU="0.1" MEMORY="64"', True)
            proxy.one.vm.deploy(SESSION, oid, 0, False, 0, "")
        proxy.one.vmpool.info(SESSION, -2, -1, -1, -1)
    found.calls = Counter()
    execute = found.execute
    found.execute = lambda name, parameters: (found.calls.update([name]), execute(name, parameters))[1]
    yield found
    found.stop()


@pytest.fixture
def guest(cloud, tmp_path):
    """guest(number=0, timeout=20, shown=…) → a Guest."""

    with ExitStack() as stack:

        def made(number=0, timeout=20, shown=agent.OUTPUT):
            client = stack.enter_context(connect({**ACCESS, "api_url": cloud.url}))
            looks = agent.Looks(Cloud(client, clock=Quick()), str(tmp_path / "looks"))
            return agent.Guest(looks, number, NAMES[number], timeout, shown)

        yield made


# ---------------------------------------------------------------- plays


@pytest.fixture
def play(cloud, tmp_path):
    """play([task, …], limit, variable=…) → (exit status, output) of ansible-playbook in the guests."""

    def run(tasks, limit="all", **variables):
        hosts = {name: {"one_id": oid} if oid else {} for oid, name in enumerate(NAMES)}
        common = {"ansible_connection": "privazio.opennebula.guest", "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": hosts, "vars": {**common, "tmp": str(tmp_path), **variables}}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        book = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(book), encoding="utf-8")
        command = ["ansible-playbook", "-i", "hosts.yml", "-l", limit, "play.yml"]
        access = {"ONE_URL": cloud.url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}
        settled = project.environment(**access, ANSIBLE_NOCOLOR="1")
        done = subprocess.run(command, cwd=tmp_path, env=settled, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    project.link_collection()
    return run


def tasks(text):
    return yaml.safe_load(text)


def test_modules_files_and_facts_work_in_several_guests_at_once(play, tmp_path):
    content = noise(200_000)
    (tmp_path / "noise").write_bytes(content)
    (tmp_path / "greeting.j2").write_text("{{ inventory_hostname }} says {{ word }}\n", encoding="utf-8")
    status, output = play(
        tasks("""
        - ansible.builtin.raw: pwd; echo "a  'b'"; echo oops >&2; exit 3
          register: raw
          failed_when: raw.rc != 3 or raw.stderr != "oops\\n"
        - ansible.builtin.set_fact: {home: "{{ raw.stdout_lines[0] }}"}
        - ansible.builtin.assert:
            that: raw.stdout_lines[1] == "a  'b'"
        - ansible.builtin.command: {cmd: cat, stdin: "line\\n"}
          register: command
          failed_when: command.stdout != 'line'
        - ansible.builtin.setup: {gather_subset: [min]}
        - ansible.builtin.template: {src: greeting.j2, dest: "{{ home }}/greeting", mode: "0600"}
          vars: {word: "it's fine"}
        - ansible.builtin.copy: {src: noise, dest: "{{ home }}/noise", mode: "0644"}
        - ansible.builtin.fetch: {src: "{{ home }}/noise", dest: fetched}
        - ansible.builtin.fetch: {src: "{{ home }}/nought", dest: fetched}
          register: missing
          failed_when: "'does not exist' not in missing.msg"
        """)
    )
    assert status == 0, output
    assert "WARNING" not in output
    for oid, name in enumerate(NAMES):
        home = tmp_path / "guests" / f"vm-{oid}"
        assert (home / "greeting").read_text() == f"{name} says it's fine\n"
        assert (tmp_path / "fetched" / name / str(home)[1:] / "noise").read_bytes() == content
        assert list((home / "tmp").iterdir()) == []  # nothing of the connection is left


def test_a_task_costs_one_command(play, cloud):
    first = {"ansible.builtin.command": "true"}
    assert play([first], "web1")[0] == 0
    once = cloud.calls["one.vm.exec"]
    cloud.calls.clear()
    status, output = play([first, first, {"ansible.builtin.stat": {"path": "/"}}, first], "web1")
    assert status == 0, output
    assert cloud.calls["one.vm.exec"] == once + 3


def test_without_pipelining_modules_are_files(play):
    status, output = play([{"ansible.builtin.command": "true"}], "web0", ansible_pipelining=False)
    assert status == 0, output


def test_tasks_become_other_users(play, tmp_path):
    """The program of become is one that tells who was asked for: a test cannot count on another user."""
    become = tmp_path / "become"
    become.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n'
    )
    become.chmod(0o755)
    given = {"ansible_become": True, "ansible_become_user": "nobody", "ansible_become_exe": str(become)}
    task = {"ansible.builtin.command": "echo done", "register": "ran", "failed_when": "ran.stdout != 'done'"}
    status, output = play([task], "web1", **given)
    assert status == 0, output
    assert "-u nobody" in (tmp_path / "asked").read_text()


SLOW = {"ansible.builtin.raw": "sleep 60"}
TIMEOUTS = [
    ({"ansible_opennebula_command_timeout": 0.3}, SLOW, "A command in VM web1 did not end within 0.3 s"),
    ({}, {**SLOW, "timeout": 1}, "Timed out after 1 second"),
]


@pytest.mark.parametrize(("variables", "task", "told"), TIMEOUTS)
def test_what_takes_too_long_is_ended(play, cloud, variables, task, told):
    status, output = play([task], "web1", **variables)
    assert status != 0
    assert told in output
    assert "Traceback" not in output
    assert not cloud.cloud.guests.runs(1)
    assert play([{"ansible.builtin.raw": "true"}], "web1")[0] == 0


WRONG = [
    ({"ansible_opennebula_vm": "nought"}, "There is no VM 'nought'"),
    ({"ansible_opennebula_api_password": "wrong"}, "User couldn't be authenticated"),
    ({"ansible_opennebula_api_url": "http://127.0.0.1:1/RPC2"}, "Connection refused"),
    (
        {"ansible_opennebula_validate_certs": "flase"},
        "ansible_opennebula_validate_certs takes true or false, not 'flase'.",
    ),
]


@pytest.mark.parametrize(("variables", "told"), WRONG)
def test_what_cannot_be_reached_is_unreachable(play, variables, told):
    status, output = play([{"ansible.builtin.raw": "true"}], "web1", **variables)
    assert status == 4
    assert told in output
    assert "Traceback" not in output


# ---------------------------------------------------------------- shell commands


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), piece=st.integers(20, 200))
def test_bytes_go_in_and_come_out_as_they_are(guest, content, piece):
    """Whatever the content and however many pieces the output comes in."""
    assert guest(shown=piece).shell("tee /dev/stderr; exit 7", content) == (7, content, content)


def test_long_input_is_sent_in_pieces(guest, cloud):
    content = noise(3 * agent.LARGEST_INPUT)
    assert guest().shell("cat | wc -c", content)[1].split() == [b"%d" % len(content)]
    assert cloud.calls["one.vm.exec"] > 3


@pytest.mark.parametrize("command", ["echo 'a\nb'", 'echo "$HOME" \\\\ `id -u` é', 'printf %s "it\'s"', "(exit 5)"])
def test_commands_mean_what_they_mean_to_a_shell(guest, command):
    here = subprocess.run(["/bin/sh", "-c", command], env={**os.environ, "HOME": "/"}, capture_output=True, check=False)
    code, out, err = guest().shell(f"HOME=/; {command}")
    assert (code, out, err) == (here.returncode, here.stdout, here.stderr)


def test_waits_of_all_guests_are_shared(guest, cloud):
    guests = [guest(number) for number in range(3)]
    threads = [threading.Thread(target=each.shell, args=("sleep 0.5",)) for each in guests]
    for thread in threads:
        thread.start()
    alone = Counter()
    for thread in threads:
        thread.join()
    looks = cloud.calls["one.vmpool.infoset"]
    cloud.calls.clear()
    guest().shell("sleep 0.5")
    alone = cloud.calls["one.vmpool.infoset"]
    assert looks < 2 * alone  # not three times


def test_a_guest_that_is_busy_is_waited_for(guest, cloud):
    with xmlrpc.client.ServerProxy(cloud.url) as proxy:
        assert proxy.one.vm.exec(SESSION, 0, "sleep 0.3", "")[0]
    assert guest().shell("echo mine")[1] == b"mine\n"


def last_command(cloud):
    return cloud.cloud["VM"].get_ro(0).template.vector("QEMU_GA_EXEC")


@pytest.mark.parametrize("command", ["cat", "exit 3"])
def test_nothing_of_a_command_is_kept_on_demand(guest, cloud, command):
    found = guest()
    found.shell(command, b"hush")
    assert last_command(cloud)["STDIN"]
    found.clears = True
    found.shell(command, b"hush")
    assert (last_command(cloud)["COMMAND"], last_command(cloud)["STDIN"]) == ("/bin/true", "")
    assert found.shell("cat", b"again")[1] == b"again"  # once that has ended


def test_kept_files_that_are_gone_are_sent_again(guest, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("noise", noise(6000))
    program = b"before " + base64.b64encode(packed.getvalue()) + b" after"
    found = guest()
    assert found.shell("cat", program)[1] == program
    assert found.looks.known(0)
    assert found.shell("cat", program)[1] == program
    shutil.rmtree(tmp_path / "guests" / "vm-0" / ".ansible")
    assert found.shell("cat", program)[1] == program


REFUSED = [
    ("gone", r"\[one\.vm\.exec\]|does not run any more|is not running|VM must be in running"),
    ("poweroff", "VM must be in running"),
    ("without tools", "could not carry out a command: .*The guest needs sh, base64"),
    ("driver", "The guest agent of VM web0 could not run a command .error.: see whether qemu-guest-agent runs"),
]


@pytest.mark.parametrize(("what", "told"), REFUSED)
def test_one_sentence_tells_why_not(guest, cloud, what, told, monkeypatch):
    found = guest()
    with xmlrpc.client.ServerProxy(cloud.url) as proxy:
        if what in ("gone", "poweroff"):
            assert proxy.one.vm.action(SESSION, {"gone": "terminate-hard"}.get(what, "poweroff-hard"), 0)[0]
            proxy.one.vm.info(SESSION, 0)
    if what == "without tools":
        monkeypatch.setattr("opennebula_simulator.guests.SEARCHED", "/nowhere")
    if what == "driver":
        cloud.cloud.events.failures.append(("exec", "vm-0"))
    with pytest.raises(Failure, match=told):
        found.shell("true")


# ---------------------------------------------------------------- input without what the guest has


def rebuilt(planned, guest):
    """What the lines of an Input print, with the files that `guest` keeps (dict), which gets the new ones."""

    def part(offset, length):
        return planned.literal[int(offset) - 1 : int(offset) - 1 + int(length)]

    for line in planned.new:
        dummy, name, offset, length = line.split()
        guest[name] = part(offset, length)
    found, outer = b"", b""
    for line in planned.lines:
        word, *arguments = line.split()
        if word == "{":
            outer, found = found, b""
        elif word == "}":
            found = outer + base64.b64encode(found)
        else:
            found += part(*arguments) if word == "part" else guest[arguments[0]]
    return found


@given(
    before=st.binary(max_size=50),
    sizes=st.lists(st.sampled_from([0, 5, 255, 256, 3000, 5000]), min_size=1, max_size=6),
    seed=st.integers(0, 3),
    level=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    after=st.binary(max_size=50),
)
def test_every_input_is_made_again_with_less_each_time(before, sizes, seed, level, after):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", level) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(f"é{number}", noise(size, seed + size))
    entered = before + b"'" + base64.b64encode(packed.getvalue()) + b"'" + after
    guest = {}
    first = guest_input.plan(entered, set())
    assert rebuilt(first, guest) == entered
    second = guest_input.plan(entered, set(guest))
    assert rebuilt(second, guest) == entered
    assert second.new == []
    assert len(second.literal) <= len(first.literal)


@given(st.binary(max_size=300))
def test_other_input_is_sent_whole(entered):
    assert guest_input.plan(entered, set()).literal == entered


NO_ZIPS = [b"UEsDB" + b"A" * 4095, b"UEsDB" + b"A" * 4096, base64.b64encode(b"PK\3\4" + bytes(4000))]


@pytest.mark.parametrize("entered", NO_ZIPS)
def test_what_only_looks_like_a_zip_file_is_sent_whole(entered):
    assert rebuilt(guest_input.plan(entered, set()), {}) == entered
