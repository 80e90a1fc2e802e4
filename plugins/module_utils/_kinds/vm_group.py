# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""VM groups: roles of VMs, and rules for placing them."""

from __future__ import annotations

from functools import partial

from .._attributes import access, twins
from .._attributes import template as templates
from .._attributes.relations import ids, joined, reference_ids
from .._attributes.template import set_attribute
from .._attributes.twins import twin
from .._core.failure import Failure
from .._core.values import canonical, labels_of
from .._engine.resource import Attribute, Resource, Step, attribute, delete

KIND = "vm_group"
RULES = {"affined": "AFFINED", "anti_affined": "ANTI_AFFINED"}  # option → attribute of the template
HOSTS = {"host_affined": "HOST_AFFINED", "host_anti_affined": "HOST_ANTI_AFFINED"}  # of a role
POLICIES = ("none", "affined", "anti_affined")
CREATION = frozenset(("NAME",))
PURGE = "purge_roles"  # option that removes the roles that are not named


def read(cloud, group):
    """The record of a VM group (one.vmgroup.info or a VM_GROUP of one.vmgrouppool.info)."""
    template = canonical(group.TEMPLATE or {})
    rules = {option: canonical_rules(None, names_of(template.pop(name, []))) for option, name in RULES.items()}
    roles = group.ROLES.ROLE if group.ROLES is not None else []
    return {
        **access.owned(group),
        **access.locked(group),
        **rules,
        "roles": [read_role(role) for role in roles],
        "vms": {role.NAME: numbers(role.VMS) for role in roles},
        "template": template,
        "labels": labels_of(template),
    }


def read_role(role):
    hosts = {word: numbers(getattr(role, name)) for word, name in HOSTS.items()}
    return dict(hosts, id=role.ID, name=role.NAME, policy=(role.POLICY or "none").lower())


def names_of(value):
    """The role names of each rule in an attribute, which the template has once or several times."""
    texts = (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
    return [text.split(",") for text in texts]


def numbers(text):
    return sorted(ids(text))


def create(name, wanted, modes):
    for option in RULES:
        refuse_unknown(wanted.get(option, []), wanted.get("roles", []), option)
    rules = attributes_of(wanted)
    body = dict(templates.new(name, wanted, modes), **rules, **role_vectors(wanted.get("roles", [])))
    return Step("create VM group %s" % name, "vmgroup.allocate", (body,))


# ---------------------------------------------------------------- roles


def canonical_roles(cloud, given):
    """Roles with ids of hosts, without what is not given.

    Raises:
        Failure: two have the same name.
    """
    names = [role["name"] for role in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Failure("The role %s is given twice." % twice[0], object=KIND)
    return [_canonical_role(cloud, role) for role in given]


def roles_given(name, value):
    """The roles that attributes ROLE are."""
    return [_role_given(vector) for vector in twins.vectors(name, value)]


def _role_given(vector):
    if not vector.get("NAME"):
        raise Failure("Each attribute ROLE of the option template needs a NAME.", object=KIND)
    policy = twins.chosen(POLICIES)("POLICY of ROLE", vector.get("POLICY", "none"))
    hosts = {word: twins.commas(name, vector[name]) for word, name in HOSTS.items() if name in vector}
    return dict({"name": vector["NAME"], "policy": policy}, **hosts)


def rules_given(name, value):
    """The rules that attributes AFFINED or ANTI_AFFINED are."""
    return [text.split(",") for text in twins.texts(name, value)]


def _canonical_role(cloud, role):
    found = {word: value for word, value in role.items() if value is not None}
    hosts = {word: reference_ids("host")(cloud, found[word]) for word in HOSTS if word in found}
    return dict(found, **hosts)


def merged_roles(present, wanted, modes):
    """The roles after the change: those there are (with the purge option: that are wanted), then the new ones."""
    given = {role["name"]: role for role in wanted}
    stay = [role for role in present if PURGE not in modes.purge or role["name"] in given]
    return [dict(role, **given.pop(role["name"], {})) for role in stay] + list(given.values())


def change_roles(record, after):
    what = "change the roles of VM group %s" % record["name"]
    present = {role["name"]: role for role in record["roles"]}
    gone = set(present) - {role["name"] for role in after}
    steps = _leave_rules(record, what, gone)
    steps += [Step(what, "vmgroup.roledelete", (record["id"], present[name]["id"])) for name in sorted(gone)]
    return steps + [_write_role(record, what, role) for role in after if role != present.get(role["name"])]


def _write_role(record, what, role):
    if "id" not in role:
        return Step(what, "vmgroup.roleadd", (record["id"], role_vectors([role])))
    return Step(what, "vmgroup.roleupdate", (record["id"], role["id"], role_vectors([role])))


def _leave_rules(record, what, gone):
    """The steps that remove roles from the rules, since OpenNebula removes no role that a rule names."""
    left = {option: [[role for role in names if role not in gone] for names in record[option]] for option in RULES}
    return [
        set_attribute(KIND, record, what, RULES[option], texts(names for names in rules if len(names) > 1))
        for option, rules in left.items()
        if rules != record[option]
    ]


def role_vectors(roles):
    """The attributes for roles; empty ones too, since one.vmgroup.roleupdate keeps what it is not given."""
    return {"ROLE": [_role_vector(role) for role in roles]}


def _role_vector(role):
    vector = {"NAME": role["name"], "POLICY": role.get("policy", "none").upper()}
    return dict(vector, **{name: joined(role.get(word, ())) for word, name in HOSTS.items()})


# ---------------------------------------------------------------- rules


def canonical_rules(cloud, given):
    """Rules as sets of role names, in one order."""
    return sorted(sorted({name.strip() for name in names if name.strip()}) for names in given)


def plan_rule(option, record, wanted, modes):
    """The rules after the change.

    Raises:
        Failure: one names a role that the group does not have.
    """
    roles = merged_roles(record["roles"], wanted["roles"], modes) if "roles" in wanted else record["roles"]
    refuse_unknown(wanted[option], roles, option)
    present, after = record[option], wanted[option]
    return present, after, change_rule(option, record, after) if after != present else []


def refuse_unknown(rules, roles, option):
    """Raises Failure when a rule names a role that is not among these."""
    known = {role["name"] for role in roles}
    unknown = sorted({name for names in rules for name in names} - known)
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        message = "The option %s names the role %r, which the VM group does not have; there are: %s."
        raise Failure(message % (option, unknown[0], there), object=KIND)


def change_rule(option, record, after):
    what = "change the %s roles of VM group %s" % (option, record["name"])
    return [set_attribute(KIND, record, what, RULES[option], texts(after))]


def texts(rules):
    return [",".join(names) for names in rules]


def attributes_of(record):
    """The attributes of the template for the rules of a record, or of what is wanted."""
    return {name: texts(record[option]) for option, name in RULES.items() if record.get(option)}


VM_GROUP = Resource(
    kind=KIND,
    read=read,
    create=create,
    remove=partial(delete, KIND),
    twins={
        "ROLE": twin("roles", roles_given),
        **{name: twin(option, rules_given) for option, name in RULES.items()},
    },
    attributes={
        **access.attributes(
            KIND,
            {
                "roles": attribute("roles", change_roles, merged_roles, canonical_roles),
                **{option: Attribute(partial(plan_rule, option), canonical_rules) for option in RULES},
            },
            beside=attributes_of,
            creation=CREATION,
        ),
        **access.lock(KIND),
    },
)
