# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Address ranges of virtual networks, and their leases."""

from __future__ import annotations

import ipaddress
import re

from .._attributes.relations import ids, joined, reference_ids
from .._attributes.requests import requested, surplus
from .._core.addresses import is_mac, number
from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import canonical, declared_vector, merged_template, same
from .._engine.resource import FIRST, NORMAL, Attribute, Step
from ..pyone.constants import AR_TYPES

KIND = "vnet"
PURGE, PURGE_HELD = "purge_address_ranges", "purge_held"  # options that remove what is not named
# What identifies a range; the first that is given counts.
KEYS = ("AR_ID", "IP", "IP6", "MAC", "GLOBAL_PREFIX", "ULA_PREFIX")
# What one.vn.update_ar ignores: a range keeps it.
FIXED = ("TYPE", "IP", "IP6", "MAC", "GLOBAL_PREFIX", "ULA_PREFIX", "PREFIX_LENGTH")
# What OpenNebula computes of an address range, or counts.
COMPUTED = frozenset(
    "ALLOCATED IP6_END IP6_GLOBAL IP6_GLOBAL_END IP6_ULA IP6_ULA_END IP_END LEASES MAC_END NEXT_INDEX "
    "PARENT_NETWORK_AR_ID USED_LEASES".split()
)
GROUPS = "SECURITY_GROUPS"
# What a new range of a type needs beside type and size.
NEEDED = {
    "IP4": ("IP",),
    "IP4_6": ("IP",),
    "IP6_STATIC": ("IP6", "PREFIX_LENGTH"),
    "IP4_6_STATIC": ("IP", "IP6", "PREFIX_LENGTH"),
}
IPS = ("IP", "IP6", "GLOBAL_PREFIX", "ULA_PREFIX", "GATEWAY", "GATEWAY6")
ADDRESSES = {"ip": "IP", "ip6": "IP6", "mac": "MAC"}  # of a lease → attribute
HELD = -1  # VM that has a lease on hold; in ALLOCATED the lower half of the number of who has it
LOWER_HALF = 0xFFFFFFFF


def ranges_of(vnet):
    return vnet.AR_POOL.AR if vnet.AR_POOL is not None else []


# ---------------------------------------------------------------- ranges


def read_range(item):
    """An address range as a vector in canonical form, without what is computed."""
    names = [name for name in dir(item) if name.isupper() and name not in COMPUTED]
    found = {name: getattr(item, name) for name in names}
    return canonical_range({name: value for name, value in found.items() if value != ""})


def canonical_range(given):
    found = canonical(given)
    for name in IPS:
        if name in found:
            found[name] = canonical_ip(found[name])
    if "MAC" in found:
        found["MAC"] = canonical_mac(found["MAC"])
    if all(map(is_whole, found.get(GROUPS, "").split(","))):
        found[GROUPS] = joined(sorted(ids(found[GROUPS])))
    if "TYPE" in found:
        found["TYPE"] = found["TYPE"].upper()
    return found


def with_group_ids(cloud, given):
    """A range with the ids of its security groups, of which a list or a text with commas has names or ids."""
    return {name: _group_ids(cloud, value) if is_groups(name, value) else value for name, value in given.items()}


def is_groups(name, value):
    return str(name).upper() == GROUPS and isinstance(value, (str, int, list))


def _group_ids(cloud, given):
    names = given if isinstance(given, list) else [part.strip() for part in str(given).split(",") if part.strip()]
    return joined(reference_ids("security_group")(cloud, names))


