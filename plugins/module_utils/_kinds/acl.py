# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""ACL rules: a set for each user, group or everyone.

The one form of a rule is the text that OpenNebula shows of it, ``@100 HOST+NET/%100 USE+MANAGE #0``.
"""

from __future__ import annotations

from typing import NamedTuple

from .._core import guard
from .._core.failure import Failure, described
from .._core.numbers import is_whole
from .._engine.engine import Engine
from .._engine.resource import Report, Resource, Step, attribute
from ..pyone import OneException
from ..pyone import acl as notation
from . import zone

KIND = "acl"
# Types of resources, named as the kinds of objects, and their names in OpenNebula, in its order.
RESOURCES = {
    "vm": "VM",
    "host": "HOST",
    "vnet": "NET",
    "image": "IMAGE",
    "user": "USER",
    "template": "TEMPLATE",
    "group": "GROUP",
    "acl": "ACL",
    "datastore": "DATASTORE",
    "cluster": "CLUSTER",
    "document": "DOCUMENT",
    "zone": "ZONE",
    "security_group": "SECGROUP",
    "vdc": "VDC",
    "vrouter": "VROUTER",
    "marketplace": "MARKETPLACE",
    "marketapp": "MARKETPLACEAPP",
    "vm_group": "VMGROUP",
    "vntemplate": "VNTEMPLATE",
    "hook": "HOOK",
    "backupjob": "BACKUPJOB",
    "scheduled_action": "SCHEDULEDACTION",
}
# OpenNebula's own words, where they are others.
SYNONYMS = {word.lower(): name for name, word in RESOURCES.items() if word.lower() != name}
RIGHTS = {"use": "USE", "manage": "MANAGE", "admin": "ADMIN", "create": "CREATE"}
NAMELESS = ("acl", "document", "scheduled_action")  # objects that only an id tells apart
CLUSTERED = ("host", "vnet", "datastore")  # resources that are in clusters
GROUPLESS = ("host", "group", "cluster", "zone", "vdc")  # resources that belong to no group
ADMINISTRATION = ("USE+MANAGE", "USE+MANAGE+ADMIN+CREATE")  # rights of the administrator to what is of the group
CREATED_BY_ADMINS = ("USER", "VROUTER")  # of which the administrator of a group may create some anywhere
ALL = "*"
# Signs of the three places with ids → words of the record.
SIGNS = (
    {"#": "user_id", "@": "group_id"},
    {"#": "object_id", "@": "of_group_id", "%": "cluster_id"},
    {"#": "zone_id"},
)


# ---------------------------------------------------------------- one form


def subject(cloud, user=None, group=None):
    """The first part of a rule: a user or a group by name or id; neither is everyone."""
    if user is not None:
        return selector(cloud, "#", "user", user)
    return ALL if group is None else selector(cloud, "@", "group", group)


def selector(cloud, sign, kind, given):
    """An id with its sign; of an object that a check run does not find (yet) the name."""
    item = cloud.reference(kind, given)
    return sign + ("".join(str(given).split()) if item is None else str(item.ID))


def canonical(cloud, who, rule):
    """The text of a rule.

    Args:
        cloud (Cloud)
        who (str): as of subject().
        rule (dict): resources and rights (lists of words), object, of_group or cluster, zone; None for what is not
            given.

    Raises:
        Failure: a part that OpenNebula would not take.
    """
    rule = dict(rule, resources=[SYNONYMS.get(word, word) for word in rule["resources"]])
    types = "+".join(RESOURCES[word] for word in RESOURCES if word in rule["resources"])
    rights = "+".join(RIGHTS[word] for word in RIGHTS if word in rule["rights"])
    if not types or not rights:
        raise Failure("An ACL rule needs at least one of resources, and one of rights.", object=KIND)
    return "%s %s/%s %s %s" % (who, types, resources(cloud, rule), rights, zones(cloud, rule.get("zone")))


def resources(cloud, rule):
    """The selector of a rule's resources."""
    words = rule["resources"]
    if rule.get("cluster") is not None:
        _refuse([word for word in words if word not in CLUSTERED], "in a cluster", CLUSTERED)
        return selector(cloud, "%", "cluster", rule["cluster"])
    if rule.get("of_group") is not None:
        rest = [word for word in RESOURCES if word not in GROUPLESS]
        _refuse([word for word in words if word in GROUPLESS], "of a group", rest)
        return selector(cloud, "@", "group", rule["of_group"])
    return ALL if rule.get("object") in (None, ALL) else one_object(cloud, words, str(rule["object"]))


