# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What OpenNebula refuses because of quotas: what calls would use in all, against the limits of those who pay for it.

A virtual network pays too, with its free addresses.

As 7.4.0 and 6.10.5 count: a new VM counts as running, also while it is held or pending, and one that is powered off,
suspended, stopped or undeployed does not; who creates an object pays for it, and who has it for what changes.  Quotas
of clusters count VMs that are on a host.  What cannot be known (the size of a file, a name that does not exist yet, the
quotas of a group that the user may not read) counts nothing.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from ..pyone.constants import IMAGE_TYPES
from . import addresses
from .cloud import by_id, label
from .failure import Failure
from .numbers import is_whole
from .quotas import METRICS, limits
from .values import canonical, first_text, merged_template, vectors

VNET = "vnet"
OWN = 0  # id of oneadmin and of its group, which have no quotas
SAME = -1  # an owner or a datastore that stays
AT_REST = (4, 5, 8, 9)  # STATE of VMs that do not count as running: stopped, suspended, poweroff, undeployed
VOLATILE = ("FS", "SWAP")  # types of disks without an image
TINY = 0.005  # used CPU is told with two decimals
OF_DISKS, OF_CAPACITY = "SYSTEM_DISK_SIZE", ("CPU", "MEMORY")
NOUNS = {"DATASTORE": "datastore", "NETWORK": VNET, "IMAGE": "image"}  # element → kind that its keys are ids of


class Holder(NamedTuple):
    """A user, a group or a virtual network with its limits: (element, key, metric) → (limit, used)."""

    kind: str
    name: str
    limits: dict


class Call(NamedTuple):
    """A call that is to come: what it does (completes "Cannot …"), method, arguments; and how often."""

    doing: str
    method: str
    arguments: tuple
    times: int = 1


def refuse(cloud, calls, heirs):
    """Raises Failure when quotas do not allow calls, which are made in this order.

    A run that changes something asks only where a part would be done before the server refuses the rest: several VMs,
    which OneFlow creates too.

    Args:
        cloud (Cloud)
        calls (list[Call])
        heirs (dict): `user` and `group` (names or ids) that get what is created, where they are not those of the task.
    """
    calls = [call for call in calls if call.method in USES and (cloud.rehearses or _is_part(call))]
    if calls:
        _Bill(cloud, calls, heirs).refuse()


def _is_part(call):
    return call.times > 1 or call.method.startswith("flow.")


