# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Virtual routers: their interfaces, and VMs of one template."""

from __future__ import annotations

from functools import partial
from itertools import count, islice
from typing import Any, NamedTuple

from .._attributes import access, twins
from .._attributes import template as templates
from .._attributes.capacity import declared_vm, require_id
from .._attributes.relations import joined, reference_ids
from .._attributes.requests import requested, surplus
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import canonical, declared_vector, labels_of, same, vectors
from .._engine.engine import perform
from .._engine.resource import NORMAL, Attribute, Reference, Resource, Step, attribute, deletion, source
from .._vm.runner import Run, run, together
from .._vm.states import RESTING, describe, fetch_vms, status
from .._vm.transitions import Reach

KIND = "vrouter"
group_ids = reference_ids("security_group")  # canonical()
MANAGED = frozenset(("TEMPLATE_ID",))  # the VM template that its last VMs were created from
DEFAULT_TEMPLATE = -1  # of one.vrouter.instantiate: that one
NEW = -1  # id of a virtual router that does not exist yet
STEADY = RESTING | {"pending", "failed"}  # where VMs accept another interface, or never will
ABSENT = 0x0400  # error code: there is no such object
WORKERS = 8  # VMs that are asked to end at a time
PURGE = "purge_nics"  # option that removes the interfaces that are not named
DEFAULT_NAME = "vr-%s-%%i"  # of the VMs, with the router's name


def read(cloud, router):
    """The record of a virtual router (one.vrouter.info or a VROUTER of one.vrouterpool.info)."""
    template = canonical(router.TEMPLATE or {})
    nics = vectors(template, "NIC")
    template.pop("NIC", None)
    vms = sorted(router.VMS.ID) if router.VMS is not None else []
    return {
        **access.owned(router),
        **access.locked(router),
        "nics": nics,
        "vms": vms,
        "vm_count": len(vms),
        "template": template,
        "labels": labels_of(template),
    }


def create(name, wanted, modes):
    body = dict(templates.new(name, wanted, modes), NIC=wanted.get("nics", []))
    if wanted.get("vm_count") and "vm_template" not in wanted and "TEMPLATE_ID" not in body:
        raise Failure("To create VMs of virtual router %s, give: vm_template." % name, object=KIND)
    checks = _checks(wanted, wanted["vm_count"]) if wanted.get("vm_count") else ()
    return Step("create virtual router %s" % name, "vrouter.allocate", (body,), checks=checks)


def change_mode(record, after):
    """Before the router gets VMs: of one that has some, 7.4 changes the mode, and then fails."""
    steps = access.change_mode(KIND, record, after)
    return [Step(step.what, run=partial(_ignore_absent, step, record["id"]), phase=NORMAL) for step in steps]


def _ignore_absent(step, oid, cloud):
    """7.4 looks for routers with the ids of the VMs once the router itself is changed, and does not find them."""
    try:
        perform(cloud, step, object=KIND, id=oid)
    except Failure as failure:
        if failure.data.get("code") != ABSENT or not cloud.info(KIND, oid).VMS.ID:
            raise


# ---------------------------------------------------------------- interfaces


def canonical_nics(cloud, given):
    return [canonical_nic(cloud, nic) for nic in given]


def canonical_nic(cloud, given):
    """An interface with its network as NETWORK_ID.

    Raises:
        Failure: it names no network.
    """
    nic = declared_vector("nics", "NIC", given)
    for number in ("NIC_ID", "NETWORK_ID"):
        require_id("nics (%s)" % number, number, nic)
    groups = [part for part in nic.pop("SECURITY_GROUPS", "").split(",") if part.strip()]
    if groups:
        nic["SECURITY_GROUPS"] = joined(group_ids(cloud, groups))
    if "NETWORK" in nic and "NETWORK_ID" not in nic and "NETWORK_UNAME" not in nic:
        network = cloud.reference("vnet", nic["NETWORK"])
        if network is not None:
            nic.pop("NETWORK")
            nic["NETWORK_ID"] = str(network.ID)
    if not {"NETWORK", "NETWORK_ID", "NIC_ID"}.intersection(nic):
        raise Failure("Each of the option nics is a dictionary with network or network_id.", object=KIND)
    return nic


