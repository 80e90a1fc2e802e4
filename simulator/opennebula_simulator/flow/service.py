# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A service and its roles: what OneFlow keeps of them, and what it asks oned for them."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from typing import Any

from ..families import lifecycle
from . import documents
from .documents import Actor
from .errors import Denied, Slip
from .form import fill_text, form_of
from .merge import merged, of_template, raw, whole

STATES = (
    "PENDING DEPLOYING RUNNING UNDEPLOYING WARNING DONE FAILED_UNDEPLOYING FAILED_DEPLOYING SCALING FAILED_SCALING"
    " COOLDOWN DEPLOYING_NETS UNDEPLOYING_NETS FAILED_DEPLOYING_NETS FAILED_UNDEPLOYING_NETS HOLD"
).split()
ROLE_STATES = [*STATES[:11], "HOLD"]
TRANSIENT = {"DEPLOYING", "UNDEPLOYING", "SCALING", "COOLDOWN", "DEPLOYING_NETS", "UNDEPLOYING_NETS"}
LOG_LINES = 50
VM_ATTRIBUTES = ("ID", "UID", "GID", "UNAME", "GNAME", "NAME")
FAILED_LCM = {lifecycle.LCM_NAMES[number] for number in lifecycle.FAILURES}
AT_REST = ("STOPPED", "SUSPENDED", "POWEROFF", "UNDEPLOYED")


class Undone(Exception):
    """A role could not be deployed, undeployed or released; the text says why."""


def vm_state(cloud: Any, oid: int) -> str:
    """The state of a VM by name, that of its life cycle while it is ACTIVE; empty when there is no such VM."""
    vm = cloud["VM"].get_ro(oid)
    return "" if vm is None else lifecycle.state_name(vm)


