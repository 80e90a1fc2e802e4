# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What images, leases and VMs count against the quotas of their owners, and when VMs count as running."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ..calls import Call
from ..errors import Refused, wrong_action
from ..quotas import Quotas, Use, charge, count, holders, refund
from ..store import Object
from ..template import Template, Vector


def of_image(datastore_id: int, size: float, images: int = 1) -> list[Use]:
    """An image of a size (MB), or no image but more or less of its size."""
    return [Use("DATASTORE", str(datastore_id), {"SIZE": size, "IMAGES": images})]


def of_leases(network_ids: Iterable[str]) -> list[Use]:
    return [Use("NETWORK", number, {"LEASES": 1}) for number in network_ids if number]


# ---------------------------------------------------------------- parts of a VM


def number(vector: Mapping[str, str], name: str) -> float:
    try:
        return float(vector.get(name, ""))
    except ValueError:
        return 0.0


def target_of(disk: Mapping[str, str]) -> str:
    """Where the transfer driver puts the disk: SYSTEM, SELF (the image datastore) or NONE."""
    if "CLONE" not in disk:
        return ""
    return disk.get("CLONE_TARGET" if disk["CLONE"].upper() == "YES" else "LN_TARGET", "").upper()


def size_of(disk: Mapping[str, str]) -> float:
    return number(disk, "SIZE") + number(disk, "DISK_SNAPSHOT_TOTAL_SIZE")


def system_size(disks: Iterable[Mapping[str, str]]) -> float:
    """MB in the system datastore: volatile disks, and copies that the transfer driver makes there."""
    return sum(size_of(disk) for disk in disks if is_volatile(disk) or target_of(disk) == "SYSTEM")


def is_volatile(disk: Mapping[str, str]) -> bool:
    return disk.get("TYPE", "").upper() in ("FS", "SWAP")


def of_disks(disks: list[Vector]) -> list[Use]:
    """Runs of the images, and copies in the image datastores."""
    runs = [Use("IMAGE", disk["IMAGE_ID"], {"RVMS": 1}) for disk in disks if disk.get("IMAGE_ID")]
    copies = [
        Use("DATASTORE", disk["DATASTORE_ID"], {"SIZE": size_of(disk), "IMAGES": 0})
        for disk in disks
        if target_of(disk) == "SELF" and size_of(disk)
    ]
    return runs + copies


def of_parts(body: Template, cluster: str = "", runs: bool = False) -> list[Use]:
    """Disks, interfaces and devices, without the VM (running or not) that they belong to."""
    disks = body.vectors("DISK")
    size = system_size(disks) + sum(number(snapshot, "SYSTEM_DISK_SIZE") for snapshot in body.vectors("SNAPSHOT"))
    passed = devices(body)
    amounts = {"SYSTEM_DISK_SIZE": size, **passed, **(as_running(passed) if runs else {})}
    return [*of_nics(body), *of_vms(amounts, cluster), *of_disks(disks)]


def devices(body: Template) -> dict[str, float]:
    """PCI devices, those that are interfaces apart."""
    found = body.vectors("PCI")
    nics = sum(device.get("TYPE", "").upper() == "NIC" for device in found)
    return {"PCI_DEV": len(found) - nics, "PCI_NIC": nics}


def as_running(amounts: Mapping[str, float]) -> dict[str, float]:
    return {f"RUNNING_{metric}": amount for metric, amount in amounts.items()}


def of_growth(vm: Object, disk: Vector, changes: Mapping[str, str]) -> list[Use]:
    """What a disk counts more than before, once it is changed so."""
    cluster = cluster_of(vm)
    grown = {**disk, **changes}
    size = system_size([grown]) - system_size([disk])
    uses = of_vms({"SYSTEM_DISK_SIZE": size}, cluster) if size else []
    copy = size_of(grown) - size_of(disk) if target_of(disk) == "SELF" else 0
    return uses + (of_image(int(disk["DATASTORE_ID"]), copy, images=0) if copy else [])


def is_kept(disk: Mapping[str, str]) -> bool:
    """Whether what is written to the disk is written to the image, at the cost of the image's owner."""
    return not is_volatile(disk) and (disk.get("PERSISTENT") == "YES" or target_of(disk) == "NONE")


