# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Address ranges of virtual networks: the six types, their leases, and what is shown of them."""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from .acl import TYPES as ACL_TYPES
from .errors import internal
from .releases import LATEST, Release
from .template import Template, Vector, attribute

TYPES = ("ETHER", "IP4", "IP6", "IP6_STATIC", "IP4_6", "IP4_6_STATIC")
# What a range keeps when it is changed, and what the server computes and so never takes from outside.
FIXED = ("TYPE", "IP", "IP6", "MAC", "PARENT_NETWORK_AR_ID")
COMPUTED = ("AR_ID", "USED_LEASES", "LEASES", "NEXT_INDEX", "MAC_END", "IP_END", "IP6_END", "PARENT_NETWORK_AR_ID")
PREFIXES = (("ULA_PREFIX", "IP6_ULA", "unique local"), ("GLOBAL_PREFIX", "IP6_GLOBAL", "global"))
SHOWN_AS = {"NET": "VNET"}  # the user of a lease that is not shown by the name of its kind
MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")


def mac_number(text: str) -> int:
    return int("".join([part.zfill(2) for part in text.split(":")]), 16)


def mac_text(number: int) -> str:
    digits = f"{number % (1 << 48):012x}"
    return ":".join([digits[i : i + 2] for i in range(0, 12, 2)])


def ip4_text(number: int) -> str:
    return str(ipaddress.IPv4Address(number % (1 << 32)))


def ip6_text(number: int) -> str:
    """As inet_ntop writes it: a single group of zeros is not shortened."""
    return str(ipaddress.IPv6Address(number % (1 << 128)))


def ip4_number(text: str) -> int | None:
    try:
        return int(ipaddress.IPv4Address(text))
    except ValueError:
        return None