def canonical_ip(text):
    """An IPv4 or IPv6 address in its shortest form; other texts as they are."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def canonical_mac(text):
    lowered = text.lower()
    return ":".join(part.zfill(2) for part in lowered.split(":")) if is_mac(lowered) else text


def is_address(text):
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_type(text):
    return text in AR_TYPES


def is_size(text):
    return is_whole(text) and int(text) > 0


# What OpenNebula refuses only after it has created the network: attribute → (whether a value is valid, what is valid).
FORMS = dict(
    dict.fromkeys(("IP", "IP6", "GLOBAL_PREFIX", "ULA_PREFIX"), (is_address, "an IP address")),
    MAC=(is_mac, "a MAC address"),
    TYPE=(is_type, "one of " + ", ".join(AR_TYPES)),
    SIZE=(is_size, "a number greater than 0"),
)


def canonical_ranges(cloud, given):
    """Ranges in canonical form.

    Raises:
        Failure: one has a value that OpenNebula does not accept.
    """
    found = [canonical_range(declared_vector("address_ranges", "AR", with_group_ids(cloud, item))) for item in given]
    for item in found:
        for name, (valid, what) in FORMS.items():
            if item.get(name) and not valid(item[name]):
                message = "The option address_ranges: %s has to be %s, not %r."
                raise Failure(message % (name.lower(), what, item[name]), object=KIND)
    return found


def without_empty(item):
    """A range without the members that are empty, as update_ar replaces all of them."""
    return {name: value for name, value in item.items() if value}


def require_whole(ranges):
    """Raises Failure when new ranges lack what OpenNebula needs to create them."""
    needed = [(item, ("TYPE", "SIZE") + NEEDED.get(item.get("TYPE"), ())) for item in ranges]
    missing = sorted({name.lower() for item, names in needed for name in names if not item.get(name)})
    if missing:
        raise Failure("The option address_ranges: to add a range, give its %s." % " and ".join(missing), object=KIND)


def _partner(wanted, free):
    """The range that a wanted one means: by the first key that is given, else by type and size; None: it is new."""
    keys = [key for key in KEYS if key in wanted][:1] or ["TYPE", "SIZE"]
    found = [item for item in free if all(same(item.get(key, ""), wanted.get(key, "")) for key in keys)]
    return found[0] if found else None


def merged_ranges(present, wanted, modes):
    """The ranges after the change: those there are (with the purge option: that are wanted), then the new ones.

    Raises:
        Failure: a range that is wanted by AR_ID does not exist, would change what a range cannot change, or lacks what
            a new one needs.
    """
    changed, new = _matched(present, wanted)
    purge = PURGE in modes.purge
    kept = [changed.get(item["AR_ID"], item) for item in present if not purge or item["AR_ID"] in changed]
    unknown = [item["AR_ID"] for item in new if "AR_ID" in item]
    if unknown:
        raise Failure("There is no address range with AR_ID %s in the virtual network." % unknown[0], object=KIND)
    require_whole(new)
    return kept + new


def _matched(present, wanted):
    """({AR_ID: range as it is wanted}, [ranges that are new])."""
    free, changed, new = list(present), {}, []
    for item in wanted:
        partner = _partner(item, free)
        if partner is None:
            new.append(without_empty(item))
        else:
            free.remove(partner)
            _refuse_fixed(partner, item)
            given = {name: value for name, value in item.items() if value or name not in FIXED}
            changed[partner["AR_ID"]] = without_empty(merged_template(partner, given))
    return changed, new


def _refuse_fixed(present, wanted):
    wrong = [name for name in FIXED if wanted.get(name) and not same(present.get(name, ""), wanted[name])]
    if wrong:
        message = "%s of address range %s cannot be changed from %s to %s. Remove the range and add another one."
        values = present.get(wrong[0], "nothing"), wanted[wrong[0]]
        raise Failure(message % (wrong[0], present["AR_ID"], *values), object=KIND)


def change_ranges(record, after):
    """Removes, changes and adds ranges; update_ar replaces all attributes of a range, so it is given all of them.

    The addresses of a reservation are returned to the network that they came from.
    """
    what = "change the address ranges of virtual network %s" % record["name"]
    oid, present = record["id"], {item["AR_ID"]: item for item in record["address_ranges"]}
    stays = {item["AR_ID"] for item in after if "AR_ID" in item}
    remove = "vn.rm_ar" if record["reserved_from"] is None else "vn.free_ar"
    gone = [Step(what, remove, (oid, int(number))) for number in sorted(set(present) - stays, key=int)]
    changed = [item for item in after if "AR_ID" in item and item != present[item["AR_ID"]]]
    new = requested(oid, [item for item in after if "AR_ID" not in item], list(present.values()))
    calls = [("vn.update_ar", item) for item in changed] + [("vn.add_ar", item) for item in new]
    return gone + [Step(what, name, (oid, {"AR": item})) for name, item in calls]


def plan_ranges(record, wanted, modes):
    """plan() of the Attribute; of ranges that two runs at once have added, the younger is removed."""
    present = record["address_ranges"]
    twice = surplus(record["id"], present, "AR_ID")
    after = merged_ranges([one for one in present if one not in twice], wanted["address_ranges"], modes)
    return present, after, change_ranges(record, after) if after != present else []


def ranges():
    """The Attribute `address_ranges`."""
    return Attribute(plan_ranges, canonical_ranges)


# ---------------------------------------------------------------- leases


def leases(vnet):
    """The leases of a network (one.vn.info): their addresses, their range, and the id of who has each."""
    found = [item for item in ranges_of(vnet) if item.LEASES is not None]
    return [_lease(item.AR_ID, lease) for item in found for lease in item.LEASES.LEASE]


def _lease(number, lease):
    found = {name.lower(): getattr(lease, name) for name in dir(lease) if name.isupper()}
    return dict({word: value for word, value in found.items() if value not in ("", None)}, ar_id=number)


def held(vnet):
    """The addresses of each lease on hold, of a network of one.vn.info or of one.vnpool.info."""
    return [lease for item in ranges_of(vnet) for lease in (_held_at(item) if item.LEASES is None else _held_of(item))]


def _held_of(item):
    return [
        canonical_lease({word: getattr(lease, name) for word, name in ADDRESSES.items()})
        for lease in item.LEASES.LEASE
        if lease.VM == HELD
    ]


def _held_at(item):
    """Of a range of the pool: instead of leases it has ALLOCATED, pairs of a position in the range and who has it."""
    pairs = re.findall(r"\d+", item.ALLOCATED or "")
    on_hold = [int(index) for index, user in zip(pairs[::2], pairs[1::2]) if int(user) & LOWER_HALF == LOWER_HALF]
    return [_at(item, index) for index in on_hold]


def _at(item, index):
    """The addresses at a position in a range."""
    first = {word: getattr(item, name) for word, name in ADDRESSES.items()}
    found = {word: str(ipaddress.ip_address(first[word]) + index) for word in ("ip", "ip6") if first[word]}
    digits = "%012x" % (int(canonical_mac(first["mac"]).replace(":", ""), 16) + index)
    return dict(found, mac=":".join(digits[at : at + 2] for at in range(0, 12, 2)))


def canonical_lease(lease):
    """The addresses of a lease in canonical form, without those that it lacks."""
    forms = {"ip": canonical_ip, "ip6": canonical_ip, "mac": canonical_mac}
    return {word: forms[word](lease[word]) for word in ADDRESSES if lease.get(word)}


def canonical_held(cloud, given):
    """Addresses as leases of one address each, each once.

    Raises:
        Failure: one is no IP or MAC address.
    """
    found = [lease_of(text, "held") for text in given]
    return [lease for index, lease in enumerate(found) if lease not in found[:index]]


def lease_of(text, option):
    """The lease with an address that an option gives.

    Raises:
        Failure: it is no IP or MAC address.
    """
    if is_mac(text.lower()):
        return {"mac": canonical_mac(text)}
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Failure("The option %s takes IP and MAC addresses, not %r." % (option, text), object=KIND) from None
    return {"ip" if address.version == 4 else "ip6": str(address)}


def holds_address(item, lease):
    """Whether an address range, in canonical form, has the address of a lease."""
    return any(word in lease and _position(item.get(name), lease[word], item) for word, name in ADDRESSES.items())


def _position(first, address, item):
    return bool(first) and 0 <= number(address) - number(first) < int(item["SIZE"])


def template_of(lease):
    """The attributes for the addresses of a lease."""
    return {ADDRESSES[word]: text for word, text in lease.items()}


def merged_held(present, wanted, modes):
    """The leases after the change: those there are (with the purge option: that are wanted), then the new ones."""
    purge = PURGE_HELD in modes.purge
    kept = [lease for lease in present if not purge or any(_is_one(item, lease) for item in wanted)]
    return kept + [item for item in wanted if not any(_is_one(item, lease) for lease in present)]


def _is_one(wanted, lease):
    return all(lease.get(word) == text for word, text in wanted.items())


def change_held(record, after):
    """Where none is left they are released before other changes, since a range with leases cannot be removed."""
    phase = NORMAL if after else FIRST
    released = [_lease_step("release", record, lease) for lease in record["held"] if lease not in after]
    held_now = [_lease_step("hold", record, lease) for lease in after if lease not in record["held"]]
    return [step._replace(phase=phase) for step in released + held_now]


def _lease_step(verb, record, lease):
    """one.vn.hold and release use the first address that they find."""
    word = next(word for word in ADDRESSES if word in lease)
    what = "%s %s in virtual network %s" % (verb, lease[word], record["name"])
    return Step(what, "vn." + verb, (record["id"], {"LEASES": {ADDRESSES[word]: lease[word]}}))


def plan_held(record, wanted, modes):
    """The leases on hold, of ranges that the network has, or has after the same task.

    Raises:
        Failure: an address is in none of them.
    """
    ranges = record["address_ranges"]
    if "address_ranges" in wanted:
        ranges = merged_ranges(ranges, wanted["address_ranges"], modes)
    require_places(wanted["held"], ranges)
    present, after = record["held"], merged_held(record["held"], wanted["held"], modes)
    return present, after, change_held(record, after)


def require_places(leases, ranges):
    """Raises Failure when the IPv4 address of a lease is in no range; others may follow from a MAC address."""
    asked = [lease for lease in leases if "ip" in lease]
    missing = [lease["ip"] for lease in asked if not any(holds_address(item, lease) for item in ranges)]
    if missing:
        raise Failure("The option held: %s is in none of the address ranges of the network." % missing[0], object=KIND)


def holds():
    """The Attribute `held`."""
    return Attribute(plan_held, canonical_held)
