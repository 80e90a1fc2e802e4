# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Security groups."""

from __future__ import annotations

import re
from functools import partial

from .._attributes import access, twins
from .._attributes import template as templates
from .._attributes.relations import clone_of, create_or_clone, joined
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.numbers import is_whole
from .._core.values import canonical, labels_of, vectors
from .._engine.resource import Resource, Step, attribute, delete
from .address_ranges import is_address

KIND = "security_group"
# Suboptions of a rule → attributes of RULE; protocol and direction in lower case here, in any case there.
RULE = {
    "protocol": "PROTOCOL",
    "direction": "RULE_TYPE",
    "range": "RANGE",
    "icmp_type": "ICMP_TYPE",
    "icmpv6_type": "ICMPV6_TYPE",
    "network_id": "NETWORK_ID",
    "ip": "IP",
    "size": "SIZE",
}
WORDS = {
    "protocol": ("all", "tcp", "udp", "icmp", "icmpv6", "ipsec"),
    "direction": ("inbound", "outbound"),
}
OF_PROTOCOL = {"icmp_type": "icmp", "icmpv6_type": "icmpv6"}  # members that rules of one protocol have
WITH_PORTS = ("tcp", "udp")
LOWERED = ("protocol", "direction", "ip")
VM_SETS = ("updated_vms", "outdated_vms", "error_vms")
PORTS = 65535  # the last one
PORT = re.compile(r"[0-9]{1,9}").fullmatch
PURGE = "purge_rules"  # option that removes the rules that are not named


def read(cloud, group):
    """The record of a security group (one.secgroup.info or a SECURITY_GROUP of one.secgrouppool.info)."""
    template = canonical(group.TEMPLATE or {})
    rules = vectors(template, "RULE")
    template.pop("RULE", None)
    vms = {word: list(getattr(group, word.upper()).ID) for word in VM_SETS}
    return {
        **access.owned(group),
        **vms,
        "rules": [canonical_rule({word: rule.get(name) for word, name in RULE.items()}) for rule in rules],
        "committed": not (vms["outdated_vms"] or vms["error_vms"]),
        "template": template,
        "labels": labels_of(template),
    }


def create(name, wanted, modes):
    body = dict(templates.new(name, wanted, modes), **attributes_of(wanted.get("rules", [])))
    return Step("create security group %s" % name, "secgroup.allocate", (body,))


# ---------------------------------------------------------------- rules


def canonical_rule(rule):
    """A rule in its one form: texts, without what is empty.

    Args:
        rule (dict): suboption → text, number or None.
    """
    texts = {word: "".join(str(value).split()) for word, value in rule.items() if value is not None}
    lowered = {word: text.lower() if word in LOWERED else text for word, text in texts.items()}
    return {word: lowered[word] for word in RULE if lowered.get(word)}


def canonical_rules(cloud, given):
    """Rules in their one form, each once, with ids of networks."""
    found = [_with_network_id(cloud, rule) for rule in given]
    return [rule for index, rule in enumerate(found) if rule not in found[:index]]


def _with_network_id(cloud, rule):
    found = {word: rule.get(word) for word in RULE}
    network = None if rule.get("network") is None else cloud.reference("vnet", rule["network"])
    return _checked(canonical_rule(found if network is None else dict(found, network_id=network.ID)))


def _checked(rule):
    """Raises Failure when the protocol, the direction or the range of a rule is none."""
    for word, known in WORDS.items():
        if rule.get(word) not in known:
            message = "The %s of a rule is one of %s, not %r."
            raise Failure(message % (word, ", ".join(known), rule.get(word)), object=KIND)
    if "range" in rule and rule["protocol"] not in WITH_PORTS:
        message = "A rule of protocol %s has no range of ports."
        raise Failure(message % rule["protocol"], object=KIND)
    if not all(map(_is_ports, rule.get("range", "0").split(","))):
        message = "The range of a rule is ports up to %d, such as 22,80:90, not %r."
        raise Failure(message % (PORTS, rule["range"]), object=KIND)
    _refuse_members(rule)
    return rule


def _refuse_members(rule):
    """Raises Failure when members of a rule do not go together, or are of another form."""
    for word, protocol in OF_PROTOCOL.items():
        if word in rule and rule["protocol"] != protocol:
            message = "A rule of protocol %s has no %s, which is for %s."
            raise Failure(message % (rule["protocol"], word, protocol), object=KIND)
        if not is_whole(rule.get(word, "0")):
            raise Failure("The %s of a rule is a number, not %r." % (word, rule[word]), object=KIND)
    if "ip" in rule and not is_address(rule["ip"]):
        raise Failure("The ip of a rule is an IP address, not %r." % rule["ip"], object=KIND)
    if "ip" in rule and not is_whole(rule.get("size", "")):
        raise Failure("A rule with an ip has a size too, the number of addresses from there on.", object=KIND)


def _is_ports(text):
    """Whether a text is a port, or a first and a last one."""
    first, dummy, last = text.partition(":")
    if not (PORT(first) and PORT(last or first)):
        return False
    return int(first) <= int(last or first) <= PORTS


def merged_rules(present, wanted, modes):
    """The rules after the change: those that there are (with the purge option: that are wanted), then the new ones."""
    purge = PURGE in modes.purge
    kept = [rule for rule in present if not purge or rule in wanted]
    return kept + [rule for rule in wanted if rule not in present]


def change_rules(record, after):
    what = "change the rules of security group %s" % record["name"]
    return [templates.set_attribute(KIND, record, what, "RULE", attributes_of(after)["RULE"])]


def attributes_of(rules):
    """The attributes of the template for rules."""
    return {"RULE": [{RULE[word]: text for word, text in rule.items()} for rule in rules]}


def rules_of(record):
    """The attributes of the template for the rules of a record."""
    return attributes_of(record["rules"])


def rules_given(name, value):
    """The rules that attributes RULE are."""
    return [{word: rule.get(attribute) for word, attribute in RULE.items()} for rule in twins.vectors(name, value)]


# ---------------------------------------------------------------- VMs that have the rules


def commit(record, after):
    what = "send the rules of security group %s to its VMs" % record["name"]
    return [Step(what, "secgroup.commit", (record["id"], True))]


def settled(group, wanted):
    """Whether no VM is being updated; VMs that are not to get the rules now do not count."""
    return not group.UPDATING_VMS.ID


def describe(cloud, group):
    """What one waits for."""
    return "the rules of security group %s have still to reach VM %s" % (group.NAME, joined(group.UPDATING_VMS.ID))


SECURITY_GROUP = Resource(
    kind=KIND,
    read=read,
    create=create_or_clone(KIND, create),
    remove=partial(delete, KIND),
    settled=settled,
    describe=describe,
    twins={"RULE": twin("rules", rules_given)},
    attributes=access.attributes(
        KIND,
        {
            "clone_of": clone_of(KIND),
            "rules": attribute("rules", change_rules, merged_rules, canonical_rules),
            "committed": attribute("committed", commit),
        },
        beside=rules_of,
    ),
)