def is_one(wanted, present):
    """Whether an interface is one that is wanted; the address of a floating one is its VROUTER_IP."""
    return all(same(value, present.get(name, present.get("VROUTER_" + name, ""))) for name, value in wanted.items())


def merged_nics(present, wanted, modes):
    """The interfaces after the change: those there are (with the purge option: that are wanted), then the new ones.

    Raises:
        Failure: one that is wanted by its NIC_ID does not exist.
    """
    free, new = list(present), []
    for nic in wanted:
        found = next((other for other in free if is_one(nic, other)), None)
        if found is None:
            new.append(nic)
        else:
            free.remove(found)
    unknown = [nic["NIC_ID"] for nic in new if "NIC_ID" in nic]
    if unknown:
        raise Failure("The virtual router has no interface with this NIC_ID: %s." % unknown[0], object=KIND)
    return [nic for nic in present if PURGE not in modes.purge or nic not in free] + new


def plan_nics(record, wanted, modes):
    """No interface can be changed: one that differs is another one.

    Of interfaces that two runs at once have attached, the younger is detached.
    """
    present = record["nics"]
    twice = surplus(record["id"], present, "NIC_ID")
    after = merged_nics([nic for nic in present if nic not in twice], wanted["nics"], modes)
    return present, after, change_nics(record, after, modes.waits) if after != present else []


def change_nics(record, after, waits):
    """The steps that detach and attach interfaces, which VMs accept one at a time.

    Args:
        waits (bool): wait for the VMs after the last one too.
    """
    what = "change the interfaces of virtual router %s" % record["name"]
    gone = [nic for nic in record["nics"] if nic not in after]
    calls: list = [("vrouter.detachnic", (record["id"], int(nic["NIC_ID"]))) for nic in gone]
    new = requested(record["id"], [nic for nic in after if "NIC_ID" not in nic], record["nics"])
    calls += [("vrouter.attachnic", (record["id"], {"NIC": nic})) for nic in new]
    rest = [Step(what, run=partial(wait_for_vms, record["vms"]))] if record["vms"] else []
    steps = [step for name, arguments in calls for step in (*rest, Step(what, name, arguments))]
    return steps + (rest if waits else [])


def wait_for_vms(ids, cloud):
    """Waits until VMs accept a change of their interfaces."""
    cloud.wait(lambda: fetch_vms(cloud, ids, whole=False), _steady, _describe)


def _steady(items):
    return not _unsteady(items)


def _unsteady(items):
    return [item for item in items.values() if status(item) not in STEADY]


def _describe(items):
    return "; ".join("VM %s" % describe(item) for item in _unsteady(items))


# ---------------------------------------------------------------- VMs


class Instances(NamedTuple):
    """VMs to create.

    Args:
        number (int)
        name (str): pattern of their names, with ``%i`` for a number.
        hold (bool): do not start them.
        extra (dict | str): attributes that are added to the template; empty: none.
        waits (bool): wait until they run.
    """

    number: int
    name: str
    hold: bool = False
    extra: Any = ""
    waits: bool = True


def canonical_vm_template(cloud, given):
    """The name of a VM template."""
    item = cloud.reference("template", given)
    return str(given) if item is None else item.NAME


def canonical_extra(cloud, given):
    return declared_vm("vm_extra", given)


def not_negative(cloud, given):
    """A number of VMs.

    Raises:
        Failure: it is less than 0.
    """
    if given < 0:
        raise Failure("The option vm_count takes a number from 0 on, not %d." % given, object=KIND)
    return given


def plan_vm_count(record, wanted, modes):
    """More VMs are created from the template; of too many the last ones are removed."""
    present, after = record["vm_count"], wanted["vm_count"]
    if after > present:
        return present, after, [creation(record, after - present, wanted, modes)]
    if after < present:
        return present, after, [removal(record, record["vms"][after:], modes)]
    return present, after, []


def creation(record, number, wanted, modes):
    """The Step that creates VMs as the options vm_template, vm_name, vm_hold and vm_extra say."""
    extra = _extra(wanted)
    name = wanted.get("vm_name", DEFAULT_NAME % record["name"])
    instances = Instances(number, name, wanted.get("vm_hold", False), extra, modes.waits)
    what = "create VMs of virtual router %s" % record["name"]
    checks = _checks(wanted, number, record["id"])
    return Step(what, run=partial(create_vms, record, instances), arguments=(_source(wanted),), checks=checks)