def _refuse(wrong, where, right):
    if wrong:
        message = "An ACL rule cannot be for %s %s; it can be for %s."
        raise Failure(message % (", ".join(wrong), where, ", ".join(right)), object=KIND)


def one_object(cloud, words, given):
    """The selector of one object, by id, or by name where its kind is plain."""
    if len(words) == 1 and words[0] not in NAMELESS:
        return selector(cloud, "#", words[0], given)
    if not is_whole(given):
        message = "The object %r of an ACL rule for %s needs its id, not its name."
        raise Failure(message % (given, ", ".join(words)), object=KIND)
    return "#" + given


def zones(cloud, given):
    """The selector of zones: one by name or id, ``*`` for all, that of the server when none is given."""
    return ALL if given == ALL else "#%s" % zone.chosen(cloud, given)


# ---------------------------------------------------------------- reading


def rules(pool):
    """{text: id} of the rules of a pool."""
    return {notation.rule_text(rule.USER, rule.RESOURCE, rule.RIGHTS, rule.ZONE): rule.ID for rule in pool}


def read_rule(text, oid=None):
    """The record of a rule; a selector that is not there stands for all."""
    who, what, rights, where = text.split()
    types, dummy, which = what.partition("/")
    found = {"rule": text, "resources": _words(RESOURCES, types), "rights": _words(RIGHTS, rights)}
    for signs, part in zip(SIGNS, (who, which, where)):
        if part != ALL:
            found[signs[part[0]]] = int(part[1:]) if is_whole(part[1:]) else part[1:]
    return found if oid is None else dict(found, id=oid)


def _words(table, text):
    return [word for word, name in table.items() if name in text.split("+")]


def select(cloud, user=None, group=None):
    """The records of the rules of a user or a group; neither: of all rules."""
    who = None if user is None and group is None else subject(cloud, user, group)
    found = rules(cloud.pool(KIND)).items()
    return [read_rule(text, oid) for text, oid in found if who in (None, text.split()[0])]


# ---------------------------------------------------------------- rules that OpenNebula makes itself


def made_by_opennebula(cloud):
    """(who, which, where) → types of resources, of the rules that VDCs bring about."""
    found: dict[tuple, set] = {}
    for vdc in cloud.pool("vdc"):
        for group in vdc.GROUPS.ID:
            for which, where, types in _of_vdc(vdc):
                found.setdefault(("@%d" % group, which, where), set()).update(types)
    return found


def administered(cloud):
    """(user, selector of the group) of all who administer groups, as rules name them."""
    return {("#%d" % user, group.ID) for group in cloud.pool("group") for user in group.ADMINS.ID}


def makes_administrator(admins, text):
    """Whether a rule is of those that OpenNebula makes for the administrator of a group.

    Which types of resources they name differs between releases; what they are for does not: what belongs to the group,
    the group itself, and that objects may be created, in all zones (Group::add_admin_rules, releases 5.4 to 7.4).

    Args:
        admins (set): of administered().
        text (str): of the rule.
    """
    who, what, rights, where = text.split()
    types, dummy, which = what.partition("/")
    groups = [number for user, number in admins if user == who]
    if where != ALL or not groups:
        return False
    if which == ALL:
        return rights == "CREATE" and types in CREATED_BY_ADMINS
    if which[0] == "#":
        return types == "GROUP" and int(which[1:]) in groups
    return which[0] == "@" and int(which[1:]) in groups and rights in ADMINISTRATION


def _of_vdc(vdc):
    """(selector, zone, types) of the resources of a VDC, where the id -10 stands for all."""
    kinds = (
        ("CLUSTER", "%", ("HOST", "NET", "DATASTORE")),
        ("HOST", "#", ("HOST",)),
        ("DATASTORE", "#", ("DATASTORE",)),
        ("VNET", "#", ("NET",)),
    )
    for element, sign, types in kinds:
        for item in getattr(getattr(vdc, element + "S"), element):
            oid = getattr(item, element + "_ID")
            yield ALL if oid < 0 else "%s%d" % (sign, oid), "#%d" % item.ZONE_ID, types


def own(cloud, texts):
    """The rules among these that people made."""
    made, admins = (made_by_opennebula(cloud), administered(cloud)) if texts else ({}, set())
    return [text for text in texts if not _is_made(made, text) and not makes_administrator(admins, text)]


def _is_made(made, text):
    who, what, dummy, where = text.split()
    types, dummy, which = what.partition("/")
    return set(types.split("+")) <= made.get((who, which, where), set())


# ---------------------------------------------------------------- the rules of a subject


