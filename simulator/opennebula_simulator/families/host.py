# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Hosts: monitored by the dummy driver, with capacity, PCI devices and NUMA nodes."""

from __future__ import annotations

from collections.abc import Iterable

from .. import dummy, generic
from ..calls import Call, Method
from ..errors import internal
from ..store import NAMED, Kind, Object, cdata, ids, template, text
from ..template import Template, attribute
from . import membership, vdc
from .capacity import reserve

STATES = {0: "INIT", 2: "MONITORED", 3: "ERROR", 4: "DISABLED", 8: "OFFLINE"}
INIT, MONITORED, ERROR, DISABLED, OFFLINE = STATES
ENABLE, DISABLE, GO_OFFLINE = 0, 1, 2  # arguments of one.host.status

MAX_HOSTNAME = 63
HOSTNAME_PUNCTUATION = "-._:"
MONITORING_INTERVAL = 10  # seconds between two reports
KEPT_SAMPLES = 360
LATEST, EVERY = 0, -1  # arguments of one.hostpool.monitoring


def share(obj: Object) -> str:
    disks = attribute("DATASTORES", dummy.HOST_DISKS if obj.nodes else dict.fromkeys(dummy.HOST_DISKS, "0"))
    devices = "".join([attribute("PCI", device) for device in obj.pci])
    return (
        f"<HOST_SHARE><MEM_USAGE>{obj.mem_usage}</MEM_USAGE><CPU_USAGE>{obj.cpu_usage}</CPU_USAGE>"
        f"<TOTAL_MEM>{obj.total_mem}</TOTAL_MEM><TOTAL_CPU>{obj.total_cpu}</TOTAL_CPU>"
        f"<MAX_MEM>{obj.max_mem}</MAX_MEM><MAX_CPU>{obj.max_cpu}</MAX_CPU>"
        f"<RUNNING_VMS>{len(obj.vms)}</RUNNING_VMS><VMS_THREAD>1</VMS_THREAD>{disks}"
        f"<PCI_DEVICES>{devices}</PCI_DEVICES><NUMA_NODES>{''.join(map(node, obj.nodes))}</NUMA_NODES></HOST_SHARE>"
    )


def node(parts: dict) -> str:
    inner = "".join([attribute(name, item) for name in ("CORE", "HUGEPAGE", "MEMORY") for item in parts[name]])
    return f"<NODE>{inner}{attribute('NODE_ID', parts['NODE_ID'])}</NODE>"


def samples(obj: Object) -> str:
    return dummy.host_sample(obj.oid, obj.monitored) if obj.monitored else "<MONITORING></MONITORING>"


HOST = Kind(
    name="HOST",
    title="host",
    method="host",
    root="HOST",
    layout=(
        *NAMED,
        text("STATE", "state"),
        text("PREV_STATE", "prev_state"),
        cdata("IM_MAD", "im_mad"),
        cdata("VM_MAD", "vm_mad"),
        text("CLUSTER_ID", "cluster_id"),
        text("CLUSTER", "cluster"),
        share,
        ids("VMS", "vms"),
        template(),
        samples,
    ),
    owned=False,
    unique="pool",
    allocates=True,
    clusters=lambda obj: (obj.cluster_id,),
)


# ---------------------------------------------------------------- creation


def allocate(call: Call, name: str, im_mad: str, vm_mad: str, cluster_id: int) -> int:
    cluster = call.find("CLUSTER", membership.DEFAULT if cluster_id == -1 else cluster_id)
    call.require(call.need("CREATE", "HOST"), call.need("ADMIN", cluster))
    with call.allocating(HOST):
        check(name, im_mad, vm_mad)
    host = new(name, im_mad, vm_mad)
    oid = call.allocate(host)
    membership.put_host(cluster, host)
    call.cloud.events.after(1, monitor, call.cloud, oid)
    return oid


def check(name: str, im_mad: str, vm_mad: str) -> None:
    """Raises Refused when a host cannot be made of these."""
    if not 0 < len(name) <= MAX_HOSTNAME:
        raise internal("Invalid HOSTNAME, HOSTNAME length should be greater than 1, but smaller than 64 characters")
    bad = next((char for char in name if not (char.isalnum() or char in HOSTNAME_PUNCTUATION)), None)
    if bad is not None:
        raise internal(f"Invalid HOSTNAME, '{bad}' is invalid character for a HOSTNAME")
    missing = {"IM_MAD_NAME": im_mad, "VMM_MAD_NAME": vm_mad}
    for mad, given in missing.items():
        if not given:
            raise internal(f"{mad} cannot be empty.")


def new(name: str, im_mad: str, vm_mad: str) -> Object:
    body = Template([("IM_MAD", im_mad), ("VM_MAD", vm_mad), ("RESERVED_CPU", ""), ("RESERVED_MEM", "")])
    return Object(
        HOST,
        name,
        body,
        state=INIT,
        prev_state=INIT,
        im_mad=im_mad,
        vm_mad=vm_mad,
        cluster_id=-1,
        cluster="",
        mem_usage=0,  # KiB and percent of a core that VMs take
        cpu_usage=0,
        total_mem=0,
        total_cpu=0,
        max_mem=0,  # total less what host or cluster reserve
        max_cpu=0,
        pci=[],
        nodes=[],
        vms=set(),
        first_monitored=0,  # time of the first report, and of the last that was looked at
        monitored=0,
    )


