# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""VM groups: roles, the affinity rules between them, and the VMs that play a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import ACTION, answered, internal, wrong_action
from ..store import OWNED, Kind, Object, lock, permissions, template
from ..template import Template, Vector, attribute

AFFINED, ANTI_AFFINED = "AFFINED", "ANTI_AFFINED"
KEPT = ("ID", "VMS")  # of a role: the server's own


def roles(obj: Object) -> str:
    return f"<ROLES>{''.join([attribute('ROLE', shown(role)) for role in obj.roles.values()])}</ROLES>"


def shown(role: Vector) -> Vector:
    return {name: text for name, text in role.items() if name != "VMS" or text}


VMGROUP = Kind(
    name="VMGROUP",
    title="vm group",
    method="vmgroup",
    root="VM_GROUP",
    layout=(*OWNED, permissions, lock, roles, template()),
    taken="VMGroup",
    stored="VM group",
)


def new(name: str, body: Template) -> Object:
    return Object(VMGROUP, name, body, roles={})  # roles: ID -> the role's attributes, VMS among them


# ---------------------------------------------------------------- creation and rules


def allocate(call: Call, given: str) -> int:
    body = call.template(given)
    wanted = body.vectors("ROLE")
    body.erase("ROLE")
    return call.allocate(new(body.pop("NAME"), body), lambda obj: complete(obj, wanted))


def complete(group: Object, wanted: Iterable[Vector]) -> None:
    for vector in wanted:
        add_role(group.roles, vector)
    check_rules(group.roles, group.template)


def add_role(present: dict[int, Vector], vector: Vector) -> None:
    """Raises Refused when the role has no name of its own."""
    if not vector.get("NAME"):
        raise internal("Missing NAME in VM group role")
    if role_named(present, vector["NAME"]) is not None:
        raise internal("Role already exists")
    number = max(present, default=-1) + 1
    present[number] = {**without(vector, *KEPT), "ID": str(number)}


def without(vector: Mapping[str, str], *names: str) -> Vector:
    return {name: text for name, text in vector.items() if name not in names}


def role_named(present: Mapping[int, Vector], name: str) -> int | None:
    return next((number for number, role in present.items() if role["NAME"] == name), None)


def check_rules(present: Mapping[int, Vector], body: Template) -> None:
    """Raises Refused when the rules name roles that are not there, or contradict each other or a role's policy."""
    for policy in (AFFINED, ANTI_AFFINED):
        for rule in body.texts(policy):
            if None in rule_roles(present, rule):
                raise internal(f"Some roles used in {policy} attribute ({rule}) are not defined")
    affined, anti = (united(present, body, policy) for policy in (AFFINED, ANTI_AFFINED))
    for number in sorted(affined):
        if policy_of(present[number]) == ANTI_AFFINED:
            raise internal(f"Role {present[number]['NAME']} is in an AFFINED rule but the role policy is ANTI_AFFINED")
    if affined & anti:
        names = " ".join([present[number]["NAME"] for number in sorted(affined & anti)])
        raise internal(f"Roles defined in AFFINED and ANTI_AFFINED rules: {names}")


def rule_roles(present: Mapping[int, Vector], rule: str) -> frozenset[int | None]:
    """The IDs of the roles of a rule such as "web, db"; None stands for those that are not there."""
    return frozenset(role_named(present, name.strip()) for name in rule.split(",") if name)


def united(present: Mapping[int, Vector], body: Template, policy: str) -> set[int]:
    """The roles in all rules of a policy. Raises Refused when a rule is given twice."""
    seen: set[frozenset[int | None]] = set()
    for rule in body.texts(policy):
        found = rule_roles(present, rule)
        if found in seen:
            raise internal(f"Duplicated {policy} rule ({rule}) detected.")
        seen.add(found)
    return {number for rule in seen for number in rule if number is not None}


def policy_of(role: Mapping[str, str]) -> str:
    return role.get("POLICY", "").upper()


# ---------------------------------------------------------------- changes


def normalise(call: Call, group: Object, body: Template) -> None:
    """Roles are not changed by update, and rules only while nobody plays a role."""
    number = sum(len(members(role)) for role in group.roles.values())
    if number:
        raise internal(f"VM Group has {number} VMs")
    body.erase("ROLE")
    check_rules(group.roles, body)


def given_role(call: Call, given: str) -> Vector:
    role = call.template(given).vector("ROLE")
    if role is None:
        raise internal("No ROLE attribute in template")
    return role


def change_roles(group: Object, changed: dict[int, Vector]) -> None:
    """Takes the changed roles over if the rules still hold. Raises Refused."""
    check_rules(changed, group.template)
    group.roles = changed


def role_add(call: Call, group: Object, given: str) -> None:
    changed = dict(group.roles)
    with answered(ACTION):
        add_role(changed, given_role(call, given))
        change_roles(group, changed)


def role_delete(call: Call, group: Object, number: int) -> None:
    if number not in group.roles:
        raise wrong_action(f"Unable to delete role {number}, the role doesn't exists")
    if members(group.roles[number]):
        raise wrong_action(f"Unable to delete role {number}, the role has assigned VMs ")
    with answered(ACTION):
        change_roles(group, {other: role for other, role in group.roles.items() if other != number})


