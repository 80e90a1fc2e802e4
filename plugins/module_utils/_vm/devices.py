# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Disks, NICs and NIC aliases of a VM: which of them a task speaks of, and how each is attached, changed, detached."""

from __future__ import annotations

from typing import Callable, NamedTuple

from .._attributes import relations
from .._core.failure import Failure
from .._core.values import canonical, same
from .transitions import Step

SIZES = {
    "": 1,
    "M": 1,
    "MB": 1,
    "MIB": 1,
    "G": 1024,
    "GB": 1024,
    "GIB": 1024,
    "T": 1024**2,
    "TB": 1024**2,
    "TIB": 1024**2,
}
PLUGGED = frozenset(("running", "poweredoff"))
NOT_ACTIVE = frozenset(("pending", "held", "stopped", "suspended", "poweredoff", "undeployed"))


class Device(NamedTuple):
    """A kind of parts of a VM, kept as repeated vectors of one name."""

    option: str  # the option, and the key of the record that holds them
    word: str  # what messages call one
    vector: str
    number: str  # the member that is its id
    exact: tuple  # members that tell one device from all others; the first that is declared must fit
    alike: Callable  # (wanted, present) -> whether they are of the same origin
    shown: tuple  # members that a diff shows
    reference: tuple  # (kind, member with its name, member with its id) of what it comes from
    changes: Callable  # (cloud, record, device, wanted, present) -> [Step]
    attach: str
    detach: str


def megabytes(text, option):
    """A size in MB, from a number of MB or a text such as ``4 GB``; 1 GB is 1024 MB, as for OpenNebula.

    Raises:
        Failure: it is neither, or no whole number of MB.
    """
    number = str(text).strip().upper()
    unit = number.lstrip("0123456789. ")
    try:
        size = float(number[: len(number) - len(unit)]) * SIZES[unit]
    except (KeyError, ValueError):
        size = 0
    if size <= 0 or size != int(size):
        message = "The option %s takes a size such as 4096 (MB), 512 MB or 4 GB, not %r."
        raise Failure(message % (option, text))
    return int(size)


def _declared(given, option, origins):
    """A device in canonical form; raises Failure when nothing says which or what it is."""
    device = canonical(given)
    if not set(origins.split()).intersection(device):
        message = "Each of the option %s is a dictionary with one of %s."
        raise Failure(message % (option, ", ".join(origins.split())), object="vm")
    return device


# ---------------------------------------------------------------- disks


def canonical_disk(cloud, given):
    disk = _declared(given, "disks", "IMAGE IMAGE_ID TYPE DISK_ID TARGET")
    if "SIZE" in disk:
        disk["SIZE"] = str(megabytes(disk["SIZE"], "disks"))
    return disk


def same_source(wanted, present):
    """Whether two disks come from the same image, or both from none and are of one type."""
    for name in ("IMAGE_ID", "IMAGE"):
        if name in wanted:
            return wanted[name] == present.get(name)
    if "TYPE" not in wanted or "IMAGE_ID" in present:
        return False
    return all(
        same(wanted[name].lower(), present.get(name, "").lower()) for name in ("TYPE", "FORMAT") if name in wanted
    )


def disk_changes(cloud, record, device, wanted, present):
    size, old = int(wanted.get("SIZE", 0)), int(present.get("SIZE", 0))
    oid, number = record["id"], present["DISK_ID"]
    if 0 < size < old:
        message = "Disk %s of VM %s has %d MB and cannot shrink to %d MB."
        raise Failure(message % (number, record["name"], old, size), object="vm", id=oid)
    if size in (0, old):
        return []
    what = "grow disk %s from %d to %d MB" % (number, old, size)

    def grow():
        doing = "%s of VM %s" % (what, record["name"])
        cloud.call(doing, "vm.diskresize", oid, int(number), str(size), object="vm", id=oid)

    return [Step(what, PLUGGED | {"undeployed"}, grow, still=False)]


# ---------------------------------------------------------------- NICs


def canonical_nic(cloud, given):
    nic = _declared(given, "networks", "NETWORK NETWORK_ID NETWORK_MODE NIC_ID NAME IP IP6 MAC")
    if "SECURITY_GROUPS" in nic:
        groups = nic["SECURITY_GROUPS"]
        names = groups if isinstance(groups, list) else [name.strip() for name in groups.split(",") if name.strip()]
        nic["SECURITY_GROUPS"] = ",".join(
            sorted((_number(cloud, name) for name in names), key=lambda text: text.zfill(9))
        )
    return nic


