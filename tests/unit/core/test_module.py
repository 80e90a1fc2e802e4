# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a module returns beside what it was asked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import Face as Refusing
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule, _meant

PARAMS = {
    "protected_label": "protected",
    "api_url": "http://127.0.0.1:1/RPC2",
    "api_username": "oneadmin",
    "api_password": "covered by Ansible",
    "name": "web",
    "template": {"CPU": 1, "CONTEXT": {"PASSWORD": "hush"}},
    "rules": [{"token": "hush"}],
}


class Returned(Exception):
    """Ends a module in place of SystemExit."""


class Face:
    """What a module needs of AnsibleModule."""

    check_mode = False

    def __init__(self, **rules):
        self.params, self._verbosity = PARAMS, 0

    def exit_json(self, **result):
        raise Returned(result)

    fail_json = exit_json


@pytest.fixture
def module(monkeypatch):
    monkeypatch.setattr(OneModule, "face", Face)
    return OneModule({})


def fails(cloud):
    raise Failure("No.")


@pytest.mark.parametrize("work", [lambda cloud: Report(True, {}, {}, {}), fails])
def test_the_invocation_shows_what_was_asked_and_no_secret_inside_of_it(module, work):
    with pytest.raises(Returned) as caught:
        module.run(work)
    shown = caught.value.args[0]["invocation"]["module_args"]
    assert shown["name"] == "web"
    assert shown["template"] == {"CPU": 1, "CONTEXT": {"PASSWORD": "********"}}
    assert "hush" not in str(caught.value.args)
    assert PARAMS["template"]["CONTEXT"]["PASSWORD"] == "hush"


def reads(cloud):
    cloud.pool("host")
    cloud.pool("service")


def writes(cloud):
    cloud.call("rename the host", "host.rename", 0, "other")


def is_refused(cloud):
    cloud.call("rename the host", "host.rename", 9, "other")


def writes_elsewhere(cloud):
    cloud.afresh().call("rename the host", "host.rename", 0, "other")


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize(
    ("work", "changed"), [(fails, False), (reads, False), (is_refused, False), (writes, True), (writes_elsewhere, True)]
)
def test_a_task_that_fails_says_whether_it_has_changed_something(module, simulator, work, changed):
    access = {"api_url": simulator.url, "api_password": "opennebula", "flow_url": simulator.flow_url}
    module.params = {**PARAMS, **access}
    module._connect = Clients
    with pytest.raises(Returned) as caught:
        module.run(lambda cloud: (work(cloud), fails(cloud)))
    assert caught.value.args[0]["changed"] is changed


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (
            "Unsupported parameters for (a.b.one_vm) module: nme. Supported parameters include: id, name (title).",
            " Did you mean name?",
        ),
        (
            "Unsupported parameters for (a.b.one_vm) module: rules.rang. Supported parameters include: ip, range.",
            " Did you mean range?",
        ),
        ("value of state must be one of: present, running, absent, got: runing", " Did you mean running?"),
        ("value of kinds must be one or more of: hosts, users. Got no match for: hots", " Did you mean hosts?"),
        ("value of state must be one of: present, absent, got: q", ""),
        ("missing required arguments: name", ""),
    ],
)
def test_a_refusal_of_options_asks_what_was_meant(said, hint):
    assert _meant(said) == hint


SPEC = {"name": {}, "state": {}, "vm_group": {"options": {"group": {}, "role": {}}}}


@pytest.mark.parametrize(
    ("unknown", "said", "text"),
    [
        (
            (),
            "value of state must be one of: present, absent, got: abscent",
            "value of state must be one of: present, absent, got: abscent. Did you mean absent?",
        ),
        (
            ["nam"],
            "one of the following is required: id, name",
            "one of the following is required: id, name. There is no option nam. Did you mean name?",
        ),
        (
            [("vm_group", "rol")],
            "parameters are required together: group, role",
            "parameters are required together: group, role. There is no option vm_group.rol. Did you mean role?",
        ),
    ],
)
def test_a_refusal_ends_with_the_question(monkeypatch, unknown, said, text):
    messages = []
    monkeypatch.setattr(
        "ansible.module_utils.basic.AnsibleModule.fail_json", lambda self, msg, **data: messages.append(msg)
    )
    face = object.__new__(Refusing)
    face.params, face.argument_spec, face.no_log_values = {}, SPEC, set()
    face.validation_result = SimpleNamespace(unsupported_parameters=set(unknown))
    face.fail_json(said)
    assert messages == [text]
