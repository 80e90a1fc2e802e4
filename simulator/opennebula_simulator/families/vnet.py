# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual networks: drivers, states, address ranges, leases, reservations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import generic
from ..acl import ALL, CLUSTER
from ..addresses import Range, change, definition, new_range
from ..attributes import listed
from ..calls import Call, Method
from ..errors import ACTION, Refused, answered, internal, not_found, wrong_action
from ..quotas import Use, charge, refund
from ..releases import Release
from ..store import OWNED, Field, Kind, Object, cdata, ids, lock, permissions, template, text, unless_lacking
from ..template import Template, Vector
from . import membership, network_updates, rules, usage
from .leases import (
    DONE,
    ERROR,
    INIT,
    LOCK_CREATE,
    LOCK_DELETE,
    READY,
    UPDATE_FAILURE,
    candidates,
    number_or_text,
)

STATES = "INIT READY LOCK_CREATE LOCK_DELETE DONE ERROR UPDATE_FAILURE".split()
SETS = ("vrouters", *rules.SETS)
# What each driver cannot do without.
MANDATORY = {
    "dummy": ("BRIDGE",),
    "802.1Q": ("PHYDEV", "VLAN_ID"),
    "vxlan": ("PHYDEV", "VLAN_ID"),
    "ovswitch_vxlan": ("PHYDEV", "VLAN_ID"),
}
TAGS = {"VLAN_ID": "vlan_id", "OUTER_VLAN_ID": "outer_vlan_id"}
HELD = ("VM", -1)
QUICK = 0.1  # of a transition: drivers of networks have little to do


def optional(tag: str, attribute: str) -> Field:
    """<TAG/> when there is nothing, else the value in CDATA."""

    def show(obj: Object) -> str:
        value = getattr(obj, attribute)
        return f"<{tag}><![CDATA[{value}]]></{tag}>" if value else f"<{tag}/>"

    return show


def optional_id(tag: str, attribute: str) -> Field:
    def show(obj: Object) -> str:
        oid = getattr(obj, attribute)
        return f"<{tag}/>" if oid == -1 else f"<{tag}>{oid}</{tag}>"

    return show


def used_leases(obj: Object) -> str:
    return f"<USED_LEASES>{leases_in_use(obj)}</USED_LEASES>"


def leases_in_use(obj: Object) -> int:
    return sum(len(each.leases) for each in obj.ranges.values())


def ranges(obj: Object) -> str:
    return f"<AR_POOL>{''.join([each.xml() for each in obj.ranges.values()])}</AR_POOL>"


def listed_ranges(obj: Object) -> str:
    return f"<AR_POOL>{''.join([each.listed() for each in obj.ranges.values()])}</AR_POOL>"


BODY = (
    *OWNED,
    lock,
    permissions,
    ids("CLUSTERS", "cluster_ids"),
    cdata("BRIDGE", "bridge"),
    cdata("BRIDGE_TYPE", "bridge_type"),
    lambda obj: f"<STATE><![CDATA[{obj.state}]]></STATE><PREV_STATE><![CDATA[{obj.state}]]></PREV_STATE>",
    optional_id("PARENT_NETWORK_ID", "parent"),
    unless_lacking("VNET", "TEMPLATE_ID", optional_id("TEMPLATE_ID", "template_id")),
    cdata("VN_MAD", "vn_mad"),
    optional("PHYDEV", "phydev"),
    optional("VLAN_ID", "vlan_id"),
    optional("OUTER_VLAN_ID", "outer_vlan_id"),
    text("VLAN_ID_AUTOMATIC", "vlan_id_automatic"),
    text("OUTER_VLAN_ID_AUTOMATIC", "outer_vlan_id_automatic"),
    used_leases,
    *(ids(name.upper(), name) for name in SETS),
    template(),
)

VNET = Kind(
    name="NET",
    title="virtual network",
    method="vn",
    root="VNET",
    layout=(*BODY, ranges),
    listed=(*BODY, listed_ranges),
    restricted="VNET",
    restricted_title="Virtual Network Template",
    encrypted="VNET",
    clusters=lambda obj: obj.cluster_ids,
)


