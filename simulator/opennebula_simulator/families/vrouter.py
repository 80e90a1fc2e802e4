# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual routers: interfaces, floating addresses, and the VMs that they consist of."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..calls import UNEXPECTED, Call, Method
from ..errors import ACTION, Fault, Refused, answered, internal, wrong_action
from ..permissions import Need
from ..quotas import Use, charge, refund
from ..store import OWNED, Kind, Object, ids, lock, permissions, template
from ..template import Template, Vector
from . import leases, lifecycle, nics, recovery, references, usage, vm, vm_nics, vmtemplate

VROUTER = Kind(
    name="VROUTER",
    title="virtual router",
    method="vrouter",
    root="VROUTER",
    layout=(*OWNED, permissions, lock, ids("VMS", "vms"), template()),
    unique="",
    stored="VirtualRouter",
)
DEFAULT_TEMPLATE = -1  # of instantiate: the one that the router was made with last


def new(name: str, body: Template) -> Object:
    return Object(VROUTER, name, body, vms=set())


# ---------------------------------------------------------------- interfaces


def floating(body: Template) -> list[Use]:
    """What the interfaces count against quotas: leases of floating addresses."""
    wanted = [nic for nic in body.vectors("NIC") if nic.get("FLOATING_IP", "").upper() == "YES"]
    return usage.of_leases(nic.get("NETWORK_ID", "") for nic in wanted)


def network_needs(call: Call, body: Template) -> list[Need]:
    named = references.networks(call, body, call.uid)
    return [need for nic, network in named for need in nics.needs(call, network, nic)]


def take(call: Call, router: Object, number: int, nic: Vector) -> Vector:
    """The interface as the router keeps it. Raises Refused INTERNAL."""
    if nic.get("NETWORK_MODE", "").upper() == "AUTO":
        raise internal("Virtual Router is incompatible with auto mode")
    network = nics.find_network(call, nic, router.uid)
    return {**leases.router_nic(network, router, nic), "NIC_ID": str(number)}


def give_back(cloud: Any, router: Object, nic: Vector) -> None:
    network = cloud["NET"].get(int(nic.get("NETWORK_ID", "-1")))
    if network is not None:
        leases.free_router_nic(network, router, nic)


# ---------------------------------------------------------------- creation, update, removal


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    call.require(call.need("CREATE", "VROUTER"), *network_needs(call, body))
    uses = floating(body)
    charge(call, uses)
    try:
        return call.allocate(new(body.pop("NAME"), body), lambda obj: complete(call, obj))
    except Refused:
        refund(call.cloud, call.uid, call.gid, uses)
        raise


def complete(call: Call, router: Object) -> None:
    made: list[Vector] = []
    try:
        for number, nic in enumerate(router.template.vectors("NIC")):
            made.append(take(call, router, number, nic))
    except Refused:
        for nic in made:
            give_back(call.cloud, router, nic)
        raise
    router.template.replace("NIC", made)


def normalise(call: Call, router: Object, body: Template) -> None:
    """Interfaces are not changed by update."""
    body.replace("NIC", router.template.vectors("NIC"))


def removed(call: Call, router: Object) -> None:
    """The addresses are free again, and the VMs end."""
    for nic in router.template.vectors("NIC"):
        give_back(call.cloud, router, nic)
    refund(call.cloud, router.uid, router.gid, floating(router.template))
    for oid in sorted(router.vms):
        end(call, oid)


def end(call: Call, oid: int) -> None:
    """Ends a VM in whatever state, in the name of its owner."""
    one = call.pool("VM").get(oid)
    try:
        lifecycle.act(call, one, "terminate-hard")
    except Refused:
        recovery.delete(call, one)
    if one.history:
        one.history[-1].update(uid=one.uid, gid=one.gid)


# ---------------------------------------------------------------- the VMs


def instantiate(call: Call, oid: int, number: int, template_id: int, name: str, hold: bool, extra: str) -> None:
    """So many VMs out of one template, all or none."""
    router = call.find("VROUTER", oid)
    if template_id == DEFAULT_TEMPLATE:
        template_id = router.template.integer("TEMPLATE_ID", DEFAULT_TEMPLATE)
    if template_id == DEFAULT_TEMPLATE:
        raise wrong_action("A template ID was not provided, and the virtual router does not have a default one")
    call.require(call.need("MANAGE", router))
    source = call.find("TEMPLATE", template_id)
    if not vmtemplate.is_router(source):
        raise wrong_action("Only virtual router templates are allowed")
    pattern = name or f"vr-{router.name}-%i"
    names = [pattern.replace("%i", str(i)) for i in range(number)]
    made = create(call, router, source, names, call.template(extra) if names else Template())
    router.vms.update(made)
    router.template.set("TEMPLATE_ID", str(template_id))
    if not hold:
        for made_id in made:
            lifecycle.act(call, call.find("VM", made_id), "release")


