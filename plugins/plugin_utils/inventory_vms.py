# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Virtual machines in inventories: what is known of one, how it is reached, how the pool is read."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from ..module_utils._core.numbers import is_whole
from ..module_utils._vm.addresses import guest_addresses
from ..module_utils._vm.states import status
from .inventory_facts import attributes, labels, number, secrets_in, shown, template, text, vector, vectors

# ---------------------------------------------------------------- pool

# The states to ask one.vmpool.infoextended for.
ANY = -2
ALIVE = -1
DONE = 6
# STATE of the words of status() that stand for one alone.
STATES = {
    "init": 0,
    "pending": 1,
    "held": 2,
    **dict.fromkeys(("running", "unknown", "changing"), 3),
    "stopped": 4,
    "suspended": 5,
    "done": DONE,
    "poweredoff": 8,
    "undeployed": 9,
    "cloning": 10,
}
ANYONE = -2
MINE = -3


def asked_state(words):
    """The narrowest state to ask the server for, since it takes only one (list of words or None → int)."""
    numbers = {STATES.get(word) for word in words or ()}
    if len(numbers) == 1 and None not in numbers:
        return numbers.pop()
    return ANY if words is not None and "done" in words else ALIVE


def asked_owner(owners, user):
    """The filter flag for the owner that is wanted, if it is one that the server can be asked for.

    Args:
        owners (list[str] | None): names or ids.
        user (str | None): the user who asks.
    """
    if owners is None or len(owners) != 1:
        return ANYONE
    if owners[0] == user:
        return MINE
    return int(owners[0]) if is_whole(owners[0]) else ANYONE


# ---------------------------------------------------------------- facts

