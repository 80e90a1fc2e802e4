# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Groups: members, administrators (made so by ACL rules), quotas."""

from __future__ import annotations

from typing import Any

from .. import generic
from ..acl import ALL, INDIVIDUAL, RIGHTS, Rule, types
from ..acl import GROUP as GROUP_SELECTOR
from ..calls import Call, Method
from ..errors import AUTHORIZATION, Refused, internal, wrong_action
from ..quotas import UNLIMITED, Quotas, limits_in
from ..store import FORBIDDEN_IN_NAMES, NAMED, Kind, Object, ids, template
from ..template import Template, TemplateError
from . import usage, vdc

ONEADMIN, USERS = 0, 1


def vlan_rules(obj: Object) -> str:
    if not obj.release.has("GROUP", "VLAN_RULES"):
        return ""
    body = obj.vlans.copy()
    body.set("ID", str(obj.oid))
    return body.render("VLAN_RULES")


def quotas_behind(obj: Object) -> str:
    return f"<QUOTAS><ID>{obj.oid}</ID>{obj.quotas.xml(obj.release)}</QUOTAS>{vlan_rules(obj)}"


GROUP = Kind(
    name="GROUP",
    title="group",
    method="group",
    root="GROUP",
    layout=(*NAMED, template(), ids("USERS", "users"), ids("ADMINS", "admins")),
    after_each=quotas_behind,
    owned=False,
    unique="pool",
    forbidden=FORBIDDEN_IN_NAMES + " ",
    restricted="GROUP",
    restricted_title="Group Template",
    first_id=100,
)
MEMBERS_USE = 0o040  # members may see their group


def new(name: str, body: Template | None = None) -> Object:
    return Object(GROUP, name, body, users=set(), admins=set(), quotas=Quotas(), vlans=Template(), bits=MEMBERS_USE)


def allocate(call: Call, name: str) -> int:
    group = new(name)
    group.gid = call.allocate(group)
    vdc.add_group(call.cloud, call.pool("VDC").get(vdc.DEFAULT), group.oid)
    return group.oid


def content(call: Call, group: Object) -> str | None:
    if group.oid < GROUP.first_id:
        return "System Groups (ID < 100) cannot be deleted."
    if group.users:
        return f"Group {group.oid} is not empty."
    return None


def removed(call: Call, group: Object) -> None:
    for one in call.pool("VDC"):
        if group.oid in one.groups:
            vdc.del_group(call.cloud, call.pool("VDC").get(one.oid), group.oid)
    call.cloud.rules.forget_group(group.oid)


# ---------------------------------------------------------------- members and administrators


def join(group: Object, user: Object) -> None:
    group.users.add(user.oid)
    user.groups.add(group.oid)
    group.changed()
    user.changed()


def leave(cloud: Any, group: Object, user: Object) -> None:
    group.users.discard(user.oid)
    user.groups.discard(group.oid)
    group.changed()
    user.changed()
    if user.oid in group.admins:
        demote(cloud, group, user.oid)


MANAGED = types("VM", "NET", "IMAGE", "TEMPLATE", "DOCUMENT", "SECGROUP", "VROUTER", "VMGROUP", "BACKUPJOB")


def admin_rules(gid: int, uid: int) -> list[Rule]:
    """What makes a user the administrator of a group."""
    user, group = INDIVIDUAL | uid, GROUP_SELECTOR | gid
    use_manage = RIGHTS["USE"] | RIGHTS["MANAGE"]
    return [
        Rule(user, types("USER") | group, sum(RIGHTS.values()), ALL),
        Rule(user, MANAGED | group, use_manage, ALL),
        Rule(user, types("VROUTER") | ALL, RIGHTS["CREATE"], ALL),
        Rule(user, types("GROUP") | INDIVIDUAL | gid, RIGHTS["MANAGE"], ALL),
    ]


def add_admin(call: Call, group: Object, user: Object) -> None:
    uid = user.oid
    if uid not in group.users:
        raise internal(f"Cannot edit group. User {uid} is not part of Group {group.oid}.")
    if uid in group.admins:
        raise internal(f"Cannot edit group. User {uid} is already an administrator of Group {group.oid}.")
    group.admins.add(uid)
    for rule in admin_rules(group.oid, uid):
        call.cloud.rules.ensure(rule)


def del_admin(call: Call, group: Object, user: Object) -> None:
    if user.oid not in group.admins:
        raise internal(f"Cannot edit group. User {user.oid} is not an administrator of Group {group.oid}.")
    demote(call.cloud, group, user.oid)


def demote(cloud: Any, group: Object, uid: int) -> None:
    """The rules go, the right to create virtual routers too, even if the user administers another group."""
    group.admins.discard(uid)
    for rule in admin_rules(group.oid, uid):
        cloud.rules.discard(rule)