def create(call: Call, router: Object, source: Object, names: list[str], extra: Template) -> list[int]:
    """VMs of these names, on hold. Raises Refused; none is left then."""
    made: list[int] = []
    for name in names:
        try:
            made.append(vmtemplate.vm_of(call, source, name, True, extra, for_vms(router)))
        except Refused:
            for oid in made:
                end(call, oid)
            raise
    return made


def for_vms(router: Object) -> Template:
    """What the router says in the templates of its VMs."""
    body = Template([("NIC", dict(nic)) for nic in router.template.vectors("NIC")])
    body.set("VROUTER_ID", str(router.oid))
    own = router.template.text("KEEPALIVED_ID")
    body.set("VROUTER_KEEPALIVED_ID", own if own.isdigit() else str(router.oid % 255 + 1))
    password = router.template.text("KEEPALIVED_PASSWORD")
    if password:
        body.set("VROUTER_KEEPALIVED_PASSWORD", password)
    return body


# ---------------------------------------------------------------- interfaces of the router and all its VMs


def attach(call: Call, oid: int, given: str) -> None:
    body = call.template(given)
    router = call.find("VROUTER", oid)
    call.require(call.need("MANAGE", router), *network_needs(call, body))
    uses = floating(body)
    charge(call, uses, router.uid, router.gid)
    with answered(ACTION):
        try:
            nic = add(call, router, body)
        except Refused:
            refund(call.cloud, router.uid, router.gid, uses)
            raise
    router.template.add("NIC", nic)
    with answered(ACTION):
        for each in sorted(router.vms):
            vm_nics.attach_to(call, call.find("VM", each), Template([("NIC", dict(nic))]))


def add(call: Call, router: Object, body: Template) -> Vector:
    if "NIC_ALIAS" in body:
        raise internal("Alias can't be attached to virtual router.")
    if len(body.vectors("NIC")) != 1:
        raise internal("The template must contain one NIC attribute")
    number = 1 + max((int(nic["NIC_ID"]) for nic in router.template.vectors("NIC")), default=-1)
    return take(call, router, number, body.vectors("NIC")[0])


def detach(call: Call, router: Object, nic_id: int) -> None:
    kept = [nic for nic in router.template.vectors("NIC") if nic["NIC_ID"] != str(nic_id)]
    gone = [nic for nic in router.template.vectors("NIC") if nic["NIC_ID"] == str(nic_id)]
    if not gone:
        raise wrong_action(f"NIC with NIC_ID {nic_id} does not exist.")
    give_back(call.cloud, router, gone[0])
    refund(call.cloud, router.uid, router.gid, floating(Template([("NIC", gone[0])])))
    router.template.replace("NIC", kept)
    for each in sorted(router.vms):
        vm_nics.detach_from(call, call.find("VM", each), nic_id)


# ---------------------------------------------------------------- rights


def chown_vms(call: Call, router: Object) -> None:
    """The VMs get the owner and group of the router."""
    user, group = call.find("USER", router.uid), call.find("GROUP", router.gid)
    for oid in sorted(router.vms):
        one = call.find("VM", oid)
        generic.move_usage(call, one, user, group, vm.uses_of(call, one))
        call.pool("VM").give(one, user, group)


def chmod(call: Call, oid: int, *nine: int) -> None:
    """Changes the VMs too; newer releases mean them, but change the virtual routers that have their IDs."""
    reaches_vms = call.cloud.release.router_chmod_reaches_vms
    if reaches_vms and oid not in call.pool("VROUTER"):
        raise Fault(-500, UNEXPECTED + "Assigning to already instantiated xmlrpc_c::value")
    router = call.find("VROUTER", oid)
    generic.change_bits(call, router, nine)
    for number in sorted(router.vms):
        generic.change_bits(call, call.find("VM" if reaches_vms else "VROUTER", number), nine)


KINDS = [VROUTER]
METHODS = [
    generic.update(VROUTER, normalise=normalise),
    Method("one.vrouter.allocate", "template:string", allocate),
    generic.delete(VROUTER, after=removed),
    generic.info(VROUTER),
    generic.chown(VROUTER, after=chown_vms),
    Method("one.vrouter.chmod", generic.join("oid:int", generic.NINE_BITS), chmod),
    generic.rename(VROUTER),
    Method(
        "one.vrouter.instantiate",
        "oid:int, n_vms:int, template_id:int, name:string, hold:boolean, extra:string",
        instantiate,
    ),
    Method("one.vrouter.attachnic", "oid:int, template:string", attach),
    Method("one.vrouter.detachnic", "oid:int, nic_id:int", detach, needs="MANAGE VROUTER"),
    generic.lock(VROUTER),
    generic.unlock(VROUTER),
    generic.filtered_pool_info(VROUTER),
]
