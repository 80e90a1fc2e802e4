# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Images that fail or are used, and the VMs and templates that go with them."""

from __future__ import annotations

import time
from xml.etree import ElementTree

import pytest

ACTION, INTERNAL, AUTHORIZATION = 0x800, 0x2000, 0x200
READY, USED, ERROR, CLONE, USED_PERS, LOCKED_USED_PERS = "1", "2", "5", "6", "8", "10"
HOLD, PENDING, CLONING, CLONING_FAILURE = "2", "1", "10", "11"
OS = 'NAME="os" PATH="/os" TYPE="OS"'
DISK = 'CPU="0.1" MEMORY="32" DISK=[IMAGE_ID="0"]'


@pytest.fixture
def state(one):
    """state("image", 0) -> its STATE; None when it is gone."""

    def shown(kind, oid):
        ok, answer = one(f"{kind}.info", oid)[:2]
        return ElementTree.fromstring(answer).findtext("STATE") if ok else None

    return shown


# ---------------------------------------------------------------- VMs that wait for images


def test_a_persistent_vm_waits_for_its_images(simulator, one, state):
    one("image.allocate", OS, 1)
    one("template.allocate", f'NAME="t" {DISK}')
    simulator.cloud.events.delay = 3600
    assert one("template.instantiate", 0, "mine", False, "", True)[:2] == [True, 0]
    assert (state("vm", 0), state("image", 1), state("image", 0)) == (CLONING, LOCKED_USED_PERS, USED)
    assert "<CLONING><![CDATA[YES]]></CLONING>" in one("vm.info", 0)[1]
    assert one("vm.action", "hold", 0)[2] == ACTION
    simulator.cloud.events.clock = lambda: time.time() + 4000
    assert (state("vm", 0), state("image", 1), state("image", 0)) == (PENDING, USED_PERS, READY)
    shown = one("vm.info", 0)[1]
    assert "CLONING>" not in shown.replace("CLONING_TEMPLATE_ID", "")
    assert "<SOURCE><![CDATA[dummy_path]]></SOURCE>" in shown


def test_a_vm_whose_image_fails_waits_until_somebody_enables_it(simulator, one, state):
    one("image.allocate", OS, 1)
    one("template.allocate", f'NAME="t" {DISK}')
    simulator.cloud.events.failures.append(("clone", "image-1"))
    one("template.instantiate", 0, "mine", True, "", True)
    assert (state("vm", 0), state("image", 1)) == (CLONING_FAILURE, ERROR)
    assert "Error clone image" in one("image.info", 1)[1]
    one("image.enable", 1, True)
    assert (state("vm", 0), state("image", 1)) == (HOLD, USED_PERS)
    one("vm.action", "terminate", 0)
    assert state("image", 1) == READY


def test_a_vm_that_ends_while_it_waits_lets_the_image_go(simulator, one, state):
    one("image.allocate", OS, 1)
    one("template.allocate", f'NAME="t" {DISK}')
    simulator.cloud.events.failures.append(("clone", "image-1"))
    one("template.instantiate", 0, "mine", True, "", True)
    assert one("vm.action", "terminate", 0)[0]
    assert state("vm", 0) == "6"
    one("image.enable", 1, True)
    assert (state("vm", 0), state("image", 1)) == ("6", READY)


# ---------------------------------------------------------------- states


@pytest.mark.parametrize(("persistent", "held"), [("NO", USED), ("YES", CLONE)])
def test_an_image_that_is_cloned_is_held(simulator, one, state, persistent, held):
    one("image.allocate", f'{OS} PERSISTENT="{persistent}"', 1)
    assert state("image", 0) == READY
    simulator.cloud.events.delay = 3600
    assert one("image.clone", 0, "copy", -1)[:2] == [True, 1]
    assert state("image", 0) == held
    why = "There are 1 active clone operations." if held == CLONE else "There are 0 VMs using it."
    assert one("image.delete", 0)[1:3] == [f"[one.image.delete] Cannot delete image. {why}", ACTION]
    locked = "Image locked, use --force flag to remove the image. Force delete may leave some files on Datastore"
    assert one("image.delete", 1)[1:4] == [f"[one.image.delete] {locked}", INTERNAL, 1]
    assert one("image.delete", 1, True)[0]
    assert (state("image", 0), state("image", 1)) == (READY, None)


def test_what_an_image_in_use_refuses(one, state):
    one("image.allocate", OS, 1)
    one("vm.allocate", DISK, True)
    for method, arguments, why, code in (
        ("delete", [], "Cannot delete image. There are 1 VMs using it.", ACTION),
        ("enable", [False], "Could not disable image: Image cannot be in state USED.", INTERNAL),
        ("enable", [True], "Could not enable image: Image cannot be in state USED.", INTERNAL),
    ):
        assert one(f"image.{method}", 0, *arguments)[1:3] == [f"[one.image.{method}] {why}", code]
    assert one("image.persistent", 0, False)[0]
    assert one("image.persistent", 0, True)[2] == INTERNAL
    assert one("image.clone", 0, "copy", -1)[0]
    assert state("image", 0) == USED


@pytest.mark.parametrize("action", ["mkfs", "cp", "rm"])
def test_what_drivers_fail(simulator, one, state, action):
    simulator.cloud.events.failures.append((action, "image-0"))
    one("image.allocate", OS if action == "cp" else 'NAME="b" SIZE="1" TYPE="DATABLOCK"', 1)
    if action == "rm":
        assert state("image", 0) == READY
        one("image.delete", 0)
    assert state("image", 0) == ERROR
    assert one("vm.allocate", DISK, True)[1] == (
        "[one.vm.allocate] DISK 0: Cannot acquire image 0, it is in state: ERROR"
    )