def _number(cloud, name):
    """The id of a security group as text; its name, if a check run does not find it."""
    item = None if name.isdigit() else cloud.reference("security_group", name)
    return name if item is None else str(item.ID)


def same_network(wanted, present):
    found = [name for name in ("NETWORK_ID", "NETWORK", "NETWORK_MODE") if name in wanted]
    return bool(found) and same(wanted[found[0]], present.get(found[0], ""))


def same_parent(wanted, present):
    return same_network(wanted, present) and wanted.get("PARENT") in (None, present.get("PARENT"))


def numbers(text):
    return set(relations.ids(text))


def nic_changes(cloud, record, device, wanted, present):
    """Security groups and bandwidth change in place, so the NIC keeps its address."""
    oid, number = record["id"], int(present["NIC_ID"])
    steps = []
    if "SECURITY_GROUPS" in wanted:
        has, wants = numbers(present.get("SECURITY_GROUPS")), numbers(wanted["SECURITY_GROUPS"])
        steps += [_group(cloud, record, number, group, "attach") for group in sorted(wants - has)]
        steps += [_group(cloud, record, number, group, "detach") for group in sorted(has - wants)]
    rates = {
        name: value for name, value in _differing(wanted, present).items() if name.startswith(("INBOUND", "OUTBOUND"))
    }
    if rates:

        def update():
            doing = "update NIC %d of VM %s" % (number, record["name"])
            cloud.call(doing, "vm.updatenic", oid, number, {"NIC": rates}, 1, object="vm", id=oid)

        steps.append(
            Step("set %s of NIC %d" % (", ".join(rates), number), NOT_ACTIVE | {"running"}, update, still=False)
        )
    return steps


def _group(cloud, record, number, group, verb):
    what = "%s security group %d %s NIC %d" % (verb, group, "to" if verb == "attach" else "from", number)

    def change():
        doing = "%s of VM %s" % (what, record["name"])
        cloud.call(doing, "vm.%ssg" % verb, record["id"], number, group, object="vm", id=record["id"])

    return Step(what, NOT_ACTIVE | {"running"}, change)


ADDRESSES = ("IP", "IP6", "MAC")
DISK = Device(
    "disks",
    "disk",
    "DISK",
    "DISK_ID",
    ("DISK_ID", "TARGET"),
    same_source,
    ("DISK_ID", "IMAGE", "TYPE", "SIZE"),
    ("image", "IMAGE", "IMAGE_ID"),
    disk_changes,
    "vm.attach",
    "vm.detach",
)
NIC = Device(
    "networks",
    "NIC",
    "NIC",
    "NIC_ID",
    ("NIC_ID", "NAME") + ADDRESSES,
    same_network,
    ("NIC_ID", "NETWORK", "IP", "SECURITY_GROUPS"),
    ("vnet", "NETWORK", "NETWORK_ID"),
    nic_changes,
    "vm.attachnic",
    "vm.detachnic",
)
ALIAS = NIC._replace(
    option="nic_aliases",
    word="NIC alias",
    vector="NIC_ALIAS",
    alike=same_parent,
    shown=("NIC_ID", "PARENT", "NETWORK", "IP"),
)
# What OpenNebula makes of a declared member: it says where the device comes from, or is stored in another form.
ORIGIN = frozenset(
    "IMAGE IMAGE_ID IMAGE_UNAME IMAGE_UID NETWORK NETWORK_ID NETWORK_UNAME NETWORK_UID SIZE SECURITY_GROUPS "
    "FORMAT TYPE PARENT".split()
)


# ---------------------------------------------------------------- both


def pairs(device, wanted, present):
    """[(wanted device, the present one that it speaks of, or None)]; each present one is taken once."""
    left, found = list(present), {}
    for fits in (_exactly, _alike):
        for index, one in enumerate(wanted):
            match = next((item for item in left if index not in found and fits(device, one, item)), None)
            if match is not None:
                found[index] = match
                left.remove(match)
    return [(one, found.get(index)) for index, one in enumerate(wanted)], left


