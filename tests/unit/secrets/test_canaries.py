# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""No canary that is put into any option of any module is seen anywhere: real playbooks, every output searched.

The tasks are made of the specifications of all modules, so a new option is searched for as well.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import runpy
import sys
from html import escape
from urllib.parse import unquote_to_bytes

import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneFlow, OneServer
from ansible_runs import PASSWORD, ansible
from canaries import MODULES, OWN_NAMES, SIGN, Echo, address, attributes, canary, options
from encodings_of_secrets import ENCODINGS
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from project import ROOT

# What modules need beside their secrets, to get as far as a write.
NEEDED = {
    "one_acl": {"user": "serveradmin", "rules": [{"resources": ["vm"], "rights": ["use"]}]},
    "one_backupjob": {"datastore": "default"},
    "one_datastore": {"ds_mad": "dummy", "tm_mad": "dummy"},
    "one_document": {"type": 200},
    "one_hook": {"type": "api", "call": "one.vm.allocate", "command": "a"},
    "one_host": {"im_mad": "dummy", "vm_mad": "dummy"},
    "one_image": {"datastore": "default", "type": "os"},
    "one_marketapp": {"marketplace": "market", "image": "seed-image-0"},
    "one_marketplace": {"market_mad": "dummy"},
    "one_quota_defaults": {"kind": "user", "quotas": {"vm": {"vms": 1}}},
    "one_service": {
        "template": "held",
        "user_inputs": {name: canary(f"one_service.user_inputs.{name}") for name in ("API_TOKEN", "DB_PASSWORD")},
    },
    "one_service_template": {"name": "canary", "roles": [{"name": "web", "template": "held", "template_contents": {}}]},
    "one_template": {},
    "one_vm": {
        "cpu": 0.1,
        "memory": "64",
        "state": "held",
        "attributes": {name: held for name, held in attributes("one_vm.attributes").items() if name != "CONTEXT"},
    },
    "one_vm_backup": {"state": "configured", "keep_last": 2},
    "one_vm_disk": {"image": "saved"},
    "one_vm_exec": {"command": "echo", "stdin": f"DB_PASSWORD={canary('one_vm_exec.stdin')}\n"},
    "one_vm_migrate": {"host": "seed-host-1"},
    "one_vm_recover": {"operation": "retry"},
    "one_vm_schedule": {"schedules": [{"action": "poweroff", "time": "+100000"}]},
    "one_vm_snapshot": {"snapshot": "canary"},
    "one_vnet": {"vn_mad": "dummy", "bridge": "br0"},
    "one_vntemplate": {"template": {**attributes("one_vntemplate.template"), "VN_MAD": "dummy"}},
    "one_zone": {"servers": None},
}
PASSED_OVER = {"one_cloud", "one_export", "one_call"}  # which have tasks of their own
ON_A_VM = {name for name in NEEDED if name.startswith("one_vm_")}
DROP = {
    "one_service": ("custom_attrs", "networks", "roles", "role_action"),
    "one_service_template": ("networks", "networks_values", "roles"),
    "one_template": ("clone_of",),
    "one_vm": "template extra_template disk_saveas updateconf user_inputs update_attributes count_attributes".split(),
}
HELD = attributes("held")  # of the VM, the VM template and the service template that are there
CALLS = {
    "user.passwd": [1, canary("one_call.passwd")],
    "user.allocate": ["x", canary("one_call.allocate"), "core", []],
    "template.allocate": [attributes("one_call.template")],
}


def tasks():
    """A task for each module that declares anything."""
    for name in MODULES:
        if name.endswith("_info") or name in PASSED_OVER:
            continue
        given = {option: value for option, value in options(name).items() if option not in DROP.get(name, ())}
        called = "held" if name in ON_A_VM else "canary"
        given = {**({"name": called} if name not in ("one_acl", "one_quota_defaults") else {}), **given}
        given.update(NEEDED.get(name, {}))
        yield name, {option: value for option, value in given.items() if value is not None}
    for method, arguments in CALLS.items():
        yield "one_call", {"method": method, "arguments": arguments}