def new(name: str, body: Template, **fields: Any) -> Object:
    defaults = {
        "bridge": "",
        "bridge_type": "",
        "state": INIT,
        "parent": -1,
        "template_id": -1,
        "vn_mad": "",
        "phydev": "",
        "vlan_id": "",
        "outer_vlan_id": "",
        "vlan_id_automatic": 0,
        "outer_vlan_id_automatic": 0,
        "next_ar": 0,
    }
    sets = {each: set() for each in (*SETS, "cluster_ids")}
    return Object(VNET, name, body, **{**defaults, **sets, "ranges": {}, **fields})


# ---------------------------------------------------------------- creation


def allocate(call: Call, given: str, cluster_id: int) -> int:
    body = call.template(given)
    cluster = call.find("CLUSTER", membership.DEFAULT if cluster_id == -1 else cluster_id)
    call.require(call.need("CREATE", "NET"), call.need("ADMIN", cluster))
    if not call.is_admin:
        generic.refuse_restricted(call, VNET, body, Template(), append=True)
    return create(call, body, [cluster.oid])


def create(call: Call, body: Template, cluster_ids: Iterable[int], template_id: int = -1) -> int:
    """Stores a network of a checked template, and lets the driver make it. Raises Refused INTERNAL."""
    for name in ("NAME", "VN_MAD"):
        if not body.text(name):
            raise internal(f"No {name} in template for Virtual Network.")
    wanted = body.vectors("AR")
    body.erase("AR")
    network = new(body.pop("NAME"), body, template_id=template_id)
    if template_id != -1 and not call.cloud.release.template_id_field:
        body.set("TEMPLATE_ID", str(template_id))
    oid = call.allocate(network, lambda obj: complete(call.cloud, obj))
    for cluster_id in cluster_ids:
        membership.join(call.pool("CLUSTER").get(cluster_id), "vnets", network)
    begin(call.cloud, network, wanted)
    return oid


def complete(cloud: Any, network: Object) -> None:
    """Fields of a new network, out of its template. Raises Refused when the driver lacks something."""
    body = network.template
    take_vlans(cloud, network, body)
    apply_driver(cloud, network, body)
    groups = [part for part in body.text("SECURITY_GROUPS").split(",") if part.strip()]
    body.set("SECURITY_GROUPS", ",".join(sorted({"0", *groups}, key=number_or_text)))


def take_vlans(cloud: Any, network: Object, body: Template) -> None:
    """VLAN tags: given, or drawn from the IDs of oned.conf. Drawn ones are not in the template."""
    for name, attribute in TAGS.items():
        automatic = body.flag(f"AUTOMATIC_{name}") and not body.text(name)
        body.erase(f"AUTOMATIC_{name}")
        if automatic:
            setattr(network, f"{attribute}_automatic", 1)
            setattr(network, attribute, drawn_tag(cloud, network, body.text("VN_MAD")))


def drawn_tag(cloud: Any, network: Object, driver: str) -> str:
    """The first ID of the driver's pool behind the network's own ID."""
    pool = cloud.config.vector("VXLAN_IDS" if "vxlan" in driver else "VLAN_IDS") or {}
    tag = int(pool.get("START", "2")) + network.oid
    taken = {other.vlan_id for other in cloud["NET"] if other.vn_mad == driver}
    while str(tag) in taken:
        tag += 1
    return str(tag)


def apply_driver(cloud: Any, network: Object, body: Template) -> None:
    """Driver, bridge, device and tags go from the template to the network, and complete the template."""
    driver = body.text("VN_MAD")
    if not driver:
        raise internal(cloud.release.missing_vn_mad)
    bridge_type = type_of_bridge(cloud, driver, body.text("BRIDGE_TYPE"))
    tags = {name: tag_of(network, body, name) for name in TAGS}
    check_mandatory(cloud.release, driver, {**tags, "BRIDGE": body.text("BRIDGE"), "PHYDEV": body.text("PHYDEV")})
    network.vn_mad, network.bridge_type, network.phydev = driver, bridge_type, body.text("PHYDEV")
    for name, attribute in TAGS.items():
        setattr(network, attribute, tags[name])
        if not getattr(network, f"{attribute}_automatic"):
            body.set(name, tags[name])
    network.bridge = body.text("BRIDGE") or network.bridge or default_bridge(network, body)
    for name, value in (("BRIDGE", network.bridge), ("BRIDGE_TYPE", bridge_type), ("PHYDEV", network.phydev)):
        body.set(name, value)


