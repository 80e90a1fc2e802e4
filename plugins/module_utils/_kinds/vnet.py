# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a virtual network is."""

from __future__ import annotations

from typing import NamedTuple

from .._attributes import access, common, relations
from .._core.failure import Failure
from .._core.values import same
from .._engine.engine import Attribute, Resource, never
from . import addresses
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
# To make a network, and one that is a reservation.
NEEDED = (("vn_mad", "VN_MAD", "vntemplate", "reserved_from"),)
NEEDED_TO_RESERVE = ("size",)
# Ways out of a state that a network does not leave by itself: code of one.vn.recover, states it is for, state then.
RECOVERY = {
    "failure": (0, ("init", "lock_create"), "error"),
    "success": (1, ("init", "lock_create", "error", "update_failure"), "ready"),
    "retry": (3, ("update_failure",), "ready"),
}
RECOVER_DELETE, STUCK = 2, ("init", "lock_create", "lock_delete", "error")  # that one.vn.delete does not remove


def read(cloud, vnet):
    """The record of a virtual network (one.vn.info or a VNET of one.vnpool.info)."""
    ranges = [addresses.read_range(item) for item in addresses.ranges_of(vnet)]
    return dict(
        access.owned(vnet),
        **access.locked(vnet),
        permissions=access.bits(vnet),
        vnet_state=STATES.get(vnet.STATE, str(vnet.STATE)),
        cluster_ids=sorted(vnet.CLUSTERS.ID) if vnet.CLUSTERS is not None else [],
        used_leases=vnet.USED_LEASES,
        vrouters=list(vnet.VROUTERS.ID) if vnet.VROUTERS is not None else [],
        security_groups=security_groups_of(vnet),
        address_ranges=ranges,
        size=sum(int(item["SIZE"]) for item in ranges),
        held=addresses.held(vnet),
        reserved_from=number(vnet.PARENT_NETWORK_ID),
        **common.content(vnet),
        **{option: getattr(vnet, option.upper()) or "" for option in FIELDS},
        **as_before(vnet),
    )


def number(text):
    """An id that an element holds; None when it is empty."""
    return int(text) if text else None


# The words of an address range in the record of community.general's one_vnet.
BEFORE = "ar_id mac size type allocated ip global_prefix parent_network_ar_id ula_prefix vn_mad".split()


def as_before(vnet):
    """What the record of community.general's one_vnet has beside ours, its misspelt word included."""
    found = [{word: getattr(item, word.upper()) or None for word in BEFORE} for item in addresses.ranges_of(vnet)]
    return {
        "clusters": sorted(vnet.CLUSTERS.ID) if vnet.CLUSTERS is not None else [],
        "bridge_type": vnet.BRIDGE_TYPE or "",
        "bride_type": vnet.BRIDGE_TYPE or "",
        "parent_network_id": number(vnet.PARENT_NETWORK_ID),
        "ar_pool": found,
    }


def security_groups_of(vnet):
    text = (vnet.TEMPLATE or {}).get("SECURITY_GROUPS", "")
    return sorted(relations.ids(text))


def create(cloud, name, wanted):
    if "reserved_from" in wanted:
        return reserve(cloud, name, wanted)
    if "vntemplate" in wanted:
        return instantiate(cloud, name, wanted)
    given = body(name, wanted)
    if "address_ranges" in wanted:
        addresses.require_whole(wanted["address_ranges"])
        given["AR"] = wanted["address_ranges"]
    cluster = (wanted.get("cluster_ids") or [-1])[0]
    return cloud.call("create virtual network %s" % name, "vn.allocate", given, cluster, object=KIND, name=name)


def body(name, wanted):
    """The template of a new network but for its address ranges: those of a network template would stand beside them."""
    found = dict(wanted.get("template", {}), NAME=name)
    found.update({option.upper(): wanted[option] for option in FIELDS if option in wanted})
    if "security_groups" in wanted:
        found["SECURITY_GROUPS"] = relations.joined(wanted["security_groups"])
    return found


def instantiate(cloud, name, wanted):
    source = cloud.reference("vntemplate", wanted["vntemplate"])
    doing = "create virtual network %s from virtual network template %s" % (name, source.NAME)
    given = body(name, wanted)
    return cloud.call(doing, "vntemplate.instantiate", source.ID, name, given, object=KIND, name=name)


def reserve(cloud, name, wanted):
    place = {"AR_ID": wanted["ar_id"]} if "ar_id" in wanted else {}
    for lease in addresses.canonical_held(cloud, [wanted["first_address"]] if "first_address" in wanted else []):
        place.update({addresses.WORDS[word]: text for word, text in lease.items()})
    return take(cloud, name, wanted["reserved_from"], wanted["size"], dict(place, NAME=name))


