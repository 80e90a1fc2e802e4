# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VM templates that go with their images."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud, connect
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.engine import Engine
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Modes
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.template import TEMPLATE
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.vntemplate import VNTEMPLATE


@pytest.fixture
def remove(simulator, one):
    """remove(name): the VM template, and its images."""

    def task(name):
        options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
        cloud = Cloud(connect(options), 10)
        return Engine(cloud, TEMPLATE, Modes(recursive=True)).remove(name, None)

    return task


def images(one):
    return sorted(image.NAME for image in one.imagepool.info(-2, -1, -1).IMAGE if image.STATE != 7)


@pytest.mark.parametrize(
    "disk",
    [
        {"IMAGE_ID": "0"},
        {"IMAGE": "os"},
        {"IMAGE": "os", "IMAGE_UNAME": "oneadmin"},
    ],
)
def test_images_go_with_their_template_unless_they_are_busy(one, remove, disk):
    one.template.allocate({"NAME": "web", "CPU": "1", "MEMORY": "64", "DISK": [disk, {"TYPE": "swap", "SIZE": "64"}]})
    vm = one.template.instantiate(1, "vm")
    with pytest.raises(Failure, match=r"Images of VM template web are in use or locked: os \(id 0\)\. Free"):
        remove("web")
    assert one.template.info(1).NAME == "web", "nothing was done"
    one.vm.action("terminate-hard", vm)
    one.vmpool.info(-2, -1, -1, -1)
    one.image.lock(0, 1)
    with pytest.raises(Failure, match="in use or locked"):
        remove("web")
    one.image.unlock(0)
    assert remove("web").changed
    assert images(one) == ["data"]


def test_a_template_of_images_that_are_gone_goes_too(one, remove):
    one.template.allocate({"NAME": "web", "DISK": [{"IMAGE": "nowhere"}, {"IMAGE_ID": "99"}]})
    assert remove("web").changed
    assert images(one) == ["data", "os"]


def test_a_template_with_a_single_disk_or_none(one, remove):
    one.template.allocate('NAME="one" DISK=[IMAGE="data"]')
    one.template.allocate('NAME="none" CPU="1"')
    assert remove("none").changed
    assert remove("one").changed
    assert images(one) == ["os"]


@pytest.mark.parametrize(("recursive", "names"), [(True, ["copy-disk-0", "data", "os"]), (False, ["data", "os"])])
def test_a_clone_has_clones_of_the_images(one, recursive, names):
    cloud = Cloud(one)
    wanted = {"clone_of": "tpl", "template": {"MEMORY": "128"}}
    found = Engine(cloud, TEMPLATE, Modes(recursive=recursive)).converge("copy", None, wanted).record
    assert (found["template"]["MEMORY"], images(one)) == ("128", names)


def test_a_check_run_tells_that_images_are_busy(one):
    one.image.lock(0, 1)
    with pytest.raises(Failure, match="in use or locked"):
        Engine(Cloud(one), TEMPLATE, Modes(recursive=True), apply=False).remove("tpl", None)


def test_a_network_template_is_made_of_a_template_or_of_another_one(one):
    with pytest.raises(Failure, match=r"give: template or clone_of\."):
        Engine(Cloud(one), VNTEMPLATE, apply=False).converge("lab", None, {})
    Engine(Cloud(one), VNTEMPLATE).converge("lab", None, {"template": {"VN_MAD": "dummy", "BRIDGE": "a"}})
    wanted = {"clone_of": "lab", "template": {"BRIDGE": "b"}, "lock": "use"}
    found = Engine(Cloud(one), VNTEMPLATE).converge("lab-2", None, wanted).record
    assert (found["template"], found["lock"]) == ({"VN_MAD": "dummy", "BRIDGE": "b"}, "use")
    assert not Engine(Cloud(one), VNTEMPLATE).converge("lab-2", None, wanted).changed
