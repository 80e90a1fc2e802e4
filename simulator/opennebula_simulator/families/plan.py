# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Placement plans of clusters: which running VMs move where, so that the hosts share the load or some of them rest.

A real server leaves the choice to an optimiser; here the policies BALANCE and PACK are followed in the plainest way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..errors import Refused
from ..store import Object
from . import capacity
from .host import MONITORED
from .lifecycle import ACTIVE, RUNNING

READY, APPLYING, DONE, ERROR, TIMEOUT = range(5)
MANUAL, FULL = "MANUAL", "FULL"
BALANCE, PACK = "BALANCE", "PACK"
MIGRATE = "migrate"
MOST_PER_HOST, MOST_PER_CLUSTER = 1, 10  # migrations under way at once
PATIENCE = 300  # seconds for one migration
ENOUGH = 10  # migrations in a plan, unless the cluster says otherwise
NOT_APPLIED = {APPLYING: "Plan is already applying", DONE: "Plan is already done", ERROR: "Plan is in error state"}


@dataclass
class Action:
    """One migration."""

    vm: int
    host: int
    datastore: int
    state: int = READY
    timestamp: int = 0

    def xml(self, number: int) -> str:
        return (
            f"<ACTION><ID>{number}</ID><VM_ID>{self.vm}</VM_ID><STATE>{self.state}</STATE><OPERATION>{MIGRATE}"
            f"</OPERATION><HOST_ID>{self.host}</HOST_ID><DS_ID>{self.datastore}</DS_ID>"
            f"<TIMESTAMP>{self.timestamp}</TIMESTAMP></ACTION>"
        )


@dataclass
class Plan:
    cluster: int
    actions: list[Action] = field(default_factory=list)
    state: int = READY

    def xml(self) -> str:
        actions = "".join([action.xml(number) for number, action in enumerate(self.actions)])
        return f"<PLAN><ID>{self.cluster}</ID><STATE>{self.state}</STATE>{actions}</PLAN>"


def setting(cluster: Object, name: str, default: str) -> str:
    """What the cluster's ONE_DRS says."""
    return ((cluster.template.vector("ONE_DRS") or {}).get(name) or default).upper()


# ---------------------------------------------------------------- making a plan


def make(cloud: Any, cluster: Object) -> Plan | None:
    """The plan for a cluster; None when nothing would be better elsewhere."""
    hosts = {oid: Load(cloud, cloud["HOST"].get_ro(oid)) for oid in sorted(cluster.hosts)}
    loads = [load for load in hosts.values() if load.host.state == MONITORED]
    limit = setting(cluster, "MIGRATION_THRESHOLD", str(ENOUGH))
    most = int(limit) if limit.isdigit() else len(cloud["VM"])
    moves = POLICIES.get(setting(cluster, "POLICY", BALANCE), balance)(loads)
    actions = [Action(vm.oid, load.host.oid, vm.history[-1]["ds_id"]) for vm, load in islice(moves, most)]
    return Plan(cluster.oid, actions) if actions else None


class Load:
    """What a host would carry while the plan is made."""

    def __init__(self, cloud: Any, host: Object) -> None:
        self.host = host
        self.cpu, self.mem = host.cpu_usage, host.mem_usage
        vms = [cloud["VM"].get_ro(oid) for oid in sorted(host.vms)]
        self.vms = [vm for vm in vms if movable(vm)]
        self.fixed = len(host.vms) - len(self.vms)

    @property
    def share(self) -> float:
        """How full the host is, between 0 and 1."""
        return self.part(self.cpu, self.mem)

    def part(self, cpu: float, mem: float) -> float:
        return (cpu / max(self.host.max_cpu, 1) + mem / max(self.host.max_mem, 1)) / 2

    def fits(self, vm: Object) -> bool:
        cpu, mem = capacity.needed(vm)
        return self.cpu + cpu <= self.host.max_cpu and self.mem + mem <= self.host.max_mem

    def carry(self, vm: Object, sign: int = 1) -> None:
        cpu, mem = capacity.needed(vm)
        self.cpu, self.mem = self.cpu + sign * cpu, self.mem + sign * mem


