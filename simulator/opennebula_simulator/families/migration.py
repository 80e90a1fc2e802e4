# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Where a VM is put and moved to: one.vm.deploy and one.vm.migrate, with what host, datastore and cluster must be."""

from __future__ import annotations

from ..calls import Call, Method
from ..errors import internal, wrong_action
from ..quotas import charge
from ..store import Object
from ..template import Vector
from . import capacity, context, lifecycle, nics, pci, usage
from .host import OFFLINE
from .scheduler import SYSTEM_DS, system_datastore
from .topology import is_pinned

KEEP = -1  # the datastore that the VM is in
SAVED, OFF, HARD_OFF = range(3)  # how a running VM is moved: saved, shut down, or cut off
RECORDED = {OFF: "poweroff-migrate", HARD_OFF: "poweroff-hard-migrate"}
DRIVER = {OFF: "shutdown", HARD_OFF: "cancel"}
RUNNING, UNKNOWN = (lifecycle.ACTIVE, lifecycle.RUNNING), (lifecycle.ACTIVE, lifecycle.UNKNOWN)
AT_REST = {  # a VM that does not run: its way, and the steady state behind it
    (lifecycle.POWEROFF, 0): ([lifecycle.PROLOG_MIGRATE_POWEROFF], lifecycle.POWEROFF),
    (lifecycle.SUSPENDED, 0): ([lifecycle.PROLOG_MIGRATE_SUSPEND], lifecycle.SUSPENDED),
    UNKNOWN: ([lifecycle.PROLOG_MIGRATE_UNKNOWN, lifecycle.BOOT], lifecycle.ACTIVE),
}
WAITING = (lifecycle.PENDING, lifecycle.HOLD, lifecycle.STOPPED, lifecycle.UNDEPLOYED)


# ---------------------------------------------------------------- hosts and datastores


def find_host(call: Call, host_id: int) -> Object:
    """Raises Refused when there is no such host, or it is offline."""
    host = call.find("HOST", host_id)
    if host.state == OFFLINE:
        raise wrong_action("Host is offline, cannot use it to deploy VM")
    return host


def refuse_other_types(datastore: Object) -> None:
    if datastore.type != SYSTEM_DS:
        raise internal(
            f"Trying to use datastore [{datastore.oid}] to deploy the VM, but it is not of type system datastore."
        )


def refuse_overcommit(vm: Object, host: Object) -> None:
    why = capacity.lacking(host, *capacity.needed(vm))
    if why:
        raise wrong_action(f"virtual machine [{vm.oid}] does not fit in host [{host.oid}]. {why}")


# ---------------------------------------------------------------- deploy


def deploy(call: Call, oid: int, host_id: int, check: bool, ds_id: int, networks: str) -> None:
    chosen = call.template(networks).vectors("NIC") if networks else []
    host = find_host(call, host_id)
    vm = call.find("VM", oid)
    datastore = chosen_datastore(call, vm, host, ds_id)
    call.require(call.need("deploy", vm), call.need("MANAGE", host), call.need("USE", datastore))
    if vm.state not in WAITING:
        raise wrong_action(f"Deploy action is not available for state {lifecycle.state_name(vm)}")
    if check or is_pinned(vm):
        refuse_overcommit(vm, host)
    if not pci.available(host, vm):
        raise wrong_action(f"virtual machine [{vm.oid}] does not fit in host [{host.oid}]. Unavailable PCI device.")
    for nic in chosen if not left_files(vm) else []:
        connect(call, vm, nic)
    usage.charge_running(call, vm)
    usage.enter_cluster(call, vm, host.cluster_id)
    lifecycle.deploy(call.cloud, vm, host, datastore)


def left_files(vm: Object) -> bool:
    """Whether the VM was deployed before, and its files wait."""
    return bool(vm.history) and vm.history[-1]["action"] in lifecycle.LEFT_FILES


def connect(call: Call, vm: Object, chosen: Vector) -> None:
    """An interface whose network is chosen at deployment gets it, with a lease. Raises Refused."""
    number = chosen.get("NIC_ID", "")
    nic = nics.of(vm, int(number)) if number.isdigit() else None
    if nic is None or nic.get("NETWORK_MODE", "").upper() != "AUTO" or "NETWORK_ID" in nic:
        return
    network = nics.find_network(call, chosen, vm.uid)
    call.require(*nics.needs(call, network, nic))
    charge(call, usage.of_leases([str(network.oid)]), vm.uid, vm.gid)
    fresh = nics.groups_of(nics.interfaces(vm))
    nic.update(nics.lease(call, vm, int(number), {**nic, "NETWORK_ID": str(network.oid)}))
    nics.adopt_groups(call.cloud, vm, nics.groups_of([nic]) - fresh)
    network.updated_vms.add(vm.oid)
    context.add_nic(call.cloud, vm, nic)


def chosen_datastore(call: Call, vm: Object, host: Object, ds_id: int) -> Object:
    """The datastore asked for, the one that holds the VM's files, or else the host's. Raises Refused."""
    if ds_id == KEEP and left_files(vm):
        ds_id = vm.history[-1]["ds_id"]
    datastore = system_datastore(call.cloud, host) if ds_id == KEEP else call.find("DATASTORE", ds_id)
    if datastore is None:
        raise wrong_action(f"cluster [{host.cluster_id}] does not have any datastore of type SYSTEM_DS.")
    refuse_other_types(datastore)
    if host.cluster_id not in datastore.cluster_ids:
        raise wrong_action(
            f"datastore [{datastore.oid}] and host [{host.oid}] are not in the same cluster [{host.cluster_id}]."
        )
    return datastore


# ---------------------------------------------------------------- migrate