def take(cloud, name, parent, size, place):
    doing = "reserve %d addresses for virtual network %s" % (size, name)
    given = {key: str(value) for key, value in dict(place, SIZE=size).items()}
    return cloud.call(doing, "vn.reserve", parent, given, object=KIND, name=name)


def merged_size(present, wanted):
    if wanted < present:
        message = "The virtual network has %d addresses, which size: %d does not take away: remove address ranges."
        raise Failure(message % (present, wanted), object=KIND)
    return wanted


def write_size(cloud, oid, after, record):
    take(cloud, record["name"], record["reserved_from"], after - record["size"], {"NETWORK_ID": oid})


def field(option):
    """The Attribute for one of FIELDS."""

    def write(cloud, oid, after, record):
        doing = "change %s of virtual network %s" % (option, record["name"])
        cloud.call(doing, "vn.update", oid, {option.upper(): after}, 1)

    return Attribute(write, lambda present, wanted: present if same(present, wanted) else wanted)


def write_security_groups(cloud, oid, after, record):
    doing = "change the security groups of virtual network %s" % record["name"]
    cloud.call(doing, "vn.update", oid, {"SECURITY_GROUPS": relations.joined(after)}, 1)


def recovery(way):
    """The Attribute `vnet_state`: that which a way of RECOVERY leads to, from the states that it is for."""
    code, states, end = RECOVERY[way]

    def write(cloud, oid, after, record):
        cloud.call("recover virtual network %s by %s" % (record["name"], way), "vn.recover", oid, code)

    def merged(present, wanted):
        return end if present in states else present

    return Attribute(write, merged, lambda cloud, given: end, early=lambda after: True)


def remover(force):
    """remove(): leases on hold go with the network; `force`: one that is stuck goes too."""
    delete = common.remove(KIND)

    def remove(cloud, record):
        addresses.write_held(cloud, record["id"], [], record)
        if force and record["vnet_state"] in STUCK:
            cloud.call("remove virtual network %s" % record["name"], "vn.recover", record["id"], RECOVER_DELETE)
        else:
            delete(cloud, record)

    return remove


def settled(vnet, wanted):
    state = STATES.get(vnet.STATE)  # releases before 6.4 have none
    return vnet.STATE is None or state in ("ready", wanted.get("vnet_state"))


def failure(vnet):
    if vnet.STATE not in (ERROR, UPDATE_FAILURE):
        return None
    return (vnet.TEMPLATE or {}).get("ERROR") or "it is in state %s" % STATES[vnet.STATE]


class Purges(NamedTuple):
    """Of which sets those that are not named go."""

    ranges: bool = False
    clusters: bool = False
    held: bool = False


NO_PURGE = Purges()


def resource(replace=False, purge=NO_PURGE, labels="exact", recover=None, force=False, reserves=False):
    """The Resource.

    Args:
        replace (bool): template_mode replace.
        purge (Purges)
        labels (str): labels_mode.
        recover (str | None): a way of RECOVERY.
        force (bool): whether a network that is stuck is removed too.
        reserves (bool): whether it is to be a reservation.
    """
    own = {} if recover is None else {"vnet_state": recovery(recover)}
    own.update({option: field(option) for option in FIELDS})
    own["security_groups"] = Attribute(write_security_groups, canonical=relations.oids("security_group"))
    own["cluster_ids"] = clusters("vnets", purge.clusters)
    own["vntemplate"] = relations.origin(common.reference("vntemplate"))
    own["reserved_from"] = Attribute(canonical=relations.oid(KIND))
    own.update(dict.fromkeys(("ar_id", "first_address"), relations.origin()))
    own["size"] = Attribute(write_size, merged_size)
    own["address_ranges"] = addresses.ranges(purge.ranges)
    own["held"] = addresses.holds(purge.held)
    attributes = access.attributes(KIND, own, replace, labels, MANAGED, CREATION)
    attributes.update(access.lock(KIND))
    fails = never if recover == "failure" else failure
    needed = NEEDED_TO_RESERVE if reserves else NEEDED
    return Resource(KIND, read, create, attributes, remover(force), settled, fails, needed)


def with_leases():
    """The Resource whose records also have the leases, which the pool does not tell whole."""
    return resource()._replace(read=lambda cloud, vnet: dict(read(cloud, vnet), leases=addresses.leases(vnet)))
