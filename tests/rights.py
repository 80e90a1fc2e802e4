# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which rights each act of each module needs: found by doing it without rights, and granting what is refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import ACL_TYPES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneFlow
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.acl import parse_rule
from kinds import SUBJECTS, Subject
from modules import Lab, Result
from opennebula_simulator.releases import RELEASES
from services import role

ONLY = "oneadmin only"
NEW = "a new name"  # in the options of an act
# Kind → what rules and denials call it; services and their templates are documents of OneFlow.
TYPES = {kind: word for word, kind in ACL_TYPES.items()} | {"service": "DOCUMENT", "service_template": "DOCUMENT"}
PASSWORD = "word"
Right = tuple[str, str, int | None]  # right, kind, id or None: all of the kind
ROUNDS = 12
NUMBERS = itertools.count()


class Act(NamedTuple):
    """Something that a module does.

    Args:
        module (str)
        state (str): as the page calls it.
        kind (str): of the object that it is about.
        options (Mapping): beside the id of the object, or the name of the one to create.
        prepare (callable | None): (lab, name) -> id of the object; None: the act creates it.
        within (callable): (lab) -> the context in which it is done.
    """

    module: str
    state: str
    kind: str
    options: Mapping[str, Any] = MappingProxyType({})
    prepare: Callable[[Lab, str], int] | None = None
    within: Callable[[Lab], AbstractContextManager[Any]] = nullcontext


def oneflow(lab: Lab) -> OneFlow:
    return OneFlow(lab.flow_url, session=lab.session)


def service_template(lab: Lab, name: str) -> int:
    with oneflow(lab) as flow:
        return flow.create({"name": name, "roles": [role(lab.cloud.options.release)]}).ID


def service(lab: Lab, name: str) -> int:
    """A service that runs."""
    template = service_template(lab, name)
    with oneflow(lab) as flow:
        oid = flow.instantiate(template, name=name).ID
    for dummy in range(4):  # each look at the VMs is a step of theirs
        lab.one.vmpool.info(-2, -1, -1, -1)
        with oneflow(lab) as flow:
            flow.service(oid)
    return oid


def zone(lab: Lab, name: str) -> int:
    return lab.one.zone.allocate(f'NAME="{name}" ENDPOINT="http://a/RPC2"')


def held_service(lab: Lab, name: str) -> int:
    """A service whose VMs are on hold."""
    with oneflow(lab) as flow:
        oid = flow.instantiate(service_template(lab, name), {"on_hold": True}, name).ID
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def failed_service(lab: Lab, name: str) -> int:
    """A service whose VM did not start, for a reason that has gone."""
    lab.cloud.events.failures.append(("deploy", "vm-*"))
    oid = service(lab, name)
    lab.cloud.events.failures.clear()
    return oid


def none(one: Any, name: str) -> int:
    """A Subject makes its objects by a client of oned; these are made by that of OneFlow."""
    raise NotImplementedError


SERVICES = {
    "service": Subject(
        "one_service", "flow.service", none, {"template": "shop", "state": "running", "wait_timeout": 20}
    ),
    "service_template": Subject(
        "one_service_template",
        "flow.service_template",
        none,
        {"roles": [{"name": "web", "template": "tpl"}]},
    ),
}
KINDS = {**SUBJECTS, **SERVICES}
MAKERS = {"service": service, "service_template": service_template, "zone": zone}


def object_of(kind: str) -> Callable[[Lab, str], int]:
    """A function that makes an object of a kind as oneadmin."""
    return MAKERS.get(kind, lambda lab, name: SUBJECTS[kind].create(lab.one, name))


def running(lab: Lab, name: str) -> int:
    """A VM on a host."""
    oid = SUBJECTS["vm"].create(lab.one, name)
    lab.one.vm.deploy(oid, 0)
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def with_snapshot(lab: Lab, name: str) -> int:
    oid = running(lab, name)
    lab.one.vm.snapshotcreate(oid, "kept")
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def with_agent(lab: Lab, name: str) -> int:
    """A VM whose guest answers: those of the driver dummy have none."""
    oid = running(lab, name)
    lab.cloud["VM"].get(oid).history[-1]["vm_mad"] = "kvm"
    return oid


