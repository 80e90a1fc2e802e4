# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What OpenNebula refuses of VMs and their devices; see refusals.py.

What is refused by its values is told by each run.  What others have (images, networks, VM groups) is read in a check
run only: the server refuses a VM as a whole, so nothing is half done.
"""

from __future__ import annotations

import re

from ..pyone.constants import DATASTORE_TYPES, HOST_STATES, IMAGE_STATES, IMAGE_TYPES
from . import addresses
from .numbers import is_whole
from .values import canonical, first_text, first_vector, vectors

# ---------------------------------------------------------------- values

VOLATILE = ("fs", "swap")  # types of disks without an image
PASSED = ("SHORT_ADDRESS", "DEVICE", "VENDOR", "CLASS")  # of which a PCI device needs one
BOOTED = {"disk": ("DISK", "DISK_ID"), "nic": ("NIC", "NIC_ID")}  # in OS/BOOT → vector, and its number
COST = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?").fullmatch
PORTS = 65535  # the last one
RAW_TYPES = ("dummy", "kvm", "lxc", "qemu", "vcenter")  # that a release has


def _disk_by_values(disk):
    """Why a disk without an image is none."""
    kind, size = disk.get("TYPE", ""), disk.get("SIZE", "")
    if not disk or "IMAGE" in disk or "IMAGE_ID" in disk:
        return None
    if kind.lower() not in VOLATILE:
        return "a disk has an image, or is of the type fs or swap, not %r" % kind
    if not is_whole(size) or not int(size):
        return "a disk of type %s needs a size, a number of MB greater than 0" % kind
    return None


def _disks(body):
    disks = vectors(body, "DISK")
    targets = [disk["TARGET"] for disk in disks if disk.get("TARGET")]
    twice = [target for target in targets if targets.count(target) > 1]
    if twice:
        return "two disks have the target %s" % twice[0]
    return next(filter(None, map(_disk_by_values, disks)), None)


def _aliases(body):
    names = [nic.get("NAME") or "NIC%d" % number for number, nic in enumerate(vectors(body, "NIC"))]
    names += [pci["NAME"] for pci in vectors(body, "PCI") if pci.get("NAME")]
    parents = [alias.get("PARENT", "") for alias in vectors(body, "NIC_ALIAS")]
    unknown = [parent for parent in parents if parent not in names]
    if unknown and not any(pci.get("TYPE") == "NIC" for pci in vectors(body, "PCI")):
        return "a NIC alias has the PARENT %r; the VM has: %s" % (unknown[0], ", ".join(names) or "no NIC")
    return None


def _boot(body):
    for asked in first_vector(body, "OS").get("BOOT", "").split(","):
        found = re.fullmatch(r"\s*(disk|nic)(\d+)\s*", asked)
        vector, number = BOOTED[found.group(1)] if found else ("", "")
        devices = vectors(body, vector) if found else []
        if found and found.group(2) not in [one.get(number, str(place)) for place, one in enumerate(devices)]:
            return "OS (BOOT) names %s, which the VM does not have" % asked.strip()
    return None


def _graphics(body):
    port = first_vector(body, "GRAPHICS").get("PORT", "")
    if port and not (is_whole(port) and int(port) <= PORTS):
        return "GRAPHICS (PORT) is a number up to %d, not %r" % (PORTS, port)
    return None


def raw_refused(body):
    """Why OpenNebula refuses the RAW section of a template; None: it does not."""
    raw = first_vector(body, "RAW")
    if not raw or raw.get("VALIDATE", "YES").upper() == "NO" or raw.get("TYPE", "").lower() in RAW_TYPES:
        return None
    return "RAW (TYPE) is one of %s, not %r" % (", ".join(RAW_TYPES), raw.get("TYPE", ""))


def _costs(body):
    for name in ("CPU_COST", "MEMORY_COST", "DISK_COST"):
        if first_text(body, name) and not COST(first_text(body, name)):
            return "%s is a number from 0, not %r" % (name, first_text(body, name))
    return None


def _is_positive(text):
    return COST(text) is not None and float(text) > 0


def _is_count(text):
    return is_whole(text) and int(text) > 0


# Attributes of a VM that are numbers → (whether OpenNebula takes a text, what it takes).
NUMBERS = {
    "CPU": (_is_positive, "a number greater than 0"),
    "VCPU": (_is_count, "a whole number greater than 0"),
    "MEMORY": (_is_count, "a number of MB greater than 0"),
}


def _numbers(body):
    for name, (fits, what) in NUMBERS.items():
        if first_text(body, name) and not fits(first_text(body, name)):
            return "%s is %s, not %r" % (name, what, first_text(body, name))
    return None


def _pci(body):
    if any(not any(device.get(name) for name in PASSED) for device in vectors(body, "PCI")):
        return "a PCI device needs one of %s" % ", ".join(PASSED)
    return None


PINNED = ("THREAD", "CORE", "SHARED")


def _pinned(body, topology):
    """Why the NUMA nodes of a pinned VM, or its sockets that become nodes, do not share its VCPU and MEMORY."""
    nodes, sockets = vectors(body, "NUMA_NODE"), topology.get("SOCKETS", "")
    shares = {"VCPU": ("TOTAL_CPUS", first_text(body, "VCPU") or "1"), "MEMORY": ("MEMORY", first_text(body, "MEMORY"))}
    for name, (member, total) in shares.items():
        parts = [node.get(member, "") for node in nodes]
        if not all(map(_is_count, parts)):
            return "a NUMA_NODE needs TOTAL_CPUS and MEMORY, whole numbers greater than 0"
        if is_whole(total) and parts and sum(map(int, parts)) != int(total):
            return "the NUMA nodes have %s %d in all, but the VM has %s" % (name, sum(map(int, parts)), total)
        if is_whole(total) and not parts and _is_count(sockets) and int(total) % int(sockets):
            return "%s %s cannot be shared by %s sockets, which are NUMA nodes each" % (name, total, sockets)
    return None


def _topology(body):
    topology = first_vector(body, "TOPOLOGY")
    if not topology:
        return None
    if first_text(body, "VCPU_MAX"):
        return "a VM with TOPOLOGY has no VCPU_MAX"
    if topology.get("PIN_POLICY", "NONE").upper() in PINNED:
        return _pinned(body, topology)
    if topology.get("NODE_AFFINITY"):
        return None
    numbers = [topology.get(name, "") for name in ("SOCKETS", "CORES", "THREADS")]
    if not all(is_whole(number) and int(number) for number in numbers):
        return "TOPOLOGY needs SOCKETS, CORES and THREADS where PIN_POLICY is not given"
    vcpu = first_text(body, "VCPU") or "1"
    total = int(numbers[0]) * int(numbers[1]) * int(numbers[2])
    return "TOPOLOGY has %d threads, but VCPU is %s" % (total, vcpu) if str(total) != vcpu else None


def by_values(body):
    """Why a VM of these attributes is refused, whatever there is in the cloud; None: it is not."""
    rules = (_disks, _aliases, _boot, _boot_files, _graphics, raw_refused, _costs, _numbers, _pci, _topology)
    return next(filter(None, (rule(body) for rule in rules)), None)


# ---------------------------------------------------------------- images and networks

WORDS = {"image": "image", "vnet": "virtual network", "vm_group": "VM group"}
DISKS = frozenset((IMAGE_TYPES.OS, IMAGE_TYPES.CDROM, IMAGE_TYPES.DATABLOCK, IMAGE_TYPES.FILESYSTEM))
TAKEN = "is persistent, and a VM has it"
UNUSABLE = {
    IMAGE_STATES.DISABLED: "is disabled",
    IMAGE_STATES.ERROR: "has failed",
    IMAGE_STATES.USED_PERS: TAKEN,
    IMAGE_STATES.LOCKED_USED_PERS: TAKEN,
}
FILES = {"KERNEL_DS": IMAGE_TYPES.KERNEL, "INITRD_DS": IMAGE_TYPES.RAMDISK, "FILES_DS": IMAGE_TYPES.CONTEXT}
FILE = re.compile(r"\$FILE\[([^\]]*)\]")
MEMBER = re.compile(r'(\w+)\s*=\s*\\?"?([^",\\\]]*)')


def _named(cloud, kind, vector, what):
    """(object, why not) for the image or network that a vector names; both None: it names none, or one yet to come."""
    number, name = vector.get(what + "_ID"), vector.get(what)
    if number is not None and is_whole(number):
        found = cloud.known(kind, int(number))
        return found, None if found is not None else "there is no %s with id %s" % (WORDS[kind], number)
    if number is None and name is None:
        return None, None
    owner = vector.get(what + "_UNAME")
    found = [item for item in cloud.pool(kind) if (number or name) == item.NAME and owner in (None, item.UNAME)]
    if not found:
        cloud.reference(kind, number or name)  # tells that there is none yet
    return (found[0] if len(found) == 1 else None), None


def _disk(cloud, disk):
    image, why = _named(cloud, "image", disk, "IMAGE")
    if image is not None and image.TYPE not in DISKS:
        why = "image %s is of a type that is no disk" % image.NAME
    if image is not None and image.STATE in UNUSABLE:
        why = "image %s %s" % (image.NAME, UNUSABLE[image.STATE])
    return why or (_wrong_size(image, disk.get("SIZE", "")) if image is not None else None)


def _wrong_size(image, size):
    """Why a disk of an image cannot have a size in MB: only copies can be larger than their image."""
    if not is_whole(size):
        return None
    if image.PERSISTENT or image.TYPE == IMAGE_TYPES.CDROM:
        kind = "a CD-ROM" if image.TYPE == IMAGE_TYPES.CDROM else "persistent"
        return "image %s is %s, so that a disk has its size, and takes no other one" % (image.NAME, kind)
    if int(size) < image.SIZE:
        return "image %s has %d MB, and a disk of it cannot have less: %s MB" % (image.NAME, image.SIZE, size)
    return None


def _nic(cloud, nic):
    vnet, why = _named(cloud, "vnet", nic, "NETWORK")
    if vnet is None:
        return why
    ranges = vnet.AR_POOL.AR
    if not any(addresses.free(one) for one in ranges):
        return "virtual network %s has no free addresses" % vnet.NAME
    asked = next(((name, nic[name]) for name in addresses.FIELDS if nic.get(name)), None)
    places = [(one, addresses.place(one, *asked)) for one in ranges] if asked else []
    found = [(one, place) for one, place in places if place is not None]
    if asked is not None and not found:
        return "virtual network %s does not have the address %s" % (vnet.NAME, asked[1])
    if asked is not None and all(place in addresses.taken(one) for one, place in found):
        return "the address %s of virtual network %s is in use" % (asked[1], vnet.NAME)
    return None


def _persistent_twice(cloud, body):
    """Why two disks cannot be of one persistent image."""
    found = [_named(cloud, "image", disk, "IMAGE")[0] for disk in vectors(body, "DISK")]
    names = [image.NAME for image in found if image is not None and image.PERSISTENT]
    twice = [name for name in names if names.count(name) > 1]
    return "two disks have the persistent image %s" % twice[0] if twice else None


def _boot_files(body):
    for member in ("KERNEL_DS", "INITRD_DS"):
        given = first_vector(body, "OS").get(member, "")
        if given and len(FILE.findall(given)) != 1:
            return 'OS (%s) is $FILE[IMAGE="name"] or $FILE[IMAGE_ID=number], not %r' % (member, given)
    return None


def _files(cloud, body):
    """Why the images that OS and CONTEXT name as files are none."""
    for section, member in (("OS", "KERNEL_DS"), ("OS", "INITRD_DS"), ("CONTEXT", "FILES_DS")):
        given = first_vector(body, section).get(member, "")
        for text in FILE.findall(given):
            image, why = _named(cloud, "image", dict(MEMBER.findall(text)), "IMAGE")
            if image is not None and FILES[member] != image.TYPE:
                why = "image %s is not of type %s" % (image.NAME, FILES[member].name)
            if why:
                return "%s (%s): %s" % (section, member, why)
    return None


def _vm_group(cloud, body):
    """Why a VM cannot have the role that it asks for."""
    wanted = first_vector(body, "VMGROUP")
    group, why = _named(cloud, "vm_group", wanted, "VMGROUP")
    roles = [role.NAME for role in group.ROLES.ROLE] if group is not None else []
    if group is None or wanted.get("ROLE") in roles:
        return why
    return "VM group %s has no role %r; it has: %s" % (group.NAME, wanted.get("ROLE", ""), ", ".join(roles))


def _token(cloud, body):
    """Why a VM cannot have a token of OneGate."""
    known = cloud.configuration() if first_vector(body, "CONTEXT").get("TOKEN", "").upper() == "YES" else {}
    if known and not known.get("ONEGATE_ENDPOINT"):
        return "CONTEXT has TOKEN, but oned.conf has no ONEGATE_ENDPOINT"
    return None


def _room(cloud, body):
    """Tells that no host can ever carry a VM: none is large enough, or for pinned VMs. One may be yet to come."""
    hosts = cloud.pool("host")
    policy = first_vector(body, "TOPOLOGY").get("PIN_POLICY", "").upper()
    if hosts and policy in PINNED:
        hosts = [host for host in hosts if first_text(host.TEMPLATE, "PIN_POLICY").upper() == "PINNED"]
        if not hosts:
            cloud.foresee("a VM with PIN_POLICY %s needs a host with PIN_POLICY: PINNED, and there is none" % policy)
    for name, (dummy, field, unit) in SHARES.items() if hosts else ():
        most, wanted = max(getattr(host.HOST_SHARE, field, 0) for host in hosts) / unit, first_text(body, name)
        if most and _is_positive(wanted) and float(wanted) > most:
            cloud.foresee("it needs %s %.12g, but the largest host has %.12g" % (name, float(wanted), most))


def by_cloud(cloud, body):
    """Why a VM of these attributes is refused, by what there is in the cloud; None: it is not, or nobody asks."""
    if not cloud.rehearses:
        return None
    devices = [(_disk, disk) for disk in vectors(body, "DISK")]
    devices += [(_nic, nic) for name in ("NIC", "NIC_ALIAS") for nic in vectors(body, name)]
    for rule, device in devices:
        why = rule(cloud, device)
        if why:
            return why
    return next(filter(None, (rule(cloud, body) for rule in (_persistent_twice, _files, _vm_group, _token))), None)


def _placed(cloud, body):
    return _room(cloud, body) if cloud.rehearses else None


# ---------------------------------------------------------------- calls


def new_vm(cloud, body, hold):
    return _refused(cloud, canonical(body))


def _refused(cloud, body):
    return by_values(body) or by_cloud(cloud, body) or _placed(cloud, body)


def from_template(cloud, oid, name, hold, body, persistent):
    template, given = cloud.known("template", oid), canonical(body or {})
    if template is None:  # in a check run it may be yet to come, with devices of its own
        return None
    base = canonical(template.TEMPLATE or {})
    if first_text(base, "VROUTER").upper() == "YES":
        return "VM template %s is for virtual routers only" % template.NAME
    why = _incomplete({**base, **given}) if cloud.rehearses else None
    return why or _refused(cloud, {**base, **given})


def cloned_template(cloud, oid, name, recursive=False):
    """Why the images of a VM template cannot be copied with it; a name that no image has is copied as it is."""
    template = cloud.known("template", oid) if recursive and cloud.rehearses else None
    disks = vectors(canonical(template.TEMPLATE or {}), "DISK") if template is not None else []
    return next(filter(None, (_uncopied(cloud, disk) for disk in disks)), None)


def _uncopied(cloud, disk):
    number, name = disk.get("IMAGE_ID", ""), disk.get("IMAGE")
    found = [cloud.known("image", int(number))] if is_whole(number) else []
    found = found or [image for image in cloud.pool("image") if name == image.NAME]
    if found == [None]:
        return "there is no image with id %s" % number
    wrong = [image.NAME for image in found if image.TYPE not in DISKS]
    return "image %s is of a type that is no disk" % wrong[0] if len(found) == len(wrong) == 1 else None


def _incomplete(body):
    missing = [name for name in ("CPU", "MEMORY") if not first_text(body, name)]
    return "give %s: neither the task nor the VM template has it" % " and ".join(missing) if missing else None


def attached_disk(cloud, oid, body):
    found = canonical(body)
    return _disk_by_values(first_vector(found, "DISK")) or by_cloud(cloud, found)


def attached_nic(cloud, oid, body):
    found, parts = canonical(body), _parts(cloud, oid)
    why = _aliases({"NIC_ALIAS": vectors(found, "NIC_ALIAS"), "NIC": vectors(parts, "NIC")}) if parts else None
    return why or by_cloud(cloud, found)


TRUE = ("YES", "Y", "TRUE", "1")  # for CONTEXT (NETWORK)
# Members of CONTEXT that OpenNebula makes of interfaces.
OF_NIC = re.compile(
    r"ETH([0-9]{1,9})_(ALIAS\d+_)?(DNS|EXTERNAL|GATEWAY|IP|IP6|IP6_GATEWAY|IP6_METHOD|IP6_METRIC|"
    r"IP6_PREFIX_LENGTH|IP6_ULA|MAC|MASK|METHOD|METRIC|MTU|NETWORK|ROUTES|SEARCH_DOMAIN|VLAN_ID|VROUTER_IP|VROUTER_IP6|"
    r"VROUTER_MANAGEMENT)"
).fullmatch


def changed_context(present, wanted):
    """Why the CONTEXT of a VM cannot be another one."""
    if wanted and not present:
        return "the VM was created without CONTEXT, and cannot get one"
    return _made_of_nic(name for name in wanted if OF_NIC(name) and wanted[name] != present.get(name))


def _made_of_nic(names):
    name = next(iter(names), None)
    return "CONTEXT (%s) is made of the interface: change that, and leave %s out" % (name, name) if name else None


def overwritten_context(body, wanted):
    """Why a new VM would not have members of CONTEXT: OpenNebula makes them of its interfaces, whatever is given.

    Args:
        body (dict): all attributes of the VM, in canonical form.
        wanted (dict): members of CONTEXT that the task gives.
    """
    if first_vector(body, "CONTEXT").get("NETWORK", "").upper() not in TRUE:
        return None
    nics, found = vectors(body, "NIC"), {name: OF_NIC(name) for name in wanted}
    of_nic = {name: (int(one.group(1)), one.group(3)) for name, one in found.items() if one}
    return _made_of_nic(
        name
        for name, (number, member) in of_nic.items()
        if number < len(nics) and wanted[name] != nics[number].get(member, "")
    )


def changed_sections(cloud, oid, body, mode):
    found, parts = canonical(body), _parts(cloud, oid)
    if "PORT" in first_vector(found, "GRAPHICS"):
        return "the PORT of GRAPHICS is set when a VM is created, and stays"
    why = changed_context(first_vector(parts, "CONTEXT"), first_vector(found, "CONTEXT")) if parts else None
    devices = {name: vectors(parts, name) for name in ("DISK", "NIC")}
    booted = {**first_vector(parts, "OS"), **first_vector(found, "OS")}
    why = why or (_boot(dict(devices, OS=booted)) if parts else None)
    return why or _boot_files(found) or raw_refused(found) or by_cloud(cloud, found)


# ---------------------------------------------------------------- calls for a VM that exists

CLUSTERS = re.compile(r"CLUSTER_ID\s*=\s*\"?(\d+)")


def _vm(cloud, oid):
    """A VM in a check run; None in others, where the server tells."""
    return cloud.info("vm", oid) if cloud.rehearses else None


def _parts(cloud, oid):
    """The template of a VM, in canonical form; empty where nobody asks."""
    item = _vm(cloud, oid)
    return canonical(item.TEMPLATE or {}) if item is not None else {}


def migrated(cloud, oid, host, live, enforce, datastore, *more):
    """Why a VM cannot be moved to a host and a datastore."""
    target, store = cloud.known("host", host), cloud.known("datastore", datastore)
    if target is not None and target.STATE == HOST_STATES.OFFLINE:
        return "host %s is offline" % target.NAME
    if store is not None and store.TYPE != DATASTORE_TYPES.SYSTEM:
        return "datastore %s is no system datastore" % store.NAME
    clusters = CLUSTERS.findall(first_text(_parts(cloud, oid), "AUTOMATIC_REQUIREMENTS")) if target else []
    if clusters and str(target.CLUSTER_ID) not in clusters:
        words = target.NAME, target.CLUSTER, ", ".join(clusters)
        return "host %s is in cluster %s, but the images and networks of the VM are in cluster %s" % words
    return None


def resized(cloud, oid, body, enforce):
    """Why a VM cannot get another capacity: its host lacks it."""
    item, found = _vm(cloud, oid), canonical(body)
    if item is None:
        return None
    more = {
        name: float(found[name]) - float(first_text(canonical(item.TEMPLATE), name) or 0)
        for name in GROWING & set(found)
    }
    return _lacking(cloud, item, more)


GROWING = frozenset(("CPU", "MEMORY"))
SHARES = {
    "CPU": ("CPU_USAGE", "MAX_CPU", 100),
    "MEMORY": ("MEM_USAGE", "MAX_MEM", 1024),
}  # of a host; the last: per unit


def _lacking(cloud, item, more):
    """Why the host that a VM is on cannot give it more."""
    records = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    host = cloud.known("host", records[-1].HID) if len(records) and not records[-1].ETIME else None
    if host is None:
        return None
    for name, amount in more.items():
        used, most, unit = SHARES[name]
        free = (getattr(host.HOST_SHARE, most) - getattr(host.HOST_SHARE, used)) / unit
        if amount > free:
            return "it needs %s %.12g more, but host %s has only %.12g left" % (name, amount, host.NAME, free)
    return None


def backed_up(cloud, oid, datastore, *more):
    store = cloud.known("datastore", datastore)
    if store is not None and store.TYPE != DATASTORE_TYPES.BACKUP:
        return "datastore %s is no backup datastore" % store.NAME
    return None


def restored(cloud, oid, number, *more):
    image = cloud.known("image", number)
    return "image %s is no backup" % image.NAME if image is not None and image.TYPE != IMAGE_TYPES.BACKUP else None


def saved_disk(cloud, oid, disk, *more):
    parts = _parts(cloud, oid)
    numbers = [one.get("DISK_ID") for one in vectors(parts, "DISK")]
    return "the VM has no disk %d" % disk if parts and str(disk) not in numbers else None


def joined_group(cloud, oid, group, role):
    item = cloud.known("vm_group", group)
    roles = [one.NAME for one in item.ROLES.ROLE] if item is not None else [role]
    return None if role in roles else "VM group %s has no role %r; it has: %s" % (item.NAME, role, ", ".join(roles))


# ---------------------------------------------------------------- virtual routers


def new_router(cloud, body):
    """Why a virtual router cannot have interfaces; only a floating address is a lease of its own."""
    for nic in vectors(canonical(body), "NIC") if cloud.rehearses else ():
        floats = nic.get("FLOATING_IP", "").upper() == "YES"
        why = _nic(cloud, nic) if floats else _named(cloud, "vnet", nic, "NETWORK")[1]
        if why:
            return why
    return None


def router_vms(cloud, oid, number, template, name, hold, extra):
    """Why VMs of a virtual router cannot be created from a VM template and more attributes."""
    item, given = cloud.known("template", template), canonical(extra or {})
    base = canonical(item.TEMPLATE or {}) if item is not None else {}
    if item is not None and first_text(base, "VROUTER").upper() != "YES":
        return "VM template %s is not for virtual routers: its attribute VROUTER is not YES" % item.NAME
    why = _incomplete({**base, **given}) if item is not None else None
    return why or _refused(cloud, {**base, **given})


def attached_to_router(cloud, oid, body):
    return new_router(cloud, body)
