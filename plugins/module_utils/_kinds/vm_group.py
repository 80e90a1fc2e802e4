# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What a VM group is."""

from __future__ import annotations

from .._attributes import access, common, relations
from .._core.failure import Failure
from .._core.values import canonical
from .._engine.engine import Attribute, Resource

KIND = "vm_group"
RULES = {"affined": "AFFINED", "anti_affined": "ANTI_AFFINED"}  # option → attribute of the template
HOSTS = {"host_affined": "HOST_AFFINED", "host_anti_affined": "HOST_ANTI_AFFINED"}  # of a role


def read(cloud, group):
    """The record of a VM group (one.vmgroup.info or a VM_GROUP of one.vmgrouppool.info)."""
    template = canonical(group.TEMPLATE or {})
    rules = {option: canonical_rules(None, texts(template.pop(name, []))) for option, name in RULES.items()}
    roles = group.ROLES.ROLE if group.ROLES is not None else []
    return dict(
        access.owned(group),
        **access.locked(group),
        **rules,
        roles=[read_role(role) for role in roles],
        vms={role.NAME: numbers(role.VMS) for role in roles},
        template=template,
        labels=common.split_labels(template.get("LABELS")),
    )


def read_role(role):
    hosts = {word: numbers(getattr(role, name)) for word, name in HOSTS.items()}
    return dict(hosts, id=role.ID, name=role.NAME, policy=(role.POLICY or "none").lower())


def texts(value):
    """The role names of each rule: an attribute stands once or several times."""
    return [text.split(",") for text in ([value] if isinstance(value, str) else value)]


def numbers(text):
    return sorted(relations.ids(text))


def canonical_rules(cloud, given):
    """Rules as sets of role names, in one order."""
    return sorted(sorted({name.strip() for name in names if name.strip()}) for names in given)


def canonical_roles(cloud, given):
    """Roles with hosts as ids; what is not given is left out."""
    names = [role["name"] for role in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Failure("The role %s is given twice." % twice[0], object=KIND)
    return [canonical_role(cloud, role) for role in given]


def canonical_role(cloud, role):
    found = {word: value for word, value in role.items() if value is not None}
    for word in HOSTS:
        if word in found:
            found[word] = relations.oids("host")(cloud, found[word])
    return found


def roles(purge):
    """The Attribute `roles`, told apart by name; `purge`: those that are not named go."""

    def merged(present, wanted):
        given = {role["name"]: role for role in wanted}
        kept = [dict(role, **given.pop(role["name"], {})) for role in present if not purge or role["name"] in given]
        return kept + list(given.values())

    def write(cloud, oid, after, record):
        doing = "change the roles of VM group %s" % record["name"]
        present = {role["name"]: role for role in record["roles"]}
        gone = set(present) - {role["name"] for role in after}
        _leave_rules(cloud, doing, oid, record, gone)
        for name in sorted(gone):
            cloud.call(doing, "vmgroup.roledelete", oid, present[name]["id"])
        for role in after:
            if "id" not in role:
                cloud.call(doing, "vmgroup.roleadd", oid, body([role]))
            elif role != present[role["name"]]:
                cloud.call(doing, "vmgroup.roleupdate", oid, role["id"], body([role]))

    return Attribute(write, merged, canonical_roles)


def _leave_rules(cloud, doing, oid, record, gone):
    """Takes roles out of the rules, since OpenNebula removes none that a rule names."""
    for option, name in RULES.items():
        left = [[role for role in names if role not in gone] for names in record[option]]
        if left != record[option]:
            common.set_attribute(cloud, doing, KIND, oid, name, joined(names for names in left if len(names) > 1))


def body(given):
    """The attributes for roles; empty ones too, since one.vmgroup.roleupdate leaves alone what it is not given."""
    return {"ROLE": [role_vector(role) for role in given]}


def role_vector(role):
    vector = {"NAME": role["name"], "POLICY": role.get("policy", "none").upper()}
    return dict(vector, **{name: relations.joined(role.get(word, ())) for word, name in HOSTS.items()})


def rule(option):
    """The Attribute for one of RULES."""

    def write(cloud, oid, after, record):
        doing = "change the %s roles of VM group %s" % (option, record["name"])
        common.set_attribute(cloud, doing, KIND, oid, RULES[option], joined(after))

    return Attribute(write, canonical=canonical_rules)


def joined(given):
    return [",".join(names) for names in given]


def create(cloud, name, wanted):
    rules = {RULES[option]: joined(wanted[option]) for option in RULES if wanted.get(option)}
    given = dict(wanted.get("template", {}), NAME=name, **rules, **body(wanted.get("roles", [])))
    return cloud.call("create VM group %s" % name, "vmgroup.allocate", given, object=KIND, name=name)


def resource(replace=False, purge=False, labels="exact"):
    """The Resource; `replace`: template_mode replace; `purge`: roles that are not named go; `labels`: labels_mode."""
    own = {"roles": roles(purge), **{option: rule(option) for option in RULES}}
    attributes = access.attributes(KIND, own, replace, labels)
    attributes["template"] = common.at_creation(common.template(KIND, replace, beside=rules_of), ("NAME", "ROLE"))
    attributes.update(access.lock(KIND))
    return Resource(KIND, read, create, attributes, common.remove(KIND))


def rules_of(record):
    """The attributes for the rules of a record."""
    return {name: joined(record[option]) for option, name in RULES.items() if record[option]}