def with_command(lab: Lab, name: str) -> int:
    oid = with_agent(lab, name)
    lab.one.vm.exec(oid, "echo", "")
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def with_disk(lab: Lab, name: str) -> int:
    oid = lab.one.vm.allocate(f'NAME="{name}" CPU="0.1" MEMORY="8" DISK=[IMAGE_ID="0"]', True)
    lab.one.vm.deploy(oid, 0)
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def with_backup(lab: Lab, name: str) -> int:
    """A VM that is powered off, with a backup of its disk."""
    oid = with_disk(lab, name)
    lab.one.vm.backup(oid, 100, True)
    for dummy in range(3):
        lab.one.vmpool.info(-2, -1, -1, -1)
    lab.one.vm.action("poweroff-hard", oid)
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def with_long_command(lab: Lab, name: str) -> int:
    """A VM that is executing a command: the driver dummy never says that it has ended."""
    oid = running(lab, name)
    lab.one.vm.exec(oid, "echo", "")
    return oid


def not_migrated(lab: Lab, name: str) -> int:
    """A VM whose files could not be brought to another host."""
    oid = running(lab, name)
    lab.cloud.events.failures.append(("prolog", f"vm-{oid}"))
    lab.one.vm.migrate(oid, 1, False)
    lab.one.vmpool.info(-2, -1, -1, -1)
    lab.cloud.events.failures.clear()
    return oid


def broken(lab: Lab, name: str) -> int:
    """A VM that did not start."""
    oid = SUBJECTS["vm"].create(lab.one, name)
    lab.cloud.events.failures.append(("deploy", f"vm-{oid}"))
    lab.one.vm.deploy(oid, 0)
    lab.one.vmpool.info(-2, -1, -1, -1)
    lab.cloud.events.failures.clear()
    return oid


def own_zone(lab: Lab, dummy: str) -> int:
    """The zone of the server, which has one server."""
    for server in lab.one.zone.info(0).SERVER_POOL.SERVER:
        lab.one.zone.delserver(0, server.ID)
    return 0


@contextmanager
def zone_disabled(lab: Lab) -> Iterator[None]:
    """A zone that refuses changes, such as those of rights, as long as it is disabled."""
    lab.one.zone.enable(0, False)
    with zone_enabled(lab):
        yield


@contextmanager
def zone_enabled(lab: Lab) -> Iterator[None]:
    yield
    lab.one.zone.enable(0, True)


def pending(lab: Lab, name: str) -> int:
    return lab.one.vm.allocate(f'NAME="{name}" CPU="0.1" MEMORY="8" SCHED_REQUIREMENTS="NAME=nowhere"')


def disabled(lab: Lab, name: str) -> int:
    oid = SUBJECTS["host"].create(lab.one, name)
    lab.one.host.status(oid, 1)
    return oid


SERVER = {"name": "one1", "endpoint": "http://a/RPC2"}
SOON = {"wait_timeout": 20}
EXPORT = {"state": "exported", "marketplace": "market", "image_name": NEW, "datastore": "default"}


def poweredoff(lab: Lab, name: str) -> int:
    oid = running(lab, name)
    lab.one.vm.action("poweroff-hard", oid)
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


OF_NOBODY = ("cluster", "datastore", "group", "hook", "host", "marketplace", "user", "vdc", "zone")
KEPT = {"document": {"type": 200}, "marketapp": {"marketplace": "market"}}


def of_kinds() -> list[Act]:
    """Creation, change, removal and reading of each kind, and what gives objects away."""
    found = []
    for kind, (module, _prefix, dummy, options, info_options) in KINDS.items():
        kept = KEPT.get(kind, {})
        made = object_of(kind)
        found.append(Act(module, "present (create)", kind, options))
        if kind != "service":  # its only changes are those of its VMs
            found.append(Act(module, "present (change)", kind, {"labels": ["changed"], **kept}, made))
        if kind not in OF_NOBODY:
            found.append(Act(module, "present (owner)", kind, {"owner": "serveradmin", **kept}, made))
            found.append(Act(module, "present (mode)", kind, {"mode": "640", **kept}, made))
        found.append(Act(module, "absent", kind, {"state": "absent", **kept}, made))
        found.append(Act(f"{module}_info", "", kind, info_options, made))
    return found