def of_nics(body: Template) -> list[Use]:
    return of_leases(nic.get("NETWORK_ID", "") for name in ("NIC", "NIC_ALIAS", "PCI") for nic in body.vectors(name))


# ---------------------------------------------------------------- VMs


def metrics(body: Template) -> dict[str, float]:
    return {"VMS": 1, "CPU": body.number("CPU"), "MEMORY": body.number("MEMORY"), **devices(body)}


def running(body: Template, cluster: str = "") -> list[Use]:
    return of_vms({**as_running(metrics(body)), "SYSTEM_DISK_SIZE": 0}, cluster)


def of_vms(amounts: dict[str, float], cluster: str) -> list[Use]:
    """In their cluster, if they are in one, and anywhere."""
    return [Use("VM", key, amounts) for key in dict.fromkeys((cluster, ""))]


def basic(body: Template, cluster: str = "") -> list[Use]:
    return [
        Use(use.element, use.key, {**metrics(body), **use.amounts} if use.element == "VM" else use.amounts)
        for use in of_parts(body, cluster)
    ]


def of_new_vm(body: Template) -> list[Use]:
    return basic(body) + running(body)


def cluster_of(vm: Object) -> str:
    return str(vm.history[-1]["cid"]) if vm.history else ""


def of_vm(vm: Object) -> list[Use]:
    """All that a VM counts for now."""
    cluster = cluster_of(vm)
    return basic(vm.template, cluster) + (running(vm.template, cluster) if vm.counted_running else [])


def set_running(cloud: Any, vm: Object, runs: bool) -> None:
    """The VM has come to rest and is no longer counted as running; or it works again and is."""
    if vm.counted_running == runs:
        return
    uses = running(vm.template, cluster_of(vm))
    if runs:
        count_freely(cloud, vm, uses)
    else:
        refund(cloud, vm.uid, vm.gid, uses)
    vm.counted_running = runs


def charge_running(call: Call, vm: Object) -> None:
    """A VM at rest is to work again. Raises Refused AUTHORIZATION."""
    if not vm.counted_running:
        charge(call, running(vm.template, cluster_of(vm)), vm.uid, vm.gid)
        vm.counted_running = True


@contextmanager
def resuming(cloud: Any, vm: Object) -> Iterator[None]:
    """A VM at rest resumes within: it counts as running unless that is refused. Raises Refused ACTION."""
    before = vm.counted_running
    why = "" if before else count(cloud, vm.uid, vm.gid, running(vm.template, cluster_of(vm)))
    if why:
        raise wrong_action(why)
    vm.counted_running = True
    try:
        yield
    except Refused:
        set_running(cloud, vm, before)
        raise


@contextmanager
def changing(call: Call, vm: Object, uses: list[Use]) -> Iterator[None]:
    """A VM uses more of this (or less) unless what is done within is refused. Raises Refused AUTHORIZATION."""
    charge(call, uses, vm.uid, vm.gid)
    with undone(call, vm, uses):
        yield


@contextmanager
def changing_disk(call: Call, vm: Object, uses: list[Use]) -> Iterator[None]:
    """As changing(); which limit forbids the size of the disk is not told by every release."""
    why = count(call.cloud, vm.uid, vm.gid, uses)
    if why:
        is_told = call.cloud.release.tells_quota_of_disks or "quota in VM" not in why
        raise call.unauthorized(why if is_told else "", "virtual machine")
    with undone(call, vm, uses):
        yield


@contextmanager
def undone(call: Call, vm: Object, uses: list[Use]) -> Iterator[None]:
    """What is counted already is not, if what is done within is refused."""
    try:
        yield
    except Refused:
        refund(call.cloud, vm.uid, vm.gid, uses)
        raise


@contextmanager
def recounted(cloud: Any, obj: Object, uses_of: Callable[[Object], list[Use]] = of_vm) -> Iterator[None]:
    """What is done within to the parts of a VM or another object changes what it counts; that is not refused."""
    before = uses_of(obj)
    yield
    refund(cloud, obj.uid, obj.gid, before)
    count_freely(cloud, obj, uses_of(obj))