def default_bridge(network: Object, body: Template) -> str:
    return f"onebr.{body.text('VLAN_ID')}" if body.text("VLAN_ID") else f"onebr{network.oid}"


def tag_of(network: Object, body: Template, name: str) -> str:
    attribute = TAGS[name]
    return getattr(network, attribute) if getattr(network, f"{attribute}_automatic") else body.text(name)


def type_of_bridge(cloud: Any, driver: str, given: str) -> str:
    conf = next((each for each in cloud.config.vectors("VN_MAD_CONF") if each["NAME"] == driver), None)
    if conf is None:
        raise internal(f'VN_MAD named "{driver}" is not defined in oned.conf')
    allowed = conf["BRIDGE_TYPE"].split(",")
    if given and given not in allowed and cloud.release.checks_network_drivers:
        raise internal(f'Attribute BRIDGE_TYPE has wrong value "{given}" for VN_MAD_CONF {driver} in oned.conf')
    return given if given in allowed else allowed[0]


def check_mandatory(release: Release, driver: str, found: Mapping[str, str]) -> None:
    for name in MANDATORY.get(driver, ()):
        good = found[name].isdigit() if name in TAGS and release.checks_network_drivers else found[name]
        if not good:
            shown = f"{name} (or AUTOMATIC_{name})" if name in TAGS else name
            raise internal(f"{shown} is mandatory for driver {driver}")


def begin(cloud: Any, network: Object, wanted: list[Vector]) -> None:
    network.state = LOCK_CREATE
    network.changed()
    cloud.events.after(QUICK, created, cloud, network.oid, wanted)


def created(cloud: Any, oid: int, wanted: list[Vector]) -> None:
    """Event: the driver has made the network; now its ranges are added, and may be in error."""
    network = cloud["NET"].get(oid)
    if network is None or network.state != LOCK_CREATE:
        return
    network.state = READY
    try:
        for vector in wanted:
            append_range(cloud, network, vector)
        if cloud.events.fails("create", network.key):
            raise internal("Error creating the virtual network")
    except Refused as error:
        network.state = ERROR
        network.template.set("ERROR", f"{cloud.events.date()} : {error.message}")


# ---------------------------------------------------------------- deletion and recovery


def delete(call: Call, network: Object) -> None:
    why = "Can not remove a virtual network with leases in use" if leases_in_use(network) else ""
    if not why and network.state in (LOCK_CREATE, LOCK_DELETE, DONE):
        why = f"Can not remove a Virtual Network, wrong state {STATES[network.state]}"
    if why:
        raise wrong_action(f"Cannot delete virtual network. {why}")
    network.state = LOCK_DELETE
    call.cloud.events.after(1, deleted, call.cloud, network.oid)


def deleted(cloud: Any, oid: int) -> None:
    """Event: the driver has removed the network; a reservation gives its addresses back."""
    network = cloud["NET"].get(oid)
    if network is None:
        return
    if cloud.events.fails("delete", network.key):
        network.state = ERROR
        return
    for each in network.ranges.values():
        give_back(cloud, network, each)
    membership.leave_all(cloud, "vnets", network)
    cloud["NET"].drop(network)


def recover_failure(cloud: Any, network: Object) -> None:
    network.state = ERROR
    network.template.set("ERROR", f"{cloud.events.date()} : Failure forced by user")


def recover_success(cloud: Any, network: Object) -> None:
    network.template.erase("ERROR")
    if network.state == LOCK_DELETE:
        deleted(cloud, network.oid)
    else:
        network.state = READY


def recover_delete(cloud: Any, network: Object) -> None:
    deleted(cloud, network.oid)


def recover_retry(cloud: Any, network: Object) -> None:
    network.state = READY
    network_updates.commit(cloud, network, recovery=True)


