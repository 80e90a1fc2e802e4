# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A server that repeats secrets when it refuses: no module shows one, nor do the declared cloud and its export."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.privazio.opennebula.plugins.action import one as action
from ansible_collections.privazio.opennebula.plugins.action import one_cloud, one_export
from ansible_collections.privazio.opennebula.plugins.lookup import one as lookup
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import Client, OneInternalException, OneServer
from project import ROOT

PLUGINS = "ansible_collections.privazio.opennebula.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("one_*.py"))
ACTIONS = {"one_cloud": one_cloud, "one_export": one_export}
HELD, GIVEN = "canary-that-the-cloud-holds", "canary-that-the-task-gives"
CONTEXT = {"HOSTNAME": "web", "PASSWORD": GIVEN, "START_SCRIPT": f"mysql -p{GIVEN}"}
SAID = f'Error parsing: HOSTNAME="web",PASSWORD="{HELD}",START_SCRIPT="mysql -p{HELD}". Driver got {GIVEN}, {HELD}.'
SAMPLES = {"str": "sample", "int": 0, "bool": True, "float": 1.0, "path": "sample", "raw": "sample"}
# What else the modules need to get as far as the server.
NEEDED = {
    "one_acl": {"user": "sample", "rules": [{"resources": ["vm"], "rights": ["use"]}]},
    "one_call": {"method": "vm.info", "arguments": [0]},
    "one_hook": {"type": "api", "call": "one.vm.allocate", "command": "a"},
    "one_quota_defaults": {"kind": "user", "quotas": {"vm": {"vms": 1}}},
    "one_vm": {"name": "sample", "template": "sample", "updateconf": {"CONTEXT": CONTEXT}},
    "one_vm_snapshot": {"snapshot": "sample"},
    "one_vm_exec": {"command": f"echo PASSWORD={GIVEN}"},
    "one_vm_migrate": {"host": "sample"},
    "one_export": {"kinds": ["hosts"]},
    "one_cloud": {"declaration": {"templates": [{"name": "sample", "template": {"CPU": 1, "CONTEXT": CONTEXT}}]}},
}
ANSWERED = {"one_template_info"}  # whose pool is the one that is not refused
OF_ONEFLOW = {"one_service", "one_service_info", "one_service_template", "one_service_template_info"}


@pytest.fixture
def refusing(simulator, monkeypatch):
    """The options for a cloud that answers the first pools, in which a secret is, and then refuses everything."""
    client = OneServer(simulator.url, session="oneadmin:opennebula")
    client.template.allocate({"NAME": "sample", "CONTEXT": {"DB_PASSWORD": HELD}})  # which OpenNebula does not encrypt
    answers = Client.call

    def call(self, method, *arguments):
        if method == "templatepool.info":
            return answers(self, method, *arguments)
        raise OneInternalException(SAID, "one." + method, 0x2000)

    monkeypatch.setattr(Client, "call", call)
    return {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula", "api_retries": 0}


def options_of(name):
    """Options with which a module, given a secret wherever it takes a dictionary, gets as far as the server."""
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    specified = getattr(module, "OPTIONS", {})
    given = {
        option: spec["choices"][0] if "choices" in spec else SAMPLES.get(spec.get("type", "str"), [])
        for option, spec in specified.items()
        if spec.get("required")
    }
    if "name" in specified or "id" in specified:
        given["name"] = "sample"
    if not name.endswith("_info"):
        given |= {option: {"CONTEXT": CONTEXT} for option in ("template", "updateconf") if option in specified}
        given |= {"password": GIVEN} if "password" in specified else {}
    return module, {**given, **NEEDED.get(name, {})}


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ACTIONS and name not in ANSWERED])
def test_no_module_shows_what_a_server_repeats(refusing, name):
    module, given = options_of(name)
    printed = action.answer(module.main, json.dumps({"ANSIBLE_MODULE_ARGS": {**refusing, **given}}).encode())
    result = json.loads(printed)
    assert result["failed"], result
    assert HELD not in printed
    assert GIVEN not in printed or GIVEN not in json.dumps(given)
    assert name in OF_ONEFLOW or "HOSTNAME=" in result["msg"], result["msg"]


@pytest.mark.parametrize(("name", "plugin"), ACTIONS.items())
def test_a_declared_cloud_and_its_export_show_none_either(refusing, name, plugin):
    found = object.__new__(plugin.ActionModule)
    found._task = SimpleNamespace(args={**refusing, **NEEDED[name]}, check_mode=False, async_val=0, action=name)
    found._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    result = found.run()
    assert result["failed"]
    assert "HOSTNAME=" in result["msg"]
    assert HELD not in str(result)
    assert name == "one_export" or GIVEN not in str(result)


def test_what_an_object_holds_is_covered_where_it_is_not_named(refusing, monkeypatch):
    monkeypatch.setitem(globals(), "SAID", f"The driver got {HELD}.")
    module, given = options_of("one_template")
    printed = action.answer(module.main, json.dumps({"ANSIBLE_MODULE_ARGS": {**refusing, **given}}).encode())
    assert json.loads(printed)["msg"].endswith("The driver got ********.")


def test_the_lookup_shows_none_either(refusing, monkeypatch):
    found = object.__new__(lookup.LookupModule)
    monkeypatch.setattr(found, "set_options", lambda **options: None, raising=False)
    monkeypatch.setattr(found, "get_option", refusing.get, raising=False)
    with pytest.raises(AnsibleLookupError) as caught:
        found.run(["host"])
    assert "HOSTNAME=" in str(caught.value)
    assert HELD not in str(caught.value)
