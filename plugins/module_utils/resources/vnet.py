# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a virtual network is."""

from __future__ import annotations

from ..difference import NATURAL_KEYS, canonical, merged_template, same
from ..failure import Failure
from ..resource import Attribute, Resource
from . import access, common
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
# What OpenNebula computes of an address range, or counts.
COMPUTED = frozenset(
    "ALLOCATED IP6_END IP6_GLOBAL IP6_GLOBAL_END IP6_ULA IP6_ULA_END IP_END LEASES MAC_END NEXT_INDEX "
    "PARENT_NETWORK_AR_ID USED_LEASES".split()
)


def read(cloud, vnet):
    """The record of a virtual network (one.vn.info)."""
    return dict(
        access.owned(vnet),
        **access.locked(vnet),
        vnet_state=STATES.get(vnet.STATE, str(vnet.STATE)),
        cluster_ids=sorted(vnet.CLUSTERS.ID) if vnet.CLUSTERS is not None else [],
        used_leases=vnet.USED_LEASES,
        security_groups=security_groups_of(vnet),
        address_ranges=[read_range(item) for item in vnet.AR_POOL.AR] if vnet.AR_POOL is not None else [],
        **common.content(vnet),
        **{option: getattr(vnet, option.upper()) or "" for option in FIELDS},
    )


def security_groups_of(vnet):
    text = (vnet.TEMPLATE or {}).get("SECURITY_GROUPS", "")
    return sorted(int(part) for part in text.split(",") if part.strip().isdigit())


def read_range(item):
    """An address range as a vector, without what is computed."""
    names = [name for name in dir(item) if name.isupper() and name not in COMPUTED]
    found = {name: getattr(item, name) for name in names}
    return canonical({name: value for name, value in found.items() if value != ""})


def create(cloud, name, wanted):
    fields = {option.upper(): wanted[option] for option in FIELDS if option in wanted}
    body = dict(wanted.get("template", {}), NAME=name, **fields)
    if "security_groups" in wanted:
        body["SECURITY_GROUPS"] = joined(wanted["security_groups"])
    if "address_ranges" in wanted:
        body["AR"] = wanted["address_ranges"]
    cluster = (wanted.get("cluster_ids") or [-1])[0]
    return cloud.call("create virtual network %s" % name, "vn.allocate", body, cluster, object=KIND, name=name)


def field(option):
    """The Attribute for one of FIELDS."""

    def write(cloud, oid, after, record):
        doing = "change %s of virtual network %s" % (option, record["name"])
        cloud.call(doing, "vn.update", oid, {option.upper(): after}, 1)

    return Attribute(write, lambda present, wanted: present if same(present, wanted) else wanted)


def joined(ids):
    return ",".join(str(number) for number in ids)


def write_security_groups(cloud, oid, after, record):
    doing = "change the security groups of virtual network %s" % record["name"]
    cloud.call(doing, "vn.update", oid, {"SECURITY_GROUPS": joined(after)}, 1)


def canonical_ranges(cloud, given):
    return [_lowered(canonical(item)) for item in given]


def _lowered(item):
    return {name: value.lower() if name in ("IP6", "MAC") else value for name, value in item.items()}


def _partner(wanted, free):
    """The range that a wanted one speaks of: by its natural key, else by type and size; None: it is new."""
    keys = [key for key in NATURAL_KEYS["AR"] if key in wanted][:1] or ["TYPE", "SIZE"]
    found = [item for item in free if all(same(item.get(key, ""), wanted.get(key, "")) for key in keys)]
    return found[0] if found else None


def merged_ranges(present, wanted, purge):
    """The ranges that stand: those there are, changed as wanted, then the new ones; with `purge` no others."""
    free, changed, new = list(present), {}, []
    for item in wanted:
        partner = _partner(item, free)
        if partner is None:
            new.append(item)
        else:
            free.remove(partner)
            changed[partner["AR_ID"]] = merged_template(partner, item)
    kept = [changed.get(item["AR_ID"], item) for item in present if not purge or item["AR_ID"] in changed]
    unknown = [item["AR_ID"] for item in new if "AR_ID" in item]
    if unknown:
        raise Failure("There is no address range with AR_ID %s in the virtual network." % unknown[0], object=KIND)
    return kept + new


def write_ranges(cloud, oid, after, record):
    """Removes, changes and adds ranges; update_ar replaces a range's own attributes, so it takes them all."""
    doing = "change the address ranges of virtual network %s" % record["name"]
    present = {item["AR_ID"]: item for item in record["address_ranges"]}
    stays = {item["AR_ID"] for item in after if "AR_ID" in item}
    for number in sorted(set(present) - stays, key=int):
        cloud.call(doing, "vn.rm_ar", oid, int(number))
    for item in after:
        if "AR_ID" not in item:
            cloud.call(doing, "vn.add_ar", oid, {"AR": item})
        elif item != present[item["AR_ID"]]:
            cloud.call(doing, "vn.update_ar", oid, {"AR": item})


def ranges(purge):
    """The Attribute `address_ranges`; `purge`: those that are not named go."""
    return Attribute(write_ranges, lambda present, wanted: merged_ranges(present, wanted, purge), canonical_ranges)


def settled(vnet, wanted):
    return vnet.STATE is None or vnet.STATE == READY  # releases before 6.4 have no states


def failure(vnet):
    if vnet.STATE not in (ERROR, UPDATE_FAILURE):
        return None
    return (vnet.TEMPLATE or {}).get("ERROR") or "it is in state %s" % STATES[vnet.STATE]


def resource(replace=False, purge_ranges=False, purge_clusters=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `purge_…`: what is not named goes; `labels`: labels_mode."""
    own = {option: field(option) for option in FIELDS}
    own["security_groups"] = Attribute(write_security_groups, canonical=common.oids("security_group"))
    own["cluster_ids"] = clusters("vnets", purge_clusters)
    own["address_ranges"] = ranges(purge_ranges)
    attributes = access.attributes(KIND, own, replace, labels, MANAGED, CREATION)
    attributes.update(access.lock(KIND))
    return Resource(KIND, read, create, attributes, common.remove(KIND), settled, failure)
