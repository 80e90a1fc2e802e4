# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Objects to begin with, for tests of scale: so many of a kind, named seed-host-0, seed-host-1…

Hosts and VMs are like prototypes, which the methods of a cloud of their own make: VMs have disks, interfaces, a
context, a user template and a history, and lie on the hosts in a mix of states; where there are no hosts, on hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

from . import dummy
from .addresses import ip4_text
from .families import devices, host, lifecycle, membership
from .prototypes import Likeness, Marks, Prototype
from .store import Object

IMAGES = 1  # the datastore of images
Seed = Callable[[Any, int], None]  # of the cloud, and how many

# Numbers of the prototypes, which stand nowhere else in them.
VM_ID, HOST_ID, CPU, MEMORY = 777000001, 777100001, 777200001, 777300001
VNC_PORT = 5900
NETS = {"seed-private": (10, 0x4D0001), "seed-public": (172, 0x1D0001)}  # name -> first octet, the prototype's place
FIRST = 0x000100  # place of the first VM in each network

# Actions behind the deployment, each with its share of VMs in a cloud of twenty.
LIVES: list[tuple[str, int]] = [("", 14), ("poweroff-hard", 2), ("suspend", 1), ("stop", 1), ("undeploy-hard", 1)]
ROLES = ("web", "db", "cache", "queue", "build")
STAGES = ("prod", "test", "dev")


def allocated(method: str, arguments: Callable[[str], list[Any]]) -> Seed:
    """Seeds made by the method that users call; `arguments(name)` are those of one object."""
    kind = method.split(".")[1]

    def seed(cloud: Any, number: int) -> None:
        for i in range(number):
            cloud.act(method, arguments(f"seed-{kind}-{i}"))

    return seed


def network(name: str) -> list[Any]:
    return [f'NAME="{name}" VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="250"]', -1]


# ---------------------------------------------------------------- hosts and VMs out of prototypes


def workshop(cloud: Any) -> Any:
    """A cloud of the same release in which prototypes are made: its host and its VMs have their unusual numbers."""
    options = replace(cloud.options, delay=0, failures=[], seed={}, publisher=None, guests=None)
    made = type(cloud)(options)
    furnish(made)
    made["VM"].next_id, made["HOST"].next_id = VM_ID, HOST_ID
    made.act("one.host.allocate", [f"seed-host-{HOST_ID}", "dummy", "dummy", 0])
    made.events.run_due()
    return made


def furnish(cloud: Any) -> None:
    """What the VMs are made of: networks, an image and a template, the first of their kinds."""
    for name, (octet, _place) in NETS.items():
        more = f'GATEWAY="{octet}.255.255.254" DNS="{octet}.255.255.253" NETWORK_MASK="255.0.0.0"'
        addresses = f'AR=[TYPE="IP4",IP="{octet}.0.0.0",SIZE="16777216"]'
        cloud.act("one.vn.allocate", [f'NAME="{name}" VN_MAD="dummy" BRIDGE="br{octet}" {more} {addresses}', -1])
    cloud.act("one.image.allocate", ['NAME="seed-image" PATH="/seed.img"', IMAGES, True])
    cloud.act("one.template.allocate", ['NAME="seed-template" CPU="0.1" MEMORY="64"'])
    cloud.events.run_due()


def on_hosts(cloud: Any) -> list[Likeness]:
    return [each for each in cloud["HOST"] if isinstance(each, Likeness)]


def seed_hosts(cloud: Any, number: int) -> None:
    """Hosts seed-host-0…, monitored, in the default cluster."""
    if not number:
        return
    origin = workshop(cloud)["HOST"].get(HOST_ID)
    origin.cpu_usage, origin.mem_usage, origin.vms = CPU, MEMORY, {VM_ID}
    sample = dummy.host_sample(HOST_ID, origin.monitored)
    marks: Marks = {
        f"<RUNNING_VMS>{len(origin.vms)}<": lambda obj: f"<RUNNING_VMS>{len(obj.vms)}<",
        f"<ID>{VM_ID}</ID>": lambda obj: "".join([f"<ID>{oid}</ID>" for oid in sorted(obj.vms)]),
        sample: lambda obj: dummy.host_sample(obj.oid, obj.monitored),
        str(HOST_ID): lambda obj: str(obj.oid),
        str(CPU): lambda obj: str(obj.cpu_usage),
        str(MEMORY): lambda obj: str(obj.mem_usage),
    }
    prototype, cluster = Prototype(origin, marks), cloud["CLUSTER"].get(membership.DEFAULT)
    same = {name: value for name, value in vars(origin).items() if isinstance(value, (int, str))}
    for i in range(number):
        own = {**same, "name": f"seed-host-{i}", "cpu_usage": 0, "mem_usage": 0, "vms": set()}
        obj = Likeness(host.HOST, prototype, **own)
        cloud["HOST"].bootstrap(obj)
        cluster.hosts.add(obj.oid)


