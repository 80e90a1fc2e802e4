# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What OpenNebula refuses of a call, as far as it can be known from what can be read: plans, and with them check mode,
are refused where the run would be.

A rule is (cloud, *arguments of the method) → why the call is refused, or None.  What is not known (a name that does not
exist yet in a check run, a configuration that the user may not read) refuses nothing.  A check run reads what rules ask
for; a run that changes something knows what it has read anyway, as the server refuses the rest.
"""

from __future__ import annotations

import re
from functools import partial

from ..pyone.constants import DATASTORE_TYPES, HOST_STATES, IMAGE_STATES, IMAGE_TYPES, LCM_STATE, VM_STATE
from . import addresses, guard, vm_refusals
from .failure import MOST, Failure, did_you_mean
from .numbers import is_whole
from .values import canonical, first_text, vectors

# ---------------------------------------------------------------- what is read


def _template(item):
    return canonical(item.TEMPLATE or {})


def _drivers(cloud, name, always=False):
    """{name: attributes} of the drivers that oned.conf has in attributes of a name; empty: they are not known."""
    found = cloud.configuration(always).get(name, [])
    return {one["NAME"]: one for one in (found if isinstance(found, list) else [found])}


# ---------------------------------------------------------------- drivers

WORDS = {
    "DS_MAD": "datastore driver",
    "TM_MAD": "transfer driver",
    "VN_MAD": "network driver",
    "MARKET_MAD": "marketplace driver",
}
NONE = ("", "-")  # no driver


def _driver_refused(cloud, name, body):
    """Why the driver that a body names in an attribute is refused."""
    given, known = first_text(body, name), _drivers(cloud, name + "_CONF")
    if not known or given in NONE:
        return None
    if given not in known:
        names = ", ".join(sorted(known))
        near = did_you_mean(given, known)
        return "OpenNebula has no %s %r (%s).%s It has: %s" % (WORDS[name], given, name, near, names)
    needed = [one.strip().upper() for one in known[given].get("REQUIRED_ATTRS", "").split(",") if one.strip()]
    missing = [one for one in needed if not first_text(body, one)]
    if missing:
        return "the %s %s needs %s in the option template" % (WORDS[name], given, " and ".join(missing))
    return None


# ---------------------------------------------------------------- datastores

TYPES = {"SYSTEM_DS": DATASTORE_TYPES.SYSTEM, "FILE_DS": DATASTORE_TYPES.FILE, "BACKUP_DS": DATASTORE_TYPES.BACKUP}
DISK_TYPES = "FILE CD_ROM BLOCK RBD RBD_CDROM GLUSTER GLUSTER_CDROM SHEEPDOG SHEEPDOG_CDROM ISCSI".split()


def _new_datastore(cloud, body, cluster):
    return _datastore_refused(cloud, body)


def _changed_datastore(cloud, oid, body, mode):
    item = cloud.known("datastore", oid)
    present = _template(item) if item is not None else {}
    changed = {name: value for name, value in body.items() if value != present.get(name)}
    return _datastore_refused(cloud, {**present, **body}, changed) if item is not None else None


def _datastore_refused(cloud, body, changed=None):
    changed = body if changed is None else changed
    kind, disks = TYPES.get(first_text(body, "TYPE"), DATASTORE_TYPES.IMAGE), first_text(changed, "DISK_TYPE")
    if disks and disks not in DISK_TYPES:
        return "DISK_TYPE is one of %s, not %r.%s" % (", ".join(DISK_TYPES), disks, did_you_mean(disks, DISK_TYPES))
    if kind == DATASTORE_TYPES.SYSTEM and first_text(changed, "DS_MAD") not in NONE:
        return "a system datastore has no datastore driver (DS_MAD), only a transfer driver"
    why = _driven(cloud, kind == DATASTORE_TYPES.SYSTEM, body, changed) if kind != DATASTORE_TYPES.BACKUP else None
    if why:
        return why
    drivers = {"DS_MAD": DATASTORE_TYPES.SYSTEM, "TM_MAD": DATASTORE_TYPES.BACKUP}  # → the type that has none
    names = [name for name, without in drivers.items() if kind != without and name in changed]
    return next(filter(None, (_driver_refused(cloud, name, body) for name in names)), None)


# What the transfer driver writes into the template of a datastore, whatever is given: of system datastores, of others.
DRIVEN = {True: ("SHARED", "DS_MIGRATE", "ALLOW_ORPHANS"), False: ("CLONE_TARGET", "LN_TARGET", "ALLOW_ORPHANS")}
FOREIGN = {
    True: (("CLONE_TARGET", "LN_TARGET"), "a system datastore has no %s"),
    False: (("SHARED",), "%s is for system datastores only"),
}


def _driven(cloud, is_system, body, changed):
    """Why attributes would not be stored as they are given: the transfer driver writes them, or takes them away."""
    names, why = FOREIGN[is_system]
    foreign = [name for name in names if first_text(changed, name)]
    if foreign:
        return why % foreign[0]
    driver, driven = first_text(body, "TM_MAD"), [name for name in DRIVEN[is_system] if first_text(changed, name)]
    conf = _drivers(cloud, "TM_MAD_CONF", always=True).get(driver, {}) if driven else {}
    for name in driven:
        given = first_text(changed, name)
        if conf.get(name, given).upper() != given.upper():
            return "%s is what the transfer driver %s has: %s, not %r" % (name, driver, conf[name], given)
    return None


# ---------------------------------------------------------------- images

FILE_TYPES = frozenset(("KERNEL", "RAMDISK", "CONTEXT"))
DISKS = frozenset(("OS", "CDROM", "DATABLOCK"))
FROM_PATH = FILE_TYPES | {"CDROM", "FILESYSTEM"}  # which have no size without a file
FITTING = {
    DATASTORE_TYPES.FILE: (FILE_TYPES, "a file datastore takes images of the types kernel, ramdisk and context only"),
    DATASTORE_TYPES.BACKUP: (frozenset(("BACKUP",)), "a backup datastore takes backups only"),
    DATASTORE_TYPES.IMAGE: (DISKS | {"FILESYSTEM"}, "an image datastore takes disks only"),
    DATASTORE_TYPES.SYSTEM: (frozenset(), "a system datastore takes no images"),
}
DEFAULT_TYPE = "OS"


def _new_image(cloud, body, datastore, *more):
    kind, target = (first_text(body, "TYPE") or DEFAULT_TYPE).upper(), cloud.known("datastore", datastore)
    why = _misplaced(kind, target)
    if why is None and "FROM_APP" not in body:  # where the app tells the rest
        size = "" if first_text(body, "PATH") else first_text(body, "SIZE")  # of a file the driver tells it
        why = _without_source(kind, body) or _too_large(cloud, target, size)
    return why


def _misplaced(kind, datastore):
    """Why a datastore takes no image of a type."""
    types, why = FITTING.get(datastore.TYPE, FITTING[DATASTORE_TYPES.IMAGE]) if datastore is not None else ((kind,), "")
    return None if kind in types else "%s, and this is one of type %s" % (why, kind.lower())


def _without_source(kind, body):
    """Why an image cannot be made of what a body says of its content."""
    path, source, size = (first_text(body, name) for name in ("PATH", "SOURCE", "SIZE"))
    if path and source:
        return "give PATH or SOURCE, not both"
    if kind in FROM_PATH and not path:
        return "an image of type %s needs a path" % kind.lower()
    if not path and not size:
        return "give its size too, as OpenNebula does not look into a SOURCE" if source else "give its path or its size"
    if source and not first_text(body, "FORMAT"):
        return "give FORMAT with SOURCE"
    if kind in FILE_TYPES and first_text(body, "PERSISTENT").upper() == "YES":
        return "an image of type %s cannot be persistent" % kind.lower()
    return None


LIMIT = re.compile(r"\s*[+-]?[0-9]+\s*").fullmatch  # a LIMIT_MB that counts


def _too_large(cloud, datastore, size):
    """Why a size in MB does not fit into a datastore, where OpenNebula looks at that."""
    if datastore is None or not datastore.TOTAL_MB or not is_whole(size):
        return None
    template = _template(datastore)
    limit, free = first_text(template, "LIMIT_MB"), datastore.FREE_MB
    free = min(free, int(limit) - datastore.USED_MB) if LIMIT(limit) else free
    if int(size) <= max(free, 0) or first_text(template, "DATASTORE_CAPACITY_CHECK").upper() == "NO":
        return None
    if "no" in [text.lower() for text in cloud.configuration().get("DATASTORE_CAPACITY_CHECK", ())]:
        return None
    return "it has %s MB, but datastore %s has %d MB left" % (size, datastore.NAME, max(free, 0))


def _cloned_image(cloud, oid, name, datastore=-1):
    image = cloud.known("image", oid)
    if image is None:
        return None
    if _image_type(image) not in DISKS:
        return "an image of type %s cannot be cloned" % _image_type(image).lower()
    if image.SNAPSHOTS is not None and len(image.SNAPSHOTS.SNAPSHOT):
        return "an image with snapshots cannot be cloned"
    own = cloud.known("datastore", image.DATASTORE_ID)
    target = own if datastore == -1 else cloud.known("datastore", datastore)
    return None if own is None or target is None else _uncopied(cloud, image, own, target)


def _uncopied(cloud, image, own, target):
    """Why a datastore takes no clone of an image that is in another one, or in itself."""
    if DATASTORE_TYPES.IMAGE != target.TYPE:
        return "an image is cloned to an image datastore only"
    if target.DS_MAD != own.DS_MAD:
        words = WORDS["DS_MAD"], own.DS_MAD, target.NAME, target.DS_MAD
        return "an image is cloned to a datastore of the same %s only: its own has %s, %s has %s" % words
    return _too_large(cloud, target, str(image.SIZE))


PUBLISHED = frozenset((IMAGE_STATES.READY, IMAGE_STATES.USED, IMAGE_STATES.CLONE))  # as apps
IN_USE = frozenset(
    (
        IMAGE_STATES.USED,
        IMAGE_STATES.CLONE,
        IMAGE_STATES.USED_PERS,
        IMAGE_STATES.LOCKED_USED,
        IMAGE_STATES.LOCKED_USED_PERS,
    )
)


def _image_type(image):
    return IMAGE_TYPES(image.TYPE).name if image.TYPE in list(IMAGE_TYPES) else DEFAULT_TYPE


def _changed_type(cloud, oid, kind):
    image = cloud.known("image", oid)
    if image is None:
        return None
    present, kind = _image_type(image), kind.upper() or DEFAULT_TYPE
    family = next((one for one in (DISKS, FILE_TYPES) if present in one), frozenset())
    if kind not in family:
        return "it is of type %s, which can only become %s" % (present.lower(), _listed(family - {present}))
    return None


def _listed(types):
    return " or ".join(sorted(types)).lower() or "no other"


def _enabled(cloud, oid, enabled):
    image = cloud.known("image", oid)
    return "VMs use it" if image is not None and not enabled and image.STATE in IN_USE else None


def _persistent(cloud, oid, persistent):
    image = cloud.known("image", oid)
    if image is not None and image.STATE in IN_USE:
        return "VMs use it"
    kind = _image_type(image) if image is not None else DEFAULT_TYPE
    if persistent and kind in FILE_TYPES:
        return "an image of type %s cannot be persistent" % kind.lower()
    return "a backup is always persistent" if kind == "BACKUP" and not persistent else None


# ---------------------------------------------------------------- virtual networks

NEEDED: dict = dict.fromkeys(("802.1Q", "vxlan", "ovswitch_vxlan"), ("PHYDEV", "VLAN_ID"))  # by driver
NEEDED["dummy"] = ("BRIDGE",)


def _new_vnet(cloud, body, cluster):
    if not first_text(body, "VN_MAD"):
        return "give vn_mad"
    return _network_refused(cloud, body, body)


def _changed_vnet(cloud, oid, body, mode):
    item = cloud.known("vnet", oid)
    return _network_refused(cloud, {**_template(item), **body}, body) if item is not None else None


def _network_refused(cloud, body, changed):
    driver, bridge = first_text(body, "VN_MAD"), first_text(changed, "BRIDGE_TYPE")
    why = _driver_refused(cloud, "VN_MAD", body) if "VN_MAD" in changed else None
    known = _drivers(cloud, "VN_MAD_CONF").get(driver) if bridge else None
    if why is None and known is not None and bridge not in known.get("BRIDGE_TYPE", bridge).split(","):
        why = "the network driver %s has BRIDGE_TYPE %s, not %r" % (driver, known["BRIDGE_TYPE"], bridge)
    missing = [name for name in NEEDED.get(driver, ()) if not (first_text(body, name) or _is_drawn(body, name))]
    if why is None and missing and "VN_MAD" in changed:
        why = "the network driver %s needs %s" % (driver, " and ".join(name.lower() for name in missing))
    return why


def _is_drawn(body, name):
    return first_text(body, "AUTOMATIC_" + name).upper() == "YES"


def _reservation(cloud, source, body):
    """Why a network has not the addresses of a reservation."""
    vnet = cloud.known("vnet", source)
    if vnet is None:
        return None
    if vnet.PARENT_NETWORK_ID:
        return "virtual network %s is a reservation itself; reserve from the network that it is from" % vnet.NAME
    size, number = int(body["SIZE"]), body.get("AR_ID")
    ranges = [one for one in vnet.AR_POOL.AR if number in (None, str(one.AR_ID))]
    if not ranges:
        return "virtual network %s has no address range %s" % (vnet.NAME, number or "")
    most = max(map(addresses.free, ranges))
    if size > most:
        where = "an address range" if number is None else "address range %s" % number
        return "virtual network %s has at most %d free addresses in %s" % (vnet.NAME, most, where)
    asked = next(((name, body[name]) for name in addresses.FIELDS if body.get(name)), None)
    if asked is not None and not any(_from(one, asked, size) for one in ranges):
        return "%s and the %d addresses after it are not in address range %s" % (asked[1], size - 1, number)
    return None


def _changed_range(cloud, oid, body):
    """Why a range cannot shrink: somebody has an address that would not be in it."""
    ar, size = _range(cloud, oid, body["AR"].get("AR_ID")), str(body["AR"].get("SIZE", ""))
    last = max(addresses.taken(ar), default=-1) if ar is not None else -1
    return "its address with the number %d is in use" % last if is_whole(size) and last >= int(size) else None


def _removed_range(cloud, oid, number, *more):
    ar = _range(cloud, oid, number)
    return "it has addresses in use" if ar is not None and addresses.taken(ar, held=False) else None


def _range(cloud, oid, number):
    vnet = cloud.known("vnet", oid)
    ranges = vnet.AR_POOL.AR if vnet is not None else []
    return next((one for one in ranges if str(number) == str(one.AR_ID)), None)


def _from(ar, asked, size):
    """Whether a range has so many addresses from a given one on, used or not."""
    place = addresses.place(ar, *asked)
    return place is not None and place + size <= int(ar.SIZE)


# ---------------------------------------------------------------- other kinds


def _new_host(cloud, name, im_mad, vm_mad, cluster):
    empty = [option for option, driver in (("im_mad", im_mad), ("vm_mad", vm_mad)) if not driver]
    return "%s cannot be empty" % " and ".join(empty) if empty else None


def _new_app(cloud, body, oid):
    market, known = cloud.known("marketplace", oid), _drivers(cloud, "MARKET_MAD_CONF")
    if market is None or market.MARKET_MAD not in known:
        return None
    image = cloud.known("image", body.get("ORIGIN_ID"))
    if image is not None and image.STATE not in PUBLISHED:
        return "image %s is neither ready nor used" % image.NAME
    if "create" in known[market.MARKET_MAD].get("APP_ACTIONS", "create"):
        return None
    return "marketplace %s is only read: its driver %s publishes no apps" % (market.NAME, market.MARKET_MAD)


def _new_marketplace(cloud, body, *more):
    return _driver_refused(cloud, "MARKET_MAD", body)


def _changed_marketplace(cloud, oid, body, mode):
    item = cloud.known("marketplace", oid)
    found = {**_template(item), **body} if item is not None else body
    return _driver_refused(cloud, "MARKET_MAD", found) if "MARKET_MAD" in body else None


# ---------------------------------------------------------------- removal

USED_BY = "is used by VM"


def _kept(kind, what, fields, cloud, oid, *more):
    """Tells which others keep an object from being removed: those whose ids are in its fields."""
    item = cloud.known(kind, oid)
    found = {number for field in fields for number in getattr(getattr(item, field, None), "ID", ())}
    if found:
        cloud.foresee("it %s %s" % (what, ", ".join(map(str, sorted(found)[:MOST]))))


def _removed_group(cloud, oid):
    if oid == 0:
        return "OpenNebula keeps the security group with id 0"
    fields = ("UPDATED_VMS", "OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS")
    return _kept("security_group", USED_BY, fields, cloud, oid)


OWN = 100  # the first id that OpenNebula gives; objects below it are its own


def _removed_own(kind, cloud, oid):
    return "OpenNebula keeps its own %s, with ids below %d" % (kind, OWN) if oid < OWN else None


def _removed_user_group(cloud, oid):
    return _removed_own("groups", cloud, oid) or _kept("group", "has the users", ("USERS",), cloud, oid)


# ---------------------------------------------------------------- users and groups

ADMIN = 0  # id of the user and of the group oneadmin


def _of_admin(what, cloud, oid, *more):
    return what if oid == ADMIN else None


def _group_of_user(cloud, oid, *more):
    """Why the groups of a user stay: the driver of its passwords manages them."""
    item = cloud.known("user", oid)
    driver = _drivers(cloud, "AUTH_MAD_CONF").get(item.AUTH_DRIVER, {}) if item is not None else {}
    if driver.get("DRIVER_MANAGED_GROUPS", "").upper() == "YES":
        return "the authentication driver %s manages the groups of its users" % item.AUTH_DRIVER
    return None


def _main_group(cloud, oid, group):
    if oid == ADMIN and group != ADMIN:
        return "oneadmin stays in the group oneadmin"
    return _group_of_user(cloud, oid)


# ---------------------------------------------------------------- hooks, network templates, VM groups

HOOK_STATES = {
    "VM": frozenset(state.name for state in VM_STATE) - {"FAILED"},
    "HOST": frozenset(state.name for state in HOST_STATES),
    "IMAGE": frozenset(state.name for state in IMAGE_STATES) - {"INIT"},
}
LCM_STATES = frozenset(state.name for state in LCM_STATE)


def _new_hook(cloud, body):
    found = canonical(body)
    if found.get("COMMAND") == "":
        return "the option command cannot be empty"
    if first_text(found, "TYPE").lower() == "api":
        return None
    resource, state = (first_text(found, name).upper() for name in ("RESOURCE", "STATE"))
    if resource not in (*HOOK_STATES, "NET"):
        return "RESOURCE is one of VM, HOST, IMAGE and NET, not %r" % resource
    if first_text(found, "ON") not in ("", "CUSTOM"):
        return None
    return _no_state(state, HOOK_STATES.get(resource)) or (
        _no_state(first_text(found, "LCM_STATE").upper(), LCM_STATES) if resource == "VM" else None
    )


def _no_state(word, known):
    if known is None or word in known:
        return None
    return "there is no state %s.%s" % (word.lower(), did_you_mean(word, known).lower().replace(" did", " Did"))


def _retried(cloud, oid, number):
    """Why an execution of a hook cannot be repeated."""
    item = cloud.info("hook", oid) if cloud.rehearses else None
    if item is None or item.HOOKLOG is None:
        return None
    there = [one.EXECUTION_ID for one in item.HOOKLOG.HOOK_EXECUTION_RECORD]
    if number in there:
        return None
    return "the hook has no execution %d; it has: %s" % (number, ", ".join(map(str, there[-MOST:])) or "none")


def undeployed(roles):
    """Why OneFlow would never deploy roles (dicts with `name`, `parents`): it stores any parents, and waits for them.

    Returns:
        str | None: the end of a sentence.
    """
    parents = {role["name"]: set(role.get("parents") or ()) for role in roles}
    for name, wanted in parents.items():
        for unknown in sorted(wanted - parents.keys()):
            words = name, unknown, did_you_mean(unknown, parents), ", ".join(parents)
            return "the role %s has the parent %r, which is no role.%s There are: %s" % words
    while parents:
        ready = [name for name, wanted in parents.items() if not wanted & parents.keys()]
        if not ready:
            return "the roles %s wait for each other: each has a parent among them" % ", ".join(parents)
        for name in ready:
            del parents[name]
    return None


def _new_service(cloud, template, merge):
    """Why a service cannot have roles: its template lacks them, and they have no VM template to be added with."""
    item = cloud.known("service_template", template)
    return _without_template(item, merge["roles"]) or _waiting_roles(item, merge["roles"]) if item is not None else None


def _waiting_roles(item, roles):
    """Why roles of a new service would wait for ever; parents that the task does not give are not looked at."""
    given = {role["name"]: role for role in roles}
    there = {role["name"]: {"name": role["name"]} for role in item.roles}
    return undeployed({**there, **given}.values())


def _without_template(item, roles):
    there = [role["name"] for role in item.roles]
    for role in roles:
        if role["name"] not in there and role["template_id"] is None:
            words = item.NAME, role["name"], ", ".join(there) or "none"
            return "the service template %s has no role %s; to add it, give its template. It has: %s" % words
    return None


def _removed_role(cloud, oid, number):
    """Tells which VMs keep a role of a VM group from being removed."""
    item = cloud.known("vm_group", oid)
    found = [role.VMS for role in item.ROLES.ROLE if number == role.ID and role.VMS] if item is not None else []
    if found:
        cloud.foresee("the role %s %s" % (USED_BY, found[0]))


def _new_vntemplate(cloud, body):
    return None if first_text(canonical(body), "VN_MAD") else "give VN_MAD in the option template"


def _new_vm_group(cloud, body):
    found = canonical(body)
    if any(not role.get("NAME") for role in vectors(found, "ROLE")):
        return "each role has a name"
    sets = [{frozenset(_parts(text)) for text in _texts(found, name)} for name in ("AFFINED", "ANTI_AFFINED")]
    both = sets[0] & sets[1]
    return "the roles %s are affined and anti-affined" % ", ".join(sorted(next(iter(both)))) if both else None


def _texts(template, name):
    found = template.get(name, [])
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]


def _parts(text):
    return [part.strip() for part in text.split(",")]


def _new_admin(cloud, oid, user):
    """Why a user cannot administer a group: only members can."""
    item = cloud.known("user", user)
    if item is None or oid in (item.GID, *getattr(item.GROUPS, "ID", ())):
        return None
    return "user %s is no member; add it by one_user (groups) first" % item.NAME


def _new_job(cloud, body):
    return _in_other_job(cloud, None, body)


def _changed_job(cloud, oid, body, mode):
    return _in_other_job(cloud, oid, body)


def _in_other_job(cloud, oid, body):
    """Why VMs cannot be in a backup job: another one has them."""
    wanted = _parts(first_text(canonical(body), "BACKUP_VMS"))
    for job in cloud.pool("backupjob") if cloud.rehearses and any(wanted) else ():
        both = [vm for vm in _parts(first_text(_template(job), "BACKUP_VMS")) if vm and vm in wanted]
        if both and oid != job.ID:
            return "VM %s is in backup job %s, and a VM can be in one only" % (both[0], job.NAME)
    return None


RULES: dict = {
    "backupjob.allocate": _new_job,
    "backupjob.update": _changed_job,
    "group.addadmin": _new_admin,
    "cluster.delete": partial(_removed_own, "clusters"),
    "group.delete": _removed_user_group,
    "group.quota": partial(_of_admin, "the group oneadmin has no quotas"),
    "flow.service_template.instantiate": _new_service,
    "hook.allocate": _new_hook,
    "hook.retry": _retried,
    "market.delete": partial(_kept, "marketplace", "has the apps", ("MARKETPLACEAPPS",)),
    "user.addgroup": _group_of_user,
    "user.chgrp": _main_group,
    "user.delete": partial(_of_admin, "OpenNebula keeps its user oneadmin"),
    "user.enable": partial(_of_admin, "oneadmin cannot be disabled"),
    "user.quota": partial(_of_admin, "oneadmin has no quotas"),
    "vdc.delete": partial(_removed_own, "VDCs"),
    "vmgroup.allocate": _new_vm_group,
    "vmgroup.roledelete": _removed_role,
    "vntemplate.allocate": _new_vntemplate,
    "zone.delete": partial(_removed_own, "zones"),
    "datastore.delete": partial(_kept, "datastore", "has the images", ("IMAGES",)),
    "host.delete": partial(_kept, "host", USED_BY, ("VMS",)),
    "image.delete": partial(_kept, "image", USED_BY, ("VMS",)),
    "secgroup.delete": _removed_group,
    "vn.delete": partial(_kept, "vnet", USED_BY, ("UPDATED_VMS", "OUTDATED_VMS", "ERROR_VMS")),
    "datastore.allocate": _new_datastore,
    "datastore.update": _changed_datastore,
    "host.allocate": _new_host,
    "image.allocate": _new_image,
    "image.chtype": _changed_type,
    "image.clone": _cloned_image,
    "image.persistent": _persistent,
    "market.allocate": _new_marketplace,
    "market.update": _changed_marketplace,
    "template.clone": vm_refusals.cloned_template,
    "template.instantiate": vm_refusals.from_template,
    "vm.allocate": vm_refusals.new_vm,
    "vm.attach": vm_refusals.attached_disk,
    "vm.attachnic": vm_refusals.attached_nic,
    "vm.backup": vm_refusals.backed_up,
    "vm.disksaveas": vm_refusals.saved_disk,
    "vm.migrate": vm_refusals.migrated,
    "vm.resize": vm_refusals.resized,
    "vm.restore": vm_refusals.restored,
    "vm.updateconf": vm_refusals.changed_sections,
    "vm.vmgroupadd": vm_refusals.joined_group,
    "vn.rm_ar": _removed_range,
    "vn.update_ar": _changed_range,
    "image.enable": _enabled,
    "marketapp.allocate": _new_app,
    "vn.allocate": _new_vnet,
    "vn.reserve": _reservation,
    "vn.update": _changed_vnet,
    "vrouter.allocate": vm_refusals.new_router,
    "vrouter.attachnic": vm_refusals.attached_to_router,
    "vrouter.instantiate": vm_refusals.router_vms,
}
SHARED_NAMES = frozenset(("document", "service", "service_template", "vm", "vrouter"))  # kinds whose names repeat
ONE_EACH = frozenset(("datastore", "marketplace"))  # kinds whose names are taken whoever owns the object


def _renamed(cloud, kind, oid, name):
    """Why an object cannot have a name: another one has it, of the same owner where objects have one."""
    own = cloud.known(kind, oid) if cloud.rehearses or kind in cloud.listed else None
    taken = [one for one in cloud.pool(kind) if name == one.NAME and oid != one.ID] if own is not None else []
    taken = [one for one in taken if kind in ONE_EACH or getattr(one, "UID", None) == getattr(own, "UID", None)]
    return "the name is already taken by the one with id %d" % taken[0].ID if taken else None


USED = ("clone", "instantiate")  # verbs for which the right USE is enough


def _tell_of_lock(cloud, kind, method, arguments):
    """Tells that an object is locked, unless the task unlocks it first: another task may have done so."""
    verb, oid = method.rpartition(".")[2], arguments[0] if arguments else None
    if not cloud.rehearses or kind is None or not isinstance(oid, int) or verb in ("lock", "unlock", "allocate"):
        if verb == "unlock":
            cloud.unlocked.add((kind, oid))
        return
    lock = getattr(getattr(cloud.seen_before(kind, oid), "LOCK", None), "LOCKED", None)
    if (kind, oid) not in cloud.unlocked and (lock == guard.USE or (lock in guard.BLOCKING and verb not in USED)):
        cloud.foresee(
            "the %s is locked (%s); unlock it first (lock: none)" % (kind.replace("_", " "), guard.LOCKS[lock])
        )


def refuse(cloud, doing, kind, method, arguments):
    """Raises Failure when OpenNebula would refuse a call.

    Args:
        cloud (Cloud)
        doing (str): completes "Cannot …".
        kind (str | None): of the object that the method is of.
        method (str), arguments (tuple): of the call.
    """
    why = None
    _tell_of_lock(cloud, kind, method, arguments)
    if method in RULES:
        why = RULES[method](cloud, *arguments)
    elif method.endswith(".rename") and kind not in SHARED_NAMES:
        why = _renamed(cloud, kind, *arguments)
    if why is not None:
        raise Failure("Cannot %s: %s." % (doing, why.rstrip(".")), method="one." + method, object=kind)