class _Bill:
    """What calls use, by who pays for it."""

    def __init__(self, cloud, calls, heirs):
        self.cloud = cloud
        self.resumed = {call.arguments[1] for call in calls if call.method == "vm.action"}
        self._calls = calls
        self._heirs = heirs
        self._vms = {}  # id → VM
        self._holders = {}  # (kind, id) → Holder
        self._used = {}  # (kind, id of the holder), place → amount
        self._asked = {}  # the same → Call that is refused if this is too much

    def refuse(self):
        for call in self._calls:
            USES[call.method](partial(self._charge, call), self, *call.arguments)
        for (holder, place), call in self._asked.items():
            limit, used = self._holders[holder].limits[place]
            amount = self._used[holder, place]
            if used + amount > limit + TINY:
                why = self._why(self._holders[holder], place, amount, call.times)
                raise Failure("Cannot %s: %s." % (call.doing, why), method="one." + call.method)

    def _why(self, holder, place, amount, times):
        element, key, metric = place
        subject = "it needs" if times == 1 else "they need"
        if element in NOUNS and is_whole(key):
            item = self.item(NOUNS[element], int(key))
            where = " of %s %s" % (label(NOUNS[element]), key if item is None else item.NAME)
        else:
            where = " in cluster %s" % key if key else ""
        limit, used = holder.limits[place]
        if holder.kind == VNET:
            return "%s %g addresses of virtual network %s (free: %g)" % (subject, amount, holder.name, limit)
        words = subject, metric, amount, where, holder.kind, holder.name, limit, used
        return "%s %s %.12g more%s, but %s %s has a quota of %.12g and uses %.12g" % words

    # -------------------------------------------------------- who pays

    @property
    def creator(self):
        """Who pays for what is created: who runs the task, and who is to have it."""
        caller = self.cloud.caller()
        own = () if caller is None else (("user", caller.ID), ("group", caller.GID))
        heirs = [(kind, self.cloud.reference(kind, given)) for kind, given in self._heirs.items()]
        return tuple(dict.fromkeys((*own, *((kind, item.ID) for kind, item in heirs if item is not None))))

    def _holder(self, key):
        if key not in self._holders:
            self._holders[key] = self._read(*key)
        return self._holders[key]

    def _read(self, kind, oid):
        if kind == VNET:
            vnet = self.item(VNET, oid)
            return Holder(VNET, vnet.NAME, {_lease(vnet): (sum(map(addresses.free, vnet.AR_POOL.AR)), 0)})
        caller = self.cloud.caller() if kind == "user" else None
        if oid in (OWN, SAME) or not isinstance(oid, int):  # a name that is yet to come
            return Holder(kind, "", {})
        try:
            item = caller if caller is not None and oid == caller.ID else self.cloud.info(kind, oid)
        except Failure:  # the user may not read it
            item = None
        if item is None:
            return Holder(kind, "", {})
        return Holder(kind, item.NAME, limits(item, getattr(item, "DEFAULT_%s_QUOTAS" % kind.upper(), None)))

    def is_limited(self, payers, *names):
        """Whether one of these elements or metrics is limited for one of the payers."""
        return any(not set(names).isdisjoint(place) for payer in payers for place in self._holder(payer).limits)

    # -------------------------------------------------------- what is used

    def _charge(self, call, payers, used, asked=True):
        """Counts {(element, key, metric): amount}; what is only given back is not asked for (`asked`)."""
        for payer in payers:
            known = self._holder(payer).limits
            for (element, key, metric), amount in used.items():
                for place in _fitting(known, element, key, metric):
                    total = self._used.get((payer, place), 0)
                    self._used[payer, place] = total + amount * call.times
                    if asked:
                        self._asked[payer, place] = call

    # -------------------------------------------------------- objects

    def item(self, kind, oid):
        return self.cloud.derived(by_id, kind).get(oid, [None])[0]

    def named(self, kind, vector, what):
        """The object that a vector names (``IMAGE`` or ``IMAGE_ID``); None: it is not known."""
        number, name, owner = (vector.get(what + end) for end in ("_ID", "", "_UNAME"))
        if is_whole(number or ""):
            return self.item(kind, int(number))
        found = [one for one in self.cloud.pool(kind) if name == one.NAME and owner in (None, one.UNAME)]
        return found[0] if len(found) == 1 else None

    def vm(self, oid):
        if oid not in self._vms:
            self._vms[oid] = self.cloud.info("vm", oid)
        return self._vms[oid]


CLUSTERS = "clusters of "  # with the id of a cluster, the key of VMs in whatever quota that cluster is in


def _fitting(known, element, key, metric):
    """The places that are limited and that a use counts in."""
    if not key.startswith(CLUSTERS):
        return [(element, key, metric)] if (element, key, metric) in known else []
    cluster = key[len(CLUSTERS) :]
    return [place for place in known if place[::2] == (element, metric) and cluster in place[1].split(",")]


# ---------------------------------------------------------------- parts of a VM


def _amount(text):
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _vm(metrics, cluster=None):
    """Metrics of VMs, anywhere and in a cluster."""
    keys = [""] if cluster is None else ["", CLUSTERS + cluster]
    return {("VM", key, metric): amount for key in keys for metric, amount in metrics.items()}


def _running(metrics):
    return {"RUNNING_" + metric: amount for metric, amount in metrics.items()}


def _metrics(body):
    """What the VM itself counts, without its disks and interfaces."""
    devices = vectors(body, "PCI")
    nics = sum(one.get("TYPE", "").upper() == "NIC" for one in devices)
    capacity = {name: _amount(first_text(body, name)) for name in OF_CAPACITY}
    return {"VMS": 1, **capacity, "PCI_DEV": len(devices) - nics, "PCI_NIC": nics}