def document():
    """A document of a cloud with secrets in it."""
    return {
        "templates": [{"name": "declared", "template": {"CPU": 1, "MEMORY": 64, **attributes("one_cloud.template")}}],
        "users": [
            {"name": "declared", "password": canary("one_cloud.password"), "template": attributes("one_cloud.user")}
        ],
        "hosts": [{"name": "declared", "im_mad": "dummy", "vm_mad": "dummy", "template": attributes("one_cloud.host")}],
        "images": [{"name": "declared", "datastore": "default", "type": "os", "path": address("one_cloud.path")}],
    }


def play(folder, reads=True):
    """The tasks of all modules, what they return shown and kept, and all readers after them if it reads."""
    found = []
    for number, (name, given) in enumerate(tasks()):
        found.append({f"privazio.opennebula.{name}": given, "name": name, "register": f"kept{number}"})
    cloud = {"declaration": document(), "report": f"{folder}/report.html"}
    plan = {"plan_file": f"{folder}/plan.json"}
    found += [
        {"privazio.opennebula.one_cloud": {**cloud, **plan}, "check_mode": True, "register": "planned"},
        {"privazio.opennebula.one_cloud": cloud, "register": "declared"},
        {"privazio.opennebula.one_export": {"dest": f"{folder}/export.yml"}, "register": "exported"},
    ]
    reading = {"one_info": {"kinds": ["vm", "template", "user", "host"]}, "one_document_info": {"type": 200}}
    for name in MODULES:
        if reads and name.endswith("_info"):
            found.append({f"privazio.opennebula.{name}": reading.get(name, {}), "register": f"of_{name}"})
    if reads:
        found.append({"privazio.opennebula.one_vm_info": {"full": False}, "register": "of_pool"})
    found.append(
        {"ansible.builtin.debug": {"msg": "{{ lookup('privazio.opennebula.one', 'template', 'user', 'host') }}"}}
    )
    registered = [task["register"] for task in found if "register" in task]
    found.append({"ansible.builtin.set_fact": {"cacheable": True, **{name: "{{ %s }}" % name for name in registered}}})
    found.append({"ansible.builtin.debug": {"msg": "{{ [%s] }}" % ", ".join(registered)}})
    return found


def furnished():
    """A simulated cloud with objects that hold secrets."""
    found = Simulator(Options(delay=0, password=PASSWORD, seed={"hosts": 2, "images": 1, "vms": 1})).start()
    one = cloud_client(found)
    one.market.allocate('NAME="market" MARKET_MAD="http" BASE_URL="http://a/" PUBLIC_DIR="/a"')
    kept = {name: value for name, value in HELD.items() if name != "CONTEXT"}
    template = {"CPU": "0.1", "MEMORY": "8", "DISK": {"IMAGE_ID": "0"}}
    number = one.template.allocate({"NAME": "held", **template, **HELD})
    oid = one.vm.allocate({"NAME": "held", **template, "CONTEXT": HELD["CONTEXT"]}, True)
    one.vm.update(oid, {**kept, "ERROR": f"Cannot start: {kept['API_KEY']} is wrong"}, 1)
    for host in found.cloud["HOST"]:
        host.vm_mad = "kvm"  # whose guests answer
    one.vm.deploy(oid, 0)
    with OneFlow(found.flow_url, session=f"oneadmin:{PASSWORD}") as flow:
        role = {"name": "web", "type": "vm", "template_id": number, "cardinality": 1}
        named = {"API_TOKEN": "M|password|token", "DB_PASSWORD": "M|password|word"}
        flow.create({"name": "held", "roles": [role], "user_inputs": named, "description": address("held.description")})
    return found


@pytest.fixture(scope="module")
def cloud():
    found = furnished()
    yield found
    found.stop()


@pytest.fixture
def echo():
    """An Echo in front of a cloud of its own, in which no other run has made anything."""
    behind = furnished()
    found = Echo(behind.url, behind.flow_url)
    yield found
    found.stop()
    behind.stop()


