# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Disks, NICs and NIC aliases of a VM: which ones a task names, and how each is attached, changed, detached."""

from __future__ import annotations

from typing import Callable, NamedTuple

from .._attributes import relations
from .._attributes.capacity import require_id
from .._attributes.requests import REQUEST_ID, requested, surplus
from .._core.failure import Failure, did_you_mean
from .._core.numbers import is_whole
from .._core.values import declared_vector, megabytes, same
from .._engine.resource import Reference, Step

KIND = "vm"
PLUGGED = frozenset(("running", "poweredoff"))
NOT_ACTIVE = frozenset(("pending", "held", "stopped", "suspended", "poweredoff", "undeployed"))
RATES = ("INBOUND", "OUTBOUND")  # what the names of the limits of a NIC's bandwidth begin with
ADDRESSES = ("IP", "IP6", "MAC")
# What OpenNebula makes of a declared member: it tells where the device comes from, or is stored in another form.
SOURCES = frozenset(
    "IMAGE IMAGE_ID IMAGE_UNAME IMAGE_UID NETWORK NETWORK_ID NETWORK_UNAME NETWORK_UID SIZE SECURITY_GROUPS "
    "FORMAT TYPE PARENT".split()
)


class Device(NamedTuple):
    """A kind of devices of a VM, kept as repeated vectors of one name."""

    option: str  # the option, and the field of the record
    word: str  # what messages call one
    vector: str
    number: str  # the member that is its id
    keys: tuple  # members that tell one device from all others; the first that is declared must fit
    alike: Callable  # (wanted, present) -> whether they come from the same source
    shown: tuple  # members that a diff shows
    source: tuple  # (kind, member with its name, member with its id) of what it comes from
    changes: Callable  # (record, wanted, present) -> [Step]
    attach: str
    detach: str


# ---------------------------------------------------------------- one form


def _declared(given, option, identifying):
    """A device in canonical form.

    Raises:
        Failure: nothing tells which or what it is.
    """
    device = declared_vector(option, option.upper(), given)
    for number in ("DISK_ID", "NIC_ID", "IMAGE_ID", "NETWORK_ID"):
        require_id("%s (%s)" % (option, number), number, device)
    if not set(identifying.split()).intersection(device):
        near = next(filter(None, (did_you_mean(name, identifying.split()) for name in device)), "")
        message = "Each of the option %s is a dictionary with one of %s.%s"
        raise Failure(message % (option, ", ".join(identifying.split()), near), object=KIND)
    return device


def canonical_disks(cloud, given):
    return [_canonical_disk(disk) for disk in given]


def _canonical_disk(given):
    disk = _declared(given, "disks", "IMAGE IMAGE_ID TYPE DISK_ID TARGET")
    if "SIZE" in disk:
        disk["SIZE"] = str(megabytes(disk["SIZE"], "disks (SIZE)"))
    return disk


def canonical_nics(cloud, given):
    return [_canonical_nic(cloud, nic) for nic in given]


def _canonical_nic(cloud, given):
    nic = _declared(given, "networks", "NETWORK NETWORK_ID NETWORK_MODE NIC_ID NAME IP IP6 MAC")
    if "SECURITY_GROUPS" in nic:
        names = [name.strip() for name in nic["SECURITY_GROUPS"].split(",") if name.strip()]
        nic["SECURITY_GROUPS"] = relations.joined(relations.in_order(_security_group(cloud, name) for name in names))
    return nic


def _security_group(cloud, name):
    """The id of a security group; its name, if it does not exist in a check run."""
    if is_whole(name):
        return int(name)
    item = cloud.reference("security_group", name)
    return name if item is None else item.ID


# ---------------------------------------------------------------- which device is meant


def same_source(wanted, present):
    """Whether two disks come from the same image, or both from none and are of one type."""
    for name in ("IMAGE_ID", "IMAGE"):
        if name in wanted:
            return wanted[name] == present.get(name)
    if "TYPE" not in wanted or "IMAGE_ID" in present:
        return False
    declared = [name for name in ("TYPE", "FORMAT") if name in wanted]
    return all(name in present and wanted[name].lower() == present[name].lower() for name in declared)


def same_network(wanted, present):
    return _first_agrees(("NETWORK_ID", "NETWORK", "NETWORK_MODE"), wanted, present)