def ip6_number(text: str) -> int | None:
    try:
        return int(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def stepped(number: int, index: int) -> int:
    """An address so many places on: the server counts in the last 32 bits alone."""
    return number >> 32 << 32 | (number + index) % (1 << 32)


def eui64(mac: int) -> int:
    """The interface part of an IPv6 address, as the server forms it: the universal bit is flipped."""
    return ((mac >> 24 ^ 0x020000) << 40) | (0xFFFE << 24) | (mac & 0xFFFFFF)


@dataclass
class Range:
    """One address range. `leases` maps the place in the range to its user: ("VM", 3), ("NET", 2), ("VROUTER", 1)."""

    body: Vector
    ar_id: int
    leases: dict[int, tuple[str, int]] = field(default_factory=dict)
    next_index: int = 0
    release: Release = LATEST

    # -------------------------------------------------------- addresses

    @property
    def size(self) -> int:
        return int(self.body["SIZE"])

    def mac(self, index: int) -> int:
        return stepped(mac_number(self.body["MAC"]), index)

    def at(self, index: int) -> Vector:
        """The addresses at a place of the range."""
        found = {"MAC": mac_text(self.mac(index))}
        if "IP" in self.body:
            found["IP"] = ip4_text(ip4_number(self.body["IP"]) + index)
        if "IP6" in self.body:
            found["IP6"] = ip6_text(stepped(ip6_number(self.body["IP6"]), index))
        for name, shown, dummy in PREFIXES:
            if self.body.get(name):
                found[shown] = ip6_text(ip6_number(self.body[name]) | eui64(self.mac(index)))
        if self.body["TYPE"] in ("IP6", "IP4_6"):
            found["IP6_LINK"] = ip6_text(0xFE80 << 112 | eui64(self.mac(index)))
        return found

    def index(self, wanted: Vector) -> int | None:
        """Where an address ("MAC", "IP" or "IP6") is in the range; None when it is not."""
        offsets = {
            "MAC": lambda text: mac_number(text) - self.mac(0) if MAC.fullmatch(text) else None,
            "IP": lambda text: difference(ip4_number(text), ip4_number(self.body.get("IP", ""))),
            "IP6": lambda text: difference(ip6_number(text), ip6_number(self.body.get("IP6", ""))),
        }
        for name, offset in offsets.items():
            if name in wanted:
                place = offset(wanted[name])
                return place if place is not None and 0 <= place < self.size else None
        return None

    # -------------------------------------------------------- leases

    def free(self) -> Iterator[int]:
        """Free places, beginning after the last one given away."""
        for step in range(self.size):
            place = (self.next_index + step) % self.size
            if place not in self.leases:
                yield place

    def take(self, user: tuple[str, int], wanted: Vector | None = None) -> int | None:
        """Gives away the wanted address, or the next free one; the place, or None."""
        if wanted:
            place = self.index(wanted)
            if place is None or place in self.leases:
                return None
        else:
            place = next(self.free(), None)
            if place is None:
                return None
            self.next_index = (place + 1) % self.size if self.release.leases_move_on else 0
        self.leases[place] = user
        return place

    def run(self, size: int) -> int | None:
        """The first place of so many free ones in a row."""
        for start in range(self.size - size + 1):
            if not any(place in self.leases for place in range(start, start + size)):
                return start
        return None

    # -------------------------------------------------------- XML

    def brief(self) -> list[str]:
        shown = self.release.shown("AR", {**self.body, "AR_ID": str(self.ar_id), "NEXT_INDEX": str(self.next_index)})
        return [attribute(name, shown[name]) for name in sorted(shown)]

    def listed(self) -> str:
        """As the pool of networks shows a range: as it is stored, with leases as pairs of place and user."""
        pairs = [f" {place} {ACL_TYPES[what] | oid % (1 << 32)}" for place, (what, oid) in sorted(self.leases.items())]
        allocated = attribute("ALLOCATED", "".join(pairs)) if pairs else ""
        return f"<AR>{allocated}{''.join(self.brief())}</AR>"

    def xml(self, shown: Callable[[str, int], bool] = lambda what, oid: True) -> str:
        """The range with its leases, or those of users that are shown, given as ("VM", 3)."""
        parts = self.brief()
        parts += [attribute(name, text) for name, text in self.ends()]
        leases = "".join([self.lease(place) for place in sorted(self.leases) if shown(*self.leases[place])])
        parts.append(f"<USED_LEASES>{len(self.leases)}</USED_LEASES>")
        parts.append(f"<LEASES>{leases}</LEASES>" if leases else "<LEASES/>")
        return f"<AR>{''.join(parts)}</AR>"

    def ends(self) -> Iterator[tuple[str, str]]:
        first, last = self.at(0), self.at(self.size - 1)
        for name in ("MAC", "IP", "IP6"):
            if name in last:
                yield f"{name}_END", last[name]
        for dummy, name, dummy in PREFIXES:
            if name in last:
                yield name, first[name]
                yield f"{name}_END", last[name]

    def lease(self, place: int) -> str:
        what, oid = self.leases[place]
        return attribute("LEASE", {**self.at(place), SHOWN_AS.get(what, what): str(oid)})


def difference(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other


# ---------------------------------------------------------------- definition


def new_range(given: Vector, ar_id: int, mac_prefix: str, release: Release = LATEST) -> Range:
    """A range from an AR attribute. Raises Refused INTERNAL when it is none."""
    body = {name: text for name, text in given.items() if name not in COMPUTED}
    body["TYPE"] = body.get("TYPE", "").upper()
    if body["TYPE"] not in TYPES:
        raise internal("Unknown or missing address range TYPE.")
    body.setdefault("SHARED", "NO")
    for name in foreign(body["TYPE"]):
        body.pop(name, None)
    check_addresses(body)
    set_mac(body, mac_prefix, release)
    if not body.get("SIZE", "").isdigit():
        raise internal("Wrong SIZE for address range")
    return Range(body, ar_id, release=release)


def foreign(kind: str) -> list[str]:
    """The addresses that a type of range does not have; the server forgets them."""
    has = {"IP": has_ip4(kind), "IP6": is_static(kind), "GLOBAL_PREFIX": has_prefixes(kind)}
    has["ULA_PREFIX"] = has["GLOBAL_PREFIX"]
    return [name for name, possible in has.items() if not possible]


def has_ip4(kind: str) -> bool:
    return kind.startswith("IP4")


def is_static(kind: str) -> bool:
    return kind.endswith("STATIC")


def has_prefixes(kind: str) -> bool:
    return kind in ("IP6", "IP4_6")


def check_addresses(body: Vector) -> None:
    if has_ip4(body["TYPE"]) and ip4_number(body.get("IP", "")) is None:
        raise internal("Wrong or empty IP attribute")
    if has_prefixes(body["TYPE"]):
        check_prefixes(body)
    if is_static(body["TYPE"]):
        check_static(body)


def check_static(body: Vector) -> None:
    """Without a SIZE, all that follows the address in its network."""
    first = ip6_number(body.get("IP6", ""))
    if first is None:
        raise internal("Wrong or empty IP6 attribute")
    if not body.get("PREFIX_LENGTH", "").isdigit():
        raise internal("Wrong or empty PREFIX_LENGTH")
    if not body.get("SIZE"):
        hosts = 1 << min(128 - int(body["PREFIX_LENGTH"]), 64)
        most = min(hosts, (1 << 64) - 1)  # what the server's integers hold
        body["SIZE"] = str(most - first % hosts)


def check_prefixes(body: Vector) -> None:
    for name, dummy, title in reversed(PREFIXES):
        if body.get(name) and ip6_number(body[name]) is None:
            raise internal(f"Wrong format for IP6 {title} address prefix")


def set_mac(body: Vector, prefix: str, release: Release) -> None:
    """The given MAC, one that holds the IPv4 address, or a random one behind the prefix of oned.conf."""
    given = body.get("MAC", "")
    if given and not MAC.fullmatch(given):
        raise internal(release.bad_mac.format(mac=given))
    if not given:
        tail = ip4_number(body.get("IP", ""))
        head = int(prefix.replace(":", ""), 16)
        given = mac_text(head << 32 | (random.getrandbits(32) if tail is None else tail))
    body["MAC"] = given


def change(target: Range, given: Vector, restricted: Collection[str] = ()) -> None:
    """Updates a range; its type, its addresses and what is restricted stay. Raises Refused INTERNAL."""
    stays = {*FIXED, *restricted}
    kept = {name: text for name, text in target.body.items() if name in stays}
    others = {name: text for name, text in given.items() if name not in stays and name not in COMPUTED}
    body = {"SHARED": target.body.get("SHARED", "NO"), **others, **kept}
    complete_prefixes(body, target.body)
    body["SIZE"] = new_size(target, given.get("SIZE", ""))
    target.body = body


def complete_prefixes(body: Vector, before: Vector) -> None:
    """Prefixes that are not named are no more; the length of a static one stays."""
    for name in ("PREFIX_LENGTH", "GLOBAL_PREFIX", "ULA_PREFIX"):
        text = body.pop(name, "")
        if name != "PREFIX_LENGTH" and has_prefixes(body["TYPE"]):
            body[name] = text
        elif name == "PREFIX_LENGTH" and is_static(body["TYPE"]):
            body[name] = text if text.isdigit() else before[name]
    if has_prefixes(body["TYPE"]):
        check_prefixes(body)


def new_size(target: Range, given: str) -> str:
    if not given:
        return target.body["SIZE"]
    if not given.isdigit():
        raise internal("Unable to read the SIZE attribute, it must be number >= 0")
    if "PARENT_NETWORK_AR_ID" in target.body and int(given) != target.size:
        raise internal("The SIZE of a reservation cannot be changed.")
    if any(place >= int(given) for place in target.leases):
        raise internal("New SIZE cannot be applied. There are used leases that would fall outside the range.")
    return given


def definition(body: Template) -> Vector:
    """The AR of a template. Raises Refused INTERNAL when there is none."""
    vector = body.vector("AR")
    if vector is None:
        raise internal("Wrong AR definition. AR vector attribute is missing.")
    return vector