def hits(texts):
    """The canaries in texts, each with where it was put, and the words around it."""
    found = {}
    for where, text in [*texts.items(), *((f"{where}, encoded", decoded(text)) for where, text in texts.items())]:
        for match in re.finditer(SIGN + r"\d+-?[\w.]*", text):
            found.setdefault(match.group(), (where, text[max(0, match.start() - 90) : match.end() + 20]))
    return found


def decoded(text):
    """What is in base64, in hexadecimal digits or in percent in a text, begun anywhere."""
    words = (re.sub(r"\\n|\n", "", word) for word in re.findall(r"(?:[A-Za-z0-9+/]|\\n|\n){16,}", text))
    cut = (word[start : start + (len(word) - start) // 4 * 4] for word in words for start in range(4))
    digits = (re.sub(r"0x|[^0-9A-Fa-f]", "", word) for word in re.findall(HEX, text))
    pairs = (word[start : start + (len(word) - start) // 2 * 2] for word in digits for start in range(2))
    found = [*map(base64.b64decode, cut), *map(bytes.fromhex, pairs), unquote_to_bytes(text)]
    return "\n".join(one.decode(errors="replace") for one in found)


HEX = r"[0-9A-Fa-f]{2}(?:(?:\\+[xn]|, 0x|[ :\n])?[0-9A-Fa-f]{2}){7,}"


@pytest.mark.parametrize("form", sorted(ENCODINGS.keys() - {"lines"}))
def test_a_canary_is_found_in_every_encoding(form):
    secret = canary("a place that is long enough for many lines of any form, and more than that")
    said = ENCODINGS[form](f"PASSWORD={secret}")
    assert hits({"one": said, "escaped": json.dumps(said)[1:-1]})


def searched(folder, done, lines):
    """{where: text} of all that a run has left."""
    texts = {"output": done.stdout, "errors": done.stderr, "processes": "\n".join(lines)}
    for path in folder.rglob("*"):
        given = path.parent == folder and path.name.startswith("playbook")
        if path.is_file() and not given:
            texts[str(path.relative_to(folder))] = path.read_text(errors="replace")
    return texts


def apart(task, secrets):
    """A task with expressions for options with secrets, which are put into the list: Ansible shows playbooks."""
    return {name: _apart(given, secrets) if isinstance(given, dict) else given for name, given in task.items()}


def _apart(given, secrets):
    found = {}
    for option, value in given.items():
        secrets.append(value)
        found[option] = "{{ secrets[%d] }}" % (len(secrets) - 1) if SIGN in str(value) else value
    return found


def names_in(task):
    """The names of the modules of the collection in a task."""
    return [name.rpartition(".")[2] for name in task if name.startswith("privazio.opennebula.")]


def put_into(task):
    """How many secrets the module of a task is given, or has in the objects that it works on."""
    return len(re.findall(SIGN, json.dumps(task))) or len(re.findall(SIGN, json.dumps(HELD)))


def run(folder, endpoint, tally, *arguments, reads=True, **environment):
    """The process of a run of the play, once no canary was found anywhere."""
    book, held, secrets = folder / "playbook.yml", folder / "playbook_vars.json", []
    played = play(folder, reads)
    tasks = [apart(task, secrets) for task in played]
    content = [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]
    book.write_text(yaml.safe_dump(content), encoding="utf-8")
    held.write_text(json.dumps({"secrets": secrets}), encoding="utf-8")

    done, lines = ansible(folder, endpoint, "-vvvv", "--diff", "-e", f"@{held}", str(book), *arguments, **environment)
    assert "PLAY RECAP" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    texts = searched(folder, done, lines)
    found = hits(texts)
    assert not found, "\n".join(f"{name} {where}: {said!r}" for name, (where, said) in found.items())
    for task in played:
        for name in names_in(task):
            tally("Secrets searched", name, tasks=1, secrets=put_into(task), shown=0)
    return done, texts


def results(texts):
    return [json.loads(line) for line in texts["recorded"].splitlines()]


def test_no_run_shows_a_secret(cloud, tmp_path, tally):
    done, texts = run(tmp_path, cloud, tally)
    made = [one for one in results(texts) if one.get("changed")]
    assert len(made) > 12, done.stdout[-3000:]
    assert {"report.html", "plan.json", "export.yml", "ansible.log"} <= set(texts)
    assert any(name.startswith("junit") for name in texts) and any(name.startswith("facts") for name in texts)
    assert "left out, it is a secret" in texts["export.yml"]


@pytest.mark.parametrize("form", ["json", pytest.param("yaml", marks=pytest.mark.long)])
def test_no_failure_shows_a_secret_that_the_server_repeats(echo, tmp_path, tally, form):
    _done, texts = run(
        tmp_path, echo, tally, reads=False, ANSIBLE_CALLBACK_RESULT_FORMAT=form, ANSIBLE_DISPLAY_FAILED_STDERR="1"
    )
    repeated = ["and no more" in one.get("msg", "") for one in results(texts)]
    silent = {name for (name, dummy), told in zip(tasks(), repeated, strict=False) if not told}
    assert silent == {"one_vm_recover", "one_zone"}, "a VM that runs is not recovered; zones are for federations"


@pytest.mark.long
def test_no_check_run_shows_a_secret(cloud, tmp_path, tally):
    run(tmp_path, cloud, tally, "--check")


@pytest.mark.long
def test_no_exception_shows_a_secret(cloud, tmp_path, tally):
    dummy, texts = run(tmp_path, cloud, tally, BROKEN="1")
    broken = [one for one in results(texts) if "fault of the collection" in str(one.get("msg"))]
    assert len(broken) > 15


@pytest.mark.long
def test_a_process_of_its_own_shows_none_and_leaves_none(cloud, tmp_path, tally):
    run(tmp_path, cloud, tally, "-e", "one_in_controller=false")


INVENTORIES = {
    "one_vms of the pool": {"compose": {"copy": "one_attributes | default('')"}, "secret_names": OWN_NAMES},
    "one_vms": {"facts": ["full"], "compose": {"copy": "one_attributes"}, "secret_names": OWN_NAMES},
    "one_hosts": {"facts": ["full"], "secret_names": OWN_NAMES},
    "opennebula": {"secret_names": OWN_NAMES},
}


@pytest.mark.parametrize("name", INVENTORIES)
def test_no_inventory_nor_its_cache_shows_a_secret(cloud, tmp_path, tally, name):
    options, name = INVENTORIES[name], name.split()[0]
    client = cloud_client(cloud)
    held = attributes(f"inventory.{name}")
    oid = client.vm.allocate({"NAME": f"vm-{name}", "CPU": "0.1", "MEMORY": "8", "CONTEXT": held.pop("CONTEXT")}, True)
    client.vm.update(oid, {**held, "LABELS": "web", "ERROR": f"Cannot start: {held['API_KEY']} is wrong"}, 1)
    client.vm.deploy(oid, 0)
    client.host.update(0, held, 1)
    source = tmp_path / f"playbook.{name if name != 'opennebula' else 'opennebula'}.yml"
    source.write_text(yaml.safe_dump({"plugin": f"privazio.opennebula.{name}", "cache": True, **options}))
    done, lines = ansible(tmp_path, cloud, "-i", str(source), "--list", "-vvvv", command="ansible-inventory")
    assert done.returncode == 0, done.stderr
    texts = searched(tmp_path, done, lines)
    assert any(where.startswith("inventory") for where in texts), "it has a cache"
    assert "hostvars" in done.stdout and "MASK" not in done.stdout and "********" in done.stdout
    found = hits(texts)
    assert not found, found
    tally("Secrets searched", f"inventory {name}", tasks=1, secrets=len(re.findall(SIGN, json.dumps(HELD))), shown=0)


EVENTS = runpy.run_path(str(ROOT / "extensions/eda/plugins/event_source/one_events.py"))


def published(call, *arguments, answer=""):
    """The message of a call of the API, as the hook manager publishes it."""
    ways = [("IN", text) for text in ("oneadmin:x", *arguments)] + [("OUT", "true"), ("OUT", answer)]
    parameters = "".join(
        f"<PARAMETER><TYPE>{way}</TYPE><VALUE>{escape(text)}</VALUE></PARAMETER>" for way, text in ways
    )
    info = f"<CALL_INFO><RESULT>1</RESULT><PARAMETERS>{parameters}</PARAMETERS></CALL_INFO>"
    whole = f"<HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE><CALL>{call}</CALL>{info}</HOOK_MESSAGE>"
    return base64.b64encode(whole.encode())


def test_no_event_nor_warning_of_the_source_shows_a_secret(cloud, tally, caplog):
    client, held = cloud_client(cloud), attributes("events")
    secret = canary("events.driver")
    said = {"ERROR": " ".join(encode(secret) for encode in ENCODINGS.values()), "API_KEY": secret}
    put = len(re.findall(SIGN, json.dumps([held, said["API_KEY"]])))
    oid = client.vm.allocate({"NAME": "vm-events", "CPU": "0.1", "MEMORY": "8", "CONTEXT": held.pop("CONTEXT")}, True)
    client.vm.update(oid, {**held, **said}, 1)
    client.host.update(0, {**held, **said}, 1)
    found = []

    class Queue:
        async def put(self, event):
            found.append(event)

    calls = [
        ("one.user.passwd", "3", canary("events.passwd")),
        ("one.user.login", "web", canary("events.login"), "60", "-1"),
        ("one.template.allocate", f'DB_PASSWORD="{canary("events.template")}"\nNAME="x"'),
        *(("one.vm.update", "0", encode(f'DB_PASSWORD="{canary("events.encoded")}"')) for encode in ENCODINGS.values()),
    ]

    async def run():
        given = {"api_url": cloud.url, "api_username": "oneadmin", "api_password": PASSWORD, "calls": ["*"]}
        source = EVENTS["Source"](Queue(), EVENTS["options_of"]({**given, "secret_names": OWN_NAMES}))
        await source.compare(settling=0)
        for call, *arguments in calls:
            answer = canary("events.answer") if call == "one.user.login" else "3"
            await source.message(f"EVENT API {call}", published(call, *arguments, answer=answer))
        broken = EVENTS["Listener"].__new__(EVENTS["Listener"])
        broken.source, broken.socket = source, Broken(canary("events.broken"))
        with pytest.raises(asyncio.CancelledError):
            await broken.messages()
        source.client.server_close()

    asyncio.run(run())
    shown = json.dumps(found) + caplog.text
    assert {event["type"] for event in found} == {"state", "call"} and len(found) > len(calls)
    assert "could not be read" in caplog.text and shown.count("********") > len(calls)
    left = hits({"events": shown})
    assert not left, left
    tally("Secrets searched", "event source one_events", tasks=1, secrets=put + len(calls), shown=0)


class Broken:
    """A socket from which messages come that are none."""

    def __init__(self, secret):
        said = f'DB_PASSWORD="{secret}"\x1b'.encode()
        self.parts = [[b"EVENT API \xff " + said, b"x"], [b"EVENT API one.x"], [b"EVENT STATE " + said, b"===="]]

    async def recv_multipart(self):
        if not self.parts:
            raise asyncio.CancelledError
        return self.parts.pop()


# What runs in a guest, by the connection: files and modules with secrets, and what fails with them.
WRITTEN = canary("guest.content")
IN_A_GUEST = [
    {"ansible.builtin.raw": "cd && pwd", "register": "home"},
    {"ansible.builtin.copy": {"content": "{{ secrets[0] }}", "dest": "{{ home.stdout_lines[0] }}/s", "mode": "600"}},
    {"ansible.builtin.copy": {"content": "{{ secrets[0] }}", "dest": "/nowhere/at/all/s", "mode": "600"}},
    {"ansible.builtin.command": {"cmd": "cat", "stdin": "{{ secrets[0] }}"}},
    {"ansible.builtin.slurp": {"src": "{{ home.stdout_lines[0] }}/s"}},
    {"ansible.builtin.command": {"cmd": "false", "stdin": "{{ secrets[0] }}"}},
]


@pytest.mark.parametrize("refused", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("pipelining", [True, pytest.param(False, marks=pytest.mark.long)])
def test_no_task_in_a_guest_shows_a_secret(tmp_path, tmp_path_factory, tally, refused, pipelining):
    guests = tmp_path_factory.mktemp("guests")
    behind = Simulator(Options(delay=0, password=PASSWORD, guests=guests), keep_alive=True).start()
    with cloud_client(behind) as one:
        one.host.allocate("node", "kvm", "kvm", 0)
        one.vm.allocate({"NAME": "web", "CPU": "0.1", "MEMORY": "8", "CONTEXT": HELD["CONTEXT"]}, True)
        one.vm.deploy(0, 0)
        one.vmpool.info(-2, -1, -1, -1)
    endpoint = Echo(behind.url, behind.flow_url) if refused else behind
    tasks = [{**task, "no_log": "register" not in task, "ignore_errors": True} for task in IN_A_GUEST]
    variables = {"ansible_connection": "privazio.opennebula.guest", "ansible_python_interpreter": sys.executable}
    variables |= {"ansible_pipelining": pipelining, "ansible_opennebula_command_timeout": 20}
    book, held, hosts = (tmp_path / f"playbook{name}" for name in (".yml", "_vars.json", "_hosts.yml"))
    play = {"hosts": "all", "gather_facts": False, "ignore_unreachable": True, "tasks": tasks}
    book.write_text(yaml.safe_dump([play]), encoding="utf-8")
    held.write_text(json.dumps({"secrets": [WRITTEN]}), encoding="utf-8")
    hosts.write_text(yaml.safe_dump({"all": {"hosts": {"web": {}}, "vars": variables}}), encoding="utf-8")
    given = ("-i", str(hosts), "-vvvv", "--diff", "-e", f"@{held}", str(book))
    done, lines = ansible(tmp_path, endpoint, *given)
    for server in dict.fromkeys((endpoint, behind)):
        server.stop()
    assert "PLAY RECAP" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert refused or (guests / "vm-0/s").read_text() == WRITTEN, done.stdout[-3000:]
    assert not refused or "and no more" in done.stdout
    found = hits(searched(tmp_path, done, lines))
    assert not found, found
    tally("Secrets searched", "connection guest", tasks=len(tasks), secrets=len(tasks) - 1, shown=0)


def cloud_client(cloud):
    return OneServer(cloud.url, session=f"oneadmin:{PASSWORD}")


@pytest.mark.parametrize("quiet", [False, pytest.param(True, marks=pytest.mark.long)])
def test_plain_http_is_warned_of_once_in_a_run(cloud, tmp_path, quiet):
    book = tmp_path / "playbook.yml"
    away = {"api_url": "http://opennebula.invalid:2633/RPC2", "timeout": 2, "api_retries": 0}
    reading = "{{ query('privazio.opennebula.one', 'host', api_url='%s', timeout=2, api_retries=0) }}" % away["api_url"]
    tasks = [
        {"privazio.opennebula.one_host_info": away},
        {"privazio.opennebula.one_user": {"name": "x", **away}},
        {"privazio.opennebula.one_export": away},
        {"ansible.builtin.debug": {"msg": reading}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}
    book.write_text(yaml.safe_dump([play]), encoding="utf-8")
    environment = {"ONE_WARN_HTTP": "false"} if quiet else {}
    done, dummy = ansible(tmp_path, cloud, str(book), COLUMNS="999", **environment)
    assert "failed=0" in done.stdout and "ignored=4" in done.stdout, done.stdout
    assert (done.stdout + done.stderr).count("without encryption") == (0 if quiet else 1)