def test_defaults_of_users_for_persistence(one):
    one("user.update", 0, 'DEFAULT_IMAGE_PERSISTENT_NEW="YES" DEFAULT_IMAGE_PERSISTENT="NO"', 1)
    one("image.allocate", OS, 1)
    one("image.allocate", 'NAME="kernel" PATH="/k" TYPE="KERNEL"', 2)
    one("image.allocate", 'NAME="b" SIZE="1" TYPE="DATABLOCK" PERSISTENT="NO"', 1)
    one("image.clone", 0, "copy", -1)
    found = [ElementTree.fromstring(one("image.info", oid)[1]).findtext("PERSISTENT") for oid in range(4)]
    assert found == ["1", "0", "0", "0"]


def test_a_clone_goes_into_a_datastore_of_the_same_driver(one):
    one("image.allocate", OS, 1)
    one("datastore.allocate", 'NAME="more" DS_MAD="dummy" TM_MAD="dummy"', 0)
    assert one("image.clone", 0, "copy", 100)[1:3] == [
        "[one.image.clone] Clone only supported to same DS_MAD Datastores",
        ACTION,
    ]
    one("datastore.update", 1, 'DS_MAD="dummy"', 1)
    assert one("image.clone", 0, "copy", 100)[0]
    assert "<DATASTORE>more</DATASTORE>" in one("image.info", 1)[1]
    one("datastore.rename", 100, "renamed")
    assert "<DATASTORE>renamed</DATASTORE>" in one("image.info", 1)[1]


def test_restricted_attributes_and_capacity_of_users(one):
    one("user.allocate", "alice", "secret", "core", [])
    for given, why, code in (
        (
            'NAME="x" SOURCE="/x" SIZE="1" FORMAT="raw"',
            "User [2] : Template includes a restricted attribute SOURCE.",
            AUTHORIZATION,
        ),
        ('NAME="huge" SIZE="99999999" TYPE="DATABLOCK"', "Not enough space in datastore", ACTION),
    ):
        answer = one("image.allocate", given, 1, True, session="alice:secret")
        assert answer[1:3] == [f"[one.image.allocate] {why}", code]


# ---------------------------------------------------------------- templates and their images


def test_a_copy_of_a_template_that_fails_leaves_nothing(one, state):
    one("image.allocate", OS, 1)
    one("image.allocate", 'NAME="b" SIZE="1" TYPE="DATABLOCK"', 1)
    one("image.enable", 1, False)
    one("template.allocate", f'NAME="t" {DISK} DISK=[IMAGE_ID="1"]')
    why = "Failed to clone images: Cannot clone image in state: DISABLED"
    assert one("template.clone", 0, "copy", True)[1:3] == [f"[one.template.clone] {why}", ACTION]
    assert (one("template.info", 1)[0], one("image.info", 2)[0], state("image", 0)) == (False, False, READY)
    assert "<ID>2</ID>" not in one("datastore.info", 1)[1]


def test_a_copy_of_a_template_with_an_image_that_is_gone(one):
    """By its id it is missed, by its name it is not, and stays as it is."""
    one("template.allocate", 'NAME="id" DISK=[IMAGE_ID="999"]')
    one("template.allocate", 'NAME="name" DISK=[IMAGE="gone"]')
    assert one("template.clone", 0, "copy", True)[1:3] == ["[one.template.clone] Failed to clone images: ", ACTION]
    assert one("template.clone", 1, "copy", True)[0] is True


def test_what_recursion_cannot_reach(one, state):
    one("user.allocate", "alice", "secret", "core", [])
    one("image.allocate", OS, 1)
    one("image.chmod", 0, *[-1] * 6, 1, 0, 0)
    one("template.allocate", f'NAME="t" {DISK}', session="alice:secret")
    bits = [1, 1, 0, 1, 0, 0, 0, 0, 0]
    assert one("template.chmod", 0, *bits, True, session="alice:secret")[1:3] == [
        "[one.template.chmod] Cannot chmod image: 0",
        ACTION,
    ]
    assert "<GROUP_U>1</GROUP_U>" in one("template.info", 0)[1]
    assert one("template.delete", 0, True, session="alice:secret")[0]
    assert (one("template.info", 0)[0], state("image", 0)) == (False, READY)


def test_extended_info_needs_the_right_to_use_what_it_shows(one):
    one("user.allocate", "alice", "secret", "core", [])
    one("image.allocate", OS, 1)
    one("template.allocate", f'NAME="t" {DISK}', session="alice:secret")
    assert one("template.info", 0, session="alice:secret")[0]
    assert one("template.info", 0, True, session="alice:secret")[1] == (
        "[one.template.info] User [2] : Not authorized to perform USE IMAGE [0]."
    )
    assert "<SOURCE><![CDATA[dummy_path]]></SOURCE>" in one("template.info", 0, True)[1]
    assert "SOURCE" not in one("template.info", 0)[1]


def test_all_rights_that_an_instance_lacks_are_named(one):
    one("user.allocate", "alice", "secret", "core", [])
    one("image.allocate", OS, 1)
    one("vmgroup.allocate", 'NAME="g" ROLE=[NAME="a"]')
    one("template.allocate", f'NAME="t" {DISK} VMGROUP=[VMGROUP_ID="0",ROLE="a"]')
    assert one("template.instantiate", 0, "", True, "", False, session="alice:secret")[1] == (
        "[one.template.instantiate] User [2] : Not authorized to perform USE TEMPLATE [0];"
        " Not authorized to perform USE IMAGE [0]; Not authorized to perform USE VMGROUP [0]."
    )
