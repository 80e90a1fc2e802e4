# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The two faces of the modules: when which is taken, what is left behind, and that both give the same."""

from __future__ import annotations

import getpass
import json
import locale
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import project
import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.privazio.opennebula.plugins.action import one as action
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import IDENTITY
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

SECRET = "hushhush"
OTHER = {"exception", "timedout"}  # tells of frames in files, which lie elsewhere


# ---------------------------------------------------------------- which face


class Templar:
    def template(self, value):
        return value


def face(monkeypatch, task_vars=None, environment=(), async_val=0, transport="local", become=None, keep=False):
    """Whether the task runs here."""
    connection = SimpleNamespace(transport=transport, become=become)
    connection._shell = SimpleNamespace(env_prefix=lambda **given: "")
    task = SimpleNamespace(args={}, environment=list(environment), async_val=async_val, no_log=False)
    found = action.ActionModule(task, connection, SimpleNamespace(), None, Templar(), None)
    monkeypatch.setattr(constants, "DEFAULT_KEEP_REMOTE_FILES", keep)
    monkeypatch.setattr(action.Ordinary, "run", lambda self, tmp, task_vars: self._core is not None)
    return found.run(task_vars=task_vars)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"task_vars": {"one_in_controller": True}},
        {"task_vars": {"one_in_controller": "yes"}},
        {"environment": [{}, None]},
        {"environment": [{"ONE_URL": "http://a"}, {"ONE_USERNAME": "b"}]},
    ],
)
def test_a_task_runs_here(monkeypatch, given):
    assert face(monkeypatch, **given) is True


@pytest.mark.parametrize(
    "given",
    [
        {"task_vars": {"one_in_controller": False}},
        {"task_vars": {"one_in_controller": "no"}},
        {"environment": [{"ONE_URL": "http://a"}, {"LC_ALL": "C"}]},
        {"async_val": 30},
        {"transport": "ssh"},
        {"become": object()},
        {"keep": True},
    ],
)
def test_a_task_runs_in_a_process_of_its_own(monkeypatch, given):
    assert face(monkeypatch, **given) is False


def test_the_switch_is_a_boolean(monkeypatch):
    with pytest.raises(AnsibleActionFail, match="The variable one_in_controller is 'perhaps', which is no boolean"):
        face(monkeypatch, {"one_in_controller": "perhaps"})


def test_the_period_of_progress_is_a_number(monkeypatch):
    with pytest.raises(AnsibleActionFail, match="The variable one_progress is 'often', which is no number"):
        face(monkeypatch, {"one_progress": "often"})


FOLLOWED = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Create a fleet
      privazio.opennebula.one_vm: {name: 'web-#', exact_count: 3, cpu: 0.1, memory: 64, state: running, parallel: 1}
      no_log: "{{ hidden | default(false) }}"