# ---------------------------------------------------------------- monitoring and capacity


def monitor(cloud: object, oid: int) -> None:
    """Event: the driver reports, or fails to."""
    host = cloud["HOST"].get(oid)
    if host is None or host.state == OFFLINE:
        return
    if cloud.events.fails("monitor", host.key):
        set_state(host, ERROR)
        host.template.set("ERROR", f"{cloud.events.date()} : Error monitoring Host {host.name} ({host.oid})")
        return
    report(cloud, host)
    if host.state != DISABLED:
        set_state(host, MONITORED)


def report(cloud: object, host: Object) -> None:
    """What a monitoring message brings; what users wrote under the same names goes."""
    host.template.erase("ERROR")
    for name, value in host.release.shown("HOST", dummy.host_attributes(host.name)).items():
        host.template.set(name, value)
    host.pci = host.pci or dummy.pci_devices(host.release)
    host.nodes = host.nodes or dummy.numa_nodes()
    host.total_cpu, host.total_mem = dummy.TOTAL_CPU, dummy.TOTAL_MEM
    host.monitored = cloud.events.time()
    host.first_monitored = host.first_monitored or host.monitored
    reserve(cloud, host)


def set_state(host: Object, state: int) -> None:
    """The server keeps the previous state only until the next read of the object: both are the same to a client."""
    host.state = host.prev_state = state


# ---------------------------------------------------------------- methods


def set_status(call: Call, host: Object, status: int) -> None:
    if status not in (ENABLE, DISABLE, GO_OFFLINE):
        raise internal("Wrong status code")
    if status == DISABLE:
        set_state(host, DISABLED)
    elif status == GO_OFFLINE:
        set_state(host, OFFLINE)
        host.total_cpu = host.total_mem = host.max_cpu = host.max_mem = 0
        host.template.erase(*dummy.CAPACITY)
    else:
        set_state(host, INIT)
        call.cloud.events.after(1, monitor, call.cloud, host.oid)


def normalise(call: Call, host: Object, body: Template) -> None:
    """The drivers are fields of the host: the template changes them, and cannot lose them."""
    for name, field in (("IM_MAD", "im_mad"), ("VM_MAD", "vm_mad")):
        setattr(host, field, body.text(name) or getattr(host, field))
        body.set(name, getattr(host, field))


def updated(call: Call, host: Object) -> None:
    reserve(call.cloud, host)
    events = call.cloud.events
    events.at(events.now() + MONITORING_INTERVAL, refresh, call.cloud, host.oid)


def refresh(cloud: object, oid: int) -> None:
    """Event: the next message of a host that is monitored brings back what an update removed."""
    host = cloud["HOST"].get(oid)
    if host is not None and host.state in (MONITORED, DISABLED):
        report(cloud, host)


def removed(call: Call, host: Object) -> None:
    membership.take_host(call.cloud, host)
    vdc.forget(call.cloud, "hosts", host.oid)


def moments(host: Object, now: int) -> range:
    """When the host reported; the dummy driver needs not be asked to know what it said."""
    if not host.monitored:
        return range(0)
    last = now if host.state in (MONITORED, DISABLED) else host.monitored
    return range(host.first_monitored, last + 1, MONITORING_INTERVAL)[-KEPT_SAMPLES:]


def monitoring_data(found: Iterable[tuple[Object, Iterable[int]]]) -> str:
    shown = [dummy.host_sample(host.oid, moment) for host, times in found for moment in times]
    return f"<MONITORING_DATA>{''.join(shown)}</MONITORING_DATA>"


def renamed(call: Call, host: Object) -> None:
    for oid in host.vms:
        call.pool("VM").get(oid).history[-1]["hostname"] = host.name


def monitoring(call: Call, host: Object) -> str:
    return monitoring_data([(host, moments(host, call.cloud.events.time()))])


def pool_monitoring(call: Call, seconds: int) -> str:
    """All samples, the latest of each host, or those of the last seconds."""
    now = call.cloud.events.time()
    found = []
    for host in generic.visible(call, HOST, generic.ALL):
        times = moments(host, now)
        if seconds == LATEST:
            times = times[-1:]
        found.append((host, [moment for moment in times if seconds in (LATEST, EVERY) or moment > now - seconds]))
    return monitoring_data(found)


KINDS = [HOST]
METHODS = [
    Method("one.host.allocate", "name:string, im_mad:string, vm_mad:string, cluster_id:int", allocate),
    generic.delete(
        HOST,
        "ADMIN",
        refuse=lambda call, host: "Can not remove a host with running VMs" if host.vms else None,
        after=removed,
    ),
    generic.info(HOST),
    generic.update(HOST, "ADMIN", normalise, updated),
    generic.rename(HOST, "ADMIN", renamed),
    Method("one.host.status", "oid:int, status:int", set_status, needs="ADMIN HOST"),
    Method("one.host.monitoring", "oid:int", monitoring, needs="USE HOST ignoring locks", reads=True),
    generic.pool_info(HOST),
    Method("one.hostpool.monitoring", "seconds:int=-1", pool_monitoring, reads=True),
]