def migrate(call: Call, oid: int, host_id: int, live: bool, check: bool, ds_id: int, how: int) -> None:
    host = find_host(call, host_id)
    target = None if ds_id == KEEP else call.find("DATASTORE", ds_id)
    vm = call.find("VM", oid)
    places = [call.need("MANAGE", host)] + ([] if target is None else [call.need("USE", target)])
    call.require(call.need("migrate", vm), *places)
    refuse_state(vm, live)
    here = vm.history[-1]
    refuse_place(here, host, target, live and not call.cloud.release.live_migrates_both)
    if check:
        refuse_overcommit(vm, host)
    refuse_devices(vm, how)
    refuse_cluster(vm, host)
    datastore = call.find("DATASTORE", here["ds_id"]) if target is None else target
    refuse_datastore(vm, here, host, datastore, live)
    usage.enter_cluster(call, vm, host.cluster_id)
    begin(call, vm, host, datastore, live, how)


def refuse_state(vm: Object, live: bool) -> None:
    state = (vm.state, vm.lcm_state)
    if state != RUNNING and state not in AT_REST:
        raise wrong_action(f"Migrate action is not available for state {lifecycle.state_name(vm)}")
    if live and is_pinned(vm):
        raise wrong_action("VM with a pinned NUMA topology cannot be live-migrated")
    if live and any(disk.get("TYPE", "").upper() == "FILESYSTEM" for disk in vm.template.vectors("DISK")):
        raise wrong_action("VM with FILESYSTEM disks cannot be live-migrated")


def refuse_place(here: dict, host: Object, target: Object | None, live: bool) -> None:
    moves = target is not None and target.oid != here["ds_id"]
    if here["hid"] == host.oid and not moves:
        raise wrong_action(f"VM is already running on host [{here['hid']}] and datastore [{here['ds_id']}]")
    if live and moves and here["hid"] != host.oid:
        raise wrong_action("Cannot live migrate host and datastore at the same time.")


def refuse_devices(vm: Object, how: int) -> None:
    if vm.template.vectors("PCI") and how == SAVED and vm.state != lifecycle.POWEROFF:
        raise wrong_action(
            f"Cannot migrate VM [{vm.oid}], use poweroff or poweroff-hard flag for migrating a VM with PCI devices"
        )


def refuse_cluster(vm: Object, host: Object) -> None:
    if vm.clusters and host.cluster_id not in vm.clusters:
        raise wrong_action(
            f"Cannot migrate  VM [{vm.oid}] to host [{host.oid}]. Host is in cluster [{host.cluster_id}],"
            f" and VM requires to be placed on cluster [{listed(vm.clusters)}]"
        )


def listed(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def refuse_datastore(vm: Object, here: dict, host: Object, datastore: Object, live: bool) -> None:
    refuse_other_types(datastore)
    if datastore.oid != here["ds_id"]:
        refuse_driver(vm, here, datastore, live)
    if datastore.cluster_ids and host.cluster_id not in datastore.cluster_ids:
        raise wrong_action(
            f"Cannot migrate VM [{vm.oid}] to host [{host.oid}] and system datastore [{datastore.oid}]. Host is in"
            f" cluster [{host.cluster_id}], and the datastore is in cluster [{listed(datastore.cluster_ids)}]"
        )


def refuse_driver(vm: Object, here: dict, datastore: Object, live: bool) -> None:
    """Raises Refused when the transfer driver cannot move the VM to this datastore."""

    def can(name: str) -> bool:
        return datastore.template.flag(name, default=not datastore.release.has("DATASTORE", name))

    snapshots = any(tree.vectors("SNAPSHOT") for tree in vm.disk_snapshots.values())
    for obstacle, why in (
        (not can("DS_MIGRATE"), "System datastore migration not supported by driver"),
        (live and not can("DS_LIVE_MIGRATE"), "Live system datastore migration not supported by driver"),
        (
            snapshots and not can("DS_MIGRATE_SNAP"),
            "System datastore migration with disk snapshots not supported by driver",
        ),
        (here["tm_mad"] != datastore.tm_mad, "Cannot migrate to a system datastore with a different driver"),
    ):
        if obstacle:
            raise wrong_action(why)


def begin(call: Call, vm: Object, host: Object, datastore: Object, live: bool, how: int) -> None:
    """The VM takes its room on the new host; the old one is left once the VM has gone."""
    cloud, state = call.cloud, (vm.state, vm.lcm_state)
    lifecycle.demand_driver(vm)
    vm.resched = 0
    runs = state == RUNNING
    action = "live-migrate" if live else RECORDED.get(how, "migrate")
    if runs:
        lifecycle.record_action(call, vm, action)
    lifecycle.move_in(cloud, vm, host, datastore, leaves=not runs)
    if runs and live:
        lifecycle.go(cloud, vm, [lifecycle.MIGRATE], lifecycle.ACTIVE)
    elif runs:
        lifecycle.record_action(call, vm, action)
        boot = lifecycle.BOOT if how in RECORDED else lifecycle.BOOT_MIGRATE
        steps = [lifecycle.SAVE_MIGRATE, lifecycle.PROLOG_MIGRATE, boot]
        lifecycle.go(cloud, vm, steps, lifecycle.ACTIVE, by=DRIVER.get(how, ""))
    else:
        lifecycle.record_action(call, vm, "migrate")
        lifecycle.go(cloud, vm, *AT_REST[state])


PLACE = "no_overcommit:boolean=false, ds_id:int=-1"
DEPLOY = Method("one.vm.deploy", f"oid:int, hid:int, {PLACE}, nics:string=", deploy)
MIGRATE = Method("one.vm.migrate", f"oid:int, hid:int, live:boolean, {PLACE}, migration_type:int=0", migrate)
