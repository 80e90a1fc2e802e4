# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a module returns beside what it was asked."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule

PARAMS = {
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