# Operation -> its name, the states it is for, what it does.
RECOVER: dict[int, tuple[str, tuple[int, ...], Callable[[Any, Object], None]]] = {
    0: ("failure", (INIT, LOCK_CREATE, LOCK_DELETE), recover_failure),
    1: ("success", (INIT, LOCK_CREATE, LOCK_DELETE, ERROR, UPDATE_FAILURE), recover_success),
    2: ("delete", (INIT, LOCK_CREATE, LOCK_DELETE, ERROR), recover_delete),
    3: ("retry", (UPDATE_FAILURE,), recover_retry),
}


def recover(call: Call, network: Object, operation: int) -> None:
    if operation not in RECOVER:
        raise wrong_action("Wrong recovery operation code")
    name, states, run = RECOVER[operation]
    if network.state not in states:
        raise internal(f"Could not perform 'recover {name}' on VN {network.oid}, wrong state {STATES[network.state]}.")
    run(call.cloud, network)


# ---------------------------------------------------------------- address ranges


def append_range(cloud: Any, network: Object, vector: Vector) -> Range:
    added = new_range(vector, network.next_ar, cloud.config.text("MAC_PREFIX"), cloud.release)
    network.ranges[added.ar_id] = added
    network.next_ar += 1
    return added


def add_range(call: Call, network: Object, given: str) -> None:
    append_range(call.cloud, network, definition(given_to(call, network, given)))


WORKS = (READY, UPDATE_FAILURE)  # the states in which ranges and leases change


def given_to(call: Call, network: Object, text: str) -> Template:
    """The template of a change. Raises Refused when it does not parse, or the network is in no state for changes."""
    body = call.template(text)
    if network.state not in WORKS:
        raise wrong_action(
            f"Could not execute {call.method.name}Virtual Network is in wrong state: {STATES[network.state]}"
        )
    return body


def range_of(network: Object, ar_id: int) -> Range:
    if ar_id not in network.ranges:
        raise internal("Address Range does not exist")
    return network.ranges[ar_id]


def remove_range(call: Call, network: Object, ar_id: int, force: bool) -> None:
    if network.state not in WORKS:
        raise wrong_action(f"Could not remove Adress Range, Virtual Network is in wrong state: {STATES[network.state]}")
    target = range_of(network, ar_id)
    if target.leases and not force:
        raise internal("Address Range has leases in use")
    give_back(call.cloud, network, target)
    del network.ranges[ar_id]


def free_range(call: Call, network: Object, ar_id: int) -> None:
    remove_range(call, network, ar_id, force=False)


def update_range(call: Call, network: Object, given: str) -> None:
    vector = definition(given_to(call, network, given))
    oid = vector.get("AR_ID", "")
    if not oid.isdigit():
        raise internal("AR/AR_ID attribute is missing.")
    if int(oid) not in network.ranges:
        raise internal(f"Address Range with ID {oid} was not found.")
    heeds = network.parent != -1 and not call.is_admin
    names = listed(call.cloud.config, "VNET_RESTRICTED_ATTR") if heeds else []
    target = network.ranges[int(oid)]
    before = target.body
    change(target, vector, [name for holder, name in names if holder == "AR"])
    network_updates.range_changed(call.cloud, network, target, before)


# ---------------------------------------------------------------- leases on hold


def lease_in(body: Template) -> Vector:
    vector = body.vector("LEASES")
    if vector is None:
        raise internal("Empty lease description.")
    named = [name for name in ("MAC", "IP", "IP6") if vector.get(name)]
    if not named:
        raise internal("Missing MAC, IP or IP6.")
    if len(named) > 1:
        raise internal("Only one attribute MAC, IP or IP6 can be set.")
    return vector


def hold(call: Call, network: Object, given: str) -> None:
    vector = lease_in(given_to(call, network, given))
    if not any(each.take(HELD, vector) is not None for each in candidates(network, vector)):
        raise internal("Address is not part of the address range or in use.")


def release(call: Call, network: Object, given: str) -> None:
    vector = lease_in(given_to(call, network, given))
    for each in candidates(network, vector):
        place = each.index(vector)
        if each.leases.get(place) == HELD:
            del each.leases[place]


# ---------------------------------------------------------------- reservations


