# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a virtual router is: its interfaces, and so many VMs of one template."""

from __future__ import annotations

from itertools import count, islice
from typing import Any, NamedTuple

from .._attributes import access, common, relations
from .._core.failure import Failure
from .._core.values import canonical, same
from .._engine.engine import Attribute, Resource
from .._vm.runner import Journey, travel
from .._vm.states import RESTING, look, reason, status

KIND = "vrouter"
MANAGED = frozenset(("TEMPLATE_ID",))  # the VM template that its VMs were made from last
DEFAULT_TEMPLATE = -1  # of one.vrouter.instantiate: that one
STEADY = RESTING | {"pending", "failed"}  # where VMs take another interface, or never will
ABSENT = 0x0400  # error code: there is no such object
WORKERS = 8  # VMs that are asked to end at a time


class Vms(NamedTuple):
    """How the VMs of a router are made.

    Args:
        template (str | None): name or id of a VM template with ``VROUTER = YES``; None: that of the VMs before.
        name (str | None): pattern of their names, with ``%i`` for a number; None: ``vr-NAME-%i``.
        hold (bool): they are not started.
        extra (dict | str | None): attributes on top of the template.
        waits (bool): until they run, and until they are gone.
    """

    template: Any = None
    name: Any = None
    hold: bool = False
    extra: Any = None
    waits: bool = True


ORDINARY = Vms()


def read(cloud, router):
    """The record of a virtual router (one.vrouter.info or a VROUTER of one.vrouterpool.info)."""
    template = canonical(router.TEMPLATE or {})
    nics = template.pop("NIC", [])
    vms = sorted(router.VMS.ID) if router.VMS is not None else []
    return dict(
        access.owned(router),
        **access.locked(router),
        nics=nics,
        vms=vms,
        vm_count=len(vms),
        template=template,
        labels=common.split_labels(template.get("LABELS")),
    )


def create(cloud, name, wanted):
    body = dict(wanted.get("template", {}), NAME=name, NIC=wanted.get("nics", []))
    return cloud.call("create virtual router %s" % name, "vrouter.allocate", body, object=KIND, name=name)


def canonical_template(cloud, given):
    """A template without interfaces, which are an option of their own."""
    found = common.canonical_template(cloud, given)
    if "NIC" in found:
        raise Failure("The interfaces of a virtual router belong into the option nics, not into template.", object=KIND)
    return found


# ---------------------------------------------------------------- interfaces


def canonical_nics(cloud, given):
    return [canonical_nic(cloud, nic) for nic in given]


def canonical_nic(cloud, given):
    """An interface with its network as NETWORK_ID.

    Raises:
        Failure: it names no network.
    """
    nic = canonical(given)
    if "NETWORK" in nic and "NETWORK_ID" not in nic and "NETWORK_UNAME" not in nic:
        network = cloud.reference("vnet", nic["NETWORK"])
        if network is not None:
            nic.pop("NETWORK")
            nic["NETWORK_ID"] = str(network.ID)
    if not {"NETWORK", "NETWORK_ID", "NIC_ID"}.intersection(nic):
        raise Failure("Each of the option nics is a dictionary with network or network_id.", object=KIND)
    return nic


def fits(wanted, present):
    """Whether an interface is one that is wanted; what a floating one has as IP is its VROUTER_IP."""
    return all(same(value, present.get(name, present.get("VROUTER_" + name, ""))) for name, value in wanted.items())


def merged_nics(present, wanted, purge):
    """The interfaces that stand: those there are, then the new ones; with `purge` only those wanted."""
    free, new = list(present), []
    for nic in wanted:
        found = [other for other in free if fits(nic, other)]
        if found:
            free.remove(found[0])
        else:
            new.append(nic)
    unknown = [nic["NIC_ID"] for nic in new if "NIC_ID" in nic]
    if unknown:
        raise Failure("The virtual router has no interface with this NIC_ID: %s." % unknown[0], object=KIND)
    return [nic for nic in present if not purge or nic not in free] + new