class Role:
    """One role; `body` is its part of the service's content, changed in place."""

    def __init__(self, service: Service, body: dict, cooldown: int) -> None:
        self.service = service
        self.body = body
        if body.get("nodes") is None:
            body["nodes"] = []
        if body.get("on_hold") is None:
            body["on_hold"] = False
        if body.get("state") is None:
            body["state"] = 0
        if not self.is_router and body.get("cooldown") is None:
            body["cooldown"] = cooldown

    @property
    def name(self) -> str:
        return self.body["name"]

    @property
    def is_router(self) -> bool:
        return not self.service.form.old and self.body.get("type", "vm") == "vr"

    @property
    def state(self) -> str:
        return ROLE_STATES[self.body["state"]]

    @state.setter
    def state(self, name: str) -> None:
        self.body["state"] = ROLE_STATES.index(name)
        for policy in (self.body.get("elasticity_policies") or []) if name == "SCALING" else []:
            policy.pop("true_evals", None)

    @property
    def parents(self) -> list[str]:
        return self.body.get("parents") or []

    @property
    def vms(self) -> list[int]:
        return [node["deploy_id"] for node in self.body["nodes"]]

    @property
    def cardinality(self) -> int:
        return int(self.body.get("cardinality") or 0)

    def set_cardinality(self, number: int) -> None:
        way = "up" if number > self.cardinality else "down"
        self.service.log(f"Role {self.name} scaling {way} from {self.cardinality} to {number} nodes")
        self.body["cardinality"] = number

    def scale_to(self, number: int, force: bool) -> None:
        """Raises Denied for what the limits forbid, unless forced."""
        if self.is_router:
            raise Denied(f"Virtual Router role {self.name} does not support cardinality update")
        least, most = self.body.get("min_vms"), self.body.get("max_vms")
        if not force and number < int(least or 0):
            raise Denied(f"Minimum cardinality is {least}")
        if not force and most is not None and number > int(most):
            raise Denied(f"Maximum cardinality is {most}")
        self.set_cardinality(number)

    def forget(self, vms: Any) -> None:
        self.body["nodes"] = [node for node in self.body["nodes"] if node["deploy_id"] not in vms]

    # -------------------------------------------------------- deployment

    def deploy(self, actor: Actor) -> list[int]:
        """Creates the VMs that are missing, and returns them. Raises Undone."""
        missing = self.cardinality - len(self.body["nodes"])
        if missing == 0:
            return []
        return (self._deploy_router if self.is_router else self._deploy_vms)(actor, missing)

    def _extra(self, actor: Actor) -> str:
        """What is laid over the VM template, as text. Raises Undone."""
        self.body.setdefault("last_vmname", 0)
        if self.service.form.old:
            added = raw({"SERVICE_ID": self.service.oid, "ROLE_NAME": self.name})
            return self._with_parents(actor.cloud, f"{self.body.get(self.service.form.contents) or ''}\n{added}")
        number, contents = self.body["template_id"], dict(self.body.get("template_contents") or {})
        if contents:
            why = actor.tries("one.template.info", number)
            if why:
                self.service.log(f"Role {self.name} : Info template {number}; {why}", "E")
                where = f"instantiate template {number} in Role {self.name}"
                raise Undone(f"Error fetching Info to {where}: {why}")
            contents = merged(of_template(actor.cloud["TEMPLATE"].get_ro(number).template), contents, add_lists=False)
        return self._with_parents(
            actor.cloud, raw({**contents, "SERVICE_ID": self.service.oid, "ROLE_NAME": self.name})
        )

    def _with_parents(self, cloud: Any, text: str) -> str:
        """Puts in what ${PARENT.ATTRIBUTE} stands for: an attribute of a parent's VM, else nothing."""
        return re.sub(r"\$\{(.*?)\}", lambda found: self._of_parent(cloud, *found[1].split(".")), text)

    def _of_parent(self, cloud: Any, parent: str, *path: str) -> str:
        if parent not in self.parents or not path or parent not in self.service.roles:
            return ""
        for oid in self.service.roles[parent].vms:
            vm = cloud["VM"].get_ro(oid)
            found = None if vm is None else ET.fromstring(vm.xml()).findtext(".//" + "/".join(path).upper())
            if found:
                return found
        return ""

    def _deploy_vms(self, actor: Actor, missing: int) -> list[int]:
        number, extra, made = self.body[self.service.form.template], self._extra(actor), []
        for dummy in range(missing):
            name = f"{self.name}_{self.body['last_vmname']}_(service_{self.service.oid})"
            self.body["last_vmname"] += 1
            try:
                made.append(actor.call("one.template.instantiate", number, name, self.body["on_hold"] is True, extra))
            except Denied as error:
                self.service.log(f"Role {self.name} : Instantiate failed for template {number}; {error.message}", "E")
                where = f"VM Template {number} in Role {self.name}"
                raise Undone(f"Error instantiating {where}: {error.message}") from None
            self.add_node(actor.cloud, made[-1])
        return made

    def _deploy_router(self, actor: Actor, missing: int) -> list[int]:
        name, number = self.name, self.body["template_id"]
        self.body.setdefault("template_contents", {})["NAME"] = f"{name}(service_{self.service.oid})"
        extra, hold = self._extra(actor), self.body["on_hold"] is True
        what, doing, about = "Allocate", "allocating", number
        try:
            about = router = actor.call("one.vrouter.allocate", extra)
            what, doing, vms = "Instantiate", "instantiating", f"{name}_%i_(service_{self.service.oid})"
            actor.call("one.vrouter.instantiate", router, missing, number, vms, hold, extra)
        except Denied as error:
            self.service.log(f"Role {name} : {what} failed for Vrouter {about}; {error.message}", "E")
            raise Undone(f"Error {doing} Vrouter {about} in Role {name}: {error.message}") from None
        found = actor.cloud["VROUTER"].get_ro(router)
        for oid in sorted(found.vms):
            self.add_node(actor.cloud, oid)
        nics = [nic for nic in found.template.vectors("NIC") if "VROUTER_IP" in nic]
        shown = [{"NETWORK_ID": int(nic["NETWORK_ID"]), "VROUTER_IP": nic["VROUTER_IP"]} for nic in nics]
        self.body.update(vrouter_id=router, vrouter_ips=shown)
        return sorted(found.vms)

    def add_node(self, cloud: Any, oid: int) -> None:
        vm = cloud["VM"].get_ro(oid)
        shown = dict(zip(VM_ATTRIBUTES, (vm.oid, vm.uid, vm.gid, vm.uname, vm.gname, vm.name), strict=True))
        texts = {name: str(value) for name, value in shown.items()}
        self.body["nodes"].append({"deploy_id": oid, "vm_info": {"VM": texts}})

    # -------------------------------------------------------- the end of VMs

    def shut_down(self, actor: Actor, again: bool = False) -> list[int]:
        """Terminates the VMs above the cardinality, or all if there are none above it. Raises Undone."""
        nodes, above = self.vms, len(self.vms) - self.cardinality
        chosen = nodes[:above] if above else nodes
        if self.is_router:
            return self._delete_router(actor)
        ended = [oid for oid in chosen if self._terminate(actor, oid, again)]
        if above >= 0 and len(ended) != len(chosen):
            raise Undone(f"Error undeploying nodes for role `{self.name}`")
        return ended

    def _terminate(self, actor: Actor, oid: int, again: bool) -> bool:
        chosen = self.body.get("shutdown_action") or self.service.body.get("shutdown_action") or "terminate"
        hard = chosen == "terminate-hard"
        if again and vm_state(actor.cloud, oid) in FAILED_LCM:
            why = actor.tries("one.vm.recover", oid, RETRY)
        else:
            why = actor.tries("one.vm.action", "terminate-hard" if hard else "terminate", oid)
        if not why:
            return True
        words = f"Role {self.name} : Terminate failed for VM {oid}, will perform a Delete; {why}"
        self.service.log(words, "E")
        if not hard:
            why = actor.tries("one.vm.action", "terminate-hard", oid)
        if why:
            why = actor.tries("one.vm.recover", oid, DELETE)
        if why:
            self.service.log(f"Role {self.name} : Delete failed for VM {oid}; {why}", "E")
        return not why

    def _delete_router(self, actor: Actor) -> list[int]:
        oid = self.body.get("vrouter_id")
        router = None if oid is None else actor.cloud["VROUTER"].get_ro(oid)
        if router is None:
            return []
        vms = sorted(router.vms)
        why = actor.tries("one.vrouter.delete", oid)
        if why:
            self.service.log(f"Role {self.name} : Delete failed for VR {oid}: {why}", "E")
            raise Undone(f"Error undeploying nodes for role `{self.name}`")
        return vms

    # -------------------------------------------------------- other operations

    def release(self, actor: Actor) -> list[int]:
        """Lets the VMs run that are on hold. Raises Undone."""
        released = []
        for oid in self.vms:
            why = actor.tries("one.vm.action", "release", oid)
            if why:
                self.service.log(f"Role {self.name}: Release failed for VM {oid}, {why}", "E")
            else:
                released.append(oid)
        if len(released) != len(self.vms):
            raise Undone("false")
        return released

    def deploy_again(self, actor: Actor) -> list[int]:
        """Retries the VMs that failed, resumes others that do not run, creates the missing ones. Raises Undone."""
        waited = []
        for oid in self.vms:
            state = vm_state(actor.cloud, oid)
            if state == "RUNNING" and not self.service.gated:
                continue
            if state in FAILED_LCM:
                why = actor.tries("one.vm.recover", oid, RETRY)
                if why:
                    self.service.log(f"Role {self.name} : Retry failed for VM {oid}; {why}", "E")
                    continue
            elif state not in ("", "DONE"):
                actor.tries("one.vm.action", "resume", oid)
            waited.append(oid)
        return waited + self.deploy(actor)

    def chown(self, actor: Actor, uid: int, gid: int) -> str:
        """Why it was refused; empty when it was not."""
        targets = [("one.vm.chown", oid, "VM") for oid in self.vms]
        if self.is_router:
            targets = [("one.vrouter.chown", self.body.get("vrouter_id", -1), "VR")]
        for method, oid, what in targets:
            why = actor.tries(method, oid, uid, gid)
            if why:
                self.service.log(f"Role {self.name} : Chown failed for {what} {oid}; {why}", "E")
                return why
        return ""


