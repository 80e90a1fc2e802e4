# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Virtual machines: their XML, their creation, and the methods that act on them."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

from .. import generic
from ..calls import Call, Method
from ..errors import INTERNAL, RPC_API, Refused, internal, wrong_action
from ..quotas import Use, charge, refund
from ..store import ID, NAMED, OWNED, OWNER, Kind, Object, ids, lock, permissions, template, text
from ..template import Template, Vector, attribute
from . import (
    accounting,
    backup_config,
    backups,
    capacity,
    devices,
    lifecycle,
    migration,
    records,
    recovery,
    references,
    schedules,
    usage,
    vm_conf,
    vm_devices,
    vm_disks,
    vm_nics,
    vm_snapshots,
)


def element(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>" if inner else f"<{tag}/>"


SHORT = {  # what the pool shows of vectors: the members that need not be there, and those that always are
    "DISK": (
        [],
        "DISK_ID DATASTORE DATASTORE_ID IMAGE IMAGE_ID SIZE TYPE CLONE CLONE_TARGET LN_TARGET"
        " DISK_SNAPSHOT_TOTAL_SIZE".split(),
    ),
    "NIC": (
        "IP IP6 IP6_ULA IP6_LINK IP6_GLOBAL NETWORK_MODE".split(),
        "MAC NETWORK NETWORK_ID NIC_ID SECURITY_GROUPS".split(),
    ),
    "GRAPHICS": ("LISTEN PASSWD TYPE".split(), []),
}
SHORT_USER = "ERROR LABELS SCHED_DS_RANK SCHED_DS_REQUIREMENTS SCHED_MESSAGE SCHED_RANK SCHED_REQUIREMENTS".split()


def short_template(obj: Object) -> str:
    capacity = "".join([f"<{name}>{obj.template.text(name)}</{name}>" for name in ("CPU", "MEMORY", "VCPU")])
    return f"<TEMPLATE>{capacity}{''.join([short_vectors(obj, name) for name in SHORT])}</TEMPLATE>"


def short_vectors(obj: Object, name: str) -> str:
    vectors, (optional, always) = obj.template.vectors(name), SHORT[name]
    if name == "NIC":  # aliases look like interfaces here
        vectors = sorted([*vectors, *obj.template.vectors("NIC_ALIAS")], key=lambda nic: int(nic["NIC_ID"]))
    shown = []
    for vector in vectors:
        members = [key for key in optional if key in vector] + always
        inner = "".join([f"<{key}><![CDATA[{vector.get(key, '')}]]></{key}>" for key in members])
        shown.append(f"<{name}>{inner}</{name}>")
    return "".join(shown)


def short_user_template(obj: Object) -> str:
    names = [name for name in SHORT_USER if obj.user_template.text(name)]
    return element("USER_TEMPLATE", "".join([attribute(name, obj.user_template.text(name)) for name in names]))


def disk_snapshots(obj: Object) -> str:
    return "".join([obj.disk_snapshots[number].render("SNAPSHOTS") for number in sorted(obj.disk_snapshots)])


def plain(markup: str) -> Any:
    return lambda obj: markup


STATE = (text("LAST_POLL", "last_poll"), text("STATE", "state"), text("LCM_STATE", "lcm_state"))
TIMES = (
    text("RESCHED", "resched"),
    text("STIME", "stime"),
    text("ETIME", "etime"),
    text("DEPLOY_ID", "deploy_id"),
)

VM = Kind(
    name="VM",
    title="virtual machine",
    method="vm",
    root="VM",
    layout=(
        *OWNED,
        lock,
        permissions,
        *STATE,
        text("PREV_STATE", "prev_state"),
        text("PREV_LCM_STATE", "prev_lcm_state"),
        *TIMES,
        plain("<MONITORING></MONITORING>"),
        ids("SCHED_ACTIONS", "sched_actions"),
        template(),
        template("USER_TEMPLATE", "user_template"),
        records.history,
        disk_snapshots,
        backups.shown,
    ),
    listed=(
        *ID,
        *OWNER,
        NAMED[1],
        *STATE,
        *TIMES,
        short_template,
        plain("<MONITORING/>"),
        short_user_template,
        records.short_history,
    ),
    unique="",
    restricted="VM",
    restricted_title="VM Template",
    encrypted="VM",
    template_of="user_template",
)


# ---------------------------------------------------------------- creation


def new(cloud: Any, name: str, body: Template) -> Object:
    own, user = devices.split(body)
    return Object(
        VM,
        name,
        own,
        user_template=user,
        state=lifecycle.INIT,
        lcm_state=0,
        prev_state=lifecycle.INIT,
        prev_lcm_state=0,
        last_poll=0,
        resched=0,
        stime=cloud.events.time(),
        etime=0,
        deploy_id="",
        console_port="",  # the port that the server gave, not one that the user asked for
        history=[],  # dictionaries of lifecycle.begin_record, oldest first
        counted_running=True,  # in the quotas of its owner
        clusters=None,  # IDs of the clusters that hold all its images and networks; None: it has none
        disk_snapshots={},  # DISK_ID -> the tree of its snapshots, once it had one
        backup_config={},  # BACKUP_CONFIG
        backup_ids=set(),  # images
        sched_actions=set(),
        bills={},  # accounting.Month -> accounting.Bill
        task=None,  # what a driver is doing to parts of the VM
        by="",  # the driver action in the present state, if not the usual one
        turn=0,  # number of the transition: events of an earlier one are void
        way=([], lifecycle.PENDING),  # transient states to come and the steady one behind them
    )


def allocate(call: Call, given: str, hold: bool) -> int:
    body = call.template(given)
    generic.forbid_restricted(call, "VM", VM.restricted_title, body)
    call.require(call.need("CREATE", "VM"), *references.needs(call, body, call.uid))
    actions = take_actions(body)
    oid = create(call, body.pop("NAME"), body, hold)
    schedule(call, oid, actions)
    return oid


def create(call: Call, name: str, body: Template, hold: bool) -> int:
    """A new VM, PENDING or on HOLD. An empty name becomes one with the ID in it. Raises Refused."""
    if hold:
        body.set("SUBMIT_ON_HOLD", "YES")
    hold = hold or body.flag("SUBMIT_ON_HOLD")
    own_config = body.vector("BACKUP_CONFIG")
    body.erase("BACKUP_CONFIG")
    oid = call.pool("VM").next_id
    vm = new(call.cloud, name or f"one-{oid}", body)
    backup_config.configure(vm, own_config or {}, append=False)
    claim_import(vm)
    uses = usage.of_new_vm(references.extended(call, body, call.uid))
    charge(call, uses)
    try:
        call.allocate(vm, lambda obj: devices.build(call, obj))
    except Refused:
        refund(call.cloud, call.uid, call.gid, uses)
        raise
    vm.template.settle()
    lifecycle.begin(call.cloud, vm)
    return oid


def claim_import(vm: Object) -> None:
    """A template that knows the VM's name on its host describes one that runs there already."""
    vm.deploy_id = vm.user_template.pop("DEPLOY_ID")
    if vm.deploy_id:
        vm.template.set("IMPORTED", "YES")


def take_actions(body: Template) -> list[Vector]:
    """The scheduled actions of a template, which is left without."""
    found = body.vectors("SCHED_ACTION")
    body.replace("SCHED_ACTION", body.texts("SCHED_ACTION"))
    return found


def schedule(call: Call, oid: int, actions: list[Vector]) -> None:
    """Raises Refused for what is no scheduled action; 7.4.0 drops the others then, but keeps the VM."""
    vm = call.find(VM.name, oid)
    try:
        for action in actions:
            schedules.create(call.cloud, VM.name, vm, action, vm.stime)
    except ValueError as error:
        schedules.drop(call.cloud, vm.sched_actions)
        vm.sched_actions.clear()
        raise internal(str(error)) from None


def refuse_done(vm: Object) -> None:
    if vm.state == lifecycle.DONE:
        why = f"Unable to create Scheduled Action for Virtual Machine {vm.oid}, it's in DONE state"
        raise Refused(INTERNAL, why, vm.oid)


def uses_of(call: Call, vm: Object) -> list[Use]:
    """What the VM counts against the quotas of its owner. Raises Refused for one that is done."""
    if vm.state == lifecycle.DONE:
        raise wrong_action("Could not change VM ownership, wrong state")
    return usage.of_vm(vm)


# ---------------------------------------------------------------- life


def action(call: Call, name: str, oid: int) -> int:
    vm = call.object("VM", oid, name if name in lifecycle.ACTIONS else "MANAGE")
    if name not in lifecycle.LEGAL:
        raise wrong_action(f'Action "{name}" is not supported')
    with usage.resuming(call.cloud, vm) if name == "resume" else nullcontext():
        lifecycle.act(call, vm, name)
    return oid


def recover(call: Call, oid: int, operation: int) -> None:
    if operation not in recovery.OPERATIONS:
        raise wrong_action("Wrong recovery operation code")
    recovery.recover(call, call.object("VM", oid, recovery.RIGHTS[operation]), operation)


# ---------------------------------------------------------------- resize

RESIZABLE = (
    lifecycle.INIT,
    lifecycle.PENDING,
    lifecycle.HOLD,
    lifecycle.POWEROFF,
    lifecycle.UNDEPLOYED,
    lifecycle.CLONING,
    lifecycle.CLONING_FAILURE,
)
SIZES = {"CPU": devices.FLOAT, "MEMORY": devices.INTEGER, "VCPU": devices.INTEGER}


def new_sizes(body: Template) -> dict[str, str]:
    """The sizes to change; 0 and what is no number keep. Raises Refused for negative ones."""
    found = {}
    for name, words in SIZES.items():
        if body.number(name) < 0:
            raise internal(f"{name} must be {words}.")
        if body.number(name) > 0:
            found[name] = f"{body.number(name):.6g}" if name == "CPU" else str(body.integer(name))
    return found


def resize(call: Call, oid: int, given: str, check: bool) -> None:
    body = call.template(given)  # what it is worth is told before whether there is such a VM
    vm = call.object("VM", oid, "resize")
    wanted = new_sizes(body)
    running = (vm.state, vm.lcm_state) == (lifecycle.ACTIVE, lifecycle.RUNNING)
    if vm.state not in RESIZABLE and not running:
        raise wrong_action(f"Cannot resize a VM in state {lifecycle.state_name(vm)}")
    host = None
    if vm.history and not vm.history[-1]["etime"]:
        host = call.pool("HOST").get(vm.history[-1]["hid"])
    with usage.changing(call, vm, usage.of_resize(vm, wanted)):
        if host is None:
            set_sizes(vm, wanted)
        else:
            always = call.cloud.release.resize_always_checked and not running
            resize_on(host, vm, wanted, check or always or not call.is_admin)
    if host is not None:
        lifecycle.copy_record(call, vm, "resize")
    if running:
        lifecycle.go(call.cloud, vm, [lifecycle.HOTPLUG_RESIZE], lifecycle.ACTIVE)


def resize_on(host: Object, vm: Object, wanted: dict[str, str], check: bool) -> None:
    """Changes the size of a VM that takes capacity of a host. Raises Refused when it would not fit."""
    old = {name: vm.template.text(name) for name in wanted}
    capacity.give_back(host, vm)
    set_sizes(vm, wanted)
    why = capacity.lacking(host, *capacity.needed(vm)) if check else ""
    if why:
        set_sizes(vm, old)
    capacity.take(host, vm)
    if why:
        raise wrong_action(why)


def set_sizes(vm: Object, sizes: dict[str, str]) -> None:
    for name, size in sizes.items():
        vm.template.set(name, size)


# ---------------------------------------------------------------- pools

ANY_STATE, NOT_DONE = -2, -1


def chosen(call: Call, flag: int, start: int, end: int, state: int) -> list[Object]:
    """The VMs of a pool call. Raises Refused."""
    if state not in range(ANY_STATE, len(lifecycle.STATES)):
        raise Refused(RPC_API, call.cloud.release.wrong_state_filter.format(state=state))
    fits = {ANY_STATE: lambda vm: True, NOT_DONE: lambda vm: vm.state != lifecycle.DONE}.get(
        state, lambda vm: vm.state == state
    )
    return generic.page(call, [vm for vm in generic.visible(call, VM, flag) if fits(vm)], start, end)


def pool_info(call: Call, flag: int, start: int, end: int, state: int, search: str) -> str:
    refuse_search(search)
    return call.pool("VM").show(chosen(call, flag, start, end, state))


def pool_info_extended(call: Call, flag: int, start: int, end: int, state: int, search: str) -> str:
    refuse_search(search)
    return element_of_all(chosen(call, flag, start, end, state))


def refuse_search(search: str) -> None:
    if search:
        raise internal("JSON query search is not supported by the SQL backend")


def element_of_all(found: list[Object]) -> str:
    return f"<VM_POOL>{''.join([vm.xml() for vm in found])}</VM_POOL>"


def pool_info_set(call: Call, ids: str, extended: bool) -> str:
    numbers = [re.match(r"\s*\d+", part) for part in ids.split(",")]  # of "1-3" the server reads 1
    wanted = {int(found.group()) for found in numbers if found}
    found = [vm for vm in generic.visible(call, VM, generic.ALL) if vm.oid in wanted]
    found = generic.ordered(call, found)
    return element_of_all(found) if extended else call.pool("VM").show(found)


POOL = "filter_flag:int, start:int, end:int, state:int, filter:string="

KINDS = [VM]
SCHEDULES = schedules.methods(VM, lambda vm: vm.stime, refuse_done, "sched_id", answers_parent=True)
ACCOUNTING = accounting.methods(VM)
METHODS = [
    Method("one.vm.allocate", "template:string, hold:boolean=false", allocate),
    generic.info(VM, details=lambda call, vm: schedules.shown(call.cloud, vm)),
    generic.update(VM, "update"),
    generic.rename(VM, "rename"),
    generic.chmod(VM),
    generic.chown(VM, uses=uses_of),
    generic.lock(VM),
    generic.unlock(VM),
    migration.DEPLOY,
    Method("one.vm.action", "action:string, oid:int", action, first="oid"),
    migration.MIGRATE,
    *vm_disks.METHODS,
    *vm_nics.METHODS,
    *vm_snapshots.METHODS,
    Method(
        "one.vm.resize",
        "oid:int, template:string, no_overcommit:boolean=true",
        resize,
    ),
    *vm_conf.METHODS,
    Method("one.vm.recover", "oid:int, operation:int", recover),
    ACCOUNTING["one"],
    SCHEDULES["add"],
    SCHEDULES["update"],
    SCHEDULES["delete"],
    *backups.METHODS,
    *vm_devices.METHODS,
    Method("one.vmpool.info", POOL, pool_info, reads=True),
    Method("one.vmpool.infoextended", POOL, pool_info_extended, reads=True),
    Method("one.vmpool.infoset", "ids:string, extended:boolean", pool_info_set, reads=True),
    ACCOUNTING["accounting"],
    ACCOUNTING["monitoring"],
    ACCOUNTING["showback"],
    ACCOUNTING["calculateshowback"],
]