def nics(purge, waits):
    """The Attribute `nics`: none can be changed, so what differs is another one."""

    def write(cloud, oid, after, record):
        gone = [nic for nic in record["nics"] if nic not in after]
        calls: list[tuple] = [("vrouter.detachnic", oid, int(nic["NIC_ID"])) for nic in gone]
        calls += [("vrouter.attachnic", oid, {"NIC": nic}) for nic in after if "NIC_ID" not in nic]
        for call in calls:
            _let_rest(cloud, record)
            cloud.call("change the interfaces of virtual router %s" % record["name"], *call)
        if waits:
            _let_rest(cloud, record)

    return Attribute(write, lambda present, wanted: merged_nics(present, wanted, purge), canonical_nics)


def _let_rest(cloud, record):
    """Waits for the VMs of a router, which take one change of interfaces at a time."""

    def restless(items):
        return [item for item in items.values() if status(item) not in STEADY]

    def stands(items):
        return "; ".join("VM %s is %s%s" % (item.NAME, status(item), reason(item)) for item in restless(items))

    if record["vms"]:
        cloud.wait(lambda: look(cloud, record["vms"], whole=False), lambda items: not restless(items), stands)


# ---------------------------------------------------------------- VMs


def vm_count(vms):
    """The Attribute `vm_count`; `vms`: Vms."""

    def write(cloud, oid, after, record):
        more = after - record["vm_count"]
        journeys = made(cloud, record, more, vms) if more > 0 else ended(cloud, record, -more, vms)
        timeout = travel(cloud, journeys, WORKERS)
        for failure in [journey.failure for journey in journeys] + [timeout]:
            if failure is not None:
                raise failure

    return Attribute(write, canonical=not_negative)


def not_negative(cloud, given):
    if given < 0:
        raise Failure("The option vm_count takes a number from 0 on, not %d." % given, object=KIND)
    return given


def made(cloud, record, number, vms):
    """Makes so many VMs, one by one, since OpenNebula counts the names of each call from 0."""
    source = DEFAULT_TEMPLATE if vms.template is None else cloud.reference("template", vms.template).ID
    extra = common.canonical_template(cloud, vms.extra) if vms.extra else ""
    taken = {item.NAME for item in look(cloud, record["vms"], whole=False).values()}
    for name in islice(names(vms.name or "vr-%s-%%i" % record["name"], taken), number):
        doing = "make VM %s of virtual router %s" % (name, record["name"])
        cloud.call(doing, "vrouter.instantiate", record["id"], 1, source, name, vms.hold, extra)
    new = set(cloud.info(KIND, record["id"]).VMS.ID) - set(record["vms"])
    aim = "held" if vms.hold else "running"
    items = look(cloud, new, whole=False).values() if vms.waits else ()
    return [Journey(item, [aim]) for item in items]


def names(pattern, taken):
    """The names that a pattern makes but for those taken; one without a number is every VM's."""
    found = (pattern.replace("%i", str(number)) for number in count())
    return (name for name in found if name not in taken or "%i" not in pattern)


def ended(cloud, record, number, vms):
    """Ends so many VMs, the last ones first."""
    items = look(cloud, record["vms"][-number:], whole=False).values()
    return [Journey(item, ["done"], patient=vms.waits) for item in items]


def mode():
    """The Attribute `mode`: 7.4 changes the router, and then looks for other routers with the ids of its VMs."""
    attribute = access.ownership(KIND)["mode"]

    def write(cloud, oid, after, record):
        try:
            attribute.write(cloud, oid, after, record)
        except Failure as failure:
            if failure.data.get("code") != ABSENT or not cloud.info(KIND, oid).VMS.ID:
                raise

    return attribute._replace(write=write)


def resource(replace=False, purge=False, labels="exact", vms=ORDINARY):
    """The Resource; `replace`: template_mode replace; `purge`: interfaces that are not named go; `vms`: Vms."""
    own = {
        "nics": nics(purge, vms.waits),
        "vm_template": relations.origin(common.reference("template")),
        "vm_count": vm_count(vms),
    }
    rights = {"mode": mode()}  # set while the router has no VMs yet
    attributes = access.attributes(KIND, {**rights, **own}, replace, labels, MANAGED)
    attributes.update(rights)
    attributes["template"] = attributes["template"]._replace(canonical=canonical_template)
    attributes.update(access.lock(KIND))
    return Resource(KIND, read, create, attributes, common.remove(KIND))