def _source(wanted):
    return Reference("template", wanted["vm_template"]) if "vm_template" in wanted else DEFAULT_TEMPLATE


def _extra(wanted):
    return declared_vm("vm_extra", wanted["vm_extra"]) if wanted.get("vm_extra") else ""


def _checks(wanted, number, router=NEW):
    """The call that creates VMs, of which the names are not known yet."""
    return (("vrouter.instantiate", router, number, _source(wanted), "", False, _extra(wanted)),)


def create_vms(record, instances, cloud, template):
    """Creates VMs, one by one, since OpenNebula counts the names of each call from 0."""
    taken = {item.NAME for item in fetch_vms(cloud, record["vms"], whole=False).values()}
    for name in islice(names(instances.name, taken), instances.number):
        what = "create VM %s of virtual router %s" % (name, record["name"])
        cloud.call(what, "vrouter.instantiate", record["id"], 1, template, name, instances.hold, instances.extra)
    if instances.waits:
        fresh = _without_surplus(cloud, record, len(record["vms"]) + instances.number)
        _run_all(cloud, fresh - set(record["vms"]), Reach("held" if instances.hold else "running"))


def _without_surplus(cloud, record, number):
    """The ids of the VMs that a router has; removes those beyond a number, which another run has created meanwhile.

    Both runs look after they have created, and keep the same: the oldest of each name.
    """
    router = cloud.info(KIND, record["id"])
    if router is None:
        raise Failure("The virtual router %s no longer exists." % record["name"], object=KIND, id=record["id"])
    ids = set(router.VMS.ID)
    if len(ids) > number:
        surplus = oldest_of_each_name(fetch_vms(cloud, ids, whole=False))[number:]
        remove_vms(surplus, True, cloud)
        ids.difference_update(surplus)
    return ids


def oldest_of_each_name(items):
    """The ids of VMs: first the oldest of each name, then the others; each by age."""
    oids = sorted(items)
    oldest = {items[oid].NAME: oid for oid in reversed(oids)}
    return sorted(oids, key=lambda oid: (oldest[items[oid].NAME] != oid, oid))


def names(pattern, taken):
    """The names that a pattern gives, without those that are taken; without a number it gives all VMs the same."""
    found = (pattern.replace("%i", str(number)) for number in count())
    return (name for name in found if name not in taken or "%i" not in pattern)


def removal(record, ids, modes):
    """The Step that removes VMs."""
    what = "remove VMs of virtual router %s" % record["name"]
    checks = tuple(("vm.action", "terminate", oid) for oid in ids)
    return Step(what, run=partial(remove_vms, ids, modes.waits), checks=checks)


def remove_vms(ids, waits, cloud):
    _run_all(cloud, ids, Reach("done"), waits)


def _run_all(cloud, ids, step, waits=True):
    """Takes VMs to a state.

    Raises:
        Failure: one does not get there.
    """
    runs = [Run(item, [step], waits=waits) for item in fetch_vms(cloud, ids, whole=False).values()]
    run(cloud, runs, WORKERS)
    failures = [one.failure for one in runs if one.failure is not None]
    if failures:
        raise Failure(together(failures), **failures[0].data)


def remove(cloud, record, wanted, modes):
    """OpenNebula removes its VMs with it."""
    cloud.refuse_kept("vm", fetch_vms(cloud, record["vms"]).values())
    return [deletion(KIND, record)]


def values(params):
    """VMs that are not held need not be mentioned."""
    return {"vm_hold": params["vm_hold"] or None}


OWN = {
    "mode": attribute("mode", change_mode, canonical=access.canonical_mode),
    "nics": Attribute(plan_nics, canonical_nics),
    "vm_template": source(canonical_vm_template),
    "vm_name": source(),
    "vm_extra": source(canonical_extra),
    "vm_hold": source(),
    "vm_count": Attribute(plan_vm_count, not_negative),
}
VROUTER = Resource(
    kind=KIND,
    unique=False,
    read=read,
    values=values,
    create=create,
    remove=remove,
    twins={"NIC": twin("nics", twins.vectors)},
    attributes={
        **access.attributes(KIND, OWN, managed=MANAGED),
        "mode": OWN["mode"],
        **access.lock(KIND),
    },
)
