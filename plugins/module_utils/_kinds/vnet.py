# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Virtual networks."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from .._attributes import access, twins
from .._attributes import template as templates
from .._attributes.relations import ids, joined, reference, reference_id, reference_ids
from .._attributes.template import content, update
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import LABELS, first_text, same
from .._engine.resource import FIRST, Attribute, Reference, Resource, Step, attribute, deletion, source
from . import address_ranges
from .cluster import clusters

KIND = "vnet"
READY, ERROR, UPDATE_FAILURE = 1, 5, 6
STATES = {
    0: "init",
    READY: "ready",
    2: "lock_create",
    3: "lock_delete",
    4: "done",
    ERROR: "error",
    UPDATE_FAILURE: "update_failure",
}
# Options for attributes that OpenNebula also keeps as fields of the network.
FIELDS = ("vn_mad", "bridge", "phydev", "vlan_id", "outer_vlan_id")
# one.vn.allocate takes these out of the template.
CREATION = frozenset("NAME AR AUTOMATIC_VLAN_ID AUTOMATIC_OUTER_VLAN_ID CLUSTER_IDS TEMPLATE_ID".split())
# A replacement without VN_MAD is refused, one without SECURITY_GROUPS takes the network's rules away.
MANAGED = frozenset("BRIDGE BRIDGE_TYPE ERROR OUTER_VLAN_ID PHYDEV SECURITY_GROUPS VLAN_ID VNET_UPDATE VN_MAD".split())


# ---------------------------------------------------------------- reading


def read(cloud, vnet):
    """The record of a virtual network (one.vn.info or a VNET of one.vnpool.info)."""
    ranges = [address_ranges.read_range(item) for item in address_ranges.ranges_of(vnet)]
    return {
        **access.owned(vnet),
        **access.locked(vnet),
        "permissions": access.bits(vnet),
        "vnet_state": STATES.get(vnet.STATE, str(vnet.STATE)),
        "cluster_ids": cluster_ids(vnet),
        "used_leases": vnet.USED_LEASES,
        "vrouters": list(vnet.VROUTERS.ID) if vnet.VROUTERS is not None else [],
        "security_groups": security_groups_of(vnet),
        "address_ranges": ranges,
        "size": sum(int(item["SIZE"]) for item in ranges),
        "held": address_ranges.held(vnet),
        "reserved_from": parent(vnet),
        **content(vnet),
        **{option: getattr(vnet, option.upper()) or "" for option in FIELDS},
        **as_in_community_general(vnet),
    }


def cluster_ids(vnet):
    return sorted(vnet.CLUSTERS.ID) if vnet.CLUSTERS is not None else []


def parent(vnet):
    """The id of the network that a reservation is from; None of others."""
    text = vnet.PARENT_NETWORK_ID
    return int(text) if text else None


def security_groups_of(vnet):
    return sorted(ids(first_text(vnet.TEMPLATE, "SECURITY_GROUPS")))


# The fields of an address range in the record of community.general's one_vnet.
AR_FIELDS = "ar_id mac size type allocated ip global_prefix parent_network_ar_id ula_prefix vn_mad".split()


def as_in_community_general(vnet):
    """What the record of community.general's one_vnet has beside ours, its misspelt `bride_type` included."""
    pool = address_ranges.ranges_of(vnet)
    return {
        "clusters": cluster_ids(vnet),
        "bridge_type": vnet.BRIDGE_TYPE or "",
        "bride_type": vnet.BRIDGE_TYPE or "",
        "parent_network_id": parent(vnet),
        "ar_pool": [{word: getattr(item, word.upper()) or None for word in AR_FIELDS} for item in pool],
    }


def read_with_leases(cloud, vnet):
    """The record of a virtual network of one.vn.info; pools do not tell all of the leases."""
    return dict(read(cloud, vnet), leases=address_ranges.leases(vnet))


# ---------------------------------------------------------------- creation