VM_ACTS = [
    Act("one_vm", "held", "vm", {"state": "held"}, pending),
    Act("one_vm", "running", "vm", {"state": "running"}, poweredoff),
    Act("one_vm", "poweredoff", "vm", {"state": "poweredoff", "hard": True}, running),
    Act("one_vm", "suspended", "vm", {"state": "suspended"}, running),
    Act("one_vm", "stopped", "vm", {"state": "stopped"}, running),
    Act("one_vm", "undeployed", "vm", {"state": "undeployed", "hard": True}, running),
    Act("one_vm", "rebooted", "vm", {"state": "rebooted"}, running),
    Act("one_vm", "present (resize)", "vm", {"cpu": 0.2, "allow_poweroff": True}, poweredoff),
    Act("one_vm", "present (attributes)", "vm", {"attributes": {"NOTE": "1"}}, running),
    Act("one_vm_snapshot", "present", "vm", {"snapshot": "new"}, running),
    Act("one_vm_snapshot", "reverted", "vm", {"state": "reverted", "snapshot": "kept"}, with_snapshot),
    Act("one_vm_snapshot", "absent", "vm", {"state": "absent", "snapshot": "kept"}, with_snapshot),
    Act("one_vm_backup", "taken", "vm", {"datastore": "bck"}, running),
    Act("one_vm_backup", "configured", "vm", {"state": "configured", "keep_last": 3}, running),
    Act("one_vm_backup", "restored", "vm", {"state": "restored"}, with_backup),
    Act("one_vm_disk", "", "vm", {"image": NEW}, with_disk),
    Act("one_vm_exec", "executed", "vm", {"command": "echo"}, with_agent),
    Act("one_vm_exec", "repeated", "vm", {"state": "repeated"}, with_command),
    Act("one_vm_exec", "cancelled", "vm", {"state": "cancelled"}, with_long_command),
    Act("one_vm_migrate", "", "vm", {"host": "host1"}, running),
    Act("one_vm_schedule", "present", "vm", {"schedules": [{"action": "poweroff", "time": "+1000000"}]}, running),
    Act("one_vm_recover", "retry", "vm", {"operation": "retry"}, broken),
    Act("one_vm_recover", "success", "vm", {"operation": "success"}, broken),
    Act("one_vm_recover", "failure", "vm", {"operation": "failure"}, not_migrated),
    Act("one_vm_recover", "delete_db", "vm", {"operation": "delete_db", "force": True}, broken),
    Act("one_vm_recover", "recreate", "vm", {"operation": "recreate", "force": True}, running),
    Act("one_vm_recover", "delete", "vm", {"operation": "delete", "force": True}, running),
]
OTHERS = [
    Act("one_host", "enabled", "host", {"state": "enabled"}, disabled),
    Act("one_host", "disabled", "host", {"state": "disabled"}, object_of("host")),
    Act("one_host", "offline", "host", {"state": "offline"}, object_of("host")),
    Act("one_image", "cloned", "image", {"state": "cloned", "new_name": NEW}, object_of("image")),
    Act("one_image", "renamed", "image", {"state": "renamed", "new_name": NEW}, object_of("image")),
    Act("one_marketapp", "exported", "marketapp", EXPORT, object_of("marketapp")),
    Act("one_service", "held", "service", {"state": "held", "template": "shop"}),
    Act("one_service", "running", "service", {"state": "running", **SOON}, held_service),
    Act("one_service", "recovered", "service", {"state": "recovered", **SOON}, failed_service),
    Act("one_service", "present (more VMs)", "service", {"role": "web", "cardinality": 2, **SOON}, service),
    Act("one_service", "present (fewer VMs)", "service", {"role": "web", "cardinality": 0, **SOON}, service),
    Act("one_zone", "present (servers)", "zone", {"servers": [SERVER]}, own_zone),
    Act("one_zone", "present (disabled)", "zone", {"enabled": False}, own_zone, zone_enabled),
    Act("one_zone", "present (enabled)", "zone", {"enabled": True}, own_zone, zone_disabled),
    Act(
        "one_acl",
        "absent",
        "",
        {"everyone": True, "state": "absent", "rules": [{"resources": ["vm"], "rights": ["use"]}]},
    ),
    Act("one_acl", "present", "", {"group": "users", "rules": [{"resources": ["vm"], "rights": ["use"]}]}),
    Act("one_acl_info", "", "", {}),
    Act("one_quota_defaults", "", "", {"kind": "user", "quotas": {"vm": {"vms": 7}}}),
    Act("one_quota_defaults_info", "", "", {}),
]