def movable(vm: Object) -> bool:
    """Runs, and is bound to no device of its host."""
    pinned = (vm.template.vector("TOPOLOGY") or {}).get("PIN_POLICY", "NONE") != "NONE"
    return (vm.state, vm.lcm_state) == (ACTIVE, RUNNING) and not pinned and not vm.template.vectors("PCI")


def balance(loads: list[Load]) -> Iterator[tuple[Object, Load]]:
    """From the fullest host to the emptiest, as long as that brings them closer together."""
    while loads:
        full, empty = max(loads, key=lambda load: load.share), min(loads, key=lambda load: load.share)
        gap = full.share - empty.share
        parts = {vm.oid: full.part(*capacity.needed(vm)) for vm in full.vms if empty.fits(vm)}
        better = [vm for vm in full.vms if 0 < parts.get(vm.oid, 0) < gap]
        if not better:
            return
        vm = min(better, key=lambda vm: abs(gap - 2 * parts[vm.oid]))
        full.vms.remove(vm)
        full.carry(vm, -1)
        empty.carry(vm)
        yield vm, empty


def pack(loads: list[Load]) -> Iterator[tuple[Object, Load]]:
    """Empties the emptiest hosts, one after the other, into fuller ones that have room for all their VMs."""
    for source in sorted(loads, key=lambda load: load.share):
        targets = sorted((load for load in loads if load.share > source.share), key=lambda load: -load.share)
        moves = [] if source.fixed else emptied(source, targets)
        if moves:
            source.vms, source.cpu, source.mem = [], 0, 0
        for vm, target in moves:
            target.fixed += 1  # a host that takes others in is not emptied itself
            yield vm, target


def emptied(source: Load, targets: list[Load]) -> list[tuple[Object, Load]]:
    """Where each VM of a host goes; nothing when one finds no room."""
    moves: list[tuple[Object, Load]] = []
    for vm in source.vms:
        target = next((load for load in targets if load.fits(vm)), None)
        if target is None:
            for moved, carrier in moves:
                carrier.carry(moved, -1)
            return []
        target.carry(vm)
        moves.append((vm, target))
    return moves


POLICIES = {BALANCE: balance, PACK: pack}


# ---------------------------------------------------------------- applying it


def advance(cloud: Any, plan: Plan) -> None:
    """Sees which migrations have ended, begins those that may begin, and ends the plan with the last of them."""
    for action in plan.actions:
        if action.state == APPLYING:
            action.state = outcome(cloud, action)
    for action in plan.actions:
        busy = [other for other in plan.actions if other.state == APPLYING]
        room = len(busy) < MOST_PER_CLUSTER and sum(other.host == action.host for other in busy) < MOST_PER_HOST
        if action.state == READY and room:
            begin(cloud, action)
    states = {action.state for action in plan.actions}
    if not states & {READY, APPLYING}:
        plan.state = next(state for state in (ERROR, TIMEOUT, DONE) if state in states)


def outcome(cloud: Any, action: Action) -> int:
    vm = cloud["VM"].get_ro(action.vm)
    if vm is None or vm.state != ACTIVE:
        return ERROR
    if vm.lcm_state == RUNNING:
        return DONE if vm.history[-1]["hid"] == action.host else ERROR
    return TIMEOUT if action.timestamp + PATIENCE < cloud.events.time() else APPLYING


def begin(cloud: Any, action: Action) -> None:
    action.timestamp = cloud.events.time()
    live = cloud.config.text("LIVE_RESCHEDS") == "1"
    arguments = [action.vm, action.host, live, False, action.datastore, int(cloud.config.text("COLD_MIGRATE_MODE"))]
    try:
        cloud.act("one.vm.migrate", arguments)
        action.state = APPLYING
    except Refused as error:
        action.state = ERROR
        vm = cloud["VM"].get(action.vm)
        if vm is not None:
            vm.user_template.set("ERROR", f"{cloud.events.date()} : [{MIGRATE}] {error.message}")
