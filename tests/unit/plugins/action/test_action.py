# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The two faces of the modules: when which is taken, what is left behind, and that both give the same."""

from __future__ import annotations

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
from ansible.errors import AnsibleActionFail
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import IDENTITY
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.plugin_utils import action
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

ACTIONS = project.ROOT / "plugins/action"
MODULES = sorted(path.stem for path in (project.ROOT / "plugins/modules").glob("one_*.py"))
SECRET = "hushhush"
OTHER = {"exception", "timedout"}  # tells of frames in files, which lie elsewhere


# ---------------------------------------------------------------- one for each module


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_its_action(name):
    alike = (ACTIONS / "one_host.py").read_text(encoding="utf-8").replace("one_host", name)
    assert (ACTIONS / f"{name}.py").is_file(), f"plugins/action/{name}.py is missing: copy one_host.py"
    assert (ACTIONS / f"{name}.py").read_text(encoding="utf-8") == alike


def test_no_action_is_without_its_module():
    assert {path.stem for path in ACTIONS.glob("*.py")} <= set(MODULES)


# ---------------------------------------------------------------- which face


class Templar:
    def template(self, value):
        return value


def face(monkeypatch, task_vars=None, environment=(), async_val=0, transport="local", become=None, keep=False):
    """(whether the task runs here, what it sees of the environment)."""
    connection = SimpleNamespace(transport=transport, become=become)
    connection._shell = SimpleNamespace(env_prefix=lambda **given: "")
    task = SimpleNamespace(environment=list(environment), async_val=async_val)
    found = action.OneAction(task, connection, SimpleNamespace(become=False), None, Templar(), None)
    monkeypatch.setattr(action.constants, "DEFAULT_KEEP_REMOTE_FILES", keep)
    monkeypatch.setattr(action.Ordinary, "run", lambda self, tmp, task_vars: (self.here, dict(os.environ)))
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
    assert face(monkeypatch, **given)[0] is True


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
    assert face(monkeypatch, **given)[0] is False


def test_the_switch_is_a_boolean(monkeypatch):
    with pytest.raises(AnsibleActionFail, match="The variable one_in_controller is 'perhaps', which is no boolean"):
        face(monkeypatch, {"one_in_controller": "perhaps"})


def test_variables_of_the_task_are_seen_by_it_alone(monkeypatch):
    monkeypatch.setenv("ONE_URL", "http://mine")
    monkeypatch.delenv("ONE_AUTH", raising=False)
    here, seen = face(monkeypatch, environment=[{"ONE_URL": "http://a", "ONE_AUTH": 5}])
    assert (here, seen["ONE_URL"], seen["ONE_AUTH"]) == (True, "http://a", "5")
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
    return action.encoded({"_ansible_check_mode": True, **given})


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
    found = json.loads(told[told.index("{") :])
    assert {key: found[key] for key in said} == said
    assert SECRET not in told


def test_an_error_of_ours_leaves_nothing_behind_either():
    before = state()
    with pytest.raises(ZeroDivisionError):
        action.answer(ends(lambda module: 1 / 0), wanted(name="web"))
    assert state() == before


def test_a_warning_shows_no_secret(monkeypatch):
    said = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, warning: said.append(warning))
    action.answer(ends(lambda module: module.warn(f"so {SECRET}")), wanted(api_password=SECRET))
    assert said == ["of this run", "so ********"]


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
    "both": {"one_host": {"name": "a", "cluster": "0", "cluster_id": "1"}, "check_mode": True},
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


def played(path, **variables):
    """(what ansible-playbook prints, what it wrote to the variable `target`)."""
    cloud = Simulator(Options(delay=0)).start()
    url = cloud.url
    access = {"ONE_URL": url, "ONE_USERNAME": "oneadmin", "ONE_PASSWORD": "opennebula"}
    bin_folder = Path(sys.executable).parent
    given = {"secret": SECRET, **variables}
    project.link_collection()
    try:
        done = subprocess.run(
            [str(bin_folder / "ansible-playbook"), "-vvv", "-i", "localhost,", str(path), "-e", json.dumps(given)],
            env=project.environment(**access),
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
    assert SECRET not in json.dumps(here) + shown + others


def test_what_needs_a_process_gets_one(tmp_path):
    """With an interpreter that is not there, only what runs here succeeds."""
    read = {"privazio.opennebula.one_host_info": {}, "ignore_errors": True}
    cases = {
        "here": read,
        "switch": dict(read, vars={"one_in_controller": False}),
        "language": dict(read, environment={"LC_ALL": "C"}),
        "kept": dict(read, delegate_to="elsewhere"),
    }
    tasks = [dict(task, register=name) for name, task in cases.items()]
    told = "{{ {" + ", ".join(f"'{name}': {name} is failed" for name in cases) + "} | to_json }}"
    fine = {"ansible_python_interpreter": sys.executable}
    tasks.append({"ansible.builtin.copy": {"content": told, "dest": "{{ target }}"}, "vars": fine})
    head = {**HEAD, "vars": {"ansible_python_interpreter": "/nowhere/python"}}
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([dict(head, tasks=tasks)]), encoding="utf-8")
    dummy, found = played(path, target=str(tmp_path / "told"))
    assert found == {"here": False, "switch": True, "language": True, "kept": False}
