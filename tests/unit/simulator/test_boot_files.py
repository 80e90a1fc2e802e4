# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What VMs boot from, and their consoles: what no recording shows."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest


@pytest.fixture
def allocate(one):
    """allocate(attributes) -> the answer, in a cloud with a kernel (image 0), a RAM disk (1), and one disabled (2)."""
    for name in ("DS_MAD", "TM_MAD"):
        one("datastore.update", 2, f'{name}="dummy"', 1)
    for name, kind in (("linux", "KERNEL"), ("ram", "RAMDISK"), ("off", "RAMDISK")):
        one("image.allocate", f'NAME="{name}" TYPE="{kind}" PATH="/x"', 2)
    one("image.info", 2)
    one("image.enable", 2, False)

    def call(attributes):
        return one("vm.allocate", f'CPU="0.1" MEMORY="32" {attributes}', True)

    return call


@pytest.mark.parametrize("kernel", ["IMAGE_ID=0", 'IMAGE=\\"linux\\"', 'IMAGE=\\"linux\\", IMAGE_UNAME=\\"oneadmin\\"'])
def test_where_the_files_are(one, allocate, kernel):
    assert allocate(f'OS=[KERNEL_DS="$FILE[{kernel}]",INITRD_DS="$FILE[IMAGE_ID=1]",KERNEL="/boot/own"]')[0]
    booted = ElementTree.fromstring(one("vm.info", 0)[1]).find("TEMPLATE/OS")
    found = {each.tag: each.text for each in booted}
    assert [found[f"KERNEL_DS_{name}"] for name in ("ID", "DSID", "TM", "CLUSTER_ID")] == ["0", "2", "dummy", "0"]
    assert found["INITRD_DS_ID"] == "1"
    assert found["KERNEL_DS_SOURCE"]
    assert "KERNEL" not in found


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ('OS=[KERNEL_DS="$FILE[IMAGE_ID=9]"]', "Image no longer exists in attribute: $FILE[IMAGE_ID=9]"),
        ('OS=[KERNEL_DS="$FILE[IMAGE_ID=1]"]', "KERNEL needs an image of type KERNEL and not RAMDISK"),
        ('OS=[INITRD_DS="$FILE[IMAGE_ID=2]"]', "RAMDISK Image '2' 'not in READY state."),
        ('OS=[KERNEL_DS="/boot/own"]', "Only one FILE variable can be used in: /boot/own"),
        ('GRAPHICS=[TYPE="vnc",PORT="65536"]', "Wrong PORT number in GRAPHICS attribute"),
        ('GRAPHICS=[TYPE="vnc",PORT="one"]', "Wrong PORT number in GRAPHICS attribute"),
    ],
)
def test_what_cannot_be(one, allocate, attributes, why):
    assert allocate(attributes)[1] == f"[one.vm.allocate] {why}"
    assert "<VM>" not in one("vmpool.info", -2, -1, -1, -1, "")[1]
