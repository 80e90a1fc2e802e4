# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which rights each act of each module needs: found by doing it without rights, and granting what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import ACL_TYPES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.acl import parse_rule
from kinds import SUBJECTS
from modules import Lab, Result

ONLY = "oneadmin only"
TYPES = {kind: word for word, kind in ACL_TYPES.items()}
PASSWORD = "word"
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
    """

    module: str
    state: str
    kind: str
    options: Mapping[str, Any] = MappingProxyType({})
    prepare: Callable[[Lab, str], int] | None = None


def object_of(kind: str) -> Callable[[Lab, str], int]:
    """A function that makes an object of a kind as oneadmin."""
    return lambda lab, name: SUBJECTS[kind].create(lab.one, name)


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


def poweredoff(lab: Lab, name: str) -> int:
    oid = running(lab, name)
    lab.one.vm.action("poweroff-hard", oid)
    lab.one.vmpool.info(-2, -1, -1, -1)
    return oid


def of_kinds() -> list[Act]:
    """Creation, change, removal and reading of each kind, and what gives objects away."""
    found = []
    for kind, (module, _prefix, dummy, options, info_options) in SUBJECTS.items():
        if kind in ("zone", "marketapp"):  # of a federation; of a marketplace that publishes
            continue
        kept = {"type": 200} if kind == "document" else {}
        made = object_of(kind)
        found.append(Act(module, "present (create)", kind, options))
        found.append(Act(module, "present (change)", kind, {"labels": ["changed"], **kept}, made))
        if kind not in ("cluster", "datastore", "group", "hook", "host", "marketplace", "user", "vdc"):
            found.append(Act(module, "present (owner)", kind, {"owner": "serveradmin", **kept}, made))
            found.append(Act(module, "present (mode)", kind, {"mode": "640", **kept}, made))
        found.append(Act(module, "absent", kind, {"state": "absent", **kept}, made))
        found.append(Act(f"{module}_info", "", kind, info_options, made))
    return found


VM_ACTS = [
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
    Act("one_vm_migrate", "", "vm", {"host": "host1"}, running),
    Act("one_vm_schedule", "present", "vm", {"schedules": [{"action": "poweroff", "time": "+1000000"}]}, running),
    Act("one_vm_recover", "recreate", "vm", {"operation": "recreate", "force": True}, running),
    Act("one_vm_recover", "delete", "vm", {"operation": "delete", "force": True}, running),
]
OTHERS = [
    Act("one_acl", "present", "", {"group": "users", "rules": [{"resources": ["vm"], "rights": ["use"]}]}),
    Act("one_acl_info", "", "", {}),
    Act("one_quota_defaults", "", "", {"kind": "user", "quotas": {"vm": {"vms": 7}}}),
    Act("one_quota_defaults_info", "", "", {}),
]


def acts() -> list[Act]:
    return of_kinds() + VM_ACTS + OTHERS


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
    if act.prepare is None:
        return {"name": name, **act.options}, None
    oid = act.prepare(lab, name)
    named = {"ids": [oid]} if act.module.endswith("_info") else {"id": oid}
    return {**named, **act.options}, oid


def listed(result: Result) -> list[dict[str, Any]]:
    """The objects that an info module has found."""
    found = [value for value in result.data.values() if isinstance(value, list) and value]
    return next((value for value in found if isinstance(value[0], dict)), [])


def done(lab: Lab, act: Act, options: dict[str, Any], session: str) -> tuple[bool, Result]:
    """(whether somebody can do it, the result)."""
    result = replace(lab, session=session).run(act.module, **options)
    if act.module.endswith("_info") and act.kind:
        return not result.failed and bool(listed(result)), result
    return not result.failed, result


# ---------------------------------------------------------------- the rights of an act


def needed(lab: Lab, act: Act) -> tuple[list[str], list[Result]]:
    """(the rights with which a user without others can do it, the results that denied one)."""
    uid, session = user(lab)
    options, oid = options_for(lab, act)
    granted: dict[tuple[str, str, int | None], str] = {}
    denials = []
    if oid is not None:
        grant(lab, uid, granted, "USE", act.kind, oid)
    for dummy in range(ROUNDS):
        able, result = done(lab, act, options, session)
        if able:
            return sorted(set(granted.values())), denials
        lacking = [(one["right"], one["object"], one["id"]) for one in result.data.get("denied") or ()]
        lacking = lacking or hidden(lab, result)
        denials += [result] if result.data.get("denied") else []
        # Of an object that the act has just made nobody knows the id before.
        lacking = [one if oid is not None or one[1] != act.kind else (*one[:2], None) for one in lacking]
        if not [grant(lab, uid, granted, *one) for one in lacking if one not in granted]:
            return [ONLY], denials
    raise AssertionError(f"{act}: {result.message}")


def hidden(lab: Lab, result: Result) -> list[tuple[str, str, int | None]]:
    """The right to use what the task names and the user cannot see."""
    kind, name = result.data.get("object"), result.data.get("name")
    if "There is no" not in result.message or kind not in SUBJECTS or name is None:
        return []
    which = {"ids": [int(name)]} if str(name).isdigit() else {"name": str(name)}
    found = listed(lab.run(f"{SUBJECTS[kind].module}_info", **which))
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
        lab.one.call(f"{SUBJECTS[act.kind].prefix}.chown", oid, owner, group)
    return done(lab, act, options, session)[0]


OWNED = "backupjob document image security_group template vm vm_group vnet vntemplate vrouter".split()


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