def _exactly(device, wanted, present):
    key = next((name for name in device.exact if name in wanted), None)
    return key is not None and same(wanted[key], present.get(key, ""))


def _alike(device, wanted, present):
    return not any(name in wanted for name in device.exact) and device.alike(wanted, present)


def steps(cloud, device, record, wanted, purge):
    """What makes the devices of a VM as they are wanted.

    Args:
        record (dict): its key `device.option` holds those there are.
        wanted (list[dict]): canonical.
        purge (bool): detach the others.

    Returns:
        (list[Step], list[dict], list[dict]): and the devices before and afterwards, as a diff shows them.

    Raises:
        Failure: a device cannot be changed as it is wanted.
    """
    found, others = pairs(device, wanted, record[device.option])
    away = others if purge else []
    kept = [one for one in record[device.option] if one not in away]
    result = [_detach(cloud, device, record, one) for one in away]
    for one, present in found:
        if present is None:
            result.append(_attach(cloud, device, record, one))
        else:
            _refuse_fixed(device, record, one, present)
            result += device.changes(cloud, record, device, one, present)
    partners = {id(present): one for one, present in found if present is not None}
    before = [_shown(device, one, partners.get(id(one), {}), {}) for one in record[device.option]]
    after = [_shown(device, one, partners.get(id(one), {}), partners.get(id(one), {})) for one in kept]
    return result, before, after + [dict(one) for one, present in found if present is None]


def _shown(device, vector, wanted, over):
    """A device as a diff shows it: what tells it from others, and what is to change of it."""
    names = list(device.shown) + [name for name in _differing(wanted, vector) if name not in device.shown]
    full = dict(vector, **{name: over[name] for name in _differing(over, vector)})
    return {name: full[name] for name in names if name in full}


def _differing(wanted, present):
    return {name: value for name, value in wanted.items() if not same(value, present.get(name, ""))}


def _refuse_fixed(device, record, wanted, present):
    fixed = sorted(
        name
        for name in _differing(wanted, present)
        if name not in ORIGIN and not name.startswith(("INBOUND", "OUTBOUND"))
    )
    if fixed:
        message = "%s %s of VM %s cannot be changed in place: %s. Detach it first, or leave that out."
        text = message % (device.word, present[device.number], record["name"], ", ".join(fixed))
        raise Failure(text, object="vm", id=record["id"])


def _attach(cloud, device, record, wanted):
    if device.number in wanted:
        message = "VM %s has no %s %s." % (record["name"], device.word, wanted[device.number])
        raise Failure(message, object="vm", id=record["id"])
    what = "attach %s %s" % (device.word, _named(device, wanted))
    vector = {device.vector: resolved(cloud, device, wanted)}

    def attach():
        doing = "%s to VM %s" % (what, record["name"])
        cloud.call(doing, device.attach, record["id"], vector, object="vm", id=record["id"])

    return Step(what, PLUGGED, attach, still=False)


def _detach(cloud, device, record, present):
    what = "detach %s %s" % (device.word, present[device.number])

    def detach():
        doing = "%s from VM %s" % (what, record["name"])
        cloud.call(doing, device.detach, record["id"], int(present[device.number]), object="vm", id=record["id"])

    return Step(what, PLUGGED, detach, still=False)


def _named(device, vector):
    name, number = device.reference[1:]
    return vector.get(name) or vector.get(number) or "of %s MB" % vector.get("SIZE", "?")


def resolved(cloud, device, vector):
    """The vector with an id where it names an image or network: OpenNebula looks names up among the caller's only."""
    kind, name, number = device.reference
    if name not in vector or number in vector or any(name + end in vector for end in ("_UNAME", "_UID")):
        return vector
    item = cloud.reference(kind, vector[name])
    if item is None:
        return vector
    return dict({key: value for key, value in vector.items() if key != name}, **{number: str(item.ID)})


def at_birth(cloud, device, given, wanted):
    """The vectors of a new VM: those of its template with what is wanted of them, then the other wanted ones."""
    found, dummy = pairs(device, wanted, [dict(one, **{device.number: str(i)}) for i, one in enumerate(given)])
    result = [dict(one) for one in given]
    for one, present in found:
        if present is None:
            result.append(resolved(cloud, device, one))
        else:
            number = int(present[device.number])
            result[number] = dict(result[number], **{key: one[key] for key in one if key != device.number})
    return result