def _added(*uses):
    total: dict = {}
    for place, amount in (pair for use in uses for pair in use.items()):
        total[place] = total.get(place, 0) + amount
    return total


def _lease(vnet):
    return "NETWORK", str(vnet.ID), "LEASES"


def _leases(bill, nics):
    """A lease for each interface with a network."""
    found = [bill.named(VNET, nic, "NETWORK") for nic in nics if "NETWORK_ID" in nic or "NETWORK" in nic]
    return _added(*({_lease(vnet): 1} for vnet in found if vnet is not None))


def _take(charge, payers, leases, **how):
    """Counts leases of those who pay, and of the networks that have them."""
    charge(payers, leases, **how)
    charge([(VNET, int(place[1])) for place in leases], leases, **how)


def _nics(body):
    return [nic for name in ("NIC", "NIC_ALIAS", "PCI") for nic in vectors(body, name)]


def _is_volatile(disk):
    return disk.get("TYPE", "").upper() in VOLATILE


def _new_disks(bill, payers, disks, copied=False):
    """What new disks count; `copied`: the VM gets private copies of the images."""
    volatile = sum(_amount(disk.get("SIZE")) for disk in disks if _is_volatile(disk))
    used = [{("VM", "", OF_DISKS): volatile}]
    others = [disk for disk in disks if not _is_volatile(disk) and ("IMAGE_ID" in disk or "IMAGE" in disk)]
    if bill.is_limited(payers, "IMAGE", "DATASTORE", OF_DISKS):
        used += [_of_image(bill, bill.named("image", disk, "IMAGE"), disk, copied) for disk in others]
    return _added(*used)


def _of_image(bill, image, disk, copied):
    """What a disk with an image counts: a run of the image, and the copy where the driver makes it."""
    if image is None:
        return {}
    own = _stored(image.DATASTORE_ID, image.SIZE) if copied else {("IMAGE", str(image.ID), "RVMS"): 1}
    store = bill.item("datastore", image.DATASTORE_ID)
    if store is None or "TM_MAD_SYSTEM" in disk:
        return own
    is_copy = not (copied or image.PERSISTENT or image.TYPE == IMAGE_TYPES.CDROM)
    target = first_text(canonical(store.TEMPLATE or {}), "CLONE_TARGET" if is_copy else "LN_TARGET")
    size = max(float(image.SIZE), _amount(disk.get("SIZE")))
    return _added(own, _copy(target, image.DATASTORE_ID, size))


def _copy(target, datastore, size):
    if target.upper() == "SYSTEM":
        return {("VM", "", OF_DISKS): size}
    return {("DATASTORE", str(datastore), "SIZE"): size} if target.upper() == "SELF" else {}


def _stored(datastore, size=None):
    """What an image counts in its datastore; its size, where that is known."""
    used = {("DATASTORE", str(datastore), "IMAGES"): 1}
    return used if size is None else {**used, ("DATASTORE", str(datastore), "SIZE"): float(size)}


# ---------------------------------------------------------------- new VMs


def _new_body(charge, bill, body, copied=False, payers=None):
    payers = bill.creator if payers is None else payers
    metrics = _metrics(body)
    used = _vm({**metrics, **_running(metrics)}), _new_disks(bill, payers, vectors(body, "DISK"), copied)
    charge(payers, _added(*used))
    _take(charge, payers, _leases(bill, _nics(body)))


def _new_vm(charge, bill, body, hold=False):
    _new_body(charge, bill, canonical(body))


def _from_template(charge, bill, oid, name, hold, body, persistent):
    template = bill.item("template", oid)
    if template is not None:
        given = {name: value for name, value in canonical(body or {}).items() if value != []}
        _new_body(charge, bill, {**canonical(template.TEMPLATE or {}), **given}, persistent)