def reserve(call: Call, oid: int, given: str) -> int:
    with answered(ACTION):
        body = call.template(given)
    size = positive(body)
    target = reservation(call, oid, body)
    check_place(body)
    network = call.pool("NET").get(oid)
    if network is None:
        raise not_found(VNET.title)
    if network.parent != -1:
        raise wrong_action("Cannot reserve addresses from a reserved VNET")
    more = [] if target is None else [call.need("MANAGE", target)]
    call.require(call.need("USE", network), *more)
    return take(call, network, target, body, size)


def positive(body: Template) -> int:
    """The number of addresses. Raises Refused."""
    if not body.text("SIZE").isdigit() or body.integer("SIZE") == 0:
        raise wrong_action("Reservation SIZE must be a greater than 0")
    return body.integer("SIZE")


def reservation(call: Call, oid: int, body: Template) -> Object | None:
    """The existing reservation that is to grow; None when a new one is to be made. Raises Refused."""
    if not body.text("NETWORK_ID").removeprefix("-").isdigit():
        if not body.text("NAME"):
            raise wrong_action("NAME for reservation has to be set")
        return None
    number = body.integer("NETWORK_ID")
    if number < 0:
        raise wrong_action("NETWORK_ID must be equal or greater than 0")
    if number == oid:
        raise wrong_action("Cannot add a reservation from the same network")
    target = call.pool("NET").get(number)
    if target is None:
        raise not_found(VNET.title, number)
    if target.parent == -1:
        raise wrong_action("Cannot add reservations to a non-reservation VNET")
    if target.parent != oid:
        raise wrong_action(f"New reservations for virtual network {number} have to be from network {target.parent}")
    return target


def check_place(body: Template) -> None:
    """Raises Refused when addresses are named without their range."""
    if body.integer("AR_ID") < 0:
        raise wrong_action("AR_ID must be equal or greater than 0")
    if "AR_ID" not in body and any(body.text(name) for name in ("IP", "IP6", "MAC")):
        raise wrong_action("AR_ID must be specified for IP/MAC based reservations")


def take(call: Call, network: Object, target: Object | None, body: Template, size: int) -> int:
    """Addresses for a reservation, at the cost of its owner. Raises Refused; a new one is gone again then."""
    fresh = target is None
    found = new_reservation(call, network, body.text("NAME")) if target is None else target
    uses = usage.of_leases([str(network.oid)] * size)
    charged = False
    try:
        charge(call, uses, found.uid, found.gid)
        charged = True
        carve(call.cloud, network, found, body)
    except Refused:
        if charged:
            refund(call.cloud, found.uid, found.gid, uses)
        if fresh:
            call.pool("NET").drop(found)  # the number is used up, as on the server
        raise
    if fresh:
        for number in network.cluster_ids:
            membership.join(call.pool("CLUSTER").get(number), "vnets", found)
        begin(call.cloud, found, [])
    return found.oid


def new_reservation(call: Call, network: Object, name: str) -> Object:
    copied = ("bridge", "bridge_type", "vn_mad", "phydev", *TAGS.values())
    fields = {field: getattr(network, field) for field in (*copied, "vlan_id_automatic", "outer_vlan_id_automatic")}
    target = new(name, network.template.copy(), parent=network.oid, **fields)
    call.allocate(target)
    return target


def uses_of(call: Call, network: Object) -> list[Use]:
    """What a reservation counts against the quotas of its owner: leases of the network it is from."""
    size = sum(each.size for each in network.ranges.values()) if network.parent != -1 else 0
    return usage.of_leases([str(network.parent)] * size)


def carve(cloud: Any, network: Object, target: Object, body: Template) -> None:
    """Moves free addresses of the network into a new range of the reservation. Raises Refused ACTION."""
    size = body.integer("SIZE")
    named = [name for name in ("IP", "IP6", "MAC") if body.text(name)][:1]  # of several the first counts
    wanted = {name: body.text(name) for name in named}
    oid = body.text("AR_ID")
    for each in candidates(network, {"AR_ID": oid} if oid else {}):
        start = each.index(wanted) if wanted else each.run(size)
        if start is None or start + size > each.size:
            continue
        places = range(start, start + size)
        if any(place in each.leases for place in places):
            continue
        each.leases.update(dict.fromkeys(places, ("NET", target.oid)))
        if not wanted:
            each.next_index = (start + size) % each.size
        first = each.at(start)
        vector = {**each.body, **{name: first[name] for name in ("MAC", "IP", "IP6") if name in each.body}}
        added = append_range(cloud, target, {**vector, "SIZE": str(size)})
        added.body["PARENT_NETWORK_AR_ID"] = str(each.ar_id)
        network.changed()
        target.changed()
        return
    where = f"address range {oid}, or it does not exist" if oid else "an address range"
    raise wrong_action(f"Not enough free addresses in {where}")