def seed_vms(cloud: Any, number: int) -> None:
    """VMs seed-vm-0…"""
    if not number:
        return
    furnish(cloud)
    hosts = on_hosts(cloud)
    prototypes = [Prototype(origin, marks_of(origin)) for origin in originals(cloud, bool(hosts))]
    for i, prototype in enumerate(islice(cycle(prototypes), number)):
        origin = prototype.origin
        known = {name: getattr(origin, name) for name in KNOWN}
        obj = Likeness(origin.kind, prototype, **known, name=f"seed-vm-{i}", place=FIRST + i, hid=-1)
        cloud["VM"].bootstrap(obj)
        if origin.history:
            settle(obj, hosts[i % len(hosts)])


KNOWN = "uid gid uname gname bits state lcm_state etime".split()  # what pools and the scheduler ask of each VM


def settle(obj: Likeness, where: Likeness) -> None:
    """The VM was on this host and, if it has not left it, takes its room."""
    obj.hid = where.oid
    if obj.state not in lifecycle.HOSTLESS:
        where.vms.add(obj.oid)
        where.cpu_usage += 10
        where.mem_usage += 64 * 1024


def originals(cloud: Any, deployed: bool) -> list[Object]:
    """The VMs that the others are like, in a mix of states, roles and stages."""
    made = workshop(cloud)
    lives = [life for life, share in LIVES for dummy in range(share)] if deployed else []
    found = []
    for i, life in enumerate([*lives, None]):
        oid = made["VM"].next_id = VM_ID
        made.act("one.vm.allocate", [body(ROLES[i % len(ROLES)], STAGES[i % len(STAGES)]), True])
        if life is not None:
            made.act("one.vm.deploy", [oid, HOST_ID, False, -1, ""])
            made.events.run_due()
        if life:
            made.act("one.vm.action", [life, oid])
            made.events.run_due()
        found.append(taken_out(made, made["VM"].get(oid)))
    return found


def taken_out(cloud: Any, vm: Object) -> Object:
    """A VM that its cloud no longer knows, so that another one can have its ID and addresses."""
    devices.release(cloud, vm)
    cloud["VM"].drop(vm)
    return vm


def body(role: str, stage: str) -> str:
    """The template of a VM as people write them."""
    nics = " ".join(
        f'NIC=[NETWORK="{name}",IP="{ip4_text((octet << 24) + place)}"]' for name, (octet, place) in NETS.items()
    )
    script = "\\n".join([f"echo step {number} of the {role} in {stage} >> /var/log/setup.log" for number in range(40)])
    return (
        f'NAME="seed-vm-{VM_ID}" CPU="0.1" VCPU="2" MEMORY="64" TEMPLATE_ID="0" DISK=[IMAGE="seed-image"]'
        f' DISK=[TYPE="fs",FORMAT="raw",SIZE="64"] {nics} GRAPHICS=[TYPE="VNC",LISTEN="127.0.0.1"] OS=[ARCH="x86_64"]'
        f' CONTEXT=[NETWORK="YES",SSH_PUBLIC_KEY="ssh-ed25519 {"A" * 68} ops@example.org",START_SCRIPT="{script}"]'
        f' LABELS="shop,{stage}/{role}" ROLE="{role}" ENVIRONMENT="{stage}" OWNER_MAIL="ops@example.org" SSH_PORT="22"'
        f' DESCRIPTION="The {role} of the <shop> & more" LOGO="images/logos/linux.png" HYPERVISOR="kvm"'
    )


def marks_of(origin: Object) -> Marks:
    """Where a VM differs from its prototype: ID, host, console, addresses."""
    found: dict[str, Callable[[Object], str]] = {
        str(VM_ID): lambda obj: str(obj.oid),
        str(HOST_ID): lambda obj: str(obj.hid),
        str(VNC_PORT + VM_ID): lambda obj: str(VNC_PORT + obj.oid % 60000),
        f"seed-vm-{VM_ID}": lambda obj: obj.name,
    }
    for octet, place in NETS.values():
        first = octet << 24
        found[ip4_text(first + place)] = lambda obj, first=first: ip4_text(first + obj.place)
        mac = dummy_mac(first + place)
        found[mac] = lambda obj, first=first: dummy_mac(first + obj.place)
    return found


def dummy_mac(address: int) -> str:
    """The MAC that holds an IPv4 address."""
    return ":".join(["02", "00", *[f"{address >> shift & 255:02x}" for shift in (24, 16, 8, 0)]])


# In the order in which they are made: VMs find the hosts there.
SEEDS: dict[str, Seed] = {
    "groups": allocated("one.group.allocate", lambda name: [name]),
    "users": allocated("one.user.allocate", lambda name: [name, "password", "core", []]),
    "clusters": allocated("one.cluster.allocate", lambda name: [name]),
    "hosts": seed_hosts,
    "vms": seed_vms,
    "networks": allocated("one.vn.allocate", network),
    "images": allocated("one.image.allocate", lambda name: [f'NAME="{name}" PATH="/{name}.img"', IMAGES, True]),
    "templates": allocated("one.template.allocate", lambda name: [f'NAME="{name}" CPU="0.1" MEMORY="64"']),
}