"""
PROGRESS = [
    ({"one_progress": 0.2}, True),
    ({"one_progress": 0}, False),
    ({"one_progress": 0.2, "hidden": True}, False),
    ({"one_progress": 0.2, "one_in_controller": False}, False),
    ({}, False),  # ten seconds have not gone by
]


@pytest.mark.parametrize(("variables", "shown"), PROGRESS)
def test_what_a_task_waits_for_is_shown_meanwhile(tmp_path, variables, shown):
    project.link_collection()
    simulator = Simulator(Options(delay=0.3)).start()
    (tmp_path / "play.yml").write_text(FOLLOWED)
    given = {**variables, "ansible_python_interpreter": sys.executable}
    access = {"ONE_URL": simulator.url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}
    simulator.execute("one.host.allocate", ["oneadmin:opennebula", "node", "dummy", "dummy", 0])
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-e", json.dumps(given), str(tmp_path / "play.yml")],
        env=project.environment(**access, ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal"),
        capture_output=True,
        text=True,
        check=False,
    )
    simulator.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("WAITING: ")]
    assert bool(lines) is shown
    for line in lines:
        assert re.fullmatch(r"WAITING: \[localhost\]: \d of 3 VMs done(, \d \w+)+", line)
    assert len(set(lines)) == len(lines)


def test_variables_of_the_task_are_seen_by_it_alone(monkeypatch):
    monkeypatch.setenv("ONE_URL", "http://mine")
    monkeypatch.delenv("ONE_AUTH", raising=False)
    with action.variables({"ONE_URL": "http://a", "ONE_AUTH": 5}):
        assert (os.environ["ONE_URL"], os.environ["ONE_AUTH"]) == ("http://a", "5")
    assert (os.environ["ONE_URL"], "ONE_AUTH" in os.environ) == ("http://mine", False)


# ---------------------------------------------------------------- what is left behind


def state():
    return (
        sys.stdout,
        OneModule.face,
        basic._ANSIBLE_ARGS,
        getattr(basic, "_ANSIBLE_PROFILE", None),
        getattr(basic, "_PARSED_MODULE_ARGS", None),
        warnings._global_warnings,
        len(warnings._global_warnings),
        warnings._global_deprecations,
        dict(os.environ),
        os.getcwd(),
        locale.setlocale(locale.LC_ALL),
    )


def wanted(**given):
    """The options of a module as it gets them."""
    return action.core_at_hand().encoded({"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": True, **given}})


def ends(outcome):
    """The main() of a module that warns, and ends with outcome(its AnsibleModule)."""

    def main():
        module = OneModule(IDENTITY)
        module._ansible.warn("of this run")
        outcome(module._ansible)

    return main


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (lambda module: module.exit_json(changed=True, name=module.params["name"]), {"changed": True, "name": "web"}),
        (lambda module: module.fail_json(msg="It is %s." % SECRET), {"failed": True, "msg": "It is ********."}),
    ],
)
def test_a_module_runs_as_in_a_process_and_leaves_nothing_behind(outcome, said):
    before = state()
    told = action.answer(ends(outcome), wanted(name="web", api_password=SECRET))
    assert state() == before
    found = result_of(told)
    assert {key: found[key] for key in said} == said
    assert SECRET not in json.dumps(found)


def result_of(told):
    """What the controller makes of what a module prints; since ansible-core 2.22 it is the one that covers secrets."""
    covers = vars(action).get("mask_secrets")
    return json.loads(covers(told, mask_placeholder="*" * 8) if covers else told)


def test_an_error_of_ours_leaves_nothing_behind_either():
    before = state()
    with pytest.raises(ZeroDivisionError):
        action.answer(ends(lambda module: 1 / 0), wanted(name="web"))
    assert state() == before


def test_a_warning_shows_no_secret(monkeypatch):
    said = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, warning: said.append(warning))
    action.answer(ends(lambda module: module.warn(f"so {SECRET}")), wanted(api_password=SECRET))
    assert said in (["of this run", f"so {cover}"] for cover in ("********", "$REDACTED$"))


# ---------------------------------------------------------------- both give the same

HEAD = {"hosts": "localhost", "connection": "local", "gather_facts": False}
HOST = {"im_mad": "dummy", "vm_mad": "dummy"}
TASKS: dict[str, dict] = {
    "plan": {"one_host": {"name": "a", "template": {"RACK": "A1"}, **HOST}, "check_mode": True},
    "create": {"one_host": {"name": "a", "template": {"RACK": "A1"}, **HOST}, "diff": True},
    "again": {"one_host": {"name": "a", "template": {"RACK": "A1"}, **HOST}},
    "loop": {
        "one_host": {"name": "b{{ item }}", "cluster_name": "c{{ item }}", **HOST},
        "loop": [1, 2, 3],
        "check_mode": True,
    },
    "unknown": {"one_host": {"name": "a", "bogus": 1}},
    "kind": {"one_host": {"id": "first"}},
    "choice": {"one_host": {"name": "a", "state": "asleep"}},
    "missing": {"one_host": {"state": "enabled"}},
    "both": {"one_host": {"name": "a", "cluster": "0", "cluster_id": "later"}, "check_mode": True},
    "refused": {"one_host": {"name": "{{ secret }}", "api_password": "{{ secret }}"}},
    "unreachable": {"one_host_info": {"api_url": "http://127.0.0.1:1/{{ secret }}", "api_token": "{{ secret }}"}},
    "user": {"one_host_info": {}, "environment": {"ONE_USERNAME": "nobody"}},
    "hidden": {"one_host": {"name": "a"}, "no_log": True},
    "read": {"one_call": {"method": "cluster.info", "arguments": {"oid": 0}}},
    "unicode": {"one_template": {"name": "ñandú ✓", "template": {"SAID": "\u201c¿qué?\u201d"}}},
    "slow": {"one_host_info": {"api_url": "{{ silent }}"}, "timeout": 1},
    "until": {"one_host_info": {"name": "none"}, "until": "false", "retries": 1, "delay": 0},
    "conflict": {"one_user": {"name": "eve", "password": "{{ secret }}"}, "diff": True},
}


def play(tmp_path: Path) -> Path:
    """A playbook of TASKS that writes down what became of each."""
    prefixed = {"one_": "privazio.opennebula.one_"}
    tasks = [
        {re.sub("^one_", prefixed["one_"], key): value for key, value in task.items()}
        | {"name": name, "register": name + "_", "ignore_errors": True}
        for name, task in TASKS.items()
    ]
    found = "{{ {" + ", ".join(f"'{name}': {name}_" for name in TASKS) + "} | to_json }}"
    tasks.append({"ansible.builtin.copy": {"content": found, "dest": "{{ target }}"}, "check_mode": False})
    head = {**HEAD, "vars": {"ansible_python_interpreter": sys.executable}}
    head["module_defaults"] = {"group/privazio.opennebula.one": {"api_retries": 0}}
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([dict(head, tasks=tasks)], sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def silent():
    """The URL of what accepts connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield "http://127.0.0.1:%d/RPC2" % listener.getsockname()[1]


