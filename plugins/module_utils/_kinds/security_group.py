# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a security group is."""

from __future__ import annotations

from .._attributes import access, common, relations
from .._core.failure import Failure
from .._core.values import canonical
from .._engine.engine import Attribute, Resource

KIND = "security_group"
# Words of a rule → attributes of RULE; protocol and direction in lower case here, in any case there.
WORDS = {
    "protocol": "PROTOCOL",
    "direction": "RULE_TYPE",
    "range": "RANGE",
    "icmp_type": "ICMP_TYPE",
    "icmpv6_type": "ICMPV6_TYPE",
    "network_id": "NETWORK_ID",
    "ip": "IP",
    "size": "SIZE",
}
LOWERED = ("protocol", "direction", "ip")


def read(cloud, group):
    """The record of a security group (one.secgroup.info or a SECURITY_GROUP of one.secgrouppool.info)."""
    template = canonical(group.TEMPLATE or {})
    rules = template.pop("RULE", [])
    vms = {word: list(getattr(group, word.upper()).ID) for word in ("updated_vms", "outdated_vms", "error_vms")}
    return dict(
        access.owned(group),
        **vms,
        rules=[canonical_rule({word: rule.get(name) for word, name in WORDS.items()}) for rule in rules],
        committed=not (vms["outdated_vms"] or vms["error_vms"]),
        template=template,
        labels=common.split_labels(template.get("LABELS")),
    )


def canonical_rule(rule):
    """A rule in one form: texts, what is not there left out.

    Args:
        rule (dict): of WORDS → text, number or None.
    """
    texts = {word: "".join(str(value).split()) for word, value in rule.items() if value is not None}
    lowered = {word: text.lower() if word in LOWERED else text for word, text in texts.items()}
    return {word: lowered[word] for word in WORDS if lowered.get(word)}


def canonical_rules(cloud, given):
    """Rules in one form, each once; networks by id."""
    found = []
    for rule in given:
        network = None if rule.get("network") is None else cloud.reference("vnet", rule["network"])
        words = {word: rule.get(word) for word in WORDS}
        words["network_id"] = words["network_id"] if network is None else network.ID
        found.append(canonical_rule(words))
    return [rule for index, rule in enumerate(found) if rule not in found[:index]]


def rules(purge):
    """The Attribute `rules`: a set, added to those there are, or exactly these with `purge`."""

    def merged(present, wanted):
        new = [rule for rule in wanted if rule not in present]
        return [rule for rule in present if not purge or rule in wanted] + new

    def write(cloud, oid, after, record):
        doing = "change the rules of security group %s" % record["name"]
        common.set_attribute(cloud, doing, KIND, oid, "RULE", body(after)["RULE"])

    return Attribute(write, merged, canonical_rules)


def body(after):
    """The attributes for rules."""
    return {"RULE": [{WORDS[word]: text for word, text in rule.items()} for rule in after]}


def create(cloud, name, wanted):
    given = dict(wanted.get("template", {}), NAME=name, **body(wanted.get("rules", [])))
    return cloud.call("create security group %s" % name, "secgroup.allocate", given, object=KIND, name=name)


def canonical_template(cloud, given):
    """A template without rules, which are an option of their own."""
    found = common.canonical_template(cloud, given)
    if "RULE" in found:
        raise Failure("The rules of a security group belong into the option rules, not into template.", object=KIND)
    return found


def write_committed(cloud, oid, after, record):
    doing = "send the rules of security group %s to its VMs" % record["name"]
    cloud.call(doing, "secgroup.commit", oid, True)


def settled(group, wanted):
    """Whether no VM waits for the rules; VMs that are not to have them now do not count."""
    return not group.UPDATING_VMS.ID


def resource(replace=False, purge=True, labels="exact"):
    """The Resource; `replace`: template_mode replace; `purge`: rules that are not named go; `labels`: labels_mode."""
    own = {"clone_of": relations.origin(relations.oid(KIND)), "rules": rules(purge)}
    own["committed"] = Attribute(write_committed)
    attributes = access.attributes(KIND, own, replace, labels)
    template = common.template(KIND, replace, beside=lambda record: body(record["rules"]))
    attributes["template"] = common.at_creation(template._replace(canonical=canonical_template), ("NAME",))
    return Resource(KIND, read, relations.copied(KIND, create), attributes, common.remove(KIND), settled)