def _first_agrees(names, wanted, present):
    """Whether of these members the first one that is declared is that of the present device."""
    name = next((name for name in names if name in wanted), None)
    return name in present and same(wanted[name], present[name])


def same_parent(wanted, present):
    return same_network(wanted, present) and wanted.get("PARENT") in (None, present.get("PARENT"))


def match(device, wanted, present):
    """For each wanted device the index of the present one that it means, or None; no present one is meant twice.

    Args:
        wanted, present (list[dict])
    """
    found: list = [None] * len(wanted)
    for fits in (_fits_key, _fits_source):
        for index, one in enumerate(wanted):
            if found[index] is None:
                free = (place for place, item in enumerate(present) if place not in found and fits(device, one, item))
                found[index] = next(free, None)
    return found


def _fits_key(device, wanted, present):
    return _first_agrees(device.keys, wanted, present)


def _fits_source(device, wanted, present):
    return not any(name in wanted for name in device.keys) and device.alike(wanted, present)


# ---------------------------------------------------------------- changes in place


def disk_changes(record, wanted, present):
    size, old = int(wanted.get("SIZE", 0)), int(present.get("SIZE", 0))
    number = present["DISK_ID"]
    if 0 < size < old:
        message = "Disk %s of VM %s has %d MB and cannot shrink to %d MB."
        raise Failure(message % (number, record["name"], old, size), object=KIND, id=record["id"])
    if size in (0, old):
        return []
    what, on = "grow disk %s from %d to %d MB" % (number, old, size), "of VM %s" % record["name"]
    arguments = (record["id"], int(number), str(size))
    return [Step(what, "vm.diskresize", arguments, on=on, states=PLUGGED | {"undeployed"}, transient=True)]


def nic_changes(record, wanted, present):
    """Security groups and bandwidth change in place, so the NIC keeps its address."""
    number = int(present["NIC_ID"])
    rates = {name: value for name, value in _differing(wanted, present).items() if name.startswith(RATES)}
    steps = _security_group_changes(record, number, wanted, present)
    if rates:
        what, on = "set %s of NIC %d" % (", ".join(rates), number), "of VM %s" % record["name"]
        arguments = (record["id"], number, {"NIC": rates}, 1)
        steps.append(Step(what, "vm.updatenic", arguments, on=on, states=NOT_ACTIVE | {"running"}, transient=True))
    return steps


def _security_group_changes(record, number, wanted, present):
    if "SECURITY_GROUPS" not in wanted:
        return []
    before, after = (set(relations.ids(nic.get("SECURITY_GROUPS"))) for nic in (present, wanted))
    steps = [("vm.attachsg", "attach security group %d to", group) for group in sorted(after - before)]
    steps += [("vm.detachsg", "detach security group %d from", group) for group in sorted(before - after)]
    return [
        Step(
            "%s NIC %d" % (what % group, number),
            method,
            (record["id"], number, group),
            on="of VM %s" % record["name"],
            states=NOT_ACTIVE | {"running"},
        )
        for method, what, group in steps
    ]


def _differing(wanted, present):
    return {name: value for name, value in wanted.items() if not same(value, present.get(name, ""))}


DISK = Device(
    option="disks",
    word="disk",
    vector="DISK",
    number="DISK_ID",
    keys=("DISK_ID", "TARGET"),
    alike=same_source,
    shown=("DISK_ID", "IMAGE", "TYPE", "SIZE"),
    source=("image", "IMAGE", "IMAGE_ID"),
    changes=disk_changes,
    attach="vm.attach",
    detach="vm.detach",
)
NIC = Device(
    option="networks",
    word="NIC",
    vector="NIC",
    number="NIC_ID",
    keys=("NIC_ID", "NAME") + ADDRESSES,
    alike=same_network,
    shown=("NIC_ID", "NETWORK", "IP", "SECURITY_GROUPS"),
    source=("vnet", "NETWORK", "NETWORK_ID"),
    changes=nic_changes,
    attach="vm.attachnic",
    detach="vm.detachnic",
)
ALIAS = NIC._replace(
    option="nic_aliases",
    word="NIC alias",
    vector="NIC_ALIAS",
    alike=same_parent,
    shown=("NIC_ID", "PARENT", "NETWORK", "IP"),
)
DEVICES = (DISK, NIC, ALIAS)


# ---------------------------------------------------------------- plan