# Where a NIC keeps what others can reach it by; not the link-local IP6_LINK.
IPV4 = ("IP",)
IPV6 = ("IP6", "IP6_GLOBAL", "IP6_ULA")
NIC_TEXTS = {name: name.lower() for name in ("NAME", "NETWORK", "MAC", *IPV4, *IPV6, "EXTERNAL_IP", "PARENT")}
NIC_NUMBERS = {name: name.lower() for name in ("NIC_ID", "NETWORK_ID")}
# Members of CONTEXT that repeat the NICs and disks; and scripts, whose passwords nobody could cover.
hidden = re.compile(r"(ETH|PCI)\d+_|DISK\d+_MOUNT|(DISK_ID|TARGET|NETWORK)$|START_SCRIPT").match
LAST_PORT = 65535
# What may be handed on to ssh: neither an option nor a part of a command line.
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\$-]*")
JUMP = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*@)?([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")


def nics(of):
    """The NICs of a VM's template, in order of their ids, network PCI devices among them, then aliases.

    Returns:
        list[dict]: nic_id, network_id (int); name, network, mac, ip, ip6, ip6_global, ip6_ula, external_ip, parent (of
            an alias) (str); alias and external (True). What is empty is left out.
    """
    devices = [device for device in vectors(of.get("PCI")) if device.get("TYPE") == "NIC"]
    cards = sorted(vectors(of.get("NIC")) + devices, key=lambda card: number(card.get("NIC_ID")) or 0)
    aliases = [dict(_nic(card), alias=True) for card in vectors(of.get("NIC_ALIAS"))]
    return [_nic(card) for card in cards] + aliases


def _nic(card):
    found = {fact: value for name, fact in NIC_TEXTS.items() if name in card and (value := text(card[name]))}
    numbers = {fact: number(card[name]) for name, fact in NIC_NUMBERS.items() if name in card}
    found.update((fact, value) for fact, value in numbers.items() if value is not None)
    if (text(card.get("EXTERNAL")) or "").lower() == "yes":
        found["external"] = True
    return found


def addresses(cards, kinds=IPV4 + IPV6):
    """The addresses of NICs, in their order; IPv4 first within each."""
    return [card[kind.lower()] for card in cards for kind in kinds if kind.lower() in card]


def external_addresses(cards):
    """The addresses by which others than its network reach a VM: those of NICs, then external aliases."""
    return addresses(cards, ("EXTERNAL_IP",)) + addresses([card for card in cards if card.get("external")])


# The words of the option address: Facts → addresses. Any other word is a pattern for the names of networks.
ADDRESS = {
    "first": lambda facts: facts["one_ips"],
    "ipv4": lambda facts: addresses(facts["one_nics"], IPV4),
    "ipv6": lambda facts: addresses(facts["one_nics"], IPV6),
    "alias": lambda facts: addresses([card for card in facts["one_nics"] if card.get("alias")]),
    "external": lambda facts: external_addresses(facts["one_nics"]),
    "guest": lambda facts: guest_addresses(facts.item),
}


def address(facts):
    """The first address that the words of the option address find; None when none does."""
    found = (one for word in facts.options["address"] for one in _addresses(facts, word))
    return next(found, None)


def _addresses(facts, word):
    if word in ADDRESS:
        return ADDRESS[word](facts)
    return addresses([card for card in facts["one_nics"] if fnmatchcase(card.get("network", ""), word)])


def port(facts):
    """The port in the attribute that the option port_attribute names; None when it is none."""
    found = number(_noted(facts, "port_attribute"))
    return found if found is not None and 0 < found <= LAST_PORT else None


def user(facts):
    """The user in the attribute that the option user_attribute names; None when it could be more than a name."""
    found = _noted(facts, "user_attribute") or ""
    return found if USER.fullmatch(found) else None


def jump(facts):
    """How ssh gets to the VM by the host in the attribute that the option jump_host_attribute names."""
    found = _noted(facts, "jump_host_attribute") or ""
    return "-o ProxyJump=%s" % found if JUMP.fullmatch(found) else None


def _noted(facts, option):
    """The text of an attribute of the user template, else of the context."""
    name = facts.options[option]
    if not name:
        return None
    found = text(facts["_attributes"].get(name))
    return text(facts["_context"].get(name)) if found is None else found


def context(facts):
    """What is worth showing of CONTEXT, with passwords covered."""
    return shown(facts, {name: value for name, value in facts["_context"].items() if value and not hidden(name)})


def _last_place(facts):
    records = facts.item.HISTORY_RECORDS
    return records.HISTORY[-1] if records is not None and records.HISTORY else None


def _placed(field):
    return lambda facts: None if facts["_place"] is None else getattr(facts["_place"], field)


def _named(pool, fact):
    """The name that belongs to the id in a fact; None when the user may not see it."""
    return lambda facts: None if facts[fact] is None else facts.source.names(pool).get(facts[fact])


def _attribute(name, read):
    """What `read` makes of an attribute of the template."""
    return lambda facts: read(facts["_template"].get(name))


def _user_attribute(name, read):
    return lambda facts: read(facts["_attributes"].get(name))


FACTS = {
    "_template": template("TEMPLATE"),
    "_attributes": template("USER_TEMPLATE"),
    "_context": _attribute("CONTEXT", vector),
    "_secrets": secrets_in("_attributes", "_context"),
    "_place": _last_place,
    "one_id": lambda facts: facts.item.ID,
    "one_name": lambda facts: facts.item.NAME,
    "one_state": lambda facts: status(facts.item),
    "one_lcm_state": lambda facts: facts.item.LCM_STATE,
    "one_owner": lambda facts: facts.item.UNAME,
    "one_owner_id": lambda facts: facts.item.UID,
    "one_group": lambda facts: facts.item.GNAME,
    "one_host": _placed("HOSTNAME"),
    "one_cluster": _named("clusterpool", "one_cluster_id"),
    "one_cluster_id": _placed("CID"),
    "one_template": _named("templatepool", "one_template_id"),
    "one_template_id": _attribute("TEMPLATE_ID", number),
    "one_cpu": _attribute("CPU", lambda value: number(value, float)),
    "one_vcpu": _attribute("VCPU", number),
    "one_memory": _attribute("MEMORY", number),
    "one_disk_size": _attribute("DISK", lambda value: sum(number(disk.get("SIZE")) or 0 for disk in vectors(value))),
    "one_nics": lambda facts: nics(facts["_template"]),
    "one_ips": lambda facts: addresses(facts["one_nics"]),
    "one_networks": lambda facts: sorted({card["network"] for card in facts["one_nics"] if "network" in card}),
    "one_labels": _user_attribute("LABELS", labels),
    "one_attributes": attributes,
    "one_context": context,
    "one_vm_group": _named("vmgrouppool", "one_vm_group_id"),
    "one_vm_group_id": _attribute("VMGROUP", lambda value: number(vector(value).get("VMGROUP_ID"))),
    "one_vm_group_role": _attribute("VMGROUP", lambda value: text(vector(value).get("ROLE"))),
    "one_service_id": _user_attribute("SERVICE_ID", number),
    "one_role": _user_attribute("ROLE_NAME", text),
    "one_server": lambda facts: facts.source.server,
    "one_zone": lambda facts: facts.source.zone,
    "ansible_host": address,
    "ansible_port": port,
    "ansible_user": user,
    "ansible_ssh_common_args": jump,
    "ansible_connection": lambda facts: facts.options.get("connection"),
}
MINIMAL = ("one_id", "one_state", *(name for name in FACTS if name.startswith("ansible_")))
