# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Objects to begin with, for tests of scale: so many of a kind, named seed-host-0, seed-host-1…"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .families import host, vm

IMAGES = 1  # the datastore of images
Seed = Callable[[Any, int], None]  # of the cloud, and how many


def allocated(method: str, arguments: Callable[[str], list[Any]]) -> Seed:
    """Seeds made by the method that users call; `arguments(name)` are those of one object."""
    kind = method.split(".")[1]

    def seed(cloud: Any, number: int) -> None:
        for i in range(number):
            cloud.act(method, arguments(f"seed-{kind}-{i}"))

    return seed


def network(name: str) -> list[Any]:
    return [f'NAME="{name}" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="250"]', -1]


# In the order in which they are made: VMs find the hosts there.
SEEDS: dict[str, Seed] = {
    "groups": allocated("one.group.allocate", lambda name: [name]),
    "users": allocated("one.user.allocate", lambda name: [name, "password", "core", []]),
    "clusters": allocated("one.cluster.allocate", lambda name: [name]),
    "hosts": host.seed,
    "networks": allocated("one.vn.allocate", network),
    "images": allocated("one.image.allocate", lambda name: [f'NAME="{name}" PATH="/{name}.img"', IMAGES, True]),
    "templates": allocated("one.template.allocate", lambda name: [f'NAME="{name}" CPU="0.1" MEMORY="64"']),
    "vms": vm.seed,
}