def _router_vms(charge, bill, oid, number, template, name, hold, extra):
    """VMs of a virtual router have its interfaces."""
    item, router = bill.item("template", template), bill.item("vrouter", oid)
    body = {**canonical(item.TEMPLATE or {}), **canonical(extra or {})} if item is not None else {}
    nics = vectors(canonical(router.TEMPLATE or {}), "NIC") if router is not None else []
    for dummy in range(int(number) if item is not None else 0):
        _new_body(charge, bill, {**body, "NIC": nics})


# ---------------------------------------------------------------- VMs that exist


def _owners(item):
    return ("user", int(item.UID)), ("group", int(item.GID))  # OneFlow has texts


def _rests(item):
    return item.STATE in AT_REST


def _cluster(item):
    """The id of the cluster that a VM counts in; None: it has not been on a host."""
    records = item.HISTORY_RECORDS.HISTORY if item.HISTORY_RECORDS is not None else []
    return str(records[-1].CID) if len(records) else None


def _present_disk(disk, size):
    """What so many MB of a disk of a VM that exists count."""
    if _is_volatile(disk):
        return {("VM", "", OF_DISKS): size}
    target = {"YES": "CLONE_TARGET", "NO": "LN_TARGET"}.get(disk.get("CLONE", "").upper(), "")
    return _copy(disk.get(target, ""), disk.get("DATASTORE_ID", ""), size)


def _whole_size(disk):
    return _amount(disk.get("SIZE")) + _amount(disk.get("DISK_SNAPSHOT_TOTAL_SIZE"))


def _in_cluster(used, cluster):
    """What is used of VMs anywhere, and the same in their cluster."""
    if cluster is None:
        return used
    more = {("VM", CLUSTERS + cluster, place[2]): amount for place, amount in used.items() if place[:2] == ("VM", "")}
    return {**used, **more}


def _of_vm(bill, payers, item):
    """All that a VM that exists counts."""
    body = canonical(item.TEMPLATE or {})
    metrics, disks = _metrics(body), vectors(body, "DISK")
    runs = {("IMAGE", disk["IMAGE_ID"], "RVMS"): 1 for disk in disks if "IMAGE_ID" in disk}
    used = [_vm({**metrics, **({} if _rests(item) else _running(metrics)), OF_DISKS: 0}), runs]
    used += [_present_disk(disk, _whole_size(disk)) for disk in disks]
    leases = _leases(bill, _nics(body)) if bill.is_limited(payers, "NETWORK") else {}
    return _in_cluster(_added(*used, leases), _cluster(item))


def _resized(charge, bill, oid, body, enforce=False):
    """CPU and memory are both asked for, whichever changes; those that run where it runs, or is to."""
    item = bill.vm(oid)
    if item is None:
        return
    found, present = canonical(body), canonical(item.TEMPLATE or {})
    more = {name: _amount(first_text(found, name, first_text(present, name))) for name in OF_CAPACITY}
    more = {name: amount - _amount(first_text(present, name)) for name, amount in more.items()}
    runs = not _rests(item) or oid in bill.resumed
    charge(_owners(item), _vm({**more, **(_running(more) if runs else {})}, _cluster(item)))


def _resumed(charge, bill, action, oid):
    item = bill.vm(oid) if action == "resume" else None
    if item is not None and _rests(item):
        running = _running(_metrics(canonical(item.TEMPLATE or {})))
        charge(_owners(item), _vm({**running, OF_DISKS: 0}, _cluster(item)))


def _attached_disk(charge, bill, oid, body):
    item = bill.vm(oid)
    if item is not None:
        used = _new_disks(bill, _owners(item), vectors(canonical(body), "DISK"))
        charge(_owners(item), _in_cluster(used, _cluster(item)))


def _attached_nic(charge, bill, oid, body):
    item = bill.vm(oid)
    if item is not None:
        _take(charge, _owners(item), _leases(bill, _nics(canonical(body))))


def _part(item, name, number):
    """A disk or an interface of a VM, by its number; None: it is not there."""
    body = canonical(item.TEMPLATE or {}) if item is not None else {}
    return next((one for one in vectors(body, name) if one.get(name + "_ID") == str(number)), None)


