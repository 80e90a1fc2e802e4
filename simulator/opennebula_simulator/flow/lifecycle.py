# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What happens to services: what users ask for, what is waited for, and what follows from it.

Each step ends with something to wait for: VMs, networks or time. `advance` looks whether it has come, after each event
and each call of the cloud, and goes on. Nothing here sleeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..store import Object
from . import documents, scaling, validator
from .documents import SERVICE, Actor
from .errors import Denied, Slip, invalid
from .form import Form, form_of
from .service import AT_REST, FAILED_LCM, Role, Service, Undone, vm_state
from .templates import content_of_service, parsed

ACTIONS = (
    "terminate terminate-hard undeploy undeploy-hard hold release stop suspend resume reboot reboot-hard poweroff"
    " poweroff-hard snapshot-create snapshot-revert snapshot-delete disk-snapshot-create disk-snapshot-revert"
    " disk-snapshot-delete"
).split()
# What PUT must not change, in the order in which it is looked at; behind the inputs and their values.
FIXED = "deployment log name networks networks_values ready_status_gate state start_time".split()
FIXED_IN_ROLE = "cardinality last_vmname nodes parents state".split()  # and then the VM template
RECOVERIES = {
    "again": ("FAILED_DEPLOYING", "DEPLOYING", "PENDING"),
    "undeploy": ("FAILED_UNDEPLOYING", "UNDEPLOYING", "FAILED_UNDEPLOYING_NETS"),
    "scale": ("FAILED_SCALING", "SCALING"),
    "networks": ("DEPLOYING_NETS", "FAILED_DEPLOYING_NETS"),
    "no networks": ("UNDEPLOYING_NETS",),
    "end cooldown": ("COOLDOWN",),
}
UP, DOWN = 0, 1  # ways of scaling, as the role keeps them
NET_READY, NET_ERROR = 1, 5
WARNING_STATES = FAILED_LCM | {"POWEROFF", "UNKNOWN"}


class Settings(NamedTuple):
    """What oneflow-server.conf says."""

    cooldown: int = 300  # seconds, of roles that do not say
    interval: float = 90  # seconds between two rounds of the autoscaler
    period: int = 60
    number: int = 1


class Wait(NamedTuple):
    """What a role of a service, or its networks (role ""), wait for."""

    service: int
    role: str
    actor: Actor
    test: Callable[[list[int]], set[int] | None]  # None: not yet; else those that failed
    items: list[int]
    then: Callable[..., None]  # of the service, the role and the failed ones