def plan_devices(device, purge, record, wanted, modes):
    """plan() of the Attribute for devices; of those that two runs at once have attached, the younger is detached.

    Args:
        device (Device)
        purge (str): option that detaches the devices that the task does not name.

    Raises:
        Failure: a device cannot be changed as it is wanted.
    """
    twice, declared = surplus(record["id"], record[device.option], device.number), wanted[device.option]
    present = [one for one in record[device.option] if one not in twice] + twice
    found = match(device, declared, present)
    free = [place for place in range(len(present)) if place not in found]
    detached = [place for place in free if purge in modes.purge or present[place] in twice]
    steps = [_detach(device, record, present[place]) for place in detached]
    new = iter(requested(record["id"], [one for one, place in zip(declared, found) if place is None], present))
    for one, place in zip(declared, found):
        if place is None:
            steps.append(_attach(device, record, one, next(new)[REQUEST_ID]))
        else:
            steps += _changes(device, record, one, present[place])
    before, after = _difference(device, present, dict(zip(found, declared)), detached)
    after += [dict(one) for one, place in zip(declared, found) if place is None]
    return before, after if steps else before, steps


def _difference(device, present, wanted, detached):
    """The devices that are there as a diff shows them: before, and after the changes.

    Args:
        wanted (dict[int, dict]): place of a device → what it is to become.
        detached (list[int]): places of those that go.
    """
    before = [_shown(device, one, wanted.get(place, {}), {}) for place, one in enumerate(present)]
    kept = [(one, wanted.get(place, {})) for place, one in enumerate(present) if place not in detached]
    return before, [_shown(device, one, over, over) for one, over in kept]


def _shown(device, vector, wanted, over):
    """A device as a diff shows it: what tells it from others, and what is to change of it.

    Args:
        wanted (dict): whose members are shown where they differ.
        over (dict): whose members are shown instead.
    """
    names = list(device.shown) + [name for name in _differing(wanted, vector) if name not in device.shown]
    full = dict(vector, **_differing(over, vector))
    return {name: full[name] for name in names if name in full}


def _changes(device, record, wanted, present):
    differing = [name for name in _differing(wanted, present) if name not in SOURCES and not name.startswith(RATES)]
    if differing:
        message = "%s %s of VM %s cannot be changed in place: %s. Detach it first, or leave that out."
        text = message % (device.word, present[device.number], record["name"], ", ".join(sorted(differing)))
        raise Failure(text, object=KIND, id=record["id"])
    return device.changes(record, wanted, present)


def _attach(device, record, wanted, request):
    if device.number in wanted:
        message = "VM %s has no %s %s." % (record["name"], device.word, wanted[device.number])
        raise Failure(message, object=KIND, id=record["id"])
    name, number = device.source[1:]
    called = wanted.get(name) or wanted.get(number) or "of %s MB" % wanted.get("SIZE", "?")
    what, on = "attach %s %s" % (device.word, called), "to VM %s" % record["name"]
    vector = {device.vector: {**with_source_id(device, wanted), REQUEST_ID: request}}
    return Step(what, device.attach, (record["id"], vector), on=on, states=PLUGGED, transient=True)


def _detach(device, record, present):
    what, on = "detach %s %s" % (device.word, present[device.number]), "from VM %s" % record["name"]
    arguments = (record["id"], int(present[device.number]))
    return Step(what, device.detach, arguments, on=on, states=PLUGGED, transient=True)


def with_source_id(device, vector):
    """The vector with an id where it names an image or network: OpenNebula looks names up among the caller's only."""
    kind, name, number = device.source
    if name not in vector or number in vector or any(name + end in vector for end in ("_UNAME", "_UID")):
        return vector
    rest = {key: value for key, value in vector.items() if key != name}
    return dict(rest, **{number: Reference(kind, vector[name])})


def for_new_vm(device, given, wanted):
    """The vectors of a new VM: those of its template with what is wanted of them, then the other wanted ones."""
    numbered = [dict(one, **{device.number: str(index)}) for index, one in enumerate(given)]
    result, new = [dict(one) for one in given], []
    for one, place in zip(wanted, match(device, wanted, numbered)):
        if place is None:
            new.append(with_source_id(device, one))
        else:
            result[place].update((key, value) for key, value in one.items() if key != device.number)
    return result + new
