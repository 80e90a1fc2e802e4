# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A change that is accepted and not stored is an error of its run; what is new settles before it is changed."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import cloud as cloud_module
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.host import HOST
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import Client


class Forgetful(Client):
    """Answers vm.chmod as if it had done it."""

    def call(self, method, *arguments):
        return arguments[0] if method.removeprefix("one.") == "vm.chmod" else super().call(method, *arguments)


@pytest.mark.parametrize("names", [["web-0"], ["web-0", "web-1"]])
def test_of_a_vm_and_of_several(run, monkeypatch, names):
    for name in names:
        run(name=name, template="tpl", mode="600")
    monkeypatch.setattr(cloud_module, "Client", Forgetful)
    wanted = {"name": "web-0"} if len(names) == 1 else {"name": "web-#", "exact_count": 2}
    with pytest.raises(Failure, match=r"OpenNebula accepted the change of VM web-0, but did not store: mode\b"):
        run(**wanted, template="tpl", mode="640")


def test_of_a_host(one):
    class Forgetful(Cloud):
        def call(self, doing, method, *arguments, **data):
            return arguments[0] if method == "host.status" else super().call(doing, method, *arguments, **data)

    with pytest.raises(Failure) as caught:
        Engine(Forgetful(one), HOST).converge("host", None, {"status": "offline"})
    assert caught.value.message == "OpenNebula accepted the change of host host, but did not store: status."


@pytest.mark.parametrize(("wanted", "looks"), [({"status": "offline"}, 4), ({}, 1)])
def test_a_new_object_that_is_changed_settles_first_although_nobody_waits(one, wanted, looks):
    seen = []

    class Watched(Cloud):
        def call(self, doing, method, *arguments, **data):
            seen.extend([method] * (method == "host.status"))
            return super().call(doing, method, *arguments, **data)

    def fetch(cloud, kind, oid):
        seen.append("look")
        return Cloud.info(cloud, kind, oid)

    class Quick(Clock):
        def sleep(self, seconds):
            assert len(seen) < 9

    resource = HOST._replace(fetch=fetch, settled=lambda item, wanted: seen.count("look") >= 4)
    report = Engine(Watched(one, clock=Quick()), resource, waits=False).converge("new", None, wanted)
    before = seen[: seen.index("host.status")] if wanted else seen
    assert before == ["look"] * looks
    assert report.record["status"] == wanted.get("status", "enabled")