def role_update(call: Call, group: Object, number: int, given: str) -> None:
    with answered(ACTION):
        vector = given_role(call, given)
        role = group.roles.get(number)
        if role is None:
            raise wrong_action(f"VMGroup {group.oid} doesn't have role {number}")
        if members(role):
            raise wrong_action(f"VMGroup {group.oid} Role {number} has VMs, unable to update")
        name = vector.get("NAME") or role["NAME"]
        if role_named(group.roles, name) not in (None, number):
            raise wrong_action(
                f"VMGroup {group.oid} Role {number} can not update name, role with name {name} already exists"
            )
        changed = {**role, **without(vector, *KEPT), "NAME": name}
        change_roles(group, {**group.roles, number: changed})


# ---------------------------------------------------------------- the VMs of a role


def members(role: Mapping[str, str]) -> set[int]:
    return {int(number) for number in role.get("VMS", "").split(",") if number}


def set_members(group: Object, number: int, vms: Iterable[int]) -> None:
    group.roles[number] = {**group.roles[number], "VMS": ",".join(map(str, sorted(vms)))}
    group.changed()


def named_by(cloud: Any, wanted: Mapping[str, str], uid: int) -> Object | None:
    """The group that a VMGROUP attribute means: by name and owner (the user unless VMGROUP_UID says another), or ID."""
    name, number = wanted.get("VMGROUP_NAME"), wanted.get("VMGROUP_ID", "")
    if name:
        given = wanted.get("VMGROUP_UID", "")
        return cloud["VMGROUP"].named(name, int(given) if given.isdigit() else uid)
    return cloud["VMGROUP"].get_ro(int(number)) if number.isdigit() else None


def join(cloud: Any, vm: Object, wanted: Vector, uid: int) -> None:
    """The VM takes a role; its VMGROUP attribute gets the group's ID. Raises Refused."""
    if not wanted.get("ROLE"):
        raise internal("Missing role name in VM Group definition")
    group = named_by(cloud, wanted, uid)
    if group is None:
        raise internal("Cannot find VM Group to associate the VM")
    number = role_named(group.roles, wanted["ROLE"])
    wanted["VMGROUP_ID"] = str(group.oid)
    if number is None:
        raise internal("Role does not exist in VM Group")
    set_members(group, number, members(group.roles[number]) | {vm.oid})


def leave(cloud: Any, vm: Object) -> None:
    """The VM gives its role up, if it has one and the group is still there."""
    wanted = vm.template.vector("VMGROUP") or {}
    group = named_by(cloud, {"VMGROUP_ID": wanted.get("VMGROUP_ID", "")}, vm.uid)
    number = None if group is None else role_named(group.roles, wanted.get("ROLE", ""))
    if number is not None:
        set_members(group, number, members(group.roles[number]) - {vm.oid})


# ---------------------------------------------------------------- placement


def allows(cloud: Any, vm: Object, host: Object) -> bool:
    """Whether the VM's role, and the rules of its group, let it onto a host beside the VMs that are placed already."""
    wanted = vm.template.vector("VMGROUP") or {}
    group = named_by(cloud, {"VMGROUP_ID": wanted.get("VMGROUP_ID", "")}, vm.uid)
    number = None if group is None else role_named(group.roles, wanted.get("ROLE", ""))
    if number is None:
        return True
    role = group.roles[number]
    if role.get("HOST_AFFINED") and str(host.oid) not in parts(role["HOST_AFFINED"]):
        return False
    if str(host.oid) in parts(role.get("HOST_ANTI_AFFINED", "")):
        return False
    together = placed(cloud, partners(group, number, AFFINED) - {vm.oid})
    apart = partners(group, number, ANTI_AFFINED) - {vm.oid}
    return not apart & host.vms and (not together or bool(together & host.vms))


def parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def partners(group: Object, number: int, policy: str) -> set[int]:
    """The VMs that a policy, of the role itself or of a rule, speaks of beside one VM of the role."""
    found = members(group.roles[number]) if policy_of(group.roles[number]) == policy else set()
    for rule in group.template.texts(policy):
        roles_of_rule = rule_roles(group.roles, rule)
        if number in roles_of_rule:
            found |= {oid for other in roles_of_rule - {number} for oid in members(group.roles[other])}
    return found


def placed(cloud: Any, oids: Iterable[int]) -> set[int]:
    """Those of the VMs that are on a host."""
    return {oid for host in cloud["HOST"] for oid in host.vms & set(oids)}


KINDS = [VMGROUP]
METHODS = [
    Method("one.vmgroup.allocate", "template:string", allocate, needs="CREATE VMGROUP"),
    generic.delete(VMGROUP),
    generic.info(VMGROUP),
    generic.chown(VMGROUP),
    generic.chmod(VMGROUP),
    generic.rename(VMGROUP),
    generic.update(VMGROUP, normalise=normalise),
    generic.lock(VMGROUP),
    generic.unlock(VMGROUP),
    Method("one.vmgroup.roleadd", "oid:int, template:string", role_add, needs="MANAGE VMGROUP"),
    Method("one.vmgroup.roledelete", "oid:int, role_id:int", role_delete, needs="MANAGE VMGROUP"),
    Method("one.vmgroup.roleupdate", "oid:int, role_id:int, template:string", role_update, needs="MANAGE VMGROUP"),
    generic.filtered_pool_info(VMGROUP),
]