def acts(release: str = max(RELEASES)) -> list[Act]:
    """What the modules do, as far as a release has it."""
    found = of_kinds() + VM_ACTS + OTHERS
    return [act for act in found if act.module != "one_vm_exec" or "one.vm.exec" not in RELEASES[release].lacks_methods]


# ---------------------------------------------------------------- who


def user(lab: Lab, group: int = 1) -> tuple[int, str]:
    """(id, session) of a new user."""
    name = f"someone{next(NUMBERS)}"
    return lab.one.user.allocate(name, PASSWORD, "core", [group]), f"{name}:{PASSWORD}"


def options_for(lab: Lab, act: Act) -> tuple[dict[str, Any], int | None]:
    """(the options of an act on a new object, its id)."""
    if not act.kind:
        return dict(act.options), None
    name = lab.name()
    options = {key: f"{name}-new" if value == NEW else value for key, value in act.options.items()}
    if act.prepare is None:
        return {"name": name, **options}, None
    oid = act.prepare(lab, name)
    named = {"ids": [oid]} if act.module.endswith("_info") else {"id": oid}
    return {**named, **options}, oid


def listed(result: Result) -> list[dict[str, Any]]:
    """The objects that an info module has found."""
    found = [value for value in result.data.values() if isinstance(value, list) and value]
    return next((value for value in found if isinstance(value[0], dict)), [])


def done(lab: Lab, act: Act, options: dict[str, Any], session: str) -> tuple[bool, Result]:
    """(whether somebody can do it, the result)."""
    with act.within(lab):
        result = replace(lab, session=session).run(act.module, **options)
    if act.module.endswith("_info") and act.kind:
        return not result.failed and bool(listed(result)), result
    return not result.failed, result


# ---------------------------------------------------------------- the rights of an act


def needed(lab: Lab, act: Act) -> tuple[list[str], list[Result]]:
    """(the rights with which a user without others can do it, the results that denied one)."""
    uid, session = user(lab)
    options, oid = options_for(lab, act)
    granted: dict[Right, str] = {}
    denials: list[Result] = []
    new = unknown(act)
    if oid is not None:
        grant(lab, uid, granted, "USE", act.kind, None if act.kind in new else oid)
    for dummy in range(ROUNDS):
        if new:  # what was begun of the last one may be there
            options, oid = options_for(lab, act)
        able, result = done(lab, act, options, session)
        if able:
            kept = least(lab, act, granted) if act.kind in SERVICES else granted
            return sorted({granted[one] for one in kept}), denials
        lacking = [(one["right"], one["object"], one["id"]) for one in result.data.get("denied") or ()]
        lacking = lacking or told(act, oid, result) or hidden(lab, result) or untold(act, oid)
        denials += [result] if result.data.get("denied") else []
        lacking = [one if one[1] not in new else (*one[:2], None) for one in lacking]
        if not [grant(lab, uid, granted, *one) for one in lacking if one not in granted]:
            return [ONLY], denials
    raise AssertionError(f"{act}: {result.message}")


def least(lab: Lab, act: Act, granted: Iterable[Right]) -> list[Right]:
    """Those of the rights without which it cannot be done: of OneFlow's failures not all say what is lacking."""
    kept = list(granted)
    for one in granted:
        uid, session = user(lab)
        others = [each for each in kept if each != one]
        for each in others:
            grant(lab, uid, {}, *each)
        if done(lab, act, options_for(lab, act)[0], session)[0]:
            kept = others
    return kept