RETRY, DELETE = 2, 3  # operations of one.vm.recover


class Service:
    """One service, read for a user who acts on it; `save` writes it back."""

    def __init__(self, actor: Actor, oid: int, cooldown: int) -> None:
        document = documents.read(actor, oid, documents.SERVICE)
        self.actor = actor
        self.oid = oid
        self.form = form_of(actor.cloud)
        self.cooldown = cooldown
        self.document = document
        self.body: dict = documents.body_of(document)
        self.roles: dict[str, Role] = {}
        self.read_roles()

    def read_roles(self) -> None:
        self.roles = {role["name"]: Role(self, role, self.cooldown) for role in self.body.get("roles") or []}

    @property
    def state(self) -> str:
        return STATES[self.body["state"]]

    @state.setter
    def state(self, name: str) -> None:
        self.body["state"] = STATES.index(name)
        self.log(f"New state: {name}")

    @property
    def passing(self) -> bool:
        return self.state in TRANSIENT

    @property
    def failed(self) -> bool:
        return self.state.startswith("FAILED")

    @property
    def gated(self) -> bool:
        """Whether VMs have to say that they are ready."""
        return bool(self.body.get("ready_status_gate"))

    @property
    def straight(self) -> bool:
        return self.body.get("deployment") == "straight"

    def log(self, message: str, severity: str = "I") -> None:
        line = {"timestamp": self.actor.cloud.events.time(), "severity": severity, "message": message}
        self.body["log"] = [*(self.body.get("log") or []), line][-LOG_LINES:]

    def all_roles(self, state: str) -> bool:
        return all(role.state == state for role in self.roles.values())

    def save(self) -> None:
        """Writes the service down; that the user may not do that is not told, as by the server."""
        with suppress(Denied):
            documents.store(self.actor, self.oid, self.body)

    def delete(self) -> None:
        documents.delete(self.actor, self.oid, documents.SERVICE)

    def emptied(self, role: Role) -> bool:
        """Whether the service goes since its last VM went."""
        return bool(self.body.get("automatic_deletion")) and not any(each.vms for each in self.roles.values())

    # -------------------------------------------------------- which roles come next

    def to_deploy(self) -> list[Role]:
        if not self.straight:
            return [role for role in self.roles.values() if role.state in ("PENDING", "SCALING")]
        return self._after_parents("PENDING", "RUNNING")

    def to_hold(self) -> list[Role]:
        if not self.straight:
            return [role for role in self.roles.values() if role.state == "PENDING"]
        return self._after_parents("PENDING", "HOLD")

    def to_release(self) -> list[Role]:
        if not self.straight:
            return [role for role in self.roles.values() if role.state == "HOLD"]
        return self._after_parents("HOLD", "RUNNING")

    def to_shut_down(self) -> list[Role]:
        left = ("UNDEPLOYING", "DONE", "FAILED_UNDEPLOYING")
        waiting = [role for role in self.roles.values() if role.state not in left]
        if not self.straight:
            return waiting
        parents = {parent for role in self.roles.values() if role.state != "DONE" for parent in role.parents}
        return [role for role in waiting if role.name not in parents]

    def _after_parents(self, state: str, of_parents: str) -> list[Role]:
        there = {role.name for role in self.roles.values() if role.state == of_parents}
        return [role for role in self.roles.values() if role.state == state and set(role.parents) <= there]

    # -------------------------------------------------------- networks and contents

    def networks(self, made_only: bool) -> list[int]:
        """IDs; of networks that are yet to be made if `made_only`. Raises Slip for one that could not be reserved."""
        pairs = [net for item in self.body.get("networks_values") or [] for net in item.values()]
        if any(net.get("id") is False for net in pairs):
            raise Slip("undefined method `to_i' for false:FalseClass")
        return [whole(net.get("id")) for net in pairs if not made_only or "id" not in net]

    def create_networks(self) -> None:
        """Instantiates network templates and reserves leases. Raises Denied; then none of them is remembered."""
        values = copy.deepcopy(self.body.get("networks_values") or [])
        for item in values:
            for name, net in item.items():
                if "id" not in net:
                    net["id"] = self._network(f"{name}-{self.oid}", net)
        if values:
            self.body["networks_values"] = values

    def _network(self, name: str, net: dict) -> Any:
        if "template_id" in net:
            extra = net.get("extra") or ""
            return self.actor.call("one.vntemplate.instantiate", whole(net["template_id"]), name, extra)
        if "reserve_from" not in net or not net.get("extra"):
            return False
        net["extra"] += f'\nNAME="{name}"\n'
        return self.actor.call("one.vn.reserve", whole(net["reserve_from"]), net["extra"])

    def delete_networks(self) -> None:
        for item in self.body.get("networks_values") or []:
            for net in item.values():
                if "template_id" in net or "reserve_from" in net:
                    self.actor.tries("one.vn.delete", whole(net.get("id")))

    def fill_contents(self) -> None:
        """The contents of the roles get the ids of networks and the values of user inputs."""
        values = {name: net.get("id") for item in self.body.get("networks_values") or [] for name, net in item.items()}
        if self.form.old:
            fill_text(self.body, values)
            return
        for role in self.body["roles"]:
            contents = role["template_contents"] = role.get("template_contents") or {}
            for nic in contents.get("NIC") or []:
                found = re.search(r"\$(\w+)", nic["NETWORK_ID"]) if isinstance(nic.get("NETWORK_ID"), str) else None
                if found and found[1] in values:
                    nic["NETWORK_ID"] = values[found[1]]
            inputs = merged(self.body.get("user_inputs_values") or {}, role.get("user_inputs_values") or {})
            if inputs:
                contents.update(inputs)
                contents["CONTEXT"] = {**(contents.get("CONTEXT") or {}), **{key: f"${key}" for key in inputs}}