def create(name, wanted, modes):
    """A new network, a reservation from another one, or one from a network template."""
    if "reserved_from" in wanted:
        return reserve(name, wanted)
    if "vntemplate" in wanted:
        return instantiate(name, wanted, modes)
    given = body(name, wanted, modes)
    if "address_ranges" in wanted:
        address_ranges.require_whole(wanted["address_ranges"])
        given["AR"] = [address_ranges.without_empty(item) for item in wanted["address_ranges"]]
    address_ranges.require_places(wanted.get("held", ()), given.get("AR", ()))
    cluster = (wanted.get("clusters") or [-1])[0]
    return Step("create virtual network %s" % name, "vn.allocate", (given, cluster))


def body(name, wanted, modes):
    """The template of a new network without address ranges, which would be added to those of a network template."""
    found = templates.new(name, wanted, modes)
    found.update({option.upper(): wanted[option] for option in FIELDS if option in wanted})
    if "security_groups" in wanted:
        found["SECURITY_GROUPS"] = joined(wanted["security_groups"])
    return found


def instantiate(name, wanted, modes):
    given = wanted["vntemplate"]
    what = "create virtual network %s from virtual network template %s" % (name, given)
    extra = body(name, wanted, modes)
    if "labels" in wanted and modes.labels != "exact":  # they are merged with those of the network template
        extra.pop(LABELS, None)
    return Step(what, "vntemplate.instantiate", (Reference("vntemplate", given), name, extra))


def reserve(name, wanted):
    return reservation(name, wanted["reserved_from"], wanted["size"], dict(place(wanted), NAME=name))


def place(wanted):
    """The attributes that say which addresses to reserve."""
    found = {"AR_ID": wanted["ar_id"]} if "ar_id" in wanted else {}
    return dict(found, **address_ranges.template_of(wanted.get("first_address", {})))


def reservation(name, source_id, size, place):
    """The Step that reserves addresses.

    Args:
        name (str): of the network that gets them.
        source_id (int): of the network that they are taken from.
        size (int): how many.
        place (dict): attributes that say which, and for what network.
    """
    what = "reserve %d addresses for virtual network %s" % (size, name)
    return Step(what, "vn.reserve", (source_id, {key: str(value) for key, value in dict(place, SIZE=size).items()}))


def needed(wanted):
    """To create a network, or one that is a reservation."""
    return ("size",) if "reserved_from" in wanted else (("vn_mad", "VN_MAD", "vntemplate", "reserved_from"),)


# ---------------------------------------------------------------- attributes


def merged_field(present, wanted, modes):
    return present if same(present, wanted) else wanted


def change_field(option, record, after):
    what = "change %s of virtual network %s" % (option, record["name"])
    return [update(KIND, record, what, {option.upper(): after})]


def change_security_groups(record, after):
    what = "change the security groups of virtual network %s" % record["name"]
    return [update(KIND, record, what, {"SECURITY_GROUPS": joined(after)})]


def canonical_size(cloud, given):
    """A number of addresses.

    Raises:
        Failure: it is less than 1.
    """
    if given < 1:
        raise Failure("The option size takes a number of addresses from 1, not %d." % given, object=KIND)
    return given


def canonical_address(cloud, given):
    return address_ranges.lease_of(given, "first_address")


def shown_address(lease):
    return next(iter(lease.values())) if lease else lease


def has_place(record, wanted):
    """Whether a reservation has addresses of the place that a task names: its first address, or of that range."""
    if "first_address" in wanted:
        return any(address_ranges.holds_address(item, wanted["first_address"]) for item in record["address_ranges"])
    return "ar_id" in wanted and str(wanted["ar_id"]) in [
        str(item["parent_network_ar_id"]) for item in record["ar_pool"]
    ]


def plan_address(record, wanted, modes):
    """Raises Failure when the first address is not there, and size leaves none to reserve it."""
    lease, size = wanted["first_address"], record["size"]
    if not has_place(record, wanted) and wanted.get("size", 0) <= size:
        message = (
            "The virtual network %s has %d addresses, and %s is not one of them. To reserve it too, give size: %d."
        )
        raise Failure(message % (record["name"], size, shown_address(lease), size + 1), object=KIND, id=record["id"])
    return None, None, []