def _detached_disk(charge, bill, oid, number):
    item = bill.vm(oid)
    disk = _part(item, "DISK", number)
    if disk is not None:
        runs = {("IMAGE", disk["IMAGE_ID"], "RVMS"): -1} if "IMAGE_ID" in disk else {}
        less = _in_cluster(_present_disk(disk, -_whole_size(disk)), _cluster(item))
        charge(_owners(item), {**runs, **less}, asked=False)


def _detached_nic(charge, bill, oid, number):
    item = bill.vm(oid)
    nic = _part(item, "NIC", number)
    if nic is not None and "NETWORK_ID" in nic:
        given_back = {place: -amount for place, amount in _leases(bill, [nic]).items()}
        _take(charge, _owners(item), given_back, asked=False)


def _grown_disk(charge, bill, oid, number, size):
    item = bill.vm(oid)
    disk = _part(item, "DISK", number)
    if disk is not None:
        used = _present_disk(disk, _amount(size) - _amount(disk.get("SIZE")))
        charge(_owners(item), _in_cluster(used, _cluster(item)))


def _snapshot(charge, bill, oid, number, *more):
    item = bill.vm(oid)
    disk = _part(item, "DISK", number)
    if disk is not None:
        charge(_owners(item), _in_cluster(_present_disk(disk, _amount(disk.get("SIZE"))), _cluster(item)))


def _saved_disk(charge, bill, oid, number, *more):
    disk = _part(bill.vm(oid), "DISK", number)
    if disk is not None and "DATASTORE_ID" in disk:
        charge(bill.creator, _stored(disk["DATASTORE_ID"], _amount(disk.get("SIZE"))))


def _moved(charge, bill, oid, host, *more):
    """A VM that comes to another cluster counts in its quotas."""
    item, target = bill.vm(oid), bill.item("host", host)
    if item is not None and target is not None and _cluster(item) != str(target.CLUSTER_ID):
        payers, there = _owners(item), CLUSTERS + str(target.CLUSTER_ID)
        used = {place: amount for place, amount in _of_vm(bill, payers, item).items() if place[:2] == ("VM", "")}
        charge(payers, {("VM", there, metric): amount for (*dummy, metric), amount in used.items()})


# ---------------------------------------------------------------- services


def _new_service(charge, bill, oid, merge):
    """All roles get their VMs in the end, whatever the deployment; networks of the service are not known."""
    template = bill.item("service_template", oid) if bill.is_limited(bill.creator, *METRICS) else None
    given = {role["name"]: role for role in merge.get("roles", ())}
    for role in template.roles if template is not None else ():
        asked = given.pop(role["name"], {})
        _role_vms(charge, bill, bill.creator, _laid_over(role, asked))
    for role in given.values() if template is not None else ():
        _role_vms(charge, bill, bill.creator, role)


def _laid_over(role, asked):
    found = dict(role, **{key: value for key, value in asked.items() if value is not None})
    contents = [canonical(one.get("template_contents") or {}) for one in (role, asked)]
    return dict(found, template_contents=merged_template(*contents))


def _scaled(charge, bill, oid, name, cardinality, *more):
    """Who has the service pays for the VMs of a role, whoever scales it; an administrator asks in a check run only."""
    is_asked = bill.cloud.rehearses or bill.cloud.caller() is not None
    service = bill.cloud.info("service", oid) if is_asked else None
    if service is None or not bill.is_limited(_owners(service), *METRICS):
        return
    for role in service.roles:
        number = cardinality - int(role.get("cardinality") or 0) if name == role["name"] else 0
        _role_vms(charge, bill, _owners(service), dict(role, cardinality=max(number, 0)))


def _role_vms(charge, bill, payers, role):
    number, oid = str(role.get("cardinality") or 0), str(role.get("template_id", ""))
    template = bill.item("template", int(oid)) if is_whole(oid) and is_whole(number) and int(number) else None
    if template is not None:
        contents = canonical(role.get("template_contents") or {})
        body = merged_template(canonical(template.TEMPLATE or {}), contents)
        for dummy in range(int(number)):
            _new_body(charge, bill, body, payers=payers)