def played(path, settings=None, **variables):
    """(what ansible-playbook prints, what it wrote to the variable `target`); `settings` come into its environment."""
    cloud = Simulator(Options(delay=0)).start()
    url = cloud.url
    access = {"ONE_URL": url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}
    bin_folder = Path(sys.executable).parent
    given = {"secret": SECRET, **variables}
    project.link_collection()
    try:
        done = subprocess.run(
            [str(bin_folder / "ansible-playbook"), "-vvv", "-i", "localhost,", str(path), "-e", json.dumps(given)],
            env=project.environment(**access, **(settings or {})),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        cloud.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    text = Path(variables["target"]).read_text(encoding="utf-8") if "target" in variables else "{}"
    return done.stdout, json.loads(text.replace(url, "URL"))


def comparable(result):
    if isinstance(result, dict):
        return {key: comparable(value) for key, value in result.items() if key not in OTHER}
    return [comparable(value) for value in result] if isinstance(result, list) else result


def test_both_faces_give_the_same(tmp_path, silent):
    path = play(tmp_path)
    shown, here = played(path, target=str(tmp_path / "here"), silent=silent)
    others, there = played(path, target=str(tmp_path / "there"), silent=silent, one_in_controller=False)
    assert list(here) == list(TASKS)
    for name in TASKS:
        assert comparable(here[name]) == comparable(there[name]), name
    failed = [name for name in TASKS if here[name].get("failed")]
    assert failed == ["unknown", "kind", "choice", "missing", "refused", "unreachable", "user", "slow", "until"]
    assert here["read"]["calls"] == ["one.cluster.info"]
    assert "Traceback" not in shown + others
    assert SECRET not in shown + others
    if "mask_secrets" not in vars(action):  # ansible-core 2.22 covers secrets where it shows a result
        assert SECRET not in json.dumps(here)


# ---------------------------------------------------------------- which tasks take which way

READ = {"privazio.opennebula.one_host_info": {}}
HERE: dict[str, dict] = {
    "full name": READ,
    "short name": {"one_host_info": {}, "collections": ["privazio.opennebula"]},
    "action": {"action": "privazio.opennebula.one_host_info name=none"},
    "local_action": {"local_action": "privazio.opennebula.one_host_info"},
    "loop": {"privazio.opennebula.one_host_info": {"name": "{{ item }}"}, "loop": ["a", "b"]},
    "check mode": {"privazio.opennebula.one_host": {"name": "a", **HOST}, "check_mode": True},
    "delegated": dict(READ, delegate_to="elsewhere", vars={"ansible_connection": "local"}),
    "environment": dict(READ, environment={"ONE_USERNAME": "oneadmin"}),
    "tags": dict(READ, tags=["always"]),
    "defaults of the group": {"privazio.opennebula.one_user_info": {}},
    "defaults of the module": {"privazio.opennebula.one_datastore_info": {}},
}
THERE: dict[str, dict] = {
    "switch": dict(READ, vars={"one_in_controller": False}),
    "language": dict(READ, environment={"LC_ALL": "C"}),
    "background": dict(READ, **{"async": 30, "poll": 1}),
    "become": dict(READ, become=True),
    "become as a variable": dict(READ, vars={"ansible_become": True}),
}


def logged(tmp_path, names):
    """{name: an interpreter that writes the name to the file `log` when it is started}."""
    found = {}
    for number, name in enumerate(names):
        path = tmp_path / f"python{number}"
        path.write_text(f"#!/bin/sh\necho '{name}' >> {tmp_path}/log\nexec {sys.executable} \"$@\"\n", encoding="utf-8")
        path.chmod(0o755)
        found[name] = str(path)
    return found


def processes(tmp_path, tasks, settings=None, **head):
    """(names of the tasks for whose module a process was started, {name: its result}); all tasks succeed."""
    interpreters = logged(tmp_path, tasks)
    listed = []
    for number, (name, task) in enumerate(tasks.items()):
        given = {"ansible_python_interpreter": interpreters[name], **task.get("vars", {})}
        listed.append(dict(task, name=name, vars=given, register=f"told{number}"))
    found = "{{ [" + ", ".join(f"told{number}" for number in range(len(tasks))) + "] | to_json }}"
    fine = {"ansible_python_interpreter": sys.executable}
    listed.append({"ansible.builtin.copy": {"content": found, "dest": "{{ target }}"}, "vars": fine})
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([{**HEAD, **head, "tasks": listed}]), encoding="utf-8")
    (tmp_path / "log").touch()
    dummy, results = played(path, settings, target=str(tmp_path / "told"))
    started = set((tmp_path / "log").read_text(encoding="utf-8").splitlines())
    return started, dict(zip(tasks, results, strict=True))