def give_back(cloud: Any, network: Object, target: Range) -> None:
    """The addresses of a reservation's range are free again in the network they came from."""
    parent = cloud["NET"].get(network.parent)
    source = parent and parent.ranges.get(int(target.body.get("PARENT_NETWORK_AR_ID", "-1")))
    if not source:
        return
    start = source.index({"MAC": target.body["MAC"]})
    places = range(start, start + target.size) if start is not None else range(0)
    taken = [place for place in places if source.leases.get(place) == ("NET", network.oid)]
    for place in taken:
        del source.leases[place]
    refund(cloud, network.uid, network.gid, usage.of_leases([str(network.parent)] * len(taken)))


# ---------------------------------------------------------------- what a user sees


def info(call: Call, network: Object, decrypt: bool) -> str:
    """Who may only use the network sees the leases of what he may use."""
    xml = generic.in_clear(call, network) if decrypt else network.xml()
    if call.may("MANAGE", network):
        return xml
    sees = {name: generic.can_use(call, call.pool(name).kind) for name in ("VM", "VROUTER")}
    sees["NET"] = generic.can_use(call, VNET, without=ALL | CLUSTER)

    def shown(what: str, oid: int) -> bool:
        user = call.pool(what).get_ro(oid)
        return user is not None and bool(sees[what](user))

    pool = "".join([each.xml(shown) for each in network.ranges.values()])
    return f"{xml.partition('<AR_POOL>')[0]}<AR_POOL>{pool}</AR_POOL></VNET>"


def pool_info(call: Call, flag: int, start: int, end: int) -> str:
    """Rules for all networks, or all of a cluster, do not show reservations."""
    found = generic.visible(call, VNET, flag)
    if flag not in (generic.MINE, generic.MINE_GROUP):
        sees = generic.can_use(call, VNET, without=ALL | CLUSTER)
        found = [network for network in found if network.parent == -1 or sees(network)]
    return call.pool("NET").show(generic.page(call, found, start, end))


def normalise(call: Call, network: Object, body: Template) -> None:
    changes = network_updates.differences(network.template, body)
    apply_driver(call.cloud, network, body)
    network_updates.note(body, changes)


def spread(call: Call, network: Object) -> None:
    network_updates.template_changed(call.cloud, network)


KINDS = [VNET]
METHODS = [
    Method("one.vn.allocate", "template:string, cluster_id:int", allocate),
    Method("one.vn.delete", "oid:int", delete, needs="MANAGE NET"),
    generic.info(VNET, xml=info),
    generic.update(VNET, normalise=normalise, after=spread),
    generic.rename(VNET),
    generic.chmod(VNET),
    generic.chown(VNET, uses=uses_of),
    generic.lock(VNET),
    generic.unlock(VNET),
    Method("one.vn.add_ar", "oid:int, template:string", add_range, needs="ADMIN NET"),
    Method("one.vn.rm_ar", "oid:int, ar_id:int, force:boolean=false", remove_range, needs="MANAGE NET"),
    Method("one.vn.update_ar", "oid:int, template:string", update_range, needs="MANAGE NET"),
    Method("one.vn.reserve", "oid:int, template:string", reserve),
    Method("one.vn.free_ar", "oid:int, ar_id:int", free_range, needs="MANAGE NET"),
    Method("one.vn.hold", "oid:int, template:string", hold, needs="MANAGE NET"),
    Method("one.vn.release", "oid:int, template:string", release, needs="MANAGE NET"),
    Method("one.vn.recover", "oid:int, operation:int", recover, needs="MANAGE NET"),
    Method("one.vnpool.info", "filter_flag:int, start:int, end:int", pool_info, reads=True),
]