# ---------------------------------------------------------------- information and quotas


def own(call: Call, oid: int, decrypt: bool) -> str:
    """-1 is the caller's own group."""
    group = call.find("GROUP", call.gid if oid == -1 else oid)
    call.require(call.need("USE", group, heeds_lock=False))
    defaults = call.cloud.default_quotas["GROUP"].xml(call.cloud.release)
    return (
        f"<GROUP>{group.children()}{group.quotas.xml(group.release)}{vlan_rules(group)}"
        f"<DEFAULT_GROUP_QUOTAS>{defaults}</DEFAULT_GROUP_QUOTAS></GROUP>"
    )


def quota_template(text: str) -> Template:
    try:
        return Template.parse(text)
    except TemplateError as error:
        raise wrong_action(str(error)) from None


def set_quota(call: Call, oid: int, text: str) -> None:
    if oid == ONEADMIN:
        raise wrong_action("Cannot set quotas for oneadmin group")
    group = call.pool("GROUP").get(oid)
    if group is None and call.cloud.release.unknown_group_quota_refused:
        raise Refused(AUTHORIZATION, call.unauthorized(on=GROUP.title).message, oid)
    group = call.object("GROUP", oid, "ADMIN")
    limit(call, group, text, "gid")


def limit(call: Call, holder: Object, text: str, owner: str) -> None:
    """Sets the quotas of a user (owner "uid") or group ("gid"). Raises Refused ACTION."""
    template = quota_template(text)
    if call.cloud.release.cluster_quotas:
        limits = limits_in(template, call.pool("CLUSTER"), {owner.upper(): str(holder.oid)})
    else:
        limits = limits_in(template, None, {})
    fresh = holder.quotas.set(limits)
    usage.count_clusters(call.cloud, holder.quotas, owner, holder.oid, fresh)


def set_vlans(call: Call, group: Object, text: str) -> None:
    group.vlans = quota_template(text)


def default_quotas(kind: str) -> list[Method]:
    """`info` and `update` of the default quotas of users or groups."""
    root, method = f"DEFAULT_{kind}_QUOTAS", f"one.{kind.lower()}quota"

    def info(call: Call) -> str:
        return f"<{root}>{call.cloud.default_quotas[kind].xml(call.cloud.release)}</{root}>"

    def update(call: Call, text: str) -> str:
        if call.gid != ONEADMIN:
            raise call.unauthorized("The default quotas can only be updated by users in the oneadmin group")
        template = quota_template(text)
        if len(template.vectors("VM")) > 1:
            raise wrong_action("Only one default VM quota can be defined")
        if (template.vector("VM") or {}).get("CLUSTER_IDS"):
            raise wrong_action("CLUSTER_IDS attribute is not allowed for default VM quota")
        call.cloud.default_quotas[kind].set(limits_in(template, (), {}, UNLIMITED))
        return info(call)

    return [Method(f"{method}.info", "", info, reads=True), Method(f"{method}.update", "quota:string", update)]


def bootstrap(cloud: Any) -> None:
    views = {
        "DEFAULT_VIEW": "cloud",
        "GROUP_ADMIN_DEFAULT_VIEW": "groupadmin",
        "GROUP_ADMIN_VIEWS": "groupadmin,cloud",
        "VIEWS": "cloud",
    }
    for name, body in (("oneadmin", Template()), ("users", Template([("SUNSTONE", views)]))):
        group = cloud["GROUP"].bootstrap(new(name, body))
        group.gid = group.oid


ADMINS = ("ADMIN GROUP", "ADMIN USER")

KINDS = [GROUP]
METHODS = [
    Method("one.group.allocate", "gname:string", allocate, needs="CREATE GROUP"),
    generic.delete(GROUP, "ADMIN", refuse=content, after=removed),
    Method("one.group.info", "oid:int, decrypt:boolean=false", own, reads=True),
    Method("one.group.quota", "oid:int, quota:string", set_quota),
    Method("one.group.vlan", "oid:int, vlan:string", set_vlans, needs="ADMIN GROUP"),
    generic.update(GROUP, "ADMIN"),
    Method("one.group.addadmin", "oid:int, user_id:int", add_admin, needs=ADMINS),
    Method("one.group.deladmin", "oid:int, user_id:int", del_admin, needs=ADMINS),
    generic.pool_info(
        GROUP,
        lambda call: (
            f"<DEFAULT_GROUP_QUOTAS>{call.cloud.default_quotas['GROUP'].xml(call.cloud.release)}</DEFAULT_GROUP_QUOTAS>"
        ),
    ),
    *default_quotas("GROUP"),
]
