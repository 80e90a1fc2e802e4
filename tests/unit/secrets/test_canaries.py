# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""No canary that is put into any option of any module is seen anywhere: real playbooks, every output searched.

The tasks are made of the specifications of all modules, so a new option is searched for as well.
"""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible_runs import PASSWORD, ansible
from canaries import MODULES, OWN_NAMES, SIGN, Echo, address, attributes, canary, options
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

# What modules need beside their secrets, to get as far as a write.
NEEDED = {
    "one_acl": {"user": "serveradmin", "rules": [{"resources": ["vm"], "rights": ["use"]}]},
    "one_backupjob": {"datastore": "default"},
    "one_datastore": {"ds_mad": "dummy", "tm_mad": "dummy"},
    "one_document": {"type": 200},
    "one_hook": {"type": "api", "call": "one.vm.allocate", "command": "a"},
    "one_host": {"im_mad": "dummy", "vm_mad": "dummy"},
    "one_image": {"datastore": "default", "type": "os"},
    "one_marketapp": {"marketplace": "market"},
    "one_marketplace": {"market_mad": "dummy"},
    "one_quota_defaults": {"kind": "user", "quotas": {"vm": {"vms": 1}}},
    "one_service": {"template": "seed", "name": "canary"},
    "one_template": {},
    "one_vm": {"cpu": 0.1, "memory": "64", "state": "held", "id": None, "template": None, "extra_template": None},
    "one_vm_exec": {"name": "seed", "command": "echo"},
    "one_vnet": {"vn_mad": "dummy", "bridge": "br0"},
    "one_zone": {},
}
PASSED_OVER = {"one_cloud", "one_export", "one_call"}  # which have tasks of their own
ON_A_VM = {name for name in MODULES if name.startswith("one_vm_")} - {"one_vm_group", "one_vm_exec"}
SERVICES = {"one_service", "one_service_template"}
DROP = {"one_vm": ("template", "extra_template", "disk_saveas", "quotas"), "one_template": ("clone_of",)}
CALLS = {
    "user.passwd": [1, canary("one_call.passwd")],
    "user.allocate": ["x", canary("one_call.allocate"), "core", []],
    "template.allocate": [attributes("one_call.template")],
}


def tasks():
    """A task for each module that declares anything."""
    for name in MODULES:
        if name.endswith("_info") or name in PASSED_OVER or name in ON_A_VM:
            continue
        given = {option: value for option, value in options(name).items() if option not in DROP.get(name, ())}
        given = {**({"name": "canary"} if name not in ("one_acl", "one_quota_defaults") else {}), **given}
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
        if reads and name.endswith("_info") and not name.startswith("one_service"):
            found.append({f"privazio.opennebula.{name}": reading.get(name, {}), "register": f"of_{name}"})
    found.append(
        {"ansible.builtin.debug": {"msg": "{{ lookup('privazio.opennebula.one', 'template', 'user', 'host') }}"}}
    )
    registered = [task["register"] for task in found if "register" in task]
    found.append({"ansible.builtin.set_fact": {"cacheable": True, **{name: "{{ %s }}" % name for name in registered}}})
    found.append({"ansible.builtin.debug": {"msg": "{{ [%s] }}" % ", ".join(registered)}})
    return found


@pytest.fixture(scope="module")
def cloud():
    found = Simulator(Options(delay=0, password=PASSWORD, seed={"hosts": 1, "images": 1, "vms": 1})).start()
    yield found
    found.stop()


@pytest.fixture
def endpoints(cloud):
    """A function that starts an Echo in front of the cloud."""
    started = []

    def echo():
        started.append(Echo(cloud.url, cloud.flow_url))
        return started[-1]

    yield echo
    for one in started:
        one.stop()


def hits(texts):
    """The canaries in texts, each with where it was put, and the words around it."""
    found = {}
    for where, text in texts.items():
        for match in re.finditer(SIGN + r"\d+-?[\w.]*", text):
            found.setdefault(match.group(), (where, text[max(0, match.start() - 90) : match.end() + 20]))
    return found


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


def run(folder, endpoint, *arguments, reads=True, **environment):
    """The process of a run of the play, once no canary was found anywhere."""
    book, held, secrets = folder / "playbook.yml", folder / "playbook_vars.json", []
    tasks = [apart(task, secrets) for task in play(folder, reads)]
    content = [{"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}]
    book.write_text(yaml.safe_dump(content), encoding="utf-8")
    held.write_text(json.dumps({"secrets": secrets}), encoding="utf-8")
    done, lines = ansible(folder, endpoint, "-vvvv", "--diff", "-e", f"@{held}", str(book), *arguments, **environment)
    assert "PLAY RECAP" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    texts = searched(folder, done, lines)
    found = hits(texts)
    assert not found, "\n".join(f"{name} {where}: {said!r}" for name, (where, said) in found.items())
    return done, texts


def results(texts):
    return [json.loads(line) for line in texts["recorded"].splitlines()]


def test_no_run_shows_a_secret(cloud, tmp_path):
    done, texts = run(tmp_path, cloud)
    made = [one for one in results(texts) if one.get("changed")]
    assert len(made) > 12, done.stdout[-3000:]
    assert {"report.html", "plan.json", "export.yml", "ansible.log"} <= set(texts)
    assert any(name.startswith("junit") for name in texts) and any(name.startswith("facts") for name in texts)
    assert "left out, it is a secret" in texts["export.yml"]


@pytest.mark.parametrize("form", ["json", pytest.param("yaml", marks=pytest.mark.long)])
def test_no_failure_shows_a_secret_that_the_server_repeats(endpoints, tmp_path, form):
    echo = endpoints()
    _done, texts = run(
        tmp_path, echo, reads=False, ANSIBLE_CALLBACK_RESULT_FORMAT=form, ANSIBLE_DISPLAY_FAILED_STDERR="1"
    )
    assert len(set(echo.refused)) > 15, echo.refused
    assert sum("and no more" in one.get("msg", "") for one in results(texts)) > 15


@pytest.mark.long
def test_no_check_run_shows_a_secret(cloud, tmp_path):
    run(tmp_path, cloud, "--check")


@pytest.mark.long
def test_no_exception_shows_a_secret(cloud, tmp_path):
    dummy, texts = run(tmp_path, cloud, BROKEN="1")
    broken = [one for one in results(texts) if "fault of the collection" in str(one.get("msg"))]
    assert len(broken) > 15


@pytest.mark.long
def test_a_process_of_its_own_shows_none_and_leaves_none(cloud, tmp_path):
    run(tmp_path, cloud, "-e", "one_in_controller=false")


INVENTORIES = {
    "one_vms": {"facts": ["full"], "compose": {"copy": "one_attributes"}, "secret_names": OWN_NAMES},
    "one_hosts": {"facts": ["full"], "secret_names": OWN_NAMES},
    "opennebula": {"secret_names": OWN_NAMES},
}


@pytest.mark.parametrize("name", INVENTORIES)
def test_no_inventory_nor_its_cache_shows_a_secret(cloud, tmp_path, name):
    client = cloud_client(cloud)
    held = attributes(f"inventory.{name}")
    oid = client.vm.allocate({"NAME": f"vm-{name}", "CPU": "0.1", "MEMORY": "8", "CONTEXT": held.pop("CONTEXT")}, True)
    client.vm.update(oid, {**held, "LABELS": "web"}, 1)
    client.vm.deploy(oid, 0)
    client.host.update(0, held, 1)
    source = tmp_path / f"playbook.{name if name != 'opennebula' else 'opennebula'}.yml"
    source.write_text(yaml.safe_dump({"plugin": f"privazio.opennebula.{name}", "cache": True, **INVENTORIES[name]}))
    done, lines = ansible(tmp_path, cloud, "-i", str(source), "--list", "-vvvv", command="ansible-inventory")
    assert done.returncode == 0, done.stderr
    texts = searched(tmp_path, done, lines)
    assert any(where.startswith("inventory") for where in texts), "it has a cache"
    assert "hostvars" in done.stdout and "MASK" not in done.stdout and "********" in done.stdout
    found = hits(texts)
    assert not found, found


def cloud_client(cloud):
    from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer

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
