# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Addresses of virtual networks: the ranges they come in, and the leases on hold."""

from __future__ import annotations

import ipaddress
import re

from .._core.failure import Failure
from .._core.values import canonical, merged_template, same
from .._engine.engine import Attribute
from ..pyone.constants import AR_TYPES

KIND = "vnet"
# What tells ranges apart; the first that is given counts.
KEYS = ("AR_ID", "IP", "IP6", "MAC", "GLOBAL_PREFIX", "ULA_PREFIX")
# What one.vn.update_ar passes over: a range keeps it.
FIXED = ("TYPE", "IP", "IP6", "MAC", "GLOBAL_PREFIX", "ULA_PREFIX", "PREFIX_LENGTH")
# What OpenNebula computes of an address range, or counts.
COMPUTED = frozenset(
    "ALLOCATED IP6_END IP6_GLOBAL IP6_GLOBAL_END IP6_ULA IP6_ULA_END IP_END LEASES MAC_END NEXT_INDEX "
    "PARENT_NETWORK_AR_ID USED_LEASES".split()
)
IPS = ("IP", "IP6", "GLOBAL_PREFIX", "ULA_PREFIX", "GATEWAY", "GATEWAY6")
WORDS = {"ip": "IP", "ip6": "IP6", "mac": "MAC"}  # word of a lease → attribute
MAC = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}\Z")
HELD = -1  # VM that has a lease on hold; in ALLOCATED the lower half of the user's number
LOWER_HALF = 0xFFFFFFFF


def ranges_of(vnet):
    return vnet.AR_POOL.AR if vnet.AR_POOL is not None else []


# ---------------------------------------------------------------- ranges


def read_range(item):
    """An address range as a vector in its one form, without what is computed."""
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
    if "TYPE" in found:
        found["TYPE"] = found["TYPE"].upper()
    return found