def unknown(act: Act) -> set[str]:
    """The kinds of objects that are new in each round: nobody knows their ids before."""
    if act.kind == "service" and act.prepare is not None:  # which has failed after a round
        return {"service", "document", "vm"}
    return {act.kind} if act.prepare is None else set()


def told(act: Act, oid: int | None, result: Result) -> list[Right]:
    """The rights that only the message tells of: those of roles in the log of a service, and what OneFlow says not."""
    found = [(right, word.lower(), int(one)) for right, word, one in NOT_AUTHORIZED.findall(result.message)]
    found += [(right, act.kind, oid) for right in LACKING.findall(result.message)]
    return found + [(right, "user", int(one)) for right, one in LACKING_ON_USER.findall(result.message)]


def untold(act: Act, oid: int | None) -> list[Right]:
    """OneFlow does less than it has accepted where its user may not write down what it does."""
    return [("MANAGE", "service", oid)] if act.kind == "service" and oid is not None else []


NOT_AUTHORIZED = re.compile(r"Not authorized to perform (\w+) (\w+) \[(\d+)\]")
LACKING_ON_USER = re.compile(r"or the right (\w+) on user (\d+)")
LACKING = re.compile(r"lack the right (\w+) on it")


def hidden(lab: Lab, result: Result) -> list[Right]:
    """The right to use what the task names and the user cannot see."""
    kind, name = result.data.get("object"), result.data.get("name")
    if "There is no" not in result.message or kind not in KINDS or name is None:
        return []
    which = {"ids": [int(name)]} if str(name).isdigit() else {"name": str(name)}
    found = listed(lab.run(f"{KINDS[kind].module}_info", **which))
    return [("USE", kind, found[0]["id"])] if found else []


def grant(lab: Lab, uid: int, granted: dict[Any, str], right: str, kind: str, oid: int | None) -> bool:
    word = TYPES.get(kind, kind.upper())
    granted[right, kind, oid] = f"{right} {word}"
    lab.one.acl.addrule(*parse_rule(f"#{uid} {word}/{'*' if oid is None else f'#{oid}'} {right} *"))
    return True


# ---------------------------------------------------------------- what users may do with what is theirs


def by_owner(lab: Lab, act: Act) -> bool:
    """Whether an ordinary user can do it, with an object that is his own."""
    uid, session = user(lab)
    return _own(lab, act, uid, 1, session)


def by_group_admin(lab: Lab, act: Act) -> bool:
    """Whether an administrator of a group can do it, with an object of another user of the group."""
    group = lab.one.group.allocate(f"group{next(NUMBERS)}")
    admin, session = user(lab, group)
    lab.one.group.addadmin(group, admin)
    return _own(lab, act, user(lab, group)[0], group, session)


def _own(lab: Lab, act: Act, owner: int, group: int, session: str) -> bool:
    options, oid = options_for(lab, act)
    if oid is not None and act.kind in OWNED:
        given(lab, act.kind, oid, owner, group)
    return done(lab, act, options, session)[0]


def given(lab: Lab, kind: str, oid: int, owner: int, group: int) -> None:
    """Gives an object to a user and a group."""
    if kind in SERVICES:
        with oneflow(lab) as flow:
            flow.chown(oid, owner, group, kind=kind)
    else:
        lab.one.call(f"{SUBJECTS[kind].prefix}.chown", oid, owner, group)


OWNED = (
    "backupjob document image marketapp security_group service service_template template vm vm_group vnet vntemplate"
    " vrouter"
).split()


def measured(lab: Lab, act: Act) -> dict[str, Any]:
    """The row of an act."""
    rights, denials = needed(lab, act)
    for result in denials:
        assert all(one["right"] in result.message for one in result.data["denied"]), result.message
    return {
        "module": act.module,
        "state": act.state,
        "rights": rights,
        "owner": by_owner(lab, act),
        "group_admin": by_group_admin(lab, act),
    }