class Flow:
    """The OneFlow server of a cloud."""

    def __init__(self, cloud: Any, settings: Settings) -> None:
        self.cloud = cloud
        self.settings = settings
        self.waits: list[Wait] = []
        self.watched: dict[int, dict[int, str]] = {}  # service -> VM -> the state that was seen last
        self._busy = False
        cloud.events.again(settings.interval, self._scale_round)

    # -------------------------------------------------------- reading

    def service(self, actor: Actor, oid: int) -> Service:
        """Raises Denied."""
        return Service(actor, oid, self.settings.cooldown)

    def present(self, actor: Actor, oid: int) -> Service | None:
        """The service, read as the administrator for what follows by itself; None when it is gone."""
        document = self.cloud["DOCUMENT"].get_ro(oid)
        if document is None or document.type != SERVICE:
            return None
        return self.service(documents.administrator(self.cloud), oid)

    # -------------------------------------------------------- what is waited for

    def advance(self) -> None:
        """Goes on with all that has come; what follows from it may come at once, too."""
        if self._busy or not (self.waits or self.watched):
            return
        self._busy = True
        try:
            while self._step():
                pass
        finally:
            self._busy = False

    def _step(self) -> bool:
        self._look_at_watched()
        for wait in list(self.waits):
            failed = wait.test(wait.items)
            if failed is None:
                continue
            self.waits.remove(wait)
            service = self.present(wait.actor, wait.service)
            if service is not None and (not wait.role or wait.role in service.roles):
                self._follow(wait, service, failed)
            return True
        return False

    def _follow(self, wait: Wait, service: Service, failed: set[int]) -> None:
        """What comes after a wait; the server logs what its threads stumble over, and goes on."""
        try:
            if wait.role:
                wait.then(wait.actor, service, service.roles[wait.role], failed, wait.items)
            else:
                wait.then(wait.actor, service, failed)
        except (Denied, Slip, Undone):
            return

    def wait_for(self, service: Service, role: Role | None, test: Any, items: list[int], then: Any) -> None:
        actor = service.actor
        self.waits.append(Wait(service.oid, role.name if role else "", actor, test, items, then))

    def forget(self, oid: int, role: str | None = None) -> None:
        """Waits no more for a service, or one of its roles."""
        self.waits = [each for each in self.waits if each.service != oid or role not in (None, each.role)]

    def _reached(self, target: str) -> Callable[[list[int]], set[int] | None]:
        """A test of VMs: all are in this state, done or at rest, or one has failed."""

        def test(vms: list[int]) -> set[int] | None:
            states = {oid: vm_state(self.cloud, oid) for oid in vms}
            failed = {oid for oid, state in states.items() if state in FAILED_LCM}
            there = all(state in (target, "DONE", "", *AT_REST) for state in states.values())
            return failed if failed or there else None

        return test

    def _ready(self, vms: list[int]) -> set[int] | None:
        """A test of VMs: all say that they are ready, are done or at rest, or one has failed."""
        found = [(oid, vm_state(self.cloud, oid), self.cloud["VM"].get_ro(oid)) for oid in vms]
        failed = {oid for oid, state, dummy in found if state in FAILED_LCM}
        there = (
            state in ("DONE", "", *AT_REST) or vm.user_template.text("READY").strip() == "YES"
            for oid, state, vm in found
        )
        return failed if failed or all(there) else None

    def _running(self, service: Service) -> Any:
        return self._ready if service.gated else self._reached("RUNNING")

    def _networks_ready(self, networks: list[int]) -> set[int] | None:
        states = {oid: getattr(self.cloud["NET"].get_ro(oid), "state", NET_READY) for oid in networks}
        failed = {oid for oid, state in states.items() if state == NET_ERROR}
        return failed if failed or all(state == NET_READY for state in states.values()) else None

    def _networks_gone(self, networks: list[int]) -> set[int] | None:
        return set() if all(self.cloud["NET"].get_ro(oid) is None for oid in networks) else None

    # -------------------------------------------------------- creation

    def instantiate(self, actor: Actor, template: Object, merge: Any) -> dict:
        """Creates a service from a template, and begins its deployment; the answer shows it as it was created."""
        body = content_of_service(documents.body_of(template), merge, form_of(self.cloud))
        try:
            validator.validate(body, form_of(self.cloud))
        except Denied as error:
            raise Denied(error.message) from None  # here it is no fault of the request
        body["state"], body["start_time"] = 0, self.cloud.events.time()
        for role in body["roles"]:
            role.setdefault("state", 0)
        oid = documents.allocate(actor, SERVICE, body)
        shown = documents.shown(documents.read(actor, oid, SERVICE))
        self._deploy_networks(self.service(actor, oid))
        return shown

    def _deploy_networks(self, service: Service) -> None:
        if service.state == "PENDING":
            try:
                service.create_networks()
            except Denied:
                self._end(service, "FAILED_DEPLOYING")
                raise
        service.state = "DEPLOYING_NETS"
        service.save()
        self.wait_for(service, None, self._networks_ready, service.networks(made_only=False), self._networks_came)

    def _networks_came(self, actor: Actor, service: Service, failed: set[int]) -> None:
        if failed:
            self.forget(service.oid)
            self._end(service, "FAILED_DEPLOYING_NETS")
        else:
            self._deploy(self.service(actor, service.oid))

    def _end(self, service: Service, state: str) -> None:
        service.state = state
        service.save()

    def _deploy(self, service: Service) -> None:
        service.fill_contents()
        service.read_roles()
        roles = service.to_deploy()
        if not roles:
            if service.all_roles("RUNNING"):
                self._end(service, "RUNNING")
                self.watch(service)
            return
        why = self._deploy_roles(service, roles, "DEPLOYING", self._deployed)
        state = "FAILED_DEPLOYING" if why else "HOLD" if service.body.get("on_hold") else "DEPLOYING"
        self._end(service, state)

    def _deploy_roles(self, service: Service, roles: Iterable[Role], state: str, then: Any) -> str:
        """Creates the VMs of roles and waits for them; why one could not be, empty when all were."""
        for role in roles:
            parents = [service.roles[name] for name in role.parents if name in service.roles]
            held = service.body.get("on_hold") or any(parent.body["on_hold"] for parent in parents)
            if role.state == "PENDING" and held:
                role.body["on_hold"] = True
            try:
                vms = role.deploy(service.actor)
            except Undone as error:
                role.state = f"FAILED_{state}"
                return f"Error deploying role {role.name}: {error}"
            if role.body["on_hold"] and role.state == "PENDING":
                role.state = "HOLD"
                self.wait_for(service, role, self._reached("HOLD"), vms, self._held)
            else:
                role.state = state
                self.wait_for(service, role, self._running(service), vms, then)
        return ""

    def _deployed(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        if failed:
            return self._failed(service, role, "FAILED_DEPLOYING")
        role.state = "RUNNING"
        if service.all_roles("RUNNING"):
            service.state = "RUNNING"
        elif service.straight:
            service.actor = actor
            self._deploy_roles(service, service.to_deploy(), "DEPLOYING", self._deployed)
        return self._came_up(actor, service, role)

    def _came_up(self, actor: Actor, service: Service, role: Role) -> None:
        """The end of what follows when the VMs of a role run."""
        service.save()
        if service.all_roles("RUNNING"):
            self.watch(service)
        if service.emptied(role):
            self.undeploy(actor, service.oid)

    def _failed(self, service: Service, role: Role, state: str) -> None:
        self.forget(service.oid)
        service.state = role.state = state
        service.save()

    def _held(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        role.state = "HOLD"
        if service.all_roles("HOLD") and service.state != "HOLD":
            service.state = "HOLD"
        elif service.straight:
            service.actor = actor
            self._deploy_roles(service, service.to_hold(), "DEPLOYING", self._deployed)
        service.save()

    def release(self, actor: Actor, oid: int) -> None:
        """Raises Denied."""
        service = self.service(actor, oid)
        roles = service.to_release()
        if not roles:
            raise Denied("Service has no roles in HOLD")
        why = self._release_roles(service, roles)
        self._end(service, "FAILED_DEPLOYING" if why else "DEPLOYING")
        if why:
            raise Denied(why)

    def _release_roles(self, service: Service, roles: Iterable[Role]) -> str:
        for role in roles:
            try:
                vms = role.release(service.actor)
            except Undone as error:
                role.state = "FAILED_DEPLOYING"
                return f"Error releasing role {role.name}: {error}"
            role.state = "DEPLOYING"
            self.wait_for(service, role, self._running(service), vms, self._released)
        return ""

    def _released(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        if failed:
            return self._failed(service, role, "FAILED_DEPLOYING")
        role.state = "RUNNING"
        if service.all_roles("RUNNING"):
            service.state = "RUNNING"
        elif service.straight:
            service.actor = actor
            self._release_roles(service, service.to_release())
        return self._came_up(actor, service, role)

    # -------------------------------------------------------- the end

    def undeploy(self, actor: Actor, oid: int, anyway: bool = False) -> None:
        """Raises Denied."""
        service = self.service(actor, oid)
        ends = service.state == "UNDEPLOYING" or not (service.passing or service.failed or service.state == "DONE")
        if not ends and not anyway:
            raise Denied(f"Service cannot be undeployed in state: {service.state}")
        self.watched.pop(oid, None)
        roles = service.to_shut_down()
        if not roles:
            service.delete()
            return
        why = self._shut_down(service, roles, self._gone)
        self._end(service, "FAILED_UNDEPLOYING" if why else "UNDEPLOYING")
        if why:
            raise Denied(why)

    def _shut_down(self, service: Service, roles: Iterable[Role], then: Any, state: str = "UNDEPLOYING") -> str:
        for role in roles:
            try:
                vms = role.shut_down(service.actor)
            except Undone as error:
                role.state = f"FAILED_{state}"
                return f"Error undeploying role {role.name}: {error}"
            role.state = state
            self.wait_for(service, role, self._reached("DONE"), vms, then)
        return ""

    def _gone(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        role.forget(set(vms) - failed)
        if failed:
            return self._failed(service, role, "FAILED_UNDEPLOYING")
        role.state = "DONE"
        service.actor = actor
        if service.all_roles("DONE"):  # which is not written down: the last role is shown as it was
            service.delete_networks()
            return self._undeploy_networks(self.service(actor, service.oid))
        if service.straight:
            self._shut_down(service, service.to_shut_down(), self._gone)
        return service.save()

    def _undeploy_networks(self, service: Service) -> None:
        self._end(service, "UNDEPLOYING_NETS")
        networks = service.networks(made_only=True)
        self.wait_for(service, None, self._networks_gone, networks, self._networks_went)

    def _networks_went(self, actor: Actor, service: Service, failed: set[int]) -> None:
        service.delete()

    # -------------------------------------------------------- scaling

    def scale(self, actor: Actor, oid: int, name: Any, cardinality: int, force: Any) -> None:
        """Raises Denied; Slip when nothing says whether it is forced."""
        service = self.service(actor, oid)
        if service.state != "RUNNING":
            raise Denied(f"Service cannot be scaled in state: {service.state}")
        self.watched.pop(oid, None)
        role = service.roles.get(name)
        if role is None:
            raise Denied(f"Role {name} not found")
        if not isinstance(force, (bool, int, float)):
            raise Slip("unexpected token at '}'")
        way = cardinality - role.cardinality
        try:
            role.scale_to(cardinality, force is True)
        except Denied as error:
            self.watch(service)
            raise Denied(f"Can't scale service {oid}: {error.message}") from None
        if way == 0:
            raise Denied(f"Cardinality of {name} is already at {cardinality}")
        self._scale_role(service, role, way)

    def _scale_role(self, service: Service, role: Role, way: int) -> None:
        role.body["scale_way"] = UP if way > 0 else DOWN
        if way > 0:
            service.actor = documents.owner_of(self.cloud, service.document)
            why = self._deploy_roles(service, [role], "SCALING", self._scaled)
        else:
            why = self._shut_down(service, [role], self._scaled, "SCALING")
        self._end(service, "FAILED_SCALING" if why else "SCALING")
        if why:
            raise Denied(why)

    def _scaled(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        if role.body.get("scale_way") == DOWN:
            role.forget(set(vms) - failed)
        if failed:
            return self._failed(service, role, "FAILED_SCALING")
        service.state = role.state = "COOLDOWN"
        role.body.pop("scale_way", None)
        service.save()
        end = self.cloud.events.now() + float(role.body.get("cooldown") or 0)
        self.cloud.events.at(end, self.advance)
        service.actor = actor
        self.wait_for(service, role, lambda dummy: set() if self.cloud.events.now() >= end else None, [], self._cool)
        return None

    def _cool(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        service.state = role.state = "RUNNING"
        service.save()
        self.watch(service)
        if service.emptied(role):
            self.undeploy(actor, service.oid)

    def _scale_round(self) -> None:
        """Event: what elasticity and scheduled policies ask for."""
        self.cloud.events.again(self.settings.interval, self._scale_round)
        admin = documents.administrator(self.cloud)
        for document in documents.pool(admin, SERVICE):
            service = self._scalable(admin, document.oid)
            for name in list(service.roles) if service is not None else []:
                self._scale_by_policies(admin, document.oid, name)

    def _scalable(self, admin: Actor, oid: int) -> Service | None:
        """A service that runs; None for others, and for documents of that type that somebody made without OneFlow."""
        try:
            service = self.service(admin, oid)
            return service if service.state == "RUNNING" else None
        except (AttributeError, LookupError, TypeError, ValueError):
            return None

    def _scale_by_policies(self, admin: Actor, oid: int, name: str) -> None:
        service = self.service(admin, oid)
        if service.state != "RUNNING" or service.roles[name].is_router:
            return
        role = service.roles[name]
        change, cooldown = scaling.change(self.cloud, role, self.settings.cooldown)
        if change and cooldown is not None:
            role.body["cooldown"] = cooldown
        service.save()
        if change:
            try:
                self.scale(admin, oid, name, role.cardinality + change, force=False)
            except Denied:
                return

    # -------------------------------------------------------- roles that come and go

    def add_role(self, actor: Actor, oid: int, given: dict) -> None:
        """Raises Denied."""
        service = self._for_roles(actor, oid)
        if given["name"] in service.roles:
            raise Denied(f"Role {given['name']} already exists")
        service.body["roles"].append({"state": 0, **given})
        service.fill_contents()
        service.read_roles()
        service.save()
        self.watched.pop(oid, None)
        why = self._deploy_roles(service, [service.roles[given["name"]]], "DEPLOYING", self._added)
        self._end(service, "FAILED_DEPLOYING" if why else "DEPLOYING")
        if why:
            raise Denied(why)

    def _for_roles(self, actor: Actor, oid: int) -> Service:
        service = self.service(actor, oid)
        if service.state != "RUNNING":
            raise Denied(f"Cannot modify roles in state: {service.state}")
        return service

    def _added(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        if failed:
            return self._failed(service, role, "FAILED_DEPLOYING")
        service.state = role.state = "RUNNING"
        service.save()
        return self.watch(service) if service.all_roles("RUNNING") else None

    def remove_role(self, actor: Actor, oid: int, name: Any) -> None:
        """Raises Denied."""
        service = self._for_roles(actor, oid)
        if name not in service.roles:
            raise Denied(f"Role {'' if name is None else name} does not exist")
        self.watched.pop(oid, None)
        why = self._shut_down(service, [service.roles[name]], self._removed)
        self._end(service, "FAILED_UNDEPLOYING" if why else "UNDEPLOYING")
        if why:
            raise Denied(why)

    def _removed(self, actor: Actor, service: Service, role: Role, failed: set[int], vms: list[int]) -> None:
        if failed:
            role.forget(set(vms) - failed)
            return self._failed(service, role, "FAILED_UNDEPLOYING")
        service.body["roles"] = [each for each in service.body["roles"] if each["name"] != role.name]
        service.read_roles()
        if service.all_roles("DONE"):
            service.actor = actor
            service.delete_networks()
            return service.delete()
        self._end(service, "RUNNING")
        return self.watch(service) if service.all_roles("RUNNING") else None

    # -------------------------------------------------------- recovery

    def recover(self, actor: Actor, oid: int, delete: bool) -> None:
        """Raises Denied."""
        service = self.service(actor, oid)
        self.forget(oid)
        if delete:
            self.undeploy(actor, oid, anyway=True)
            return
        way = next((way for way, states in RECOVERIES.items() if service.state in states), "")
        if not way:
            raise Denied(f"Service cannot be recovered in state: {service.state}")
        self._recover(service, way)
        service.save()

    def _recover(self, service: Service, way: str) -> None:
        if way == "networks":
            networks = service.networks(made_only=False)
            self.wait_for(service, None, self._networks_ready, networks, self._networks_came)
        elif way == "no networks":
            networks = service.networks(made_only=True)
            self.wait_for(service, None, self._networks_gone, networks, self._networks_went)
        elif way == "end cooldown":
            service.state = "RUNNING"
            for role in service.roles.values():
                role.state = "RUNNING"
        else:
            for role in service.roles.values():
                self._recover_role(service, role, way)

    def _recover_role(self, service: Service, role: Role, way: str) -> None:
        up = way == "again" or role.body.get("scale_way") == UP
        then = {"again": self._deployed, "undeploy": self._gone, "scale": self._scaled}[way]
        if not self._recoverable(service, role, way):
            return
        if way == "scale":
            service.actor = documents.owner_of(self.cloud, service.document)
        try:
            vms = role.deploy_again(service.actor) if up else role.shut_down(service.actor, again=True)
        except Undone as error:
            if up:
                return  # it stays as it is, and the log says why
            raise Denied(str(error)) from None
        self.wait_for(service, role, self._running(service) if up else self._reached("DONE"), vms, then)

    def _recoverable(self, service: Service, role: Role, way: str) -> bool:
        if way == "scale":
            return role.state in RECOVERIES["scale"]
        if way == "undeploy":
            children = [each for each in service.roles.values() if role.name in each.parents]
            return role.state in ("FAILED_UNDEPLOYING", "UNDEPLOYING") or all(each.state == "DONE" for each in children)
        if role.state == "PENDING":
            return all(service.roles[name].state == "RUNNING" for name in role.parents if name in service.roles)
        return role.state in RECOVERIES["again"]

    # -------------------------------------------------------- changes

    def update(self, actor: Actor, oid: int, text: Any, append: bool) -> None:
        """Raises Denied."""
        service = self.service(actor, oid)
        if service.passing or service.failed:
            raise Denied(f"Service cannot be updated in state: {service.state}")
        body = json.loads(text)
        changed = appended(body, service.form) if append else replaced(service, body)
        if changed == "name":
            raise Denied("To change `service/name` use rename operation")
        if changed:
            raise Denied(f"Immutable value: `{changed}` can not be changed")
        documents.store(actor, oid, {**documents.body_of(service.document), **body} if append else body)

    def chown(self, actor: Actor, oid: int, uid: int, gid: int) -> None:
        """Raises Denied; all is as before then."""
        service = self.service(actor, oid)
        before = (service.document.uid, service.document.gid)
        actor.call("one.document.chown", oid, uid, gid)
        if not service.roles:
            raise Slip("undefined method `[]' for nil:NilClass")
        why = next((why for why in (role.chown(actor, uid, gid) for role in service.roles.values()) if why), "")
        if not why:
            return
        service.log("Chown operation failed, will try to rollback all VMs to the old user and group", "E")
        service.save()
        actor.call("one.document.chown", oid, *before)
        for role in service.roles.values():
            role.chown(actor, *before)
        raise Denied(why)

    def on_document(self, actor: Actor, oid: int, do: Callable[[], Any]) -> None:
        """Something that oned does with the document of a service. Raises Denied."""
        self.service(actor, oid)
        do()

    # -------------------------------------------------------- actions on VMs

    def schedule(self, actor: Actor, oid: int, name: str | None, action: Any, given: dict) -> None:
        """Schedules an action on the VMs of a role, or of all (None). Raises Denied."""
        service = self.service(actor, oid)
        if name is not None and name not in service.roles:
            raise Denied(f"Role '{name}' not found")
        for role in service.roles.values() if name is None else [service.roles[name]]:
            why = f"Virtual Router role {role.name} does not support schedule actions" if role.is_router else ""
            why = f"Role {role.name} is in DONE state" if role.state == "DONE" else why
            if why and name is not None:
                raise Denied(why)
            for i, vm in enumerate([] if why else role.vms):
                actor.tries("one.vm.schedadd", vm, self._sched_action(action, i, given))

    def _sched_action(self, action: Any, index: int, given: dict) -> str:
        period, number = (whole_or_zero(given.get(name)) for name in ("period", "number"))
        later = index // number * period if period > 0 and number > 0 else 0
        arguments = f'ARGS="{given["args"]}",' if given.get("args") is not None else ""
        return f"SCHED_ACTION=[ACTION={action},{arguments}TIME={self.cloud.events.time() + later}]"

    def unschedule(self, actor: Actor, oid: int, name: str | None, number: int) -> None:
        """Removes a scheduled action from the VM that has it; that none has it is no failure. Raises Denied."""
        service = self.service(actor, oid)
        if name is not None and name not in service.roles:
            raise Denied(f"Role '{name}' not found")
        for role in service.roles.values() if name is None else [service.roles[name]]:
            for vm in [] if role.is_router else role.vms:
                if scaling.has_sched_action(self.cloud, vm, number):
                    actor.call("one.vm.scheddelete", vm, number)

    # -------------------------------------------------------- the watchdog

    def watch(self, service: Service) -> None:
        """Looks from now on at the VMs of a service that runs."""
        self.watched[service.oid] = {}

    def _look_at_watched(self) -> None:
        for oid, seen in list(self.watched.items()):
            document = self.cloud["DOCUMENT"].get_ro(oid)
            if document is None:
                self.watched.pop(oid)
                continue
            for role in documents.body_of(document).get("roles") or []:
                for node in role.get("nodes") or []:
                    vm = node["deploy_id"]
                    state = vm_state(self.cloud, vm)
                    if seen.get(vm) != state:
                        seen[vm] = state
                        self._noticed(oid, role["name"], vm, state)

    def _noticed(self, oid: int, name: str, vm: int, state: str) -> None:
        service = self.service(documents.administrator(self.cloud), oid)
        role = service.roles.get(name)
        if role is None or vm not in role.vms:
            return
        if state in WARNING_STATES:
            if service.state != "WARNING":
                service.state = "WARNING"
            role.state = "WARNING"
        elif state == "DONE":
            if role.cardinality > 0 and not role.is_router:
                role.set_cardinality(role.cardinality - 1)
            role.forget({vm})
        elif state == "RUNNING":
            role.state = "RUNNING"
            if service.all_roles("RUNNING") and service.state != "RUNNING":
                service.state = "RUNNING"
        else:
            return
        service.save()
        if state in ("DONE", "RUNNING") and service.emptied(role):
            self.undeploy(service.actor, oid)


# ---------------------------------------------------------------- what PUT may change


def fixed(form: Form) -> list[str]:
    return [form.inputs, form.values, *FIXED]


def appended(body: dict, form: Form) -> str:
    return next((f"service/{key}" for key in fixed(form) if body.get(key) is not None), "")


def replaced(service: Service, body: dict) -> str:
    """What the request would change and must not; "name" for that of a role."""
    before = documents.body_of(service.document)
    if len(body["roles"]) != len(before["roles"]):
        return "service/roles size"
    for key in fixed(service.form):
        if body.get(key) != before.get(key):
            return f"service/{key}"
    roles = {role["name"]: role for role in before["roles"]}
    for role in body["roles"]:
        if role["name"] not in roles:
            return "name"
        present = service.roles[role["name"]].body
        for key in (*FIXED_IN_ROLE, service.form.template):
            if role.get(key) != present.get(key):
                return f"role/{key}"
    return ""


def whole_or_zero(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def update_request(text: bytes, form: Form) -> tuple[Any, bool]:
    """The content of PUT /service/ID, and whether it is added. Raises Denied, Slip."""
    given = parsed(text)
    if not isinstance(given, dict):
        raise Slip("undefined method `key?' for nil:NilClass")
    if "append" not in given:
        validator.validate(given, form)
        return text, False
    if "template" not in given:
        raise invalid("Missing template to append")
    body, append = parsed(given["template"]), bool(given["append"])
    if not append:
        validator.validate(body, form)
    return given["template"], append