class RuleSet(NamedTuple):
    """The rules of a user, a group or everyone, as an object of the engine."""

    ID: str  # of subject()
    NAME: str
    rules: dict  # text → id


class Change(NamedTuple):
    """What a task wants of a RuleSet: texts of rules."""

    present: list
    absent: list


def rule_sets(pool):
    """{subject: its RuleSet} of a pool."""
    found: dict[str, RuleSet] = {}
    for text, oid in rules(pool).items():
        who = text.split()[0]
        found.setdefault(who, new_set(who)).rules[text] = oid
    return found


def new_set(who):
    """The RuleSet of a subject without rules."""
    return RuleSet(who, "set of %s" % who, {})


def find(cloud, dummy, name, who, *more):
    """The RuleSet of a subject, of the pool."""
    return cloud.derived(rule_sets, KIND).get(who) or new_set(who)


def fetch(cloud, dummy, who):
    """The RuleSet of a subject as it is now."""
    return rule_sets(cloud.call("list the ACL rules", "acl.info").ACL).get(who) or new_set(who)


def read(cloud, item):
    """The record of a RuleSet: `rules` has the record of each rule by its text."""
    return {"rules": {text: read_rule(text, oid) for text, oid in item.rules.items()}}


def merged_rules(present, wanted, modes):
    kept = {text: record for text, record in present.items() if text not in wanted.absent}
    return dict(kept, **{text: read_rule(text) for text in wanted.present if text not in kept})


def change_rules(record, after):
    """New rules come before others go."""
    present = record["rules"]
    new, gone = [text for text in after if text not in present], [text for text in present if text not in after]
    steps = [Step("add the ACL rule %s" % text, run=add_rule, arguments=(text,), option=text) for text in new]
    return steps + [
        Step("remove the ACL rule %s" % text, "acl.delrule", (present[text]["id"],), option=text) for text in gone
    ]


def add_rule(cloud, text):
    """Adds a rule, whose numbers cannot be told in a check run while what it names does not exist."""
    what = "add the ACL rule %s" % text
    try:
        numbers = notation.parse_rule(text)
    except OneException as error:
        raise described(error, what) from None
    return cloud.call(what, "acl.addrule", *numbers, object=KIND)


ACL = Resource(KIND, read, {"rules": attribute("rules", change_rules, merged_rules)}, find=find, fetch=fetch)


# ---------------------------------------------------------------- what a task wants


def ensure(cloud, options, apply=True):
    """Makes the rules of a user, a group or everyone those that are wanted.

    Args:
        cloud (Cloud)
        options (dict): user, group, everyone, rules, purge, max_remove and state, as of the module.
        apply (bool): False: only plan.

    Returns:
        Report: its record has `rules`, a list of all of the user, the group or everyone; `before` and `after` have the
            texts of those that are removed and added.

    Raises:
        Failure: nobody is named, or a rule is none.
    """
    item, wanted = requested(cloud, options)
    report = Engine(cloud, ACL, apply=apply).update(item, wanted)
    before = _texts(report.before, item.rules)
    after = _texts(report.after, report.record["rules"])
    return Report(report.changed, before, after, {"rules": list(report.record["rules"].values())})


def requested(cloud, options):
    """(the RuleSet that is meant, what is wanted of it: as of Engine.update()); arguments and failures of ensure()."""
    if options["user"] is None and options["group"] is None and not options["everyone"]:
        raise Failure("Say whose ACL rules these are: give user, group or everyone: true.", object=KIND)
    known = cloud.tolerant() if options["state"] == "absent" else cloud  # a rule for what is gone is gone too
    who = subject(known, options["user"], options["group"])
    named = [canonical(known, who, rule) for rule in options["rules"] or ()]
    item = find(cloud, KIND, None, who)
    return item, {"rules": change(cloud, item, named, options)}


def _texts(difference, rules):
    """The texts of the rules that differ, in the order that they have among all."""
    texts = [text for text in rules if text in difference.get("rules", ())]
    return {"rules": texts} if texts else {}


def change(cloud, item, named, options):
    """The Change that a task wants; the rules that OpenNebula makes itself stay, unless they are named.

    Args:
        item (RuleSet)
        named (list[str]): texts of the rules that the task names.
        options (dict): as of ensure().
    """
    others = [text for text in item.rules if text not in named]
    if options["state"] == "absent":
        found = Change([], own(cloud, others) if options["rules"] is None else named)
    else:
        found = Change(named, own(cloud, others) if options["purge"] else [])
    guard.refuse_many("ACL rules", [text for text in found.absent if text in item.rules], options.get("max_remove"))
    return found