def plan_size(record, wanted, modes):
    """The size of a reservation counts all its addresses; it can only grow, at the place that the task names.

    Raises:
        Failure: it would shrink, or the network is no reservation.
    """
    present, after = record["size"], wanted["size"]
    there = has_place(record, wanted)
    if after == present or (after < present and there):
        return present, present, []
    if after < present:
        message = "The virtual network has %d addresses; size: %d cannot reduce them. Remove address ranges instead."
        raise Failure(message % (present, after), object=KIND)
    if record["reserved_from"] is None:
        raise Failure("The option size is for reservations; give the size of each of address_ranges.", object=KIND)
    where = place({} if there else wanted)
    if there and "ar_id" in wanted:
        where["AR_ID"] = wanted["ar_id"]
    where["NETWORK_ID"] = record["id"]
    return present, after, [reservation(record["name"], record["reserved_from"], after - present, where)]


# ---------------------------------------------------------------- states


class Recovery(NamedTuple):
    """A way out of states that a network does not leave by itself."""

    code: int  # of one.vn.recover
    states: tuple  # that it is for
    end: str  # the state that it leads to


RECOVERY = {
    "failure": Recovery(0, ("init", "lock_create"), "error"),
    "success": Recovery(1, ("init", "lock_create", "error", "update_failure"), "ready"),
    "retry": Recovery(3, ("update_failure",), "ready"),
}
RECOVER_DELETE = 2  # code of one.vn.recover
UNREMOVABLE = ("init", "lock_create", "lock_delete", "error")  # states in which one.vn.delete does not remove a network


def plan_recovery(record, wanted, modes):
    """The state that the recovery leads to, where the network is in one that it is for."""
    present, way = record["vnet_state"], RECOVERY[wanted["recover"]]
    if present not in way.states:
        return present, present, []
    what = "recover virtual network %s by %s" % (record["name"], wanted["recover"])
    return present, way.end, [Step(what, "vn.recover", (record["id"], way.code), phase=FIRST)]


def remove(cloud, record, wanted, modes):
    """Leases on hold are released first; with the mode `force` a network that is stuck is removed too."""
    steps = address_ranges.change_held(record, [])
    if modes.force and record["vnet_state"] in UNREMOVABLE:
        what = "remove virtual network %s" % record["name"]
        return steps + [Step(what, "vn.recover", (record["id"], RECOVER_DELETE))]
    return steps + [deletion(KIND, record)]


def settled(vnet, wanted):
    """Whether it is ready, or as a recovery leaves it; releases before 6.4 have no states."""
    ends = {"ready"} | ({RECOVERY[wanted["recover"]].end} if "recover" in wanted else set())
    return vnet.STATE is None or STATES.get(vnet.STATE) in ends


def failure(vnet, wanted):
    if vnet.STATE not in (ERROR, UPDATE_FAILURE) or wanted.get("recover") == "failure":
        return None
    return first_text(vnet.TEMPLATE, "ERROR") or "it is in state %s" % STATES[vnet.STATE]


OWN = {
    "recover": Attribute(plan_recovery, field="vnet_state", existing_only=True),
    **{option: attribute(option, partial(change_field, option), merged_field) for option in FIELDS},
    "security_groups": attribute("security_groups", change_security_groups, canonical=reference_ids("security_group")),
    "clusters": clusters("vnets"),
    "vntemplate": source(reference("vntemplate")),
    "reserved_from": attribute("reserved_from", canonical=reference_id(KIND)),
    "ar_id": source(),
    "first_address": Attribute(plan_address, canonical_address, shown=shown_address),
    "size": Attribute(plan_size, canonical_size),
    "address_ranges": address_ranges.ranges(),
    "held": address_ranges.holds(),
}
VNET = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=remove,
    settled=settled,
    failure=failure,
    needed=needed,
    twins={
        **{option.upper(): twin(option) for option in FIELDS},
        "SECURITY_GROUPS": twin("security_groups", twins.commas),
        "AR": twin("address_ranges", twins.vectors),
    },
    attributes={**access.attributes(KIND, OWN, managed=MANAGED, creation=CREATION), **access.lock(KIND)},
)
VNET_WITH_LEASES = VNET._replace(read=read_with_leases, detailed=True)