# ---------------------------------------------------------------- images, networks, virtual routers


def _new_image(charge, bill, body, datastore, *more):
    """The size of a file is told by the driver."""
    made = not first_text(body, "PATH") and "FROM_APP" not in body
    size = first_text(body, "SIZE") if made else ""
    charge(bill.creator, _stored(datastore, _amount(size) if size else None))


def _cloned_image(charge, bill, oid, name, datastore=SAME):
    image = bill.item("image", oid)
    if image is not None:
        charge(bill.creator, _stored(image.DATASTORE_ID if datastore == SAME else datastore, image.SIZE))


def _cloned_template(charge, bill, oid, name, recursive=False):
    template = bill.item("template", oid) if recursive else None
    disks = vectors(canonical(template.TEMPLATE or {}), "DISK") if template is not None else []
    images = [bill.named("image", disk, "IMAGE") for disk in disks if "IMAGE_ID" in disk or "IMAGE" in disk]
    for image in filter(None, images):
        charge(bill.creator, _stored(image.DATASTORE_ID, image.SIZE))


def _reserved(charge, bill, source, body):
    """Who makes a reservation pays for its addresses, and who has one for more."""
    present = bill.item("vnet", int(body["NETWORK_ID"])) if is_whole(str(body.get("NETWORK_ID", ""))) else None
    payers = bill.creator if present is None else _owners(present)
    charge(payers, {("NETWORK", str(source), "LEASES"): _amount(body.get("SIZE"))})


def _floating(body):
    return [nic for nic in vectors(canonical(body), "NIC") if nic.get("FLOATING_IP", "").upper() == "YES"]


def _new_router(charge, bill, body):
    _take(charge, bill.creator, _leases(bill, _floating(body)))


def _attached_to_router(charge, bill, oid, body):
    router = bill.item("vrouter", oid)
    if router is not None:
        _take(charge, _owners(router), _leases(bill, _floating(body)))


# ---------------------------------------------------------------- owners


def _given(uses_of, charge, bill, oid, user, group):
    """The new owner, and the new group, pay for what the object uses."""
    payers = (("user", user), ("group", group))
    charge(payers, uses_of(bill, payers, oid))


def _vm_uses(bill, payers, oid):
    item = bill.vm(oid)
    return _of_vm(bill, payers, item) if item is not None else {}


def _image_uses(bill, payers, oid):
    image = bill.item("image", oid)
    return _stored(image.DATASTORE_ID, image.SIZE) if image is not None else {}


def _reservation_uses(bill, payers, oid):
    vnet = bill.item("vnet", oid)
    parent = vnet.PARENT_NETWORK_ID if vnet is not None else None
    size = sum(int(one.SIZE) for one in vnet.AR_POOL.AR) if parent not in (None, "") else 0
    return {("NETWORK", str(parent), "LEASES"): size} if size else {}


# Method → what it uses: function of charge(payers, uses), the bill, and its arguments.
USES: dict = {
    "flow.service.scale": _scaled,
    "flow.service_template.instantiate": _new_service,
    "image.allocate": _new_image,
    "image.chown": partial(_given, _image_uses),
    "image.clone": _cloned_image,
    "template.clone": _cloned_template,
    "template.instantiate": _from_template,
    "vm.action": _resumed,
    "vm.allocate": _new_vm,
    "vm.attach": _attached_disk,
    "vm.attachnic": _attached_nic,
    "vm.chown": partial(_given, _vm_uses),
    "vm.deploy": _moved,
    "vm.detach": _detached_disk,
    "vm.detachnic": _detached_nic,
    "vm.diskresize": _grown_disk,
    "vm.disksaveas": _saved_disk,
    "vm.disksnapshotcreate": _snapshot,
    "vm.migrate": _moved,
    "vm.resize": _resized,
    "vn.chown": partial(_given, _reservation_uses),
    "vn.reserve": _reserved,
    "vrouter.allocate": _new_router,
    "vrouter.attachnic": _attached_to_router,
    "vrouter.instantiate": _router_vms,
}