@contextmanager
def growing(call: Call, vm: Object, disk: Vector, image: Object | None, **changes: str) -> Iterator[None]:
    """A disk grows so, unless what is done within is refused. Raises Refused AUTHORIZATION."""
    kept = size_of({**disk, **changes}) - size_of(disk) if image is not None and is_kept(disk) else 0
    uses = of_image(image.datastore_id, kept, images=0) if kept else []
    with (changing_disk if "SIZE" in changes else changing)(call, vm, of_growth(vm, disk, changes)):
        if uses:
            charge(call, uses, image.uid, image.gid)
        try:
            yield
        except Refused:
            if uses:
                refund(call.cloud, image.uid, image.gid, uses)
            raise


@contextmanager
def shrinking(cloud: Any, vm: Object, disk: Vector, image: Object | None) -> Iterator[None]:
    """A disk becomes smaller within, or loses snapshots."""
    before = size_of(disk)
    with recounted(cloud, vm):
        yield
    if image is not None and is_kept(disk):
        refund(cloud, image.uid, image.gid, of_image(image.datastore_id, before - size_of(disk), images=0))


def attaching(call: Call, vm: Object, body: Template) -> AbstractContextManager[None]:
    """The VM gets these parts within. Raises Refused AUTHORIZATION."""
    within = changing_disk if body.vectors("DISK") else changing
    return within(call, vm, of_parts(body, cluster_of(vm), vm.counted_running))


def of_resize(vm: Object, sizes: Mapping[str, str]) -> list[Use]:
    """What new sizes (CPU, MEMORY) count more than the old ones; also 0, which is too much beyond a limit."""
    present = {name: vm.template.number(name) for name in ("CPU", "MEMORY")}
    amounts = {name: number(sizes, name) - old if name in sizes else 0 for name, old in present.items()}
    if vm.counted_running:
        amounts.update(as_running(amounts))
    return of_vms(amounts, cluster_of(vm))


def in_cluster(vm: Object, cluster: str) -> list[Use]:
    """What the VM counts in a cluster alone."""
    parts = basic(vm.template, cluster) + (running(vm.template, cluster) if vm.counted_running else [])
    return [use for use in parts if use.element == "VM" and use.key]


def enter_cluster(call: Call, vm: Object, cluster: int) -> None:
    """Raises Refused AUTHORIZATION when the quotas of the cluster do not let the VM in."""
    why = cluster_refusal(call.cloud, vm, cluster)
    if why:
        raise call.unauthorized(why)


def cluster_refusal(cloud: Any, vm: Object, cluster: int) -> str:
    """Which quota of the cluster does not let the VM in; empty: none."""
    if cluster_of(vm) == str(cluster):
        return ""
    uses = in_cluster(vm, str(cluster))
    why = count(cloud, vm.uid, vm.gid, uses)
    if not why:
        refund(cloud, vm.uid, vm.gid, uses)
    return why


def change_cluster(cloud: Any, vm: Object, cluster: int) -> None:
    """The VM goes over to another cluster, or into its first one."""
    if cluster_of(vm) == str(cluster):
        return
    refund(cloud, vm.uid, vm.gid, in_cluster(vm, cluster_of(vm)))
    count_freely(cloud, vm, in_cluster(vm, str(cluster)))


def count_freely(cloud: Any, vm: Object, uses: list[Use]) -> None:
    """Counts without a check."""
    for dummy, holder in holders(cloud, vm.uid, vm.gid):
        holder.quotas.count(uses)


def release(cloud: Any, vm: Object) -> None:
    """The VM is gone."""
    refund(cloud, vm.uid, vm.gid, of_vm(vm))
    vm.counted_running = False


def count_clusters(cloud: Any, quotas: Quotas, owner: str, oid: int, fresh: Iterable[str]) -> None:
    """Counts the VMs that lie in the clusters of new quotas; `owner` is "uid" or "gid"."""
    clusters = {number for key in fresh for number in key.split(",")}
    for vm in cloud["VM"]:
        if getattr(vm, owner) == oid and not vm.etime and cluster_of(vm) in clusters:
            quotas.count([use for use in of_vm(vm) if use.element == "VM" and use.key])