def test_only_what_needs_a_process_gets_one(tmp_path):
    defaults = {
        "group/privazio.opennebula.one": {"name": "none"},
        "privazio.opennebula.one_datastore_info": {"name": "default"},
    }
    given = {"ansible_become_user": getpass.getuser(), "ansible_async_dir": str(tmp_path / "jobs")}
    started, results = processes(tmp_path, {**HERE, **THERE}, vars=given, module_defaults=defaults)
    assert started == set(THERE)
    assert results["defaults of the group"]["users"] == []
    assert [found["name"] for found in results["defaults of the module"]["datastores"]] == ["default"]
    assert len(results["loop"]["results"]) == 2


def test_what_runs_elsewhere_gets_a_process(tmp_path):
    path = tmp_path / "play.yml"
    given = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    task = dict(READ, vars=given, register="told", ignore_unreachable=True)
    check = {"ansible.builtin.assert": {"that": "told.unreachable"}}
    path.write_text(yaml.safe_dump([dict(HEAD, tasks=[task, check])]), encoding="utf-8")
    played(path)


# ---------------------------------------------------------------- without what ansible-core does not promise


def test_the_ansible_core_at_hand_is_as_expected():
    assert action.core_at_hand()


def test_every_internal_is_missed(tmp_path):
    """Without one of ansible-core's internals, each task runs in the ordinary way, and as well."""
    internals = [action.CONFIGURE + "()", *action.core_at_hand().internals]
    tasks: dict[str, dict] = {"nothing": READ, **{name: dict(READ, vars={"taken_away": name}) for name in internals}}
    settings = {"ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks")}
    started, results = processes(tmp_path, tasks, settings)
    assert started == set(internals)
    assert all(result["hosts"] == results["nothing"]["hosts"] for result in results.values())


@pytest.mark.parametrize(
    ("function", "usable"),
    [
        (lambda self, name: None, True),
        (lambda self, name, more=1, **others: None, True),
        (lambda self, name, /: None, True),
        (lambda self: None, False),
        (lambda self, name, more: None, False),
        (lambda self, other: None, False),
        (None, False),
    ],
)
def test_an_internal_takes_what_it_is_called_with(monkeypatch, function, usable):
    monkeypatch.setattr(basic, "tried", function, raising=False)
    assert action.usable(action.BASIC + "tried", ("self", "name")) is usable


# ---------------------------------------------------------------- modules of this collection alone


@pytest.mark.parametrize(
    ("resolved", "found"),
    [
        ("privazio.opennebula.one_host", True),
        ("ansible.builtin.ping", False),
        ("ansible.legacy.one_host", False),
        ("other.opennebula.one_host", False),
        ("privazio.opennebula.more.one_host", False),
        ("os", False),
        ("", False),
        (None, False),
    ],
)
def test_only_modules_of_the_collection_are_imported(monkeypatch, resolved, found):
    context = SimpleNamespace(resolved_fqcn=resolved)
    monkeypatch.setattr(action.module_loader, "find_plugin_with_context", lambda name, collection_list: context)
    assert bool(action.module_of("one_host", [])) is found