def canonical_ip(text):
    """An IPv4 or IPv6 address in its shortest form; other texts as they are."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def canonical_mac(text):
    lowered = text.lower()
    return ":".join(part.zfill(2) for part in lowered.split(":")) if MAC.match(lowered) else text


def is_address(text):
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


# What OpenNebula refuses only after it has made the network: name → (whether it fits, what fits).
FORMS = dict(
    dict.fromkeys(("IP", "IP6", "GLOBAL_PREFIX", "ULA_PREFIX"), (is_address, "an IP address")),
    MAC=(lambda text: bool(MAC.match(text)), "a MAC address"),
    TYPE=(AR_TYPES.__contains__, "one of " + ", ".join(AR_TYPES)),
    SIZE=(lambda text: text.isdigit() and int(text) > 0, "a number greater than 0"),
)


def canonical_ranges(cloud, given):
    """Ranges in their one form.

    Raises:
        Failure: one has a value that OpenNebula does not take.
    """
    found = [canonical_range(item) for item in given]
    for item in found:
        for name, (fits, what) in FORMS.items():
            if item.get(name) and not fits(item[name]):
                message = "%s of an address range has to be %s, not %r."
                raise Failure(message % (name.lower(), what, item[name]), object=KIND)
    return found


def require_whole(ranges):
    """Refuses ranges that are new, and lack what OpenNebula needs to make them."""
    missing = sorted({name.lower() for item in ranges for name in ("TYPE", "SIZE") if name not in item})
    if missing:
        raise Failure("To add an address range, give its %s." % " and ".join(missing), object=KIND)


def _partner(wanted, free):
    """The range that a wanted one speaks of: by the first key that is given, else by type and size; None: it is new."""
    keys = [key for key in KEYS if key in wanted][:1] or ["TYPE", "SIZE"]
    found = [item for item in free if all(same(item.get(key, ""), wanted.get(key, "")) for key in keys)]
    return found[0] if found else None


def merged_ranges(present, wanted, purge):
    """The ranges that stand: those there are, changed as wanted, then the new ones; with `purge` no others.

    Raises:
        Failure: a range that is wanted by AR_ID is not there, is to get what a range cannot change, or lacks what a new
            one needs.
    """
    free, changed, new = list(present), {}, []
    for item in wanted:
        partner = _partner(item, free)
        if partner is None:
            new.append(item)
        else:
            free.remove(partner)
            _refuse_fixed(partner, item)
            changed[partner["AR_ID"]] = merged_template(partner, item)
    kept = [changed.get(item["AR_ID"], item) for item in present if not purge or item["AR_ID"] in changed]
    unknown = [item["AR_ID"] for item in new if "AR_ID" in item]
    if unknown:
        raise Failure("There is no address range with AR_ID %s in the virtual network." % unknown[0], object=KIND)
    require_whole(new)
    return kept + new


def _refuse_fixed(present, wanted):
    wrong = [name for name in FIXED if name in wanted and not same(present.get(name, ""), wanted[name] or "")]
    if wrong:
        message = "%s of address range %s cannot be changed from %s to %s. Remove the range and add another one."
        values = present.get(wrong[0], "nothing"), wanted[wrong[0]] or "nothing"
        raise Failure(message % (wrong[0], present["AR_ID"], *values), object=KIND)


def write_ranges(cloud, oid, after, record):
    """Removes, changes and adds ranges; update_ar replaces a range's own attributes, so it takes them all.

    The addresses of a reservation go back to where they came from.
    """
    doing = "change the address ranges of virtual network %s" % record["name"]
    present = {item["AR_ID"]: item for item in record["address_ranges"]}
    stays = {item["AR_ID"] for item in after if "AR_ID" in item}
    remove = "vn.rm_ar" if record["reserved_from"] is None else "vn.free_ar"
    for number in sorted(set(present) - stays, key=int):
        cloud.call(doing, remove, oid, int(number))
    for item in after:
        if "AR_ID" not in item:
            cloud.call(doing, "vn.add_ar", oid, {"AR": item})
        elif item != present[item["AR_ID"]]:
            cloud.call(doing, "vn.update_ar", oid, {"AR": item})


def ranges(purge):
    """The Attribute `address_ranges`; `purge`: those that are not named go."""
    return Attribute(write_ranges, lambda present, wanted: merged_ranges(present, wanted, purge), canonical_ranges)


# ---------------------------------------------------------------- leases


def leases(vnet):
    """The leases of a network (one.vn.info): their addresses, their range, and the id of who has them."""
    found = [item for item in ranges_of(vnet) if item.LEASES is not None]
    return [_lease(item.AR_ID, lease) for item in found for lease in item.LEASES.LEASE]


def _lease(number, lease):
    found = {name.lower(): getattr(lease, name) for name in dir(lease) if name.isupper()}
    return dict({word: value for word, value in found.items() if value not in ("", None)}, ar_id=number)


def held(vnet):
    """The addresses of each lease on hold, of a network (one.vn.info) or one of its pool, which tells places only."""
    return [lease for item in ranges_of(vnet) for lease in (_held_at(item) if item.LEASES is None else _held_of(item))]


def _held_of(item):
    return [
        canonical_lease({word: getattr(lease, name) for word, name in WORDS.items()})
        for lease in item.LEASES.LEASE
        if lease.VM == HELD
    ]


def _held_at(item):
    pairs = re.findall(r"\d+", item.ALLOCATED or "")
    places = [int(place) for place, user in zip(pairs[::2], pairs[1::2]) if int(user) & LOWER_HALF == LOWER_HALF]
    return [_at(item, place) for place in places]


def _at(item, place):
    """The addresses at a place of a range."""
    first = {word: getattr(item, name) for word, name in WORDS.items()}
    found = {word: str(ipaddress.ip_address(first[word]) + place) for word in ("ip", "ip6") if first[word]}
    digits = "%012x" % (int(canonical_mac(first["mac"]).replace(":", ""), 16) + place)
    return dict(found, mac=":".join(digits[index : index + 2] for index in range(0, 12, 2)))


def canonical_lease(lease):
    """The addresses of a lease in their one form; those that are not there left out."""
    forms = {"ip": canonical_ip, "ip6": canonical_ip, "mac": canonical_mac}
    return {word: forms[word](lease[word]) for word in WORDS if lease.get(word)}


def canonical_held(cloud, given):
    """Addresses as leases of one address each, every one once."""
    found = [_addressed(text) for text in given]
    return [lease for index, lease in enumerate(found) if lease not in found[:index]]


def _addressed(text):
    if MAC.match(text.lower()):
        return {"mac": canonical_mac(text)}
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Failure("The option held takes IP and MAC addresses, not %r." % text, object=KIND) from None
    return {"ip" if address.version == 4 else "ip6": str(address)}


def merged_held(present, wanted, purge):
    """The leases on hold that stand; with `purge` only those wanted."""

    def fits(lease, other):
        return all(other.get(word) == text for word, text in lease.items())

    kept = [lease for lease in present if not purge or any(fits(item, lease) for item in wanted)]
    return kept + [item for item in wanted if not any(fits(item, lease) for lease in present)]


def write_held(cloud, oid, after, record):
    name = record["name"]
    for lease in record["held"]:
        if lease not in after:
            cloud.call("release %s in virtual network %s" % (shown(lease), name), "vn.release", oid, body(lease))
    for lease in after:
        if lease not in record["held"]:
            cloud.call("hold %s in virtual network %s" % (shown(lease), name), "vn.hold", oid, body(lease))


def body(lease):
    """The template of one.vn.hold and release, which take the first address they find."""
    word = next(word for word in WORDS if word in lease)
    return {"LEASES": {WORDS[word]: lease[word]}}


def shown(lease):
    return next(lease[word] for word in WORDS if word in lease)


def holds(purge):
    """The Attribute `held`; `purge`: other leases on hold are released. Before ranges go, their leases have to."""
    return Attribute(
        write_held,
        lambda present, wanted: merged_held(present, wanted, purge),
        canonical_held,
        early=lambda after: not after,
    )
