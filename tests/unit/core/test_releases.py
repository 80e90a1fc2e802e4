# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What depends on the release of the server."""

from __future__ import annotations

import json

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._attributes import quotas
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure, described
from ansible_collections.privazio.opennebula.plugins.module_utils._core.releases import SINCE, later, number
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneProtocolException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.methods import METHODS
from project import SHARED

REFERENCE = SHARED / "reference/methods.json"
RECORDED = SHARED / "conformance/recordings"


class Old:
    """A client of a server of an older release."""

    def __init__(self, release):
        self.release = release
        self.calls = []

    def call(self, method, *arguments):
        self.calls.append(method)
        assert method == "system.version"
        return self.release

    def request(self, method, *arguments):
        return b""


def test_methods_that_came_later_are_methods():
    assert set(SINCE) <= set(METHODS)


@pytest.mark.skipif(not REFERENCE.is_file(), reason="../shared/reference is not there")
def test_the_table_equals_the_reference():
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))["methods"]
    assert {one["method"][4:]: one["since"] for one in reference if not one["in_5_4"]} == SINCE


@pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/conformance is not there")
@pytest.mark.parametrize("release", ["6.10.5", "7.4.0"])
def test_a_recorded_server_has_the_methods_of_its_release(release):
    lines = (RECORDED / release / "protocol_errors.jsonl").read_text(encoding="utf-8").splitlines()
    listed = next(one["value"] for one in map(json.loads, lines) if one["method"] == "system.listMethods")
    present = {name[4:] for name in listed if name.startswith("one.")}
    assert {name for name in METHODS if name not in present} == {
        name for name in METHODS if number(SINCE.get(name, "5.4")) > number(release)
    }


@pytest.mark.parametrize("method", sorted(name for name, release in SINCE.items() if later(release)))
def test_a_method_that_the_server_does_not_have_yet_is_refused_before_it_is_called(method):
    one = Old("6.10.5")
    with pytest.raises(Failure, match=rf"Cannot do it: this needs OpenNebula {SINCE[method]} or newer\. .* 6\.10\.5"):
        Cloud(one).check("do it", method)
    assert one.calls == ["system.version"]
    Cloud(Old("7.4.0")).check("do it", method, *(0 for dummy in METHODS[method].split()))


def test_a_server_is_asked_for_its_release_once_and_only_where_it_matters():
    one = Old("7.4.0")
    cloud = Cloud(one)
    cloud.check("lock it", "vm.lock")
    assert one.calls == []
    cloud.check("do it", "vm.exec")
    cloud.check("do it", "vm.exec")
    assert one.calls == ["system.version"]


@pytest.mark.parametrize(("method", "needs"), sorted(SINCE.items()))
def test_a_method_that_is_missing_names_its_release(method, needs):
    error = OneProtocolException(f"Method one.{method} not defined", "one." + method, -506)
    assert described(error, "do it").message == f"Cannot do it: this needs OpenNebula {needs} or newer."


def test_a_method_that_no_release_has_is_told_as_it_was():
    message = described(OneProtocolException("Method 'one.x.y' not defined", "one.x.y", -506), "do it").message
    assert message == "Cannot do it: Method 'one.x.y' not defined. This release of OpenNebula does not have it."


def test_quotas_of_clusters_are_refused_where_they_would_be_taken_for_quotas_of_all():
    with pytest.raises(Failure, match=r"Cannot limit VMs of clusters: this needs OpenNebula 7\.0 or newer"):
        quotas.canonical(Cloud(Old("6.10.5")), {"cluster": {"default": {"vms": 1}}})
    assert quotas.canonical(Cloud(Old("6.10.5")), {"cluster": {}, "vm": {"vms": 1}}) == {
        "cluster": {},
        "vm": {"vms": 1},
    }
